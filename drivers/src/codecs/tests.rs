//! Tests of the profiles that come with the gateway, and of the interpreter behind them.

use std::time::Duration;

use roost_model::{Access, Filter, NoData, Topic, Unit, Value, check_name};
use serde_json::json;

use super::*;
use crate::{
    Ack, CodecMemory, CommandRequest, Decoded, Grants, Incoming, MAX_DESCRIPTION_BYTES,
    MAX_SAMPLES_PER_MESSAGE, Outgoing,
};

fn profile(id: &str) -> Profile {
    builtin_profiles()
        .into_iter()
        .find(|profile| profile.id == id)
        .unwrap()
}

fn codec(id: &str) -> Box<dyn Codec> {
    codec_for(profile(id)).unwrap()
}

fn topic(text: &str) -> Topic {
    Topic::new(text).unwrap()
}

fn heard(codec: &dyn Codec, at: &str, payload: &[u8]) -> Result<Decoded, CodecError> {
    let incoming = Incoming {
        topic: &topic(at),
        payload,
        at_ms: 0,
    };
    codec.decode("dev1", incoming, &mut CodecMemory::default())
}

fn decode(codec: &dyn Codec, at: &str, payload: &str) -> Decoded {
    let decoded = heard(codec, at, payload.as_bytes()).unwrap();
    assert_eq!(decoded.rejected, []);
    decoded
}

/// Point, value as JSON (or the word for its absence), unit.
fn table(decoded: &Decoded) -> Vec<(String, String, String)> {
    let row = |sample: &crate::Sample| {
        let value = match &sample.value {
            Ok(value) => value.to_json().to_string(),
            Err(reason) => reason.to_string(),
        };
        (sample.point.clone(), value, sample.unit.to_string())
    };
    decoded.samples.iter().map(row).collect()
}

fn rows(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter()
        .map(|(a, b, c)| ((*a).into(), (*b).into(), (*c).into()))
        .collect()
}

fn encode(codec: &dyn Codec, point: &str, value: Value) -> Result<Outgoing, CodecError> {
    let request = CommandRequest {
        id: "c1",
        point,
        value: &value,
        at_ms: 0,
    };
    codec.encode("dev1", request, &CodecMemory::default())
}

#[test]
fn every_profile_that_comes_with_the_gateway_parses_under_its_name_and_is_consistent() {
    assert_eq!(builtin_profiles().len(), BUILTIN_PROFILES.len());
    for (profile, (id, text)) in builtin_profiles().into_iter().zip(BUILTIN_PROFILES) {
        assert_eq!(toml::from_str::<Profile>(text).unwrap(), profile);
        assert_eq!(profile.id, *id);
        assert_eq!(check_name(id), Ok(()));
        let codec = codec_for(profile).unwrap();
        assert!(!codec.filters("dev1").is_empty(), "{id}");
    }
}

#[test]
fn a_device_is_granted_its_own_topics_and_one_with_a_wildcard_for_a_name_nothing() {
    let filter = |text: &str| Filter::new(text).unwrap();
    let expected = Grants {
        publish: vec![
            filter("tele/dev1/+"),
            filter("stat/dev1/+"),
            filter("cmnd/dev1/POWER"),
        ],
        subscribe: vec![filter("cmnd/dev1/#")],
    };
    assert_eq!(codec("tasmota").access("dev1"), expected);
    assert_eq!(codec("tasmota").filters("dev1"), expected.publish[..2]);
    for name in ["+", "#", "a/b", ""] {
        assert_eq!(codec("native").access(name), Grants::default(), "{name:?}");
        assert_eq!(codec("native").filters(name), [], "{name:?}");
    }
}

#[test]
fn a_profile_that_reaches_outside_its_grants_is_refused_with_the_place() {
    let refused = |change: &dyn Fn(&mut Profile)| {
        let mut profile = profile("native");
        change(&mut profile);
        codec_for(profile).err().unwrap().to_string()
    };
    let text = refused(&|profile| profile.publishes.push("devices/+/telemetry".into()));
    assert!(
        text.contains("publishes[3]") && text.contains("{device}"),
        "{text}"
    );
    let text = refused(&|profile| profile.points[0].topic = "other/{device}/{point}".into());
    assert!(text.contains("points[0]") && text.contains("publishes"), "{text}");
    let text = refused(&|profile| profile.points[1].pointer = String::new());
    assert!(text.contains("points[1]") && text.contains("{member}"), "{text}");
    let text = refused(&|profile| profile.commands[0].topic = "devices/{device}/telemetry".into());
    assert!(
        text.contains("commands[0]") && text.contains("subscribes"),
        "{text}"
    );
}

#[test]
fn a_native_device_reports_one_value_or_several() {
    let native = codec("native");
    let one = decode(native.as_ref(), "devices/dev1/telemetry/Flow", "21.5");
    assert_eq!(table(&one), rows(&[("flow", "21.5", "")]));
    let several = decode(
        native.as_ref(),
        "devices/dev1/telemetry",
        r#"{"flow":21.5,"mode":"auto","pump":{"value":true,"access":"read_write","cadence_ms":5000},
            "return":{"value":18,"unit":"°C","at_ms":1790000000000},"broken":null}"#,
    );
    let expected = [
        ("broken", "device error", ""),
        ("flow", "21.5", ""),
        ("mode", "\"auto\"", ""),
        ("pump", "true", ""),
        ("return", "18", "°C"),
    ];
    assert_eq!(table(&several), rows(&expected));
    let pump = several.samples.get("pump").unwrap();
    assert_eq!(
        (pump.access, pump.cadence),
        (Access::ReadWrite, Some(Duration::from_secs(5)))
    );
    let flow = several.samples.get("flow").unwrap();
    assert_eq!((flow.access, flow.at, flow.cadence), (Access::Read, None, None));
    let at = several.samples.get("return").unwrap().at.unwrap();
    assert_eq!(at.unix_ms(), 1_790_000_000_000);
}

#[test]
fn a_native_device_answers_a_command_with_its_id() {
    let native = codec("native");
    let answer = |payload: &str| decode(native.as_ref(), "devices/dev1/commands/pump/result", payload).acks;
    let ack = |result: Result<(), &str>| {
        vec![Ack {
            id: Some("c1".into()),
            point: Some("pump".into()),
            result: result.map_err(str::to_owned),
        }]
    };
    assert_eq!(answer(r#"{"id":"c1","ok":true}"#), ack(Ok(())));
    assert_eq!(
        answer(r#"{"id":"c1","error":"valve stuck"}"#),
        ack(Err("valve stuck"))
    );
    assert_eq!(
        answer(r#"{"id":"c1","ok":false}"#),
        ack(Err("the device refuses"))
    );
    // What can't be understood acknowledges nothing.
    let garbled = heard(native.as_ref(), "devices/dev1/commands/pump/result", b"{\"id\":");
    let garbled = garbled.unwrap();
    assert_eq!((garbled.acks, garbled.rejected.len()), (vec![], 1));
}

#[test]
fn a_message_of_another_device_or_about_nothing_brings_nothing() {
    let native = codec("native");
    for (at, payload) in [
        ("devices/other/telemetry", r#"{"flow":1}"#),
        ("devices/dev1/telemetry/flow/deep", "1"),
        ("devices/dev1/telemetry/flow", ""),
    ] {
        assert_eq!(decode(native.as_ref(), at, payload), Decoded::default(), "{at}");
    }
}

#[test]
fn a_payload_that_is_not_what_the_rule_says_is_refused_with_topic_rule_and_expectation() {
    let error =
        |codec: &dyn Codec, at: &str, payload: &[u8]| heard(codec, at, payload).unwrap_err().to_string();
    let native = codec("native");
    let text = error(native.as_ref(), "devices/dev1/telemetry", b"{\"flow\":");
    assert_eq!(text, "devices/dev1/telemetry: {member} (at /*) expects JSON");
    let text = error(native.as_ref(), "devices/dev1/telemetry/flow", b"NaN");
    assert_eq!(
        text,
        "devices/dev1/telemetry/flow: {point} expects a finite number or text"
    );
    let text = error(native.as_ref(), "devices/dev1/telemetry/flow", &[0xff, 0xfe]);
    assert_eq!(text, "devices/dev1/telemetry/flow: {point} expects text in UTF-8");
    let text = error(codec("tasmota").as_ref(), "stat/dev1/POWER", b"perhaps");
    assert_eq!(text, "stat/dev1/POWER: power expects on or off");
}

#[test]
fn one_bad_member_takes_nothing_from_the_others() {
    let payload = br#"{"AM2301":{"Temperature":{},"Humidity":60.2},"TempUnit":"C"}"#;
    let decoded = heard(codec("tasmota").as_ref(), "tele/dev1/SENSOR", payload).unwrap();
    let sample = |point: &str| decoded.samples.get(point).unwrap().value.clone();
    assert_eq!(sample("am2301.humidity"), Ok(Value::Float(60.2)));
    assert_eq!(sample("am2301.temperature"), Err(NoData::DeviceError));
    assert_eq!(decoded.rejected.len(), 1);
}

#[test]
fn a_message_with_too_many_values_is_refused_whole() {
    let document = |members: usize| {
        let object: serde_json::Map<_, _> = (0..members).map(|n| (format!("p{n}"), json!(n))).collect();
        serde_json::Value::from(object).to_string()
    };
    let (native, at) = (codec("native"), "devices/dev1/telemetry");
    let most = heard(native.as_ref(), at, document(MAX_SAMPLES_PER_MESSAGE).as_bytes()).unwrap();
    assert_eq!(most.samples.len(), MAX_SAMPLES_PER_MESSAGE);
    let error = heard(
        native.as_ref(),
        at,
        document(MAX_SAMPLES_PER_MESSAGE + 1).as_bytes(),
    );
    assert_eq!(error, Err(CodecError::TooManySamples { topic: topic(at) }));
}

/// Messages after the examples of the Tasmota documentation ("MQTT", "JSON Status Responses", "Power
/// Monitoring").
#[test]
fn tasmota_telemetry_becomes_points_with_units() {
    let tasmota = codec("tasmota");
    let sensor = decode(
        tasmota.as_ref(),
        "tele/dev1/SENSOR",
        r#"{"Time":"2026-02-16T10:13:52","DS18B20-1":{"Id":"01131B","Temperature":69.1},
            "BME280":{"Temperature":21.5,"Humidity":45.1,"DewPoint":9.1,"Pressure":1008.3},
            "ENERGY":{"TotalStartTime":"2026-01-01T00:00:00","Total":3.185,"Yesterday":3.058,"Today":0.127,
            "Power":49,"Factor":0.95,"Voltage":230,"Current":0.224},"PressureUnit":"hPa","TempUnit":"F"}"#,
    );
    let mut found = table(&sensor);
    found.sort();
    let expected = [
        ("bme280.dew_point", "9.1", "°F"),
        ("bme280.humidity", "45.1", "%"),
        ("bme280.pressure", "1008.3", "hPa"),
        ("bme280.temperature", "21.5", "°F"),
        ("ds18b20-1.temperature", "69.1", "°F"),
        ("energy.current", "0.224", "A"),
        ("energy.factor", "0.95", ""),
        ("energy.power", "49", "W"),
        ("energy.today", "0.127", "kWh"),
        ("energy.total", "3.185", "kWh"),
        ("energy.voltage", "230", "V"),
        ("energy.yesterday", "3.058", "kWh"),
    ];
    assert_eq!(found, rows(&expected));
    let state = decode(
        tasmota.as_ref(),
        "tele/dev1/STATE",
        r#"{"Time":"2026-02-24T22:20:38","UptimeSec":611,"Heap":24,"POWER1":"OFF","POWER2":"ON",
            "Wifi":{"AP":1,"SSId":"plant","Channel":3,"RSSI":44,"Signal":-78,"LinkCount":1}}"#,
    );
    let expected = [
        ("power1", "false", ""),
        ("power2", "true", ""),
        ("uptime", "611", "s"),
        ("wifi.rssi", "44", "%"),
        ("wifi.signal", "-78", "dBm"),
    ];
    assert_eq!(table(&state), rows(&expected));
    assert_eq!(state.samples.get("power1").unwrap().access, Access::ReadWrite);
    assert_eq!(state.samples.get("uptime").unwrap().unit, Unit::new("s"));
}

#[test]
fn tasmota_says_whether_it_is_online() {
    let tasmota = codec("tasmota");
    assert_eq!(
        decode(tasmota.as_ref(), "tele/dev1/LWT", "Online").online,
        Some(true)
    );
    assert_eq!(
        decode(tasmota.as_ref(), "tele/dev1/LWT", "Offline").online,
        Some(false)
    );
    assert_eq!(decode(tasmota.as_ref(), "tele/dev1/STATE", "{}").online, None);
}

#[test]
fn tasmota_is_commanded_in_its_words_and_acknowledges_by_its_result() {
    let tasmota = codec("tasmota");
    let sent = encode(tasmota.as_ref(), "power2", Value::Bool(true)).unwrap();
    assert_eq!(
        (sent.topic.as_str(), sent.payload.as_slice()),
        ("cmnd/dev1/POWER2", &b"ON"[..])
    );
    let answer = decode(tasmota.as_ref(), "stat/dev1/RESULT", r#"{"POWER2":"ON"}"#);
    let ack = Ack {
        id: None,
        point: Some("power2".into()),
        result: Ok(()),
    };
    assert_eq!(
        (table(&answer), &answer.acks),
        (rows(&[("power2", "true", "")]), &vec![ack])
    );
    // The plain form beside it is a value, not a second acknowledgement.
    let plain = decode(tasmota.as_ref(), "stat/dev1/POWER2", "ON");
    assert_eq!(
        (table(&plain), plain.acks),
        (rows(&[("power2", "true", "")]), vec![])
    );
    // An answer to something else acknowledges nothing.
    assert_eq!(
        decode(tasmota.as_ref(), "stat/dev1/RESULT", r#"{"Command":"Unknown"}"#),
        Decoded::default()
    );
}

#[test]
fn a_command_that_a_family_does_not_have_never_leaves() {
    let tasmota = codec("tasmota");
    let error = encode(tasmota.as_ref(), "reset", Value::Int(1)).unwrap_err();
    assert_eq!(error.to_string(), "profile tasmota has no command for reset");
    let error = encode(tasmota.as_ref(), "power", Value::Text("BLINK".into())).unwrap_err();
    assert_eq!(error.to_string(), "power takes false or true");
    let native = codec("native");
    assert!(encode(native.as_ref(), "a/b", Value::Int(1)).is_err());
    assert!(encode(native.as_ref(), "flow", Value::Float(f64::NAN)).is_err());
}

/// What a codec makes of several messages, one after the other.
fn told(id: &str, messages: &[(&str, String)]) -> Vec<Decoded> {
    let (codec, mut memory) = (codec(id), CodecMemory::default());
    let mut decode = |(at, payload): &(&str, String)| {
        let topic = topic(at);
        let incoming = Incoming {
            topic: &topic,
            payload: payload.as_bytes(),
            at_ms: 0,
        };
        codec.decode("dev1", incoming, &mut memory).unwrap()
    };
    messages.iter().map(&mut decode).collect()
}

#[test]
fn points_that_a_device_does_not_describe_any_more_are_named() {
    let config = "homeassistant/switch/dev1/relay/config";
    let relay = json!({ "state_topic": "dev1/relay", "name": "Relay" }).to_string();
    let told = told(
        "homeassistant",
        &[(config, relay.clone()), (config, relay), (config, String::new())],
    );
    let undescribed: Vec<_> = told.iter().map(|decoded| decoded.undescribed.clone()).collect();
    assert_eq!(told[0].described[0].point, "switch.relay");
    assert_eq!(undescribed, [vec![], vec![], vec!["switch.relay".to_owned()]]);

    let tree = |properties: serde_json::Value| {
        let nodes = json!({ "nodes": { "n": { "properties": properties } } });
        ("homie/5/dev1/$description", nodes.to_string())
    };
    let (both, one) = (json!({ "a": {}, "b": {} }), json!({ "b": {} }));
    let told = self::told("homie", &[tree(both), tree(one)]);
    assert_eq!(
        (told[0].undescribed.len(), &told[1].undescribed),
        (0, &vec!["n.a".to_owned()])
    );
}

#[test]
fn a_device_that_describes_itself_without_end_is_told_where_it_ends() {
    let options = |at: usize| {
        let words: Vec<String> = (0..1000).map(|word| format!("{at} {word:027}")).collect();
        json!({ "state_topic": "dev1/mode", "options": words }).to_string()
    };
    let topics: Vec<String> = (0..20)
        .map(|at| format!("homeassistant/select/dev1/s{at}/config"))
        .collect();
    let messages: Vec<(&str, String)> = topics
        .iter()
        .enumerate()
        .map(|(at, topic)| (topic.as_str(), options(at)))
        .collect();
    let told = told("homeassistant", &messages);
    let described = told
        .iter()
        .filter(|decoded| !decoded.described.is_empty())
        .count();
    assert_eq!(described, MAX_DESCRIPTION_BYTES / messages[0].1.len());
    let last = &told[19].rejected;
    assert!(
        matches!(last[..], [CodecError::TooMuchDescription { .. }]),
        "{last:?}"
    );
}
