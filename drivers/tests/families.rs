//! The families of devices, each by ten devices: what they send becomes points with units, and they are commanded.
//!
//! `families/<family>.toml` holds the messages, with the section of the product's documentation that they are from.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use roost_drivers::{
    Codec, CodecMemory, CommandRequest, Decoded, Incoming, MAX_DESCRIBED_POINTS, builtin_profiles, codec_for,
    guess,
};
use roost_model::{Topic, Value, check_name};
use serde::Deserialize;

const FAMILIES: [(&str, &str); 8] = [
    ("esphome", include_str!("families/esphome.toml")),
    ("homeassistant", include_str!("families/homeassistant.toml")),
    ("homie", include_str!("families/homie.toml")),
    ("native", include_str!("families/native.toml")),
    ("shelly", include_str!("families/shelly.toml")),
    ("sparkplug", include_str!("families/sparkplug.toml")),
    ("tasmota", include_str!("families/tasmota.toml")),
    ("zigbee2mqtt", include_str!("families/zigbee2mqtt.toml")),
];
/// As many devices as each family is shown by.
const DEVICES: usize = 10;

#[derive(Deserialize)]
struct Family {
    devices: Vec<Device>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    id: String,
    /// What it is, in the product's words.
    product: String,
    /// The profile, if it is not the one of the family.
    profile: Option<String>,
    /// Topic and payload in the order in which they come; a payload that begins with `hex:` is bytes.
    messages: Vec<[String; 2]>,
    /// Point, last value as JSON or why there is none, unit.
    points: Vec<[String; 3]>,
    #[serde(default)]
    commands: Vec<Command>,
    /// What is refused on the way.
    #[serde(default)]
    faults: Vec<String>,
    /// Topic and payload of what the gateway says by itself.
    #[serde(default)]
    says: Vec<[String; 2]>,
    /// Points that it describes, with what is known of them as JSON.
    #[serde(default)]
    described: BTreeMap<String, String>,
    /// Whether the last that it said about it is that it is there.
    online: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    point: String,
    value: toml::Value,
    topic: Option<String>,
    payload: Option<String>,
    /// The point that proves it.
    confirm: Option<String>,
    /// Why it is refused.
    refused: Option<String>,
}

fn families() -> Vec<(&'static str, Family)> {
    let parsed = |(name, text): (&'static str, &str)| (name, toml::from_str(text).expect(name));
    FAMILIES.into_iter().map(parsed).collect()
}

fn codec(profile: &str) -> Box<dyn Codec> {
    let known = builtin_profiles().into_iter().find(|known| known.id == profile);
    codec_for(known.expect(profile)).unwrap()
}

fn bytes(payload: &str) -> Vec<u8> {
    let Some(digits) = payload.strip_prefix("hex:") else {
        return payload.as_bytes().to_vec();
    };
    let digits: String = digits.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn text(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => text.to_owned(),
        _ => payload
            .iter()
            .fold("hex:".to_owned(), |text, byte| format!("{text}{byte:02x}")),
    }
}

/// The same text for the same JSON, whatever the order of its members.
fn plain(payload: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(payload) {
        Ok(json @ serde_json::Value::Object(_)) => json.to_string(),
        _ => payload.to_owned(),
    }
}

/// What a device has said in all.
#[derive(Default)]
struct Heard {
    memory: CodecMemory,
    points: BTreeMap<String, (String, String)>,
    described: BTreeMap<String, String>,
    faults: Vec<String>,
    says: Vec<[String; 2]>,
    online: Option<bool>,
}

impl Heard {
    fn take(&mut self, decoded: Decoded) {
        for sample in decoded.samples {
            let value = match &sample.value {
                Ok(value) => value.to_json().to_string(),
                Err(reason) => reason.to_string(),
            };
            self.points.insert(sample.point, (value, sample.unit.to_string()));
        }
        for described in decoded.described {
            let known = serde_json::to_string(&described).unwrap();
            self.described.insert(described.point, known);
        }
        self.faults
            .extend(decoded.rejected.iter().map(ToString::to_string));
        let said = decoded.outgoing.into_iter();
        self.says
            .extend(said.map(|message| [message.topic.to_string(), text(&message.payload)]));
        self.online = decoded.online.or(self.online);
    }

    fn rows(&self) -> String {
        let row = |(point, (value, unit)): (&String, &(String, String))| {
            format!("    [{point:?}, '{value}', {unit:?}],\n")
        };
        self.points.iter().map(row).collect()
    }
}

fn hear(codec: &dyn Codec, device: &Device) -> Heard {
    let mut heard = Heard::default();
    for [topic, payload] in &device.messages {
        let topic = Topic::new(topic).unwrap();
        let listens = codec
            .filters(&device.id)
            .iter()
            .any(|filter| filter.matches(&topic));
        assert!(listens, "{}: nobody listens to {topic}", device.id);
        let grants = codec.access(&device.id).publish;
        let granted = codec.is_bridged() || grants.iter().any(|filter| filter.matches(&topic));
        assert!(granted, "{} may not publish to {topic}", device.id);
        let incoming = Incoming {
            topic: &topic,
            payload: &bytes(payload),
            at_ms: 1_790_000_000_000,
        };
        match codec.decode(&device.id, incoming, &mut heard.memory) {
            Ok(decoded) => heard.take(decoded),
            Err(error) => heard.faults.push(error.to_string()),
        }
    }
    heard
}

#[test]
fn every_family_is_shown_by_ten_devices_of_which_half_are_commanded() {
    for (name, family) in families() {
        assert!(
            family.devices.len() >= DEVICES,
            "{name}: {}",
            family.devices.len()
        );
        let commanded = family.devices.iter().filter(|device| !device.commands.is_empty());
        assert!(commanded.count() * 2 >= DEVICES, "{name}");
    }
}

#[test]
fn what_the_devices_send_becomes_points_with_units() {
    for (name, family) in families() {
        for device in &family.devices {
            let codec = codec(device.profile.as_deref().unwrap_or(name));
            let heard = hear(codec.as_ref(), device);
            let place = format!("{name}: {} ({})", device.id, device.product);
            let expected: BTreeMap<_, _> = device
                .points
                .iter()
                .map(|[point, value, unit]| (point.clone(), (value.clone(), unit.clone())))
                .collect();
            assert_eq!(heard.faults, device.faults, "{place}");
            assert!(heard.points == expected, "{place}: points are\n{}", heard.rows());
            let says: Vec<_> = device
                .says
                .iter()
                .map(|[topic, body]| [topic.clone(), plain(body)])
                .collect();
            assert_eq!(heard.says, says, "{place}");
            assert_eq!(heard.online, device.online, "{place}");
            for (point, known) in &device.described {
                assert_eq!(heard.described.get(point), Some(known), "{place}: {point}");
            }
        }
    }
}

#[test]
fn the_devices_are_commanded_in_their_words_and_refuse_what_they_do_not_take() {
    for (name, family) in families() {
        for device in &family.devices {
            let codec = codec(device.profile.as_deref().unwrap_or(name));
            let heard = hear(codec.as_ref(), device);
            for command in &device.commands {
                let place = format!("{name}: {} {}", device.id, command.point);
                let value = Value::from_json(serde_json::to_value(&command.value).unwrap());
                let request = CommandRequest {
                    id: "c1",
                    point: &command.point,
                    value: &value,
                    at_ms: 1_790_000_000_000,
                };
                match codec.encode(&device.id, request, &heard.memory) {
                    Ok(sent) => {
                        assert_eq!(Some(sent.topic.as_str()), command.topic.as_deref(), "{place}");
                        let expected = command.payload.as_deref().map(plain);
                        assert_eq!(Some(plain(&text(&sent.payload))), expected, "{place}");
                        assert_eq!(sent.confirm_point, command.confirm, "{place}");
                        let hears = codec.access(&device.id).subscribe;
                        let heard =
                            codec.is_bridged() || hears.iter().any(|filter| filter.matches(&sent.topic));
                        assert!(heard, "{place}: the device may not hear {}", sent.topic);
                    }
                    Err(error) => assert_eq!(Some(error.to_string()), command.refused, "{place}"),
                }
            }
        }
    }
}

fn check(device: &Device, decoded: &Decoded) {
    assert!(decoded.samples.len() <= MAX_DESCRIBED_POINTS + 1, "{}", device.id);
    assert!(decoded.described.len() <= MAX_DESCRIBED_POINTS, "{}", device.id);
    assert!(decoded.outgoing.len() <= 8, "{}", device.id);
    for sample in &decoded.samples {
        assert_eq!(check_name(&sample.point), Ok(()), "{}", sample.point);
        let number = sample.value.as_ref().ok().and_then(Value::as_f64);
        assert!(number.is_none_or(f64::is_finite), "{}", sample.point);
    }
}

/// A change of a payload: what is cut off, put in, and replaced.
fn change(payload: &[u8], (at, kind, byte): (usize, u8, u8)) -> Vec<u8> {
    let mut changed = payload.to_vec();
    let at = at % (changed.len() + 1);
    match kind % 4 {
        0 => changed.truncate(at),
        1 => changed.insert(at, byte),
        2 if at < changed.len() => changed[at] = byte,
        _ => changed.extend_from_slice(&payload[..at]),
    }
    changed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn messages_that_were_tampered_with_never_panic(
        changes in prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..6),
    ) {
        for (name, family) in families() {
            for device in &family.devices {
                let codec = codec(device.profile.as_deref().unwrap_or(name));
                let mut memory = CodecMemory::default();
                for (index, [topic, payload]) in device.messages.iter().enumerate() {
                    let mut payload = bytes(payload);
                    for tampered in changes.iter().skip(index % 2) {
                        payload = change(&payload, *tampered);
                    }
                    let incoming = Incoming { topic: &Topic::new(topic).unwrap(), payload: &payload, at_ms: 0 };
                    if let Ok(decoded) = codec.decode(&device.id, incoming, &mut memory) {
                        check(device, &decoded);
                    }
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_on_the_devices_topics_never_panic(
        payload in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        for (name, family) in families() {
            for device in &family.devices {
                let codec = codec(device.profile.as_deref().unwrap_or(name));
                let mut memory = CodecMemory::default();
                for [topic, _] in &device.messages {
                    let incoming = Incoming { topic: &Topic::new(topic).unwrap(), payload: &payload, at_ms: 0 };
                    if let Ok(decoded) = codec.decode(&device.id, incoming, &mut memory) {
                        check(device, &decoded);
                    }
                }
            }
        }
    }
}

#[test]
fn a_client_that_nobody_knows_is_guessed_by_what_it_says() {
    for (name, family) in families() {
        for device in &family.devices {
            let said: Vec<(String, Vec<u8>)> = device
                .messages
                .iter()
                .map(|[topic, payload]| (topic.clone(), bytes(payload)))
                .collect();
            let said: Vec<(&str, &[u8])> = said
                .iter()
                .map(|(topic, body)| (topic.as_str(), body.as_slice()))
                .collect();
            let profile = device.profile.as_deref().unwrap_or(name);
            if codec(profile).is_bridged() {
                continue;
            }
            let guessed = guess(&said).unwrap_or_else(|| panic!("{name}: {} is not guessed", device.id));
            assert_eq!(
                (guessed.profile, guessed.device_id.as_str()),
                (profile, device.id.as_str()),
                "{name}"
            );
        }
    }
}
