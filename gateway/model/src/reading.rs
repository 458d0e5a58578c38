//! A reading: one value of one point at one moment, or the reason why there was none.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{NoData, Unit, Value};

/// How far a timestamp can be trusted. Boards have no clock battery: after power-on time may be years off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockQuality {
    /// The system clock was set from the network at least once since boot.
    Synced,
    /// Nothing is known about the system clock.
    #[default]
    Unknown,
}

/// A moment: nanoseconds since 1970-01-01T00:00:00Z, with the quality of the clock that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timestamp {
    /// Nanoseconds since the Unix epoch; the range covers the years 1677 to 2262.
    pub unix_ns: i64,
    /// What the clock was worth at that moment.
    pub clock: ClockQuality,
}

impl Timestamp {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.unix_ns / 1_000_000
    }

    /// From milliseconds since the Unix epoch; saturates at the range of [`Timestamp::unix_ns`].
    #[must_use]
    pub fn from_unix_ms(unix_ms: i64, clock: ClockQuality) -> Self {
        Self {
            unix_ns: unix_ms.saturating_mul(1_000_000),
            clock,
        }
    }

    /// Time from `self` to `later`; zero if the clock was set back in between.
    #[must_use]
    pub fn until(self, later: Timestamp) -> Duration {
        Duration::from_nanos(u64::try_from(later.unix_ns.saturating_sub(self.unix_ns)).unwrap_or(0))
    }
}

/// One reading of one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Number of this reading among all of this gateway, from intake on; never reused.
    pub seq: u64,
    /// When the value was taken, or received if the device sent no time.
    pub at: Timestamp,
    /// The value, or why there is none.
    pub value: Result<Value, NoData>,
    /// What the value is counted in.
    pub unit: Unit,
    /// How often a value is expected; `None` while it is not known.
    pub cadence: Option<Duration>,
}

/// The JSON form of [`Reading`]: flat, with units in the names.
#[derive(Serialize, Deserialize)]
struct ReadingWire {
    seq: u64,
    at_ms: i64,
    #[serde(default)]
    clock: ClockQuality,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    no_data: Option<NoData>,
    #[serde(default, skip_serializing_if = "Unit::is_none")]
    unit: Unit,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cadence_ms: Option<u64>,
}

impl Serialize for Reading {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReadingWire {
            seq: self.seq,
            at_ms: self.at.unix_ms(),
            clock: self.at.clock,
            value: self.value.as_ref().ok().cloned(),
            no_data: self.value.as_ref().err().copied(),
            unit: self.unit.clone(),
            cadence_ms: self
                .cadence
                .map(|cadence| u64::try_from(cadence.as_millis()).unwrap_or(u64::MAX)),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = ReadingWire::deserialize(deserializer)?;
        let value = match (wire.value, wire.no_data) {
            (Some(value), None) => Ok(value),
            (None, Some(reason)) => Err(reason),
            _ => {
                return Err(serde::de::Error::custom(
                    "a reading has either `value` or `no_data`",
                ));
            }
        };
        Ok(Self {
            seq: wire.seq,
            at: Timestamp::from_unix_ms(wire.at_ms, wire.clock),
            value,
            unit: wire.unit,
            cadence: wire.cadence_ms.map(Duration::from_millis),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_survives_its_json_form_to_the_millisecond() {
        let reading = Reading {
            seq: 7,
            at: Timestamp::from_unix_ms(1_790_000_000_123, ClockQuality::Synced),
            value: Ok(Value::Float(21.5)),
            unit: Unit::new("°C"),
            cadence: Some(Duration::from_secs(10)),
        };
        let text = serde_json::to_string(&reading).unwrap();
        assert_eq!(
            text,
            r#"{"seq":7,"at_ms":1790000000123,"clock":"synced","value":21.5,"unit":"°C","cadence_ms":10000}"#
        );
        assert_eq!(serde_json::from_str::<Reading>(&text).unwrap(), reading);
    }

    #[test]
    fn a_failed_read_is_data_with_a_reason() {
        let failed: Reading = serde_json::from_str(r#"{"seq":1,"at_ms":0,"no_data":"timeout"}"#).unwrap();
        assert_eq!(failed.value, Err(NoData::Timeout));
        assert!(serde_json::from_str::<Reading>(r#"{"seq":1,"at_ms":0}"#).is_err());
    }

    #[test]
    fn an_age_is_never_negative() {
        let (early, late) = (
            Timestamp::from_unix_ms(1, ClockQuality::Unknown),
            Timestamp::from_unix_ms(5, ClockQuality::Unknown),
        );
        assert_eq!(early.until(late), Duration::from_millis(4));
        assert_eq!(late.until(early), Duration::ZERO);
    }
}
