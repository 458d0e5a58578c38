//! What was asked is not forgotten, whatever becomes of the task that follows commands.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::packets;
use crate::peer::Peer;
use crate::stage::Stage;

/// Requests of one test: fewer than the commands that a device may have waiting.
const ASKED: u16 = 60;

struct Asking {
    stage: Stage,
    asks: Peer,
    listens: Peer,
}

impl Asking {
    /// Somebody who asks a device that is not there, and somebody who hears what becomes of it.
    fn begin(look_every: Option<Duration>) -> Self {
        let stage = Stage::set(look_every, "");
        let _secret = stage.program.add_device("boiler");
        let token = stage.program.token();
        let enter = |id| Peer::enter_as(&stage.program, 5, ("roost", &token), id);
        let (asks, mut listens) = (enter("asks"), enter("listens"));
        listens.send(&packets::subscribe(5, 1, &["devices/boiler/points/+/result"], 0));
        listens.packet_of(0x90);
        Self { stage, asks, listens }
    }

    /// Asks with QoS 1 for a value that is not asked for again.
    fn ask(&mut self, number: u16) {
        let topic = format!("devices/boiler/points/p{number}/set");
        let body = number.to_string();
        self.asks
            .send(&packets::publish(5, &topic, 0x02, number, body.as_bytes()));
    }

    /// The next thing that is said of a command or a request: of which point, and what.
    fn hear(&mut self) -> (String, Value) {
        let packet = self.listens.packet_of(0x30);
        let text = String::from_utf8_lossy(&packet);
        let body = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
        let point = text.split('/').nth(3).unwrap().to_owned();
        (point, body)
    }

    /// Hears of every request. How often which point was spoken of.
    fn hear_of_all(&mut self, requests: u16) -> BTreeMap<String, usize> {
        let mut heard = BTreeMap::new();
        while heard.len() < usize::from(requests) {
            let (point, said) = self.hear();
            assert_eq!(said["state"], "queued", "{said}");
            *heard.entry(point).or_default() += 1;
        }
        heard
    }

    fn acknowledged(&mut self, requests: u16) {
        for number in 1..=requests {
            let answer = self.asks.packet_of(0x40);
            assert_eq!(answer[2..4], number.to_be_bytes());
            assert!(answer.get(4).is_none_or(|reason| *reason < 0x80), "{answer:x?}");
        }
    }

    /// The commands that were made.
    fn made(&self) -> Vec<Value> {
        let answer = self.stage.program.api().get("/api/v1/commands?limit=1000");
        answer.body["items"].as_array().unwrap().clone()
    }
}

#[test]
fn whatever_was_asked_and_acknowledged_becomes_one_command_when_the_task_fails_over_it() {
    // At any of its waits: before it is written down, meanwhile, after.
    for wait in 1..=6 {
        let mut asking = Asking::begin(None);
        for number in 1..=ASKED {
            asking.ask(number);
            if number == ASKED / 2 {
                asking.stage.strike_later("roost/commands", wait);
            }
        }
        asking.acknowledged(ASKED);
        let heard = asking.hear_of_all(ASKED);
        assert!(heard.values().all(|times| *times == 1), "{heard:?}");
        let mut values: Vec<_> = asking.made().iter().map(|made| made["value"].as_u64()).collect();
        values.sort_unstable();
        let asked: Vec<_> = (1..=ASKED).map(|number| Some(u64::from(number))).collect();
        assert_eq!(values, asked);
    }
}

#[test]
fn who_waits_for_an_answer_gets_it_although_the_task_fails_or_hangs_over_the_request() {
    // Long enough that nothing else is taken for hung that waits for the disk.
    let stage = Stage::set(Some(Duration::from_secs(3)), "");
    let _secret = stage.program.add_device("boiler");
    let (api, path) = (
        stage.program.api(),
        "/api/v1/devices/boiler/points/relay/commands",
    );
    for wait in 1..=3 {
        stage.strike_later("roost/commands", wait);
        let answer = api.post(path, &json!({ "value": wait }));
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert_eq!(answer.body["value"], wait, "{}", answer.text);
    }
    let made = api.get("/api/v1/commands?limit=1000");
    assert_eq!(made.body["items"].as_array().unwrap().len(), 3, "{}", made.text);
}

/// More than the task of the commands has waiting.
const FLOOD: u16 = 1500;

#[test]
fn a_flood_of_requests_that_need_no_acknowledgement_turns_nobody_else_away() {
    let mut asking = Asking::begin(Some(Duration::from_secs(1)));
    let _secret = asking.stage.program.add_device("pump");
    // The flood fills its inbox until it is ended and started again.
    asking.stage.strike("hang", "roost/commands").unwrap();
    for _ in 0..FLOOD {
        let flood = packets::publish(5, "devices/boiler/points/flooded/set", 0, 0, b"1");
        asking.asks.send(&flood);
    }
    assert!(asking.asks.settled());
    let path = "/api/v1/devices/pump/points/relay/commands";
    let answer = asking.stage.program.api().post(path, &json!({ "value": true }));
    assert_eq!(answer.status, 202, "{}", answer.text);
}

#[test]
fn every_request_that_was_acknowledged_is_answered_even_when_more_come_than_may_wait() {
    let mut asking = Asking::begin(Some(Duration::from_secs(2)));
    asking.stage.strike("hang", "roost/commands").unwrap();
    let (mut taken, mut turned_away) = (0, 0);
    for number in 1..=FLOOD {
        asking.ask(number);
        let answer = asking.asks.packet_of(0x40);
        match answer.get(4).copied().unwrap_or_default() {
            0 => taken += 1,
            0x97 => turned_away += 1,
            other => panic!("{other:#x}"),
        }
    }
    // Those that came before the task was started again had to fit.
    assert!(taken >= 1024, "{taken}");
    assert_eq!(taken + turned_away, FLOOD);
    for _ in 0..taken {
        let (_, said) = asking.hear();
        assert!(said["state"] == "queued" || said["too_many"] == true, "{said}");
    }
}
