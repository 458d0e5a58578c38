//! Everything that clients can do to make a server hold more than it should, one after the other, to a program of its
//! own: each is refused clearly, somebody else is answered all the while, and the most memory that the process ever had
//! stays under what its limits add up to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and the figures are read by people"
)]

mod attacks;
mod crowd;
mod limits;

use std::time::Instant;

use roost_live_tests::{Conformance, Peer};
use serde_json::{Value, json};

use attacks::*;
use crowd::honest_clients_among_those_who_hold_all_they_can;

/// Where rooms are.
const SOCKET: &str = "/socket/websocket?vsn=2.0.0";

/// The besieged, and somebody who wants nothing but an answer now and then.
struct Siege {
    program: Conformance,
    bystander: Peer,
    asked: u64,
    begun: Instant,
}

impl Siege {
    async fn begin() -> Self {
        let program = Conformance::start(env!("CARGO_BIN_EXE_besieged"));
        let bystander = joined(program.base(), "room:bystander").await;
        Self {
            program,
            bystander,
            asked: 0,
            begun: Instant::now(),
        }
    }

    fn base(&self) -> &str {
        self.program.base()
    }

    /// The bystander asks, and is answered.
    async fn untouched(&mut self) {
        self.asked += 1;
        let reference = format!("bystander-{}", self.asked);
        let asked = json!({"n": self.asked});
        self.bystander
            .json(&message(&reference, "room:bystander", "echo", asked.clone()))
            .await;
        let answer =
            json!(["1", reference, "room:bystander", "phx_reply", {"status": "ok", "response": asked}]);
        assert_eq!(self.bystander.hear_json().await, answer);
    }

    /// Bytes of memory of the process: by `VmRSS` what it has now, by `VmHWM` the most it ever had (proc(5)).
    fn memory(&self, line: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let found = status.lines().find_map(|text| text.strip_prefix(line)).unwrap();
        found.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }

    fn note(&self, attack: &str) {
        let mib = |line| self.memory(line) as f64 / f64::from(1 << 20);
        println!(
            "{attack:<50} {:>7.1} {:>7.1} {:>4} s",
            mib("VmRSS"),
            mib("VmHWM"),
            self.begun.elapsed().as_secs()
        );
    }
}

/// A message of the one join that each topic has here.
fn message(reference: &str, topic: &str, event: &str, payload: Value) -> Value {
    json!(["1", reference, topic, event, payload])
}

async fn join(peer: &mut Peer, topic: &str) {
    peer.json(&message("1", topic, "phx_join", json!({}))).await;
    assert_eq!(peer.hear_json().await[4]["status"], "ok");
}

async fn joined(base: &str, topic: &str) -> Peer {
    let mut peer = Peer::connect(base, SOCKET).await.unwrap();
    join(&mut peer, topic).await;
    peer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_clients_do_the_memory_of_a_server_stays_under_what_its_limits_add_up_to() {
    let mut siege = Siege::begin().await;
    let before = siege.memory("VmHWM");
    println!("{:<50} {:>7} {:>7}", "MiB after", "now", "most");
    siege.note("nothing");
    macro_rules! suffered {
        ($($attack:ident)*) => {$(
            $attack(&mut siege).await;
            siege.untouched().await;
            siege.note(stringify!($attack));
        )*};
    }
    suffered!(
        frames_that_are_none
        forged_and_old_tokens
        foreign_origins
        ten_thousand_joins
        a_thousand_crashes
        messages_that_are_never_finished
        requests_that_are_never_finished
        channels_that_are_fed_and_hang
        readers_that_never_read
        speakers_that_never_read
        honest_clients_among_those_who_hold_all_they_can
        a_file_of_a_gigabyte
        more_connections_than_there_are
    );
    let (most, bound) = (siege.memory("VmHWM"), limits::LIMITS.most_bytes());
    assert!(
        most - before < bound,
        "it grew by {} bytes, and its limits add up to {bound}",
        most - before
    );
}
