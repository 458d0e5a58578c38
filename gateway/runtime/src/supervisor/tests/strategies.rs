//! The three strategies, and what happens when exits overlap.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_for_one_restarts_only_the_child_that_failed() {
    let lab = Lab::default();
    let running = Running::new(three(&lab, Strategy::OneForOne)).await;
    lab.taken();
    lab.decide("b", Fate::Panic).await;
    assert_eq!(lab.taken(), ["start b"]);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_for_all_stops_the_others_in_reverse_and_starts_all_in_order() {
    let lab = Lab::default();
    let running = Running::new(three(&lab, Strategy::OneForAll)).await;
    lab.taken();
    lab.decide("b", Fate::Fail).await;
    assert_eq!(lab.taken(), ["stop c", "stop a", "start a", "start b", "start c"]);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_the_child_and_those_started_after_it() {
    let lab = Lab::default();
    let running = Running::new(three(&lab, Strategy::RestForOne)).await;
    lab.taken();
    lab.decide("b", Fate::Fail).await;
    assert_eq!(lab.taken(), ["stop c", "start b", "start c"]);
    lab.decide("a", Fate::Fail).await;
    assert_eq!(lab.taken(), ["stop c", "stop b", "start a", "start b", "start c"]);
    running.stop().await.unwrap();
}

fn waiting(lab: &Lab, name: &str, wait: Duration) -> ChildSpec {
    lab.child(name).backoff(Backoff {
        min: wait,
        max: wait,
        jitter: 0.0,
        healthy_after: Duration::from_secs(60),
    })
}

#[tokio::test(start_paused = true)]
async fn a_sibling_that_fails_while_a_group_waits_for_its_restart_widens_the_group() {
    let lab = Lab::default();
    let wait = Duration::from_secs(10);
    let supervisor = Supervisor::new("group", Strategy::RestForOne)
        .intensity(10, Duration::from_secs(100))
        .child(waiting(&lab, "a", wait))
        .child(waiting(&lab, "b", wait))
        .child(waiting(&lab, "c", wait));
    let running = Running::new(supervisor).await;
    lab.taken();
    lab.decide("b", Fate::Fail).await;
    assert_eq!(lab.taken(), ["stop c"]);
    tokio::time::sleep(Duration::from_secs(5)).await;
    lab.decide("a", Fate::Fail).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(
        lab.taken(),
        Vec::<String>::new(),
        "the wider group waits from the later failure on"
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(lab.taken(), ["start a", "start b", "start c"]);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sibling_that_ends_while_it_is_stopped_for_the_group_is_started_once() {
    let lab = Lab::default();
    let running = Running::new(three(&lab, Strategy::OneForAll)).await;
    lab.taken();
    // Both fail before the supervisor has looked at either.
    for name in ["a", "c"] {
        lock(&lab.fates)[name].send(Fate::Fail).unwrap();
    }
    settle().await;
    let log = lab.taken();
    assert_eq!(log.iter().filter(|line| *line == "start a").count(), 1, "{log:?}");
    assert_eq!(log.iter().filter(|line| *line == "start c").count(), 1, "{log:?}");
    assert_eq!(
        running.handle.restarts(),
        1,
        "the second exit was part of the first restart"
    );
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_during_a_groups_backoff_ends_at_once() {
    let lab = Lab::default();
    let supervisor = Supervisor::new("group", Strategy::OneForAll)
        .child(waiting(&lab, "a", Duration::from_secs(50)))
        .child(lab.child("b"));
    let running = Running::new(supervisor).await;
    lab.decide("a", Fate::Fail).await;
    lab.taken();
    let before = tokio::time::Instant::now();
    running.stop().await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(1));
    assert_eq!(lab.taken(), Vec::<String>::new(), "nothing was running any more");
}

#[tokio::test(start_paused = true)]
async fn temporary_siblings_are_stopped_with_their_group_and_not_started_again() {
    let lab = Lab::default();
    let supervisor = Supervisor::new("group", Strategy::OneForAll)
        .child(lab.child("a"))
        .child(lab.child("guest").restart(Restart::Temporary));
    let running = Running::new(supervisor).await;
    lab.taken();
    lab.decide("a", Fate::Fail).await;
    assert_eq!(lab.taken(), ["stop guest", "start a"]);
    assert_eq!(running.handle.child("guest"), None);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_nested_supervisor_is_restarted_with_its_own_children_and_its_handle_stays_valid() {
    let lab = Lab::default();
    let inner = Supervisor::dynamic("inner");
    let handle = inner.handle();
    let supervisor = Supervisor::new("outer", Strategy::RestForOne)
        .intensity(10, Duration::from_secs(10))
        .child(lab.child("store"))
        .child(inner);
    let running = Running::new(supervisor).await;
    handle.start_child(lab.child("x")).await.unwrap();
    settle().await;
    lab.taken();
    lab.decide("store", Fate::Fail).await;
    assert_eq!(lab.taken(), ["stop x", "start store"]);
    assert_eq!(
        handle.child_count(),
        0,
        "dynamic children are for their starter to bring back"
    );
    handle.start_child(lab.child("x")).await.unwrap();
    settle().await;
    assert_eq!(handle.child("x").unwrap().state, State::Running);
    running.stop().await.unwrap();
    assert!(handle.start_child(lab.child("y")).await.is_err());
}
