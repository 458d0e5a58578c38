//! Children that take turns in a run queue: they live and end like any other, and none holds up the rest.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::supervisor::give_way;

const LOOK_EVERY: Duration = Duration::from_secs(10);

fn queue(name: &str) -> Supervisor {
    Supervisor::dynamic(name).run_queue()
}

/// Sets its flag when it is dropped.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn children_in_a_run_queue_are_restarted_and_stopped_like_any_other() {
    let lab = Lab::default();
    let running = Running::new(queue("clients")).await;
    for name in ["a", "b"] {
        running.handle.start_child(lab.child(name)).await.unwrap();
    }
    settle().await;
    lab.decide("a", Fate::Panic).await;
    lab.decide("b", Fate::Fail).await;
    assert_eq!(running.handle.restarts(), 2);
    running.handle.terminate_child("a").await.unwrap();
    let log = lab.taken();
    assert_eq!(log, ["start a", "start b", "start a", "start b", "stop a"]);
    running.stop().await.unwrap();
    assert_eq!(lab.taken(), ["stop b"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_hangs_in_a_run_queue_is_ended_and_what_it_held_is_dropped() {
    let running = Running::new(queue("connections").look_every(LOOK_EVERY)).await;
    let dropped = Arc::new(AtomicUsize::new(0));
    let held = Held(Arc::clone(&dropped));
    let hang = |context: Context| async move {
        let _held = (context, held);
        std::future::pending().await
    };
    running.handle.start_temporary("client", hang).await.unwrap();
    settle().await;
    assert_eq!(
        (running.handle.child_count(), dropped.load(Ordering::SeqCst)),
        (1, 0)
    );
    tokio::time::sleep(LOOK_EVERY * 4).await;
    assert_eq!(
        (running.handle.child_count(), dropped.load(Ordering::SeqCst)),
        (0, 1)
    );
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_way_goes_on_after_those_who_were_woken() {
    let (lab, running) = (Lab::default(), Running::new(queue("clients")).await);
    let (tell, mut told) = mpsc::unbounded_channel();
    let (first, second) = (lab.clone(), lab.clone());
    let listens = |_| async move {
        while let Some(word) = told.recv().await {
            second.note(format!("heard {word}"));
        }
        Ok(())
    };
    let speaks = |_| async move {
        for word in ["one", "two"] {
            first.note(format!("said {word}"));
            tell.send(word)?;
            give_way().await;
        }
        Ok(())
    };
    running.handle.start_temporary("listens", listens).await.unwrap();
    settle().await;
    running.handle.start_temporary("speaks", speaks).await.unwrap();
    settle().await;
    assert_eq!(lab.taken(), ["said one", "heard one", "said two", "heard two"]);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_gave_way_has_its_turn_though_others_are_woken_all_the_time() {
    let running = Running::new(queue("clients")).await;
    let rounds = Arc::new(AtomicUsize::new(0));
    // Two that wake each other for ever, and one that gives way between its rounds.
    let (to_right, mut at_right) = mpsc::unbounded_channel();
    let (to_left, mut at_left) = mpsc::unbounded_channel();
    to_right.send(()).unwrap();
    let left = |_| async move {
        while at_left.recv().await.is_some() {
            to_right.send(())?;
        }
        Ok(())
    };
    let (seen, enough) = (Arc::clone(&rounds), Arc::clone(&rounds));
    let right = |_| async move {
        while at_right.recv().await.is_some() && enough.load(Ordering::SeqCst) < 100 {
            to_left.send(())?;
        }
        Ok(())
    };
    let modest = |_| async move {
        for _ in 0..100 {
            give_way().await;
            seen.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    };
    running.handle.start_temporary("left", left).await.unwrap();
    running.handle.start_temporary("right", right).await.unwrap();
    running.handle.start_temporary("modest", modest).await.unwrap();
    settle().await;
    assert_eq!(rounds.load(Ordering::SeqCst), 100);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_keeps_its_thread_does_not_keep_the_others_from_their_turns() {
    let supervisor = queue("clients");
    let (handle, shutdown) = (supervisor.handle(), Shutdown::new());
    let task = tokio::task::spawn(supervisor.run(shutdown.clone()));
    while handle.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
    let (free, blocked) = std::sync::mpsc::channel::<()>();
    let (starts, mut started) = mpsc::unbounded_channel();
    let blocks = {
        let starts = starts.clone();
        |_| async move {
            starts.send("blocks")?;
            // Until the test ends.
            let _ = blocked.recv();
            Ok(())
        }
    };
    handle.start_temporary("blocks", blocks).await.unwrap();
    assert_eq!(started.recv().await, Some("blocks"));
    for _ in 0..10 {
        let starts = starts.clone();
        let works = |_| async move {
            starts.send("works")?;
            Ok(())
        };
        handle.start_temporary("works", works).await.unwrap();
        assert_eq!(started.recv().await, Some("works"));
    }
    drop(free);
    shutdown.request();
    task.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_is_lost_among_children_that_wake_each_other_from_all_threads() {
    const CHILDREN: usize = 200;
    const HOPS: usize = 2_000;
    let supervisor = queue("ring");
    let (handle, shutdown) = (supervisor.handle(), Shutdown::new());
    let task = tokio::task::spawn(supervisor.run(shutdown.clone()));
    while handle.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
    let (arrives, mut arrived) = mpsc::unbounded_channel();
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..CHILDREN).map(|_| mpsc::unbounded_channel::<usize>()).unzip();
    for (at, mut receiver) in receivers.into_iter().enumerate() {
        let (next, arrives) = (senders[(at + 1) % CHILDREN].clone(), arrives.clone());
        let passes_on = move |context: Context| async move {
            loop {
                let left = tokio::select! {
                    () = context.shutdown.requested() => return Ok(()),
                    Some(left) = receiver.recv() => left,
                };
                if left == 0 {
                    arrives.send(())?;
                } else {
                    next.send(left - 1)?;
                }
            }
        };
        handle.start_temporary(at.to_string(), passes_on).await.unwrap();
    }
    for sender in &senders {
        sender.send(HOPS).unwrap();
    }
    for _ in 0..CHILDREN {
        arrived.recv().await.unwrap();
    }
    shutdown.request();
    task.await.unwrap().unwrap();
}

#[test]
fn a_runtime_that_ends_takes_the_children_with_it() {
    let dropped = Arc::new(AtomicUsize::new(0));
    for threads in 1..=3 {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let supervisor = queue("clients");
            let handle = supervisor.handle();
            let _task = tokio::task::spawn(supervisor.run(Shutdown::new()));
            while handle.ping().await.is_err() {
                tokio::task::yield_now().await;
            }
            let (starts, mut started) = mpsc::unbounded_channel();
            let held = Held(Arc::clone(&dropped));
            let waits = move |context: Context| async move {
                let _held = held;
                starts.send(())?;
                context.shutdown.requested().await;
                Ok(())
            };
            handle.start_temporary("waits", waits).await.unwrap();
            started.recv().await.unwrap();
        });
        drop(runtime);
        assert_eq!(dropped.load(Ordering::SeqCst), threads);
    }
}
