//! Restart intensity, escalation and backoff.

use super::*;

fn limited(lab: &Lab, max: u32, seconds: u64) -> Supervisor {
    Supervisor::new("limited", Strategy::OneForOne)
        .intensity(max, Duration::from_secs(seconds))
        .child(lab.child("a"))
        .child(lab.child("b"))
}

#[tokio::test(start_paused = true)]
async fn as_many_restarts_as_allowed_are_made_and_one_more_escalates() {
    let lab = Lab::default();
    let running = Running::new(limited(&lab, 3, 60)).await;
    for _ in 0..3 {
        lab.decide("a", Fate::Fail).await;
    }
    assert!(!running.task.is_finished());
    lab.taken();
    lab.decide("a", Fate::Fail).await;
    assert_eq!(
        lab.taken(),
        ["stop b"],
        "the others are stopped before the supervisor fails"
    );
    let error = running.task.await.unwrap().unwrap_err().to_string();
    assert_eq!(error, "more than 3 restarts within 60s, the last of a: no luck");
}

#[tokio::test(start_paused = true)]
async fn restarts_of_different_children_count_together() {
    let lab = Lab::default();
    let running = Running::new(limited(&lab, 1, 60)).await;
    lab.decide("a", Fate::Fail).await;
    lab.decide("b", Fate::Fail).await;
    assert!(running.task.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_has_left_the_window_no_longer_counts() {
    let lab = Lab::default();
    let running = Running::new(limited(&lab, 1, 10)).await;
    for _ in 0..5 {
        lab.decide("a", Fate::Fail).await;
        tokio::time::sleep(Duration::from_secs(11)).await;
    }
    assert!(!running.task.is_finished());
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_intensity_of_zero_escalates_at_the_first_failure() {
    let lab = Lab::default();
    let running = Running::new(limited(&lab, 0, 10)).await;
    lab.decide("b", Fate::Panic).await;
    assert!(running.task.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn temporary_and_finished_transient_children_do_not_count() {
    let lab = Lab::default();
    let supervisor = Supervisor::new("limited", Strategy::OneForOne)
        .intensity(0, Duration::from_secs(10))
        .child(lab.child("guest").restart(Restart::Temporary))
        .child(lab.child("errand").restart(Restart::Transient));
    let running = Running::new(supervisor).await;
    lab.decide("guest", Fate::Panic).await;
    lab.decide("errand", Fate::Return).await;
    assert!(!running.task.is_finished());
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_inner_escalation_is_a_failure_to_the_outer_supervisor_which_starts_it_anew() {
    let lab = Lab::default();
    let inner = ChildSpec::from(limited(&lab, 0, 10)).backoff(Backoff::NONE);
    let outer = Supervisor::new("outer", Strategy::OneForOne)
        .intensity(1, Duration::from_secs(10))
        .child(inner);
    let running = Running::new(outer).await;
    lab.taken();
    lab.decide("a", Fate::Fail).await;
    assert_eq!(lab.taken(), ["stop b", "start a", "start b"]);
    let reason = running.handle.child("limited").unwrap().last_reason.unwrap();
    assert!(reason.contains("more than 0 restarts"), "{reason}");
    lab.decide("a", Fate::Fail).await;
    let error = running.task.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("the last of limited"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn without_intensity_a_child_is_restarted_for_ever_with_growing_waits_that_start_over_after_a_healthy_time()
 {
    let lab = Lab::default();
    let backoff = Backoff {
        min: Duration::from_secs(1),
        max: Duration::from_secs(8),
        jitter: 0.0,
        healthy_after: Duration::from_secs(30),
    };
    let supervisor = Supervisor::new("devices", Strategy::OneForOne)
        .no_intensity()
        .child(lab.child("a").backoff(backoff));
    let running = Running::new(supervisor).await;
    for expected in [1, 2, 4, 8, 8, 8] {
        lab.decide("a", Fate::Fail).await;
        let view = running.handle.child("a").unwrap();
        assert_eq!(view.state, State::Backoff);
        assert_eq!(view.restart_in.unwrap().as_secs_f32().round() as u64, expected);
        tokio::time::sleep(Duration::from_secs(expected) + Duration::from_millis(10)).await;
        assert_eq!(running.state("a"), Some(State::Running));
    }
    tokio::time::sleep(Duration::from_secs(31)).await;
    lab.decide("a", Fate::Fail).await;
    assert_eq!(
        running
            .handle
            .child("a")
            .unwrap()
            .restart_in
            .unwrap()
            .as_secs_f32()
            .round() as u64,
        1
    );
    running.stop().await.unwrap();
}
