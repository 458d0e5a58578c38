//! A conversation that the stock client had with a server of Phoenix (LiveView 1.2.10), had again with ours: the client
//! says the same, word for word, and what the server says is the same, frame by frame.
//!
//! What differs, and may: names and tokens; how texts are shared within a message; the order of attributes in the field
//! of an upload; which templates outside of components are said to be one element; empty differences, which Phoenix
//! sends and we don't; that a kept file leaves its field with the answer and not after it; and when `phx_close` comes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod frames;
mod page;
mod talk;

use std::collections::BTreeMap;

use roost_live::Site;
use roost_live::endpoint::Limits;
use roost_live_tests::Server;
use roost_runtime::{Bus, BusLimits, Message, Topic};
use serde_json::Value;

use frames::{comparable, is_empty};
use talk::Talk;

const RECORDING: &str = include_str!("../golden/liveview.txt");

/// So many are compared, besides those that end a channel.
const FRAMES: usize = 48;

/// What happens to the page in a section in which the server speaks first.
const ORDERS: [(&str, &str); 12] = [
    ("tick (push diff + title + event)", r#""Tick""#),
    (
        "items reverse",
        r#"{"Items":[["c","C",[]],["b","B",[]],["a","A",[]]]}"#,
    ),
    (
        "items edit+insert with nested list",
        r#"{"Items":[["a","A2",["1","2"]],["c","C",[]],["x","X",["9"]],["b","B",[]]]}"#,
    ),
    ("items empty", r#"{"Items":[]}"#),
    ("items refill", r#"{"Items":[["q","Q",[]],["r","R",["n"]]]}"#),
    (
        "nested grows",
        r#"{"Items":[["q","Q",["m"]],["r","R",["n","o"]]]}"#,
    ),
    ("stream ins0", r#"{"Row":["rows-9","nine",0,0,false]}"#),
    ("stream lim", r#"{"Row":["rows-10","ten",-1,-3,false]}"#),
    ("stream del", r#"{"Delete":"rows-10"}"#),
    ("stream upd", r#"{"Row":["rows-2","TWO",-1,0,true]}"#),
    ("stream reset", r#"{"Replace":["rows-5","five"]}"#),
    ("component hide", r#"{"Show":false}"#),
];
const SHOW: (&str, &str) = ("component show", r#"{"Show":true}"#);

/// The program that serves the pages.
struct Place {
    server: Server,
    bus: Bus,
}

impl Place {
    fn start() -> Self {
        let bus = Bus::new(BusLimits::default());
        let key = roost_live::sign::SigningKey::random().unwrap();
        let site = Site::builder(key, page::routes())
            .bus(bus.clone())
            .build()
            .unwrap();
        let server = Server::start(Limits::default(), |endpoint| {
            endpoint.mount("/live", site.mount()).merge(site.pages())
        });
        Self { server, bus }
    }

    fn order(&self, order: &str) {
        let message = Message::new(Topic::new(page::ORDERS).unwrap(), order.to_owned());
        assert_eq!(self.bus.publish(message), 1, "one page is open");
    }
}

/// Takes out the frames that only say that a channel has ended. When that is said depends on what other tasks do
/// meanwhile.
fn without_ends(frames: &mut Vec<Value>, ended: &mut Vec<String>) {
    let ends = frames.extract_if(.., |frame| frame[3] == "phx_close");
    ended.extend(ends.map(|end| end.to_string()));
}

/// All differences of one batch of frames, one over the other, and the frames without them.
fn merged(frames: &mut Vec<Value>) -> Value {
    let mut whole = serde_json::Map::new();
    for frame in frames.iter_mut() {
        let diff = match frame[3].as_str() {
            Some("diff") => frame[4].take(),
            _ => frame[4]["response"]
                .as_object_mut()
                .and_then(|said| said.remove("diff"))
                .unwrap_or_default(),
        };
        whole.extend(diff.as_object().cloned().unwrap_or_default());
    }
    frames.retain(|frame| frame[3] != "diff");
    whole.into()
}

#[tokio::test]
async fn a_recorded_conversation_is_the_same_frame_by_frame() {
    let place = Place::start();
    let mut talk = Talk::new(&place.server.base);
    let (mut theirs, mut ours) = (BTreeMap::new(), BTreeMap::new());
    let (mut expected_ends, mut ends) = (Vec::new(), Vec::new());
    let mut compared = 0;
    for section in RECORDING.split("## ").skip(1) {
        let (name, lines) = section.split_once('\n').unwrap();
        if let Some((_, order)) = ORDERS.iter().chain([&SHOW]).find(|(of, _)| *of == name) {
            place.order(order);
        }
        for (said, heard) in talk::batches(lines) {
            for line in &said {
                talk.say(line).await;
            }
            let mut expected: Vec<Value> = heard.into_iter().map(talk::recorded).collect();
            expected
                .iter_mut()
                .for_each(|frame| comparable(frame, &mut theirs));
            expected.retain(|frame| !is_empty(frame) && !talk.is_answer_to_leave(frame));
            // Where a kept file leaves its field.
            let kept = said.iter().any(|line| line.contains("usave"));
            without_ends(&mut expected, &mut expected_ends);
            let expected_diff = kept.then(|| merged(&mut expected));
            let mut found = talk.hear(expected.len(), &mut ends).await;
            found.iter_mut().for_each(|frame| comparable(frame, &mut ours));
            let found_diff = kept.then(|| merged(&mut found));
            assert_eq!(found, expected, "{name}");
            assert_eq!(found_diff, expected_diff, "{name}");
            compared += expected.len();
            // Before the socket is left.
            talk.hear_ends(expected_ends.len(), &mut ends).await;
        }
    }
    assert_eq!(compared, FRAMES);
    assert_eq!(ends, expected_ends);
}
