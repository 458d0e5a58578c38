//! Children that come and go while the supervisor runs.

use super::*;
use crate::supervisor::StartError;

#[tokio::test(start_paused = true)]
async fn a_second_child_of_the_same_name_is_refused() {
    let lab = Lab::default();
    let running = Running::new(Supervisor::dynamic("devices")).await;
    running.handle.start_child(lab.child("a")).await.unwrap();
    let twin = ChildSpec::new("a", |_| async { Ok(()) });
    let again = running.handle.start_child(twin).await;
    assert_eq!(again, Err(StartError::AlreadyStarted("a".into())));
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_terminated_dynamic_child_is_forgotten_and_its_name_is_free() {
    let lab = Lab::default();
    let running = Running::new(Supervisor::dynamic("devices")).await;
    running.handle.start_child(lab.child("a")).await.unwrap();
    settle().await;
    running.handle.terminate_child("a").await.unwrap();
    assert_eq!(lab.taken(), ["start a", "stop a"]);
    assert_eq!(running.handle.child_count(), 0);
    running.handle.start_child(lab.child("a")).await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_terminated_static_child_keeps_its_specification() {
    let lab = Lab::default();
    let running = Running::new(three(&lab, Strategy::OneForOne)).await;
    lab.taken();
    running.handle.terminate_child("b").await.unwrap();
    assert_eq!(running.state("b"), Some(State::Stopped));
    assert_eq!(
        running.handle.restart_child("a").await,
        Err(StartError::AlreadyStarted("a".into()))
    );
    running.handle.restart_child("b").await.unwrap();
    settle().await;
    assert_eq!(lab.taken(), ["stop b", "start b"]);
    running.handle.terminate_child("b").await.unwrap();
    running.handle.delete_child("b").await.unwrap();
    assert_eq!(
        running.handle.delete_child("b").await,
        Err(StartError::NotFound("b".into()))
    );
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_in_backoff_can_be_terminated_or_started_at_once() {
    let lab = Lab::default();
    let running = Running::new(Supervisor::dynamic("devices").no_intensity()).await;
    running
        .handle
        .start_child(lab.child("a").backoff(Backoff::DEVICE))
        .await
        .unwrap();
    running
        .handle
        .start_child(lab.child("b").backoff(Backoff::DEVICE))
        .await
        .unwrap();
    settle().await;
    lab.decide("a", Fate::Fail).await;
    lab.decide("b", Fate::Fail).await;
    lab.taken();
    running.handle.restart_child("a").await.unwrap();
    running.handle.terminate_child("b").await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(lab.taken(), ["start a"]);
    assert_eq!(running.handle.child_count(), 1);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_terminated_child_that_ignores_it_is_aborted_while_the_supervisor_goes_on_serving() {
    let lab = Lab::default();
    let running = Running::new(Supervisor::dynamic("devices")).await;
    let deaf = ChildSpec::new("deaf", |_| async { std::future::pending().await });
    running
        .handle
        .start_child(deaf.stop_within(Duration::from_secs(9)))
        .await
        .unwrap();
    let handle = running.handle.clone();
    let stopping = tokio::task::spawn(async move { handle.terminate_child("deaf").await });
    settle().await;
    assert_eq!(running.state("deaf"), Some(State::Stopping));
    running.handle.start_child(lab.child("a")).await.unwrap();
    running.handle.ping().await.unwrap();
    assert!(
        !stopping.is_finished(),
        "the supervisor answered others meanwhile"
    );
    stopping.await.unwrap().unwrap();
    assert_eq!(running.handle.child_count(), 1);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_supervisor_says_so_and_takes_children_again_when_one_has_gone() {
    let lab = Lab::default();
    let running = Running::new(Supervisor::dynamic("connections").max_children(1)).await;
    running.handle.start_child(lab.child("a")).await.unwrap();
    let full = StartError::Full {
        supervisor: "connections".into(),
        limit: 1,
    };
    assert_eq!(running.handle.start_child(lab.child("b")).await, Err(full));
    running.handle.terminate_child("a").await.unwrap();
    running.handle.start_child(lab.child("b")).await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_from_a_future_runs_once_and_leaves_no_trace() {
    let running = Running::new(Supervisor::dynamic("connections")).await;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let start = |context: Context| async move {
        sender
            .send(context.name().to_owned())
            .map_err(|_| "nobody listens")?;
        panic!("as connections do");
    };
    running.handle.start_temporary("c1", start).await.unwrap();
    assert_eq!(receiver.await.unwrap(), "c1");
    settle().await;
    assert_eq!((running.handle.child_count(), running.handle.restarts()), (0, 0));
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_children_start_fail_once_each_and_stop() {
    let running = Running::new(Supervisor::dynamic("devices").no_intensity()).await;
    let failed = Arc::new(Mutex::new(hashbrown::HashSet::new()));
    for index in 0..10_000 {
        let failed = Arc::clone(&failed);
        let spec = ChildSpec::new(format!("d{index}"), move |context: Context| {
            let failed = Arc::clone(&failed);
            async move {
                if lock(&failed).insert(context.name().to_owned()) {
                    return Err("first time".into());
                }
                context.shutdown.requested().await;
                Ok(())
            }
        });
        running.handle.start_child(spec).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(running.handle.restarts(), 10_000);
    assert!(
        running
            .handle
            .tree(20_000)
            .children
            .iter()
            .all(|node| node.child.state == State::Running)
    );
    running.stop().await.unwrap();
}
