//! The outcome of a message: what the codec made of it, short enough to be kept with every frame.

use roost_drivers::{CodecError, Decoded, Sample};
use roost_model::Value;
use serde::{Deserialize, Serialize};

/// What the codec made of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Values of points that it brought.
    pub(crate) samples: u16,
    /// Answers to commands in it.
    pub(crate) acks: u16,
    /// What was expected in it and not found; 1 if it could not be taken apart at all.
    pub(crate) faults: u16,
    /// A hash over all of it: two outcomes with the same one are the same.
    #[serde(with = "hexadecimal")]
    pub(crate) print: u64,
}

impl Outcome {
    /// The outcome of a decoded message. Makes no copy: it is made for every message of every device.
    pub(crate) fn of(decoded: &Result<Decoded, CodecError>) -> Self {
        let count = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        let mut print = Print::default();
        match decoded {
            Err(error) => {
                print.text(&error.to_string());
                Self {
                    faults: 1,
                    print: print.0,
                    ..Self::default()
                }
            }
            Ok(decoded) => {
                decoded.samples.iter().for_each(|sample| print.sample(sample));
                for ack in &decoded.acks {
                    print.text(ack.id.as_deref().unwrap_or_default());
                    print.text(ack.point.as_deref().unwrap_or_default());
                    print.text(ack.result.as_ref().err().map_or("ok", String::as_str));
                }
                print.number(decoded.online.map_or(2, u64::from));
                for error in &decoded.rejected {
                    print.text(&error.to_string());
                }
                Self {
                    samples: count(decoded.samples.len()),
                    acks: count(decoded.acks.len()),
                    faults: count(decoded.rejected.len()),
                    print: print.0,
                }
            }
        }
    }
}

/// FNV-1a: the same on every machine and in every version, which the standard library's hashes do not promise.
struct Print(u64);

impl Default for Print {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Print {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// A text with its length, so that two texts are not taken for one.
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn sample(&mut self, sample: &Sample) {
        self.text(&sample.point);
        match &sample.value {
            Ok(Value::Bool(value)) => self.number(u64::from(*value)),
            Ok(Value::Int(value)) => self.bytes(&value.to_le_bytes()),
            Ok(Value::Float(value)) => self.number(value.to_bits()),
            Ok(Value::Text(value)) => self.text(value),
            Ok(Value::Json(value)) => self.text(&value.to_string()),
            Err(reason) => self.text(&format!("{reason:?}")),
        }
        self.text(sample.unit.as_str());
        self.number(sample.at.map_or(0, |at| at.unix_ns.unsigned_abs()));
        self.number(sample.cadence.map_or(0, |cadence| cadence.as_secs()));
    }
}

/// A number as sixteen hexadecimal digits: many readers of JSON know no whole numbers above 2^53.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{number:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(de::Error::custom)
    }
}

/// What a decoded message says, a line for each thing, as `roost replay` and the profile editor show it.
pub(crate) fn lines(decoded: &Result<Decoded, CodecError>) -> Vec<String> {
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(error) => return vec![format!("fault: {error}")],
    };
    let mut lines: Vec<String> = decoded.samples.iter().map(line).collect();
    for ack in &decoded.acks {
        let whom = ack.id.as_deref().or(ack.point.as_deref()).unwrap_or("a command");
        lines.push(match &ack.result {
            Ok(()) => format!("answer: {whom} acknowledged"),
            Err(reason) => format!("answer: {whom} refused: {reason}"),
        });
    }
    if let Some(online) = decoded.online {
        lines.push(format!("online: {online}"));
    }
    lines.extend(decoded.rejected.iter().map(|error| format!("fault: {error}")));
    lines
}

fn line(sample: &Sample) -> String {
    let value = match &sample.value {
        Ok(value) => value.to_json().to_string(),
        Err(reason) => format!("no data ({reason:?})"),
    };
    let unit = sample.unit.as_str();
    let space = if unit.is_empty() { "" } else { " " };
    format!("{} = {value}{space}{unit}", sample.point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_drivers::{CodecMemory, Incoming, builtin_profiles, codec_for};
    use roost_model::Topic;

    fn decoded(payload: &str) -> Result<Decoded, CodecError> {
        let profile = builtin_profiles()
            .into_iter()
            .find(|profile| profile.id == "tasmota");
        let codec = codec_for(profile.unwrap()).unwrap();
        let topic = Topic::new("tele/plug/SENSOR").unwrap();
        let incoming = Incoming {
            topic: &topic,
            payload: payload.as_bytes(),
            at_ms: 1,
        };
        codec.decode("plug", incoming, &mut CodecMemory::default())
    }

    #[test]
    fn outcomes_are_the_same_exactly_when_the_values_are() {
        let of = |payload: &str| Outcome::of(&decoded(payload));
        let power = |watts: u32| format!(r#"{{"ENERGY":{{"Power":{watts}}}}}"#);
        assert_eq!(of(&power(5)), of(&power(5)));
        assert_ne!(of(&power(5)).print, of(&power(6)).print);
        let broken = of("{");
        assert_eq!((broken.samples, broken.faults), (0, 1));
    }

    #[test]
    fn a_message_is_shown_with_values_units_and_faults() {
        let text = lines(&decoded(r#"{"ENERGY":{"Power":5,"Voltage":"high"}}"#)).join("\n");
        assert!(text.contains("energy.power = 5") && text.contains(" W"), "{text}");
        assert!(
            text.contains("fault: ") && text.contains("energy.voltage"),
            "{text}"
        );
    }

    #[test]
    fn an_outcome_survives_its_json_form() {
        let outcome = Outcome::of(&decoded(r#"{"ENERGY":{"Power":5}}"#));
        let json = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcome);
    }
}
