//! Tests of what is sent to one client, over a real connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::frame::{Outgoing, Payload, Version, encode};

/// A connection's task that only counts how often it is woken.
#[derive(Default)]
struct Sleeper(AtomicUsize);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Stage {
    client: TcpStream,
    outbound: Outbound,
    budget: Arc<Budget>,
    limits: Limits,
    task: Arc<Sleeper>,
    // Keeps the stream open.
    _reading: tokio::net::tcp::OwnedReadHalf,
}

impl Stage {
    /// A connection whose task has nothing to do.
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        stream.writable().await.unwrap();
        let (reading, writing) = stream.into_split();
        let limits = Limits {
            outbound_bytes: 1 << 30,
            ..Limits::default()
        };
        let stage = Self {
            client,
            outbound: Outbound::new(Some(writing)),
            budget: Arc::new(Budget::new(1 << 30)),
            limits,
            task: Arc::default(),
            _reading: reading,
        };
        assert!(stage.departure().is_none());
        stage
    }

    /// What the task finds.
    fn departure(&self) -> Option<Departure> {
        let waker = Waker::from(Arc::clone(&self.task));
        let mut context = Context::from_waker(&waker);
        match self.outbound.poll_departure(true, &self.budget, &mut context) {
            Poll::Ready(departure) => Some(departure),
            Poll::Pending => None,
        }
    }

    fn woken(&self) -> usize {
        self.task.0.load(Ordering::Relaxed)
    }

    fn put(&self, wire: &Wire) {
        self.outbound.put(wire.clone(), &self.limits, &self.budget);
    }

    /// Posts a message and writes it as a lane does; whether it was a lane's to write.
    fn post(&self, wire: &Wire) -> bool {
        self.budget.take(charge(wire));
        let posted = self.outbound.post(wire.clone(), &self.limits, &self.budget);
        if posted {
            self.budget.give(self.outbound.write_posted(&self.budget));
        } else {
            self.budget.give(charge(wire));
        }
        posted
    }

    /// Takes what waits as the connection's task does, and gives back its bytes.
    fn drain(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(Departure::Wire(wire)) = self.departure() {
            bytes.extend_from_slice(wire.frame());
        }
        bytes
    }

    /// What the client has, and then `rest`, which the task would have written.
    async fn hears(&mut self, mut expected: &[u8], rest: &[u8]) {
        let mut buffer = vec![0; 1 << 16];
        while expected.len() > rest.len() {
            let read = self.client.read(&mut buffer).await.unwrap();
            assert!(read > 0 && expected[..read] == buffer[..read]);
            expected = &expected[read..];
        }
        assert!(expected == rest);
    }
}

/// A message of about so many bytes that is not like another.
fn wire(number: usize, bytes: usize) -> Wire {
    let payload = Payload::from(serde_json::json!({"number": number, "fill": "x".repeat(bytes)}));
    let message = Outgoing::Broadcast {
        topic: "room",
        event: "news",
        payload: &payload,
    };
    encode(Version::V2, message).unwrap()
}

#[tokio::test]
async fn whoever_has_something_writes_it_and_wakes_nobody() {
    let mut stage = Stage::new().await;
    let (one, two, three) = (wire(1, 10), wire(2, 10), wire(3, 10));
    stage.put(&one);
    assert!(stage.post(&two));
    stage.put(&three);
    assert_eq!((stage.woken(), stage.budget.held()), (0, 0));
    let all = [&one, &two, &three].map(|wire| &wire.frame()[..]).concat();
    let Stage { client, .. } = &mut stage;
    let mut heard = vec![0; all.len()];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, all);
}

#[tokio::test]
async fn what_the_stream_does_not_take_is_the_tasks_in_order_and_counted() {
    for lane in [false, true] {
        let mut stage = Stage::new().await;
        let mut all = Vec::new();
        let mut number = 0;
        // Somewhere in the middle of one, the kernel takes no more.
        while stage.woken() == 0 {
            let wire = wire(number, 100_000);
            number += 1;
            all.extend_from_slice(wire.frame());
            if lane {
                assert!(stage.post(&wire));
            } else {
                stage.put(&wire);
            }
        }
        let waits = stage.budget.held();
        assert!(waits > 0);
        let after = wire(number, 10);
        all.extend_from_slice(after.frame());
        assert!(!stage.post(&after), "it waits behind the other");
        assert_eq!(stage.budget.held(), waits + charge(&after));
        let rest = stage.drain();
        assert_eq!(stage.budget.held(), 0);
        stage.hears(&all, &rest).await;
    }
}

#[tokio::test]
async fn a_message_that_is_half_written_is_finished_before_the_end() {
    for cut_by_gone in [false, true] {
        let mut stage = Stage::new().await;
        let mut all = Vec::new();
        while stage.woken() == 0 {
            all.extend_from_slice(wire(0, 100_000).frame());
            stage.put(&wire(0, 100_000));
        }
        if !lock(&stage.outbound.state).begun {
            // The kernel stopped between two messages.
            all.truncate(all.len() - wire(0, 100_000).frame().len());
        }
        // Dropped: nothing of it was written.
        stage.put(&wire(1, 10));
        let rest = if cut_by_gone {
            stage.outbound.gone(&stage.budget);
            let rest = stage.outbound.rest();
            rest.map(|wire| wire.frame().to_vec()).unwrap_or_default()
        } else {
            stage.outbound.end(End::Overflow, &stage.budget);
            stage.drain()
        };
        assert_eq!(stage.budget.held(), 0);
        stage.hears(&all, &rest).await;
    }
}

#[tokio::test]
async fn nobody_is_hung_up_on_because_a_lane_is_behind() {
    let mut stage = Stage::new().await;
    // Any second message that waits is one too many.
    for (messages, bytes, budget) in [(1, 1 << 30, 1 << 30), (1024, 1, 1 << 30), (1024, 1 << 30, 0)] {
        stage.limits.outbound_messages = messages;
        stage.limits.outbound_bytes = bytes;
        stage.budget = Arc::new(Budget::new(budget));
        let all = [1, 2, 3].map(|number| wire(number, 20_000));
        stage.budget.take(charge(&all[0]));
        let post = |wire: &Wire| stage.outbound.post(wire.clone(), &stage.limits, &stage.budget);
        assert!(post(&all[0]), "nothing waits");
        assert!(
            !post(&all[1]),
            "the first has to be written, and the second is too"
        );
        assert!(!post(&all[2]), "it is on the list still");
        assert_eq!(stage.budget.held(), charge(&all[2]));
        stage.budget.give(stage.outbound.write_posted(&stage.budget));
        assert_eq!((stage.woken(), stage.budget.held()), (0, 0));
        let all = all.map(|wire| wire.frame().clone()).concat();
        let mut heard = vec![0; all.len()];
        stage.client.read_exact(&mut heard).await.unwrap();
        assert!(heard == all);
    }
}

#[tokio::test]
async fn what_many_hold_counts_once_until_the_last_has_written_it() {
    let (one, other) = (Stage::new().await, Stage::new().await);
    let budget = Arc::clone(&one.budget);
    let stuck = |stage: &Stage| {
        while stage.woken() == 0 {
            let filler = wire(0, 100_000);
            stage.outbound.put(filler, &stage.limits, &budget);
        }
    };
    let waits = |stage: &Stage| {
        stage
            .outbound
            .poll_departure(true, &budget, &mut Context::from_waker(Waker::noop()))
    };
    let drain = |stage: &Stage| while waits(stage).is_ready() {};
    stuck(&one);
    stuck(&other);
    let before = budget.held();
    let shared = wire(1, 100_000).share(|bytes| budget.share(bytes));
    let whole = shared.frame().len();
    for stage in [&one, &other] {
        stage.outbound.put(shared.clone(), &stage.limits, &budget);
    }
    assert_eq!(budget.held(), before + whole + 2 * OVERHEAD);
    drop(shared);
    drain(&one);
    assert!(budget.held() >= whole + OVERHEAD, "the other has it still");
    drain(&other);
    assert_eq!(budget.held(), 0);
}
