//! Children in a runtime other than their supervisor's. Time runs: another thread has it too.

use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, oneshot};

use super::*;

const HOME: &str = "home";

/// A runtime on a thread of its own, until the sender is dropped.
fn home() -> (Handle, oneshot::Sender<()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    let (running, ended) = oneshot::channel();
    let thread = std::thread::Builder::new().name(HOME.into());
    thread
        .spawn(move || {
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        })
        .unwrap();
    (handle, running)
}

/// A child that says on which thread it runs, and fails the first time.
fn telling(name: &str, told: &mpsc::UnboundedSender<(String, bool)>) -> ChildSpec {
    let (told, fails) = (told.clone(), Arc::new(Mutex::new(true)));
    ChildSpec::new(name, move |context| {
        let (told, fails) = (told.clone(), Arc::clone(&fails));
        async move {
            let is_home = std::thread::current().name() == Some(HOME);
            told.send((context.name().to_owned(), is_home)).unwrap();
            if std::mem::take(&mut *lock(&fails)) {
                return Err("the first time".into());
            }
            context.shutdown.requested().await;
            Ok(())
        }
    })
    .backoff(Backoff::NONE)
}

/// A child that keeps its thread until it is let go.
fn blocking(begun: Sender<()>, go: Receiver<()>) -> ChildSpec {
    let go = Arc::new(Mutex::new(go));
    ChildSpec::new("blocking", move |_context| {
        let (begun, go) = (begun.clone(), Arc::clone(&go));
        async move {
            begun.send(()).unwrap();
            // Also when nobody can let it go any more.
            let _ = lock(&go).recv();
            Ok(())
        }
    })
    .restart(Restart::Temporary)
    .stop_within(Duration::from_millis(10))
}

#[tokio::test]
async fn children_and_those_below_them_run_and_are_restarted_at_home() {
    let (home, _running) = home();
    let (told, mut heard) = mpsc::unbounded_channel();
    let nested = Supervisor::new("nested", Strategy::OneForOne).child(telling("grandchild", &told));
    let away = Supervisor::new("away", Strategy::OneForOne)
        .children_in(home)
        .child(telling("child", &told))
        .child(nested);
    let root = Supervisor::new("root", Strategy::OneForOne)
        .child(away)
        .child(telling("neighbour", &told));
    let running = Running::new(root).await;
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(heard.recv().await.unwrap());
    }
    all.sort();
    let expected = [("child", true), ("grandchild", true), ("neighbour", false)];
    let twice: Vec<_> = expected
        .iter()
        .flat_map(|(name, is_home)| [((*name).to_owned(), *is_home), ((*name).to_owned(), *is_home)])
        .collect();
    assert_eq!(all, twice);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_child_that_blocks_its_home_is_given_up_and_its_supervisor_answers_meanwhile() {
    let (home, _running) = home();
    let (begun, has_begun) = channel();
    let (_go, wait) = channel();
    let supervisor = Supervisor::new("away", Strategy::OneForOne)
        .children_in(home)
        .child(blocking(begun, wait));
    let running = Running::new(supervisor).await;
    tokio::task::spawn_blocking(move || has_begun.recv())
        .await
        .unwrap()
        .unwrap();
    running.handle.ping().await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_child_that_blocks_does_not_hold_up_those_that_have_another_home() {
    let (home, _running) = home();
    let (begun, has_begun) = channel();
    let (go, wait) = channel();
    let called = Arc::new(Notify::new());
    let calling = Arc::clone(&called);
    // Lets the other one go, which nobody could on the thread that it blocks.
    let rescuer = ChildSpec::new("rescuer", move |context: Context| {
        let (go, called) = (go.clone(), Arc::clone(&called));
        async move {
            called.notified().await;
            go.send(()).unwrap();
            context.shutdown.requested().await;
            Ok(())
        }
    });
    let away = Supervisor::new("away", Strategy::OneForOne).children_in(home);
    let root = Supervisor::new("root", Strategy::OneForOne)
        .child(away.child(rescuer))
        .child(blocking(begun, wait));
    let caller = tokio::task::spawn_blocking(move || {
        has_begun.recv().unwrap();
        calling.notify_one();
    });
    let running = Running::new(root).await;
    caller.await.unwrap();
    running.stop().await.unwrap();
}
