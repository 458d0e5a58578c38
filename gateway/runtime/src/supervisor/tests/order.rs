//! Order of start and stop, readiness, deadlines.

use super::*;

#[tokio::test(start_paused = true)]
async fn children_start_in_order_and_stop_in_reverse() {
    let lab = Lab::default();
    let running = Running::new(three(&lab, Strategy::OneForOne)).await;
    assert_eq!(lab.taken(), ["start a", "start b", "start c"]);
    running.stop().await.unwrap();
    assert_eq!(lab.taken(), ["stop c", "stop b", "stop a"]);
}

#[tokio::test(start_paused = true)]
async fn the_next_child_starts_only_when_the_one_before_is_ready() {
    let lab = Lab::default();
    let slow = lab.clone();
    let first = ChildSpec::new("slow", move |context| {
        let lab = slow.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            lab.note("ready slow");
            context.ready();
            context.shutdown.requested().await;
            Ok(())
        }
    });
    let running = Running::new(
        Supervisor::new("ordered", Strategy::RestForOne)
            .child(first.awaits_ready())
            .child(lab.child("b")),
    )
    .await;
    assert_eq!(lab.taken(), Vec::<String>::new());
    assert_eq!(running.state("slow"), Some(State::Starting));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(lab.taken(), ["ready slow", "start b"]);
    assert_eq!(running.state("slow"), Some(State::Running));
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_nested_supervisor_is_ready_when_its_children_are() {
    let lab = Lab::default();
    let slow = lab.clone();
    let listener = ChildSpec::new("listener", move |context| {
        let lab = slow.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            lab.note("listening");
            context.ready();
            context.shutdown.requested().await;
            Ok(())
        }
    });
    let inner = Supervisor::new("inner", Strategy::OneForOne).child(listener.awaits_ready());
    let outer = Supervisor::new("outer", Strategy::RestForOne)
        .child(inner)
        .child(lab.child("watchdog"));
    let running = Running::new(outer).await;
    assert_eq!(
        (running.state("inner"), lab.taken()),
        (Some(State::Starting), vec![])
    );
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(lab.taken(), ["listening", "start watchdog"]);
    assert_eq!(running.state("inner"), Some(State::Running));
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_never_ready_is_killed_and_counts_as_failed() {
    let never = ChildSpec::new("never", |context: Context| async move {
        context.shutdown.requested().await;
        Ok(())
    });
    let supervisor = Supervisor::new("impatient", Strategy::OneForOne)
        .intensity(1, Duration::from_secs(600))
        .child(never.awaits_ready());
    let running = Running::new(supervisor).await;
    let error = running.task.await.unwrap().unwrap_err().to_string();
    assert!(
        error.contains("never: killed: it was not ready within its deadline"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn shutdown_while_a_child_is_not_ready_does_not_wait_for_it() {
    let never = ChildSpec::new("never", |context: Context| async move {
        context.shutdown.requested().await;
        Ok(())
    });
    let running =
        Running::new(Supervisor::new("calm", Strategy::OneForOne).child(never.awaits_ready())).await;
    let before = tokio::time::Instant::now();
    running.stop().await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ignores_shutdown_is_aborted_after_its_deadline_and_the_others_stop_as_they_should() {
    let lab = Lab::default();
    let deaf = ChildSpec::new("deaf", |_| async { std::future::pending().await })
        .stop_within(Duration::from_secs(7));
    let supervisor = Supervisor::new("patient", Strategy::OneForOne)
        .child(lab.child("a"))
        .child(deaf)
        .child(lab.child("c"));
    let running = Running::new(supervisor).await;
    lab.taken();
    let handle = running.handle.clone();
    let before = tokio::time::Instant::now();
    running.stop().await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 7);
    assert_eq!(lab.taken(), ["stop c", "stop a"]);
    let reason = handle.child("deaf").unwrap().last_reason;
    assert_eq!(
        reason.as_deref(),
        Some("killed: it did not stop within its deadline")
    );
}

#[tokio::test(start_paused = true)]
async fn a_dynamic_supervisor_stops_its_children_together() {
    let supervisor = Supervisor::dynamic("many");
    let running = Running::new(supervisor).await;
    for index in 0..50 {
        let deaf = ChildSpec::new(format!("deaf-{index}"), |_| async {
            std::future::pending().await
        });
        running
            .handle
            .start_child(deaf.stop_within(Duration::from_secs(2)))
            .await
            .unwrap();
    }
    let before = tokio::time::Instant::now();
    running.stop().await.unwrap();
    assert_eq!(
        before.elapsed().as_secs(),
        2,
        "fifty deadlines run at the same time"
    );
}

#[tokio::test(start_paused = true)]
async fn a_child_that_fails_while_it_is_being_stopped_is_not_restarted() {
    let lab = Lab::default();
    let noted = lab.clone();
    let sore = ChildSpec::new("sore", move |context: Context| {
        let lab = noted.clone();
        async move {
            lab.note("start sore");
            context.shutdown.requested().await;
            Err("stopping hurts".into())
        }
    });
    let running = Running::new(Supervisor::new("gentle", Strategy::OneForAll).child(sore)).await;
    running.stop().await.unwrap();
    assert_eq!(lab.taken(), ["start sore"]);
}

#[tokio::test(start_paused = true)]
async fn aborting_a_supervisor_leaves_no_orphan() {
    let lab = Lab::default();
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let holder = ChildSpec::new("holder", move |_| {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            std::future::pending().await
        }
    });
    let inner = Supervisor::new("inner", Strategy::OneForOne).child(holder);
    let running = Running::new(
        Supervisor::new("outer", Strategy::OneForOne)
            .child(lab.child("a"))
            .child(inner),
    )
    .await;
    assert_eq!(Arc::strong_count(&alive), 3, "test, factory and running task");
    running.task.abort();
    settle().await;
    assert_eq!(Arc::strong_count(&alive), 1, "no task holds it any more");
}
