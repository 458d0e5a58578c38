//! Signs of life: a child that gives none is ended and started again, and no other is.

use super::*;

const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A child that never looks whether it is to stop.
fn deaf(lab: &Lab, name: &str) -> ChildSpec {
    let lab = lab.clone();
    ChildSpec::new(name, move |context| {
        lab.note(format!("start {}", context.name()));
        async move {
            let _context = context;
            std::future::pending().await
        }
    })
    .backoff(Backoff::NONE)
}

#[tokio::test(start_paused = true)]
async fn a_child_that_hangs_is_started_again_and_its_siblings_are_left_alone() {
    let lab = Lab::default();
    let supervisor = Supervisor::new("two", Strategy::OneForOne)
        .look_every(LOOK_EVERY)
        .child(deaf(&lab, "deaf"))
        .child(lab.child("well"));
    let running = Running::new(supervisor).await;
    tokio::time::sleep(LOOK_EVERY * 2).await;
    assert_eq!(running.handle.restarts(), 0, "it has its time");
    tokio::time::sleep(LOOK_EVERY * 2).await;
    assert_eq!(lab.taken(), ["start deaf", "start well", "start deaf"]);
    let reason = running.handle.child("deaf").unwrap().last_reason.unwrap();
    assert!(reason.contains("no sign of life"), "{reason}");
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn children_that_wait_are_alive_however_long_and_however_many() {
    let lab = Lab::default();
    let supervisor = Supervisor::dynamic("many").look_every(LOOK_EVERY);
    let running = Running::new(supervisor).await;
    for number in 0..100 {
        running
            .handle
            .start_child(lab.child(&number.to_string()))
            .await
            .unwrap();
    }
    tokio::time::sleep(LOOK_EVERY * 100).await;
    assert_eq!(
        (running.handle.restarts(), running.handle.child_count()),
        (0, 100)
    );
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_that_hangs_is_ended_and_forgotten() {
    let running = Running::new(Supervisor::dynamic("connections").look_every(LOOK_EVERY)).await;
    let hang = |context: Context| async move {
        let _context = context;
        std::future::pending().await
    };
    running.handle.start_temporary("client", hang).await.unwrap();
    settle().await;
    assert_eq!(running.handle.child_count(), 1);
    tokio::time::sleep(LOOK_EVERY * 4).await;
    assert_eq!(running.handle.child_count(), 0);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_never_lets_go_of_its_thread_is_given_up_and_another_takes_its_place() {
    let (free, blocked) = std::sync::mpsc::channel::<()>();
    let (starts, mut started) = mpsc::unbounded_channel();
    let blocked = Arc::new(Mutex::new(Some(blocked)));
    let child = ChildSpec::new("blocks", move |context| {
        let (blocked, starts) = (lock(&blocked).take(), starts.clone());
        async move {
            starts.send(())?;
            if let Some(blocked) = blocked {
                // The first one keeps its thread until the test ends.
                let _ = blocked.recv();
            }
            context.shutdown.requested().await;
            Ok(())
        }
    })
    .backoff(Backoff::NONE);
    let supervisor = Supervisor::new("one", Strategy::OneForOne)
        .look_every(Duration::from_millis(10))
        .child(child);
    let (handle, shutdown) = (supervisor.handle(), Shutdown::new());
    let task = tokio::task::spawn(supervisor.run(shutdown.clone()));
    started.recv().await.unwrap();
    started.recv().await.expect("another one");
    let reason = handle.child("blocks").unwrap().last_reason.unwrap();
    assert!(reason.contains("given up"), "{reason}");
    drop(free);
    shutdown.request();
    task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_hangs_keeps_nobody_from_stopping() {
    let lab = Lab::default();
    let mut inner: ChildSpec = Supervisor::dynamic("inner").into();
    inner.factory = Arc::new(|context| {
        context.ready();
        Box::pin(async move {
            let _context = context;
            std::future::pending().await
        })
    });
    let outer = Supervisor::new("outer", Strategy::OneForOne)
        .child(lab.child("a"))
        .child(inner);
    let running = Running::new(Supervisor::new("root", Strategy::OneForOne).child(outer)).await;
    let begin = tokio::time::Instant::now();
    running.stop().await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    assert_eq!(lab.taken(), ["start a", "stop a"]);
}
