//! One task at a time: what exactly is left when it fails, hangs or keeps its thread.

use std::time::Duration;

use roost_tests::wait_for;
use serde_json::json;

use crate::packets::{self, Hello};
use crate::peer::Peer;
use crate::stage::{Stage, at_work};

const NUMBERS: &str = "devices/boiler/telemetry/n";
/// Session expiry interval (0x11) of an hour.
const AN_HOUR: &[u8] = &[0x11, 0, 0, 0x0e, 0x10];

struct Boiler {
    stage: Stage,
    secret: String,
    token: String,
}

impl Boiler {
    fn set(look_every: Option<Duration>) -> Self {
        Self::with(look_every, "")
    }

    fn with(look_every: Option<Duration>, config: &str) -> Self {
        let stage = Stage::set(look_every, config);
        let secret = stage.program.add_device("boiler");
        let token = stage.program.token();
        Self { stage, secret, token }
    }

    /// The device, with a will.
    fn enter(&self) -> Peer {
        let hello = Hello {
            version: 5,
            id: "boiler",
            login: ("boiler", &self.secret),
            clean: true,
            will: Some(("devices/boiler/telemetry/gone", b"1")),
            ..Hello::default()
        };
        Peer::enter(&self.stage.program, &hello)
    }

    /// Somebody who listens to the device and whose session outlives its connection; whether it was found again.
    fn listen(&self) -> (Peer, bool) {
        let hello = Hello {
            version: 5,
            id: "listener",
            login: ("roost", &self.token),
            properties: AN_HOUR,
            ..Hello::default()
        };
        let (mut peer, answer) = Peer::hello(&self.stage.program, &hello);
        assert_eq!((answer[0], answer[3]), (0x20, 0), "{answer:x?}");
        let present = answer[2] == 1;
        if !present {
            peer.send(&packets::subscribe(5, 1, &[NUMBERS], 1));
            peer.packet_of(0x90);
        }
        (peer, present)
    }

    fn connections(&self) -> u64 {
        self.stage.kinds().get("connections").copied().unwrap_or(0)
    }

    /// Waits until each number up to this one has become a reading. None may have done so twice.
    fn has_counted_to(&self, highest: u64) {
        let counted = wait_for("all numbers to become readings", || {
            let counted = *self.stage.numbers().get("boiler")?;
            (counted[..2] == [highest, 0]).then_some(counted)
        });
        assert_eq!(counted, [highest, 0, 0]);
    }

    /// The value of a point, once it has one.
    fn point(&self, name: &str) -> serde_json::Value {
        let api = self.stage.program.api();
        wait_for(name, || api.point("boiler", name))["value"].clone()
    }
}

/// Says these numbers, each acknowledged.
fn count(device: &mut Peer, numbers: std::ops::RangeInclusive<u16>) {
    for number in numbers {
        let body = number.to_string();
        device.send(&packets::publish(5, NUMBERS, 0x02, number, body.as_bytes()));
        device.packet_of(0x40);
    }
}

fn ends_with(packet: &[u8], body: &[u8]) {
    assert!(packet.ends_with(body), "{packet:x?}");
}

#[test]
fn a_connection_whose_task_fails_leaves_a_will_and_a_session_that_goes_on_taking() {
    let boiler = Boiler::set(None);
    let mut device = boiler.enter();
    boiler.stage.strike("fail", "connections").unwrap();
    assert_eq!(boiler.point("gone"), json!(1));
    assert!(device.has_ended());

    let (mut listener, _) = boiler.listen();
    boiler.stage.strike("fail", "connections").unwrap();
    assert!(listener.packet().is_none());
    count(&mut boiler.enter(), 1..=3);
    let (mut listener, present) = boiler.listen();
    assert!(present);
    for number in [b"1", b"2", b"3"] {
        ends_with(&listener.packet_of(0x32), number);
    }
}

#[test]
fn a_connection_that_hangs_is_ended_and_takes_nothing_from_the_one_that_took_its_place() {
    // Long enough that the client is let in again before its first connection is ended.
    let boiler = Boiler::set(Some(Duration::from_secs(6)));
    let (_hung, _) = boiler.listen();
    boiler.stage.strike("hang", "connections").unwrap();
    let (mut listener, present) = boiler.listen();
    assert!(present);
    assert_eq!(boiler.connections(), 2, "the first one hangs still");
    wait_for("the end of the first one", || {
        (boiler.connections() == 1).then_some(())
    });
    assert!(listener.settled());
    count(&mut boiler.enter(), 1..=1);
    ends_with(&listener.packet_of(0x32), b"1");
}

#[test]
fn a_device_whose_task_hangs_is_restarted_and_takes_in_what_came_meanwhile() {
    // Long enough that nothing else is taken for hung that waits for the disk.
    let boiler = Boiler::set(Some(Duration::from_secs(3)));
    let mut device = boiler.enter();
    boiler.stage.strike("hang", "devices").unwrap();
    count(&mut device, 1..=100);
    let api = boiler.stage.program.api();
    wait_for("the last of them", || {
        api.point("boiler", "n").filter(|point| point["value"] == 100)
    });
    let shown = api.get("/api/v1/devices/boiler").body;
    assert_eq!(shown["restarts"], 1, "{shown}");
    let reason = shown["last_reason"].as_str().unwrap();
    assert!(reason.contains("no sign of life"), "{reason}");
    boiler.has_counted_to(100);
}

#[test]
fn what_was_acknowledged_is_taken_in_before_the_gateway_stops() {
    let mut boiler = Boiler::set(None);
    let mut device = boiler.enter();
    // What comes in these two seconds waits in its inbox.
    boiler.stage.strike("block", "devices").unwrap();
    count(&mut device, 1..=100);
    assert_eq!(boiler.stage.program.stop(), Some(0));
    boiler.stage.program.boot();
    assert_eq!(boiler.point("n"), json!(100));
}

#[test]
fn what_was_acknowledged_outlives_the_supervisor_of_the_devices() {
    // One that is never polled again, and one that keeps its thread and ends later than its successor begins.
    for fate in ["hang", "block"] {
        let boiler = Boiler::set(None);
        let mut device = boiler.enter();
        count(&mut device, 1..=1);
        assert_eq!(boiler.point("n"), json!(1));
        // Its task is no more and its inbox has what came since.
        boiler.stage.strike(fate, "devices").unwrap();
        count(&mut device, 2..=50);
        boiler.stage.strike("fail", "roost/devices").unwrap();
        let api = boiler.stage.program.api();
        wait_for("the last of them", || {
            let point = api.try_get("/api/v1/devices/boiler/points/n")?;
            (point.body["value"] == 50).then_some(())
        });
        boiler.has_counted_to(50);
    }
}

#[test]
fn devices_are_heard_and_commanded_as_before_when_the_registrar_alone_has_failed() {
    let boiler = Boiler::set(None);
    let mut device = boiler.enter();
    count(&mut device, 1..=1);
    boiler.stage.strike("fail", "roost/registrar").unwrap();
    // The broker is restarted with it, and listens again later than the registrar runs.
    wait_for("the next registrar and all that come after it", || {
        let tree = boiler.stage.tree();
        let children = tree["children"].as_array().unwrap();
        let registrar = children
            .iter()
            .find(|child| child["name"] == "registrar")
            .unwrap();
        (registrar["restarts"] == 1 && children.iter().all(at_work)).then_some(())
    });
    // More than an inbox holds: one that nobody reads would be full.
    count(&mut boiler.enter(), 2..=600);
    wait_for("the last of them", || {
        (boiler.stage.numbers().get("boiler") == Some(&[600, 0, 0])).then_some(())
    });
    let path = "/api/v1/devices/boiler/points/relay/commands";
    let answer = boiler.stage.program.api().post(path, &json!({ "value": true }));
    assert_eq!(answer.status, 202, "{}", answer.text);
}

/// Room in an inbox.
const ROOM: u16 = 8;

/// A boiler whose inbox is small, and its neighbour.
fn with_a_neighbour(look_every: Duration) -> (Boiler, Peer) {
    let config = format!("[devices]\ninbox_messages = {ROOM}");
    let boiler = Boiler::with(Some(look_every), &config);
    let secret = boiler.stage.program.add_device("pump");
    let pump = Peer::enter_as(&boiler.stage.program, 5, ("pump", &secret), "pump");
    (boiler, pump)
}

fn publish(peer: &mut Peer, device: &str, flags: u8, number: u16) {
    let topic = format!("devices/{device}/telemetry/n");
    let body = number.to_string();
    peer.send(&packets::publish(
        peer.version,
        &topic,
        flags,
        number,
        body.as_bytes(),
    ));
}

#[test]
fn a_device_whose_inbox_is_full_is_acknowledged_when_there_is_room_and_loses_nothing() {
    for version in [4, 5] {
        for (flags, answer) in [(0x02, 0x40), (0x04, 0x50)] {
            let (boiler, mut pump) = with_a_neighbour(Duration::from_secs(2));
            let login = ("boiler", boiler.secret.as_str());
            let mut device = Peer::enter_as(&boiler.stage.program, version, login, "boiler");
            boiler.stage.strike_at("hang", "devices", "boiler").unwrap();
            for number in 1..=40_u16 {
                publish(&mut device, "boiler", flags, number);
            }
            publish(&mut pump, "pump", 0x02, 1);
            pump.packet_of(0x40);
            let mut while_it_hung = 0;
            for number in 1..=40_u16 {
                let packet = device.packet_of(answer);
                assert_eq!(packet[2..4], number.to_be_bytes());
                assert!(packet.get(4).is_none_or(|reason| *reason < 0x80), "{packet:x?}");
                if boiler.stage.struck().contains_key("devices") {
                    while_it_hung = number;
                }
            }
            assert!(while_it_hung <= ROOM, "{while_it_hung} had no place in the inbox");
            wait_for("all of them", || {
                (boiler.stage.numbers().get("boiler") == Some(&[40, 0, 0])).then_some(())
            });
            assert_eq!(boiler.stage.program.api().metric("roost_bus_dropped_total"), 0);
        }
    }
}

#[test]
fn who_speaks_for_many_hears_which_device_has_no_room_and_goes_on_with_the_others() {
    // It hangs until its supervisor is struck, too.
    let (boiler, _pump) = with_a_neighbour(Duration::from_secs(3600));
    let program = &boiler.stage.program;
    let client = json!({ "id": "bridge", "secret": "speaks for many", "publishes": ["devices/#"] });
    assert_eq!(program.api().post("/api/v1/clients", &client).status, 201);
    let mut bridge = Peer::enter_as(program, 5, ("bridge", "speaks for many"), "bridge");
    boiler.stage.strike_at("hang", "devices", "boiler").unwrap();
    for number in 1..=2 * ROOM {
        publish(&mut bridge, "boiler", 0x02, number);
        let answer = bridge.packet_of(0x40);
        let reason = answer.get(4).copied().unwrap_or_default();
        assert_eq!(reason, if number > ROOM { 0x97 } else { 0 }, "{number}");
    }
    publish(&mut bridge, "pump", 0x02, 1);
    let answer = bridge.packet_of(0x40);
    assert_eq!(answer.get(4).copied().unwrap_or_default(), 0);
    let api = boiler.stage.program.api();
    assert_eq!(api.metric("roost_bus_dropped_total"), 0);
    // What needs no acknowledgement may go, and is counted.
    publish(&mut bridge, "boiler", 0x00, 99);
    wait_for("the loss", || {
        (api.metric("roost_bus_dropped_total") == 1).then_some(())
    });
    boiler.stage.strike("fail", "roost/devices").unwrap();
    wait_for("what was acknowledged", || {
        (boiler.stage.numbers().get("boiler") == Some(&[u64::from(ROOM), 0, 0])).then_some(())
    });
}
