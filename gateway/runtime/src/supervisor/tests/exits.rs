//! Restart types, reasons, and the ways in which a child can end.

use super::*;
use crate::supervisor::{EventKind, Events};

async fn restarts_after(restart: Restart, fate: Fate) -> usize {
    let lab = Lab::default();
    let supervisor = Supervisor::new("one", Strategy::OneForOne).child(lab.child("a").restart(restart));
    let running = Running::new(supervisor).await;
    lab.decide("a", fate).await;
    let starts = lab.taken().iter().filter(|line| *line == "start a").count();
    running.stop().await.unwrap();
    starts - 1
}

#[tokio::test(start_paused = true)]
async fn permanent_children_are_always_restarted() {
    for fate in [Fate::Return, Fate::Fail, Fate::Panic] {
        assert_eq!(restarts_after(Restart::Permanent, fate).await, 1, "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn transient_children_are_restarted_after_an_abnormal_end_only() {
    assert_eq!(restarts_after(Restart::Transient, Fate::Return).await, 0);
    assert_eq!(restarts_after(Restart::Transient, Fate::Fail).await, 1);
    assert_eq!(restarts_after(Restart::Transient, Fate::Panic).await, 1);
}

#[tokio::test(start_paused = true)]
async fn temporary_children_are_never_restarted() {
    for fate in [Fate::Return, Fate::Fail, Fate::Panic] {
        assert_eq!(restarts_after(Restart::Temporary, fate).await, 0, "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_reported_with_its_message_and_place() {
    let lab = Lab::default();
    let running = Running::new(three(&lab, Strategy::OneForOne)).await;
    lab.decide("a", Fate::Panic).await;
    let reason = running.handle.child("a").unwrap().last_reason.unwrap();
    assert!(
        reason.starts_with("panicked at ") && reason.contains("tests.rs:"),
        "{reason}"
    );
    assert!(reason.ends_with(": out of luck"), "{reason}");
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_is_told_of_each_failure_before_the_restart() {
    let lab = Lab::default();
    let told = lab.clone();
    let supervisor = three(&lab, Strategy::OneForOne)
        .on_failure(move |child, exit| told.note(format!("{child} failed: {exit}")));
    let running = Running::new(supervisor).await;
    lab.taken();
    lab.decide("b", Fate::Fail).await;
    running.stop().await.unwrap();
    let lines = lab.taken();
    assert_eq!(lines[..2], ["b failed: no luck", "start b"], "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.contains("a failed")),
        "a stop is no failure: {lines:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_panics_is_an_exit_like_any_other() {
    let bad = ChildSpec::new("bad", |context: Context| {
        assert!(context.name().is_empty(), "cannot even begin");
        async { Ok(()) }
    });
    let running = Running::new(
        Supervisor::new("one", Strategy::OneForOne)
            .intensity(0, Duration::from_secs(1))
            .child(bad.backoff(Backoff::NONE)),
    )
    .await;
    let error = running.task.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("cannot even begin"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_error_is_reported_with_its_causes() {
    let failing = ChildSpec::new("f", |_| async {
        let cause = std::io::Error::other("the disk is full");
        Err(Box::new(Wrapped(cause)) as crate::BoxError)
    });
    let running = Running::new(Supervisor::new("one", Strategy::OneForOne).child(failing)).await;
    let reason = running.handle.child("f").unwrap().last_reason;
    assert_eq!(reason.as_deref(), Some("can't write: the disk is full"));
    running.stop().await.unwrap();
}

#[derive(Debug)]
struct Wrapped(std::io::Error);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("can't write")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn the_tree_shows_names_kinds_states_restarts_reasons_and_uptimes() {
    let lab = Lab::default();
    let inner = Supervisor::new("inner", Strategy::OneForOne).child(lab.child("leaf"));
    let running = Running::new(three(&lab, Strategy::OneForOne).child(inner)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    lab.decide("b", Fate::Fail).await;
    let tree = running.handle.tree(10);
    assert_eq!(tree.child_count, 4);
    let names: Vec<_> = tree
        .children
        .iter()
        .map(|node| node.child.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "c", "inner"]);
    let failed = &tree.children[1].child;
    assert_eq!(
        (failed.restarts, failed.last_reason.as_deref()),
        (1, Some("no luck"))
    );
    assert!(
        failed.uptime < Duration::from_secs(1) && tree.children[0].child.uptime >= Duration::from_secs(5)
    );
    assert_eq!(tree.children[3].children[0].child.name, "leaf");
    let cut = running.handle.tree(2);
    assert_eq!(
        (cut.child_count, cut.children.len()),
        (4, 2),
        "a view is bounded, the count is not"
    );
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_event_stream_tells_every_step_of_a_restart() {
    let lab = Lab::default();
    let events = Events::new(64);
    let mut stream = events.subscribe();
    let running = Running::new(
        Supervisor::new("one", Strategy::OneForOne)
            .events(&events)
            .child(lab.child("a")),
    )
    .await;
    lab.decide("a", Fate::Fail).await;
    running.stop().await.unwrap();
    let mut kinds = Vec::new();
    while let Ok(event) = stream.try_recv() {
        assert_eq!((&*event.supervisor, &*event.child), ("one", "a"));
        kinds.push(event.kind);
    }
    assert_eq!(
        kinds,
        [
            EventKind::Started,
            EventKind::Exited("no luck".into()),
            EventKind::Restarting(Duration::ZERO),
            EventKind::Started,
            EventKind::Stopped,
        ]
    );
}
