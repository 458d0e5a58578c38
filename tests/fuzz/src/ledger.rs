//! Any records as those of an earlier run: they never panic, what is written of them leads to the same again, and the
//! broker then works.

use bytes::BytesMut;
use roost_mqtt::rehearsal::{enter, pass_time, records_of};

use super::stage;

/// CONNECT of `d` as client `a` for its session of before, and a subscription to everything it may have.
const CONNECT: &[u8] = b"\x10\x13\x00\x04MQTT\x04\xc0\x00\x00\x00\x01a\x00\x01d\x00\x01s";
const SUBSCRIBE: &[u8] = b"\x82\x08\x00\x01\x00\x03t/#\x02";
const PUBLISH: &[u8] = b"\x34\x08\x00\x03t/x\x00\x07!";

/// The bytes are records behind their lengths, of one byte each.
pub fn ledger_replay(data: &[u8]) {
    let mut records = Vec::new();
    let mut rest = data;
    while let Some((length, after)) = rest.split_first() {
        let (record, after) = after.split_at(usize::from(*length).min(after.len()));
        records.push(record);
        rest = after;
    }
    let broker = stage::broker(&records);
    let written = records_of(&broker);
    let written: Vec<&[u8]> = written.iter().map(Vec::as_slice).collect();
    let again = stage::broker(&written);
    assert_eq!(broker.kept(), again.kept(), "a snapshot has all that there is");
    assert_eq!(records_of(&again).len(), written.len());
    again.close();
    pass_time(&broker);
    let mut out = BytesMut::new();
    if let Some(mut visitor) = stage::wait(enter(&broker, CONNECT, &mut out)) {
        for packet in [SUBSCRIBE, PUBLISH] {
            let (used, goes_on) = visitor.say(packet, &mut out);
            assert!(goes_on && used == packet.len());
        }
        visitor.leave(false);
    }
    let (sessions, _) = broker.kept();
    assert!(
        out[0] == 0x20 && (out[3] == 0 || sessions >= stage::limits().sessions),
        "{out:x?}"
    );
    broker.close();
}
