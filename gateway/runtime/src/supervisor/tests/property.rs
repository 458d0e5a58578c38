//! Random sequences of crashes: no orphan, no permanent child lost below intensity, no child running twice.

use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::{Just, ProptestConfig, any, prop, prop_oneof, proptest};

use super::*;

/// Counts the live tasks of one child.
struct Alive(Arc<AtomicI64>);

impl Alive {
    fn new(count: &Arc<AtomicI64>) -> Self {
        let now = count.fetch_add(1, Ordering::SeqCst);
        assert_eq!(now, 0, "a child runs at most once at a time");
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn counted(lab: &Lab, name: &str, count: &Arc<AtomicI64>, backoff_ms: u64) -> ChildSpec {
    let wait = Duration::from_millis(backoff_ms);
    let inner = lab.child(name);
    let (factory, count) = (Arc::clone(&inner.factory), Arc::clone(count));
    ChildSpec::new(name, move |context| {
        let alive = Alive::new(&count);
        let life = factory(context);
        async move {
            let _alive = alive;
            life.await
        }
    })
    .backoff(Backoff {
        min: wait,
        max: wait,
        jitter: 0.0,
        healthy_after: Duration::ZERO,
    })
}

fn strategy() -> impl proptest::strategy::Strategy<Value = Strategy> {
    prop_oneof![
        Just(Strategy::OneForOne),
        Just(Strategy::OneForAll),
        Just(Strategy::RestForOne)
    ]
}

fn fate() -> impl proptest::strategy::Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Return), Just(Fate::Fail), Just(Fate::Panic)]
}

async fn storm(strategy: Strategy, queued: bool, backoff_ms: u64, crashes: Vec<(usize, Fate, u64)>) {
    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
    let lab = Lab::default();
    let counts: Vec<_> = NAMES.iter().map(|_| Arc::new(AtomicI64::new(0))).collect();
    let blueprint = |name: &str| {
        let supervisor = Supervisor::new(name, strategy).intensity(1000, Duration::from_secs(1));
        if queued {
            supervisor.run_queue()
        } else {
            supervisor
        }
    };
    let mut inner = blueprint("inner");
    for index in 3..5 {
        inner = inner.child(counted(&lab, NAMES[index], &counts[index], backoff_ms));
    }
    let mut outer = blueprint("outer");
    for index in 0..3 {
        outer = outer.child(counted(&lab, NAMES[index], &counts[index], backoff_ms));
    }
    let running = Running::new(outer.child(inner)).await;
    for (index, fate, pause_ms) in crashes {
        lock(&lab.fates)[NAMES[index]].send(fate).unwrap();
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
    // Crashes that were ordered of a child in backoff hit its next life; in the end all orders are used up.
    tokio::time::sleep(Duration::from_secs(60)).await;
    for (name, count) in NAMES.iter().zip(&counts) {
        assert_eq!(count.load(Ordering::SeqCst), 1, "{name} runs");
    }
    running
        .stop()
        .await
        .expect("below its intensity a supervisor does not fail");
    for (name, count) in NAMES.iter().zip(&counts) {
        assert_eq!(count.load(Ordering::SeqCst), 0, "{name} left no task behind");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_crashes_leave_no_orphan_and_lose_no_permanent_child(
        strategy in strategy(),
        queued in any::<bool>(),
        backoff_ms in prop_oneof![Just(0_u64), 1..50_u64],
        crashes in prop::collection::vec((0..5_usize, fate(), 0..40_u64), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(storm(strategy, queued, backoff_ms, crashes));
    }
}
