//! Payloads of Sparkplug B: metrics with names, aliases, types and values.
//!
//! Source: Eclipse Sparkplug specification 3.0, section 6.4, "Sparkplug B v1.0 Payload Definition".

use roost_model::{NoData, Value};

use super::wire::{Broken, Field, Fields, put_bytes, put_double, put_float, put_varint};
use crate::codecs::numbers::whole_if_it_is;

/// Most metrics of one payload.
const MAX_METRICS: usize = 4096;

/// A payload, as far as it is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Payload {
    pub(super) at_ms: Option<u64>,
    pub(super) seq: Option<u64>,
    pub(super) metrics: Vec<Metric>,
}

/// A metric, as far as it is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Metric {
    pub(super) name: Option<String>,
    pub(super) alias: Option<u64>,
    pub(super) at_ms: Option<u64>,
    pub(super) datatype: u64,
    pub(super) is_historical: bool,
    is_null: bool,
    raw: Option<Raw>,
    /// The property that names its unit.
    pub(super) unit: Option<String>,
    /// Whether a property says that it takes no commands.
    pub(super) is_read_only: bool,
}

/// A value as it came, before its type says what it is.
#[derive(Debug, Clone, PartialEq)]
enum Raw {
    Number(u64),
    Float(f64),
    Bool(bool),
    Text(String),
    /// Bytes, a table, a template: not read.
    Other,
}

/// The data types that are read, by their numbers in the specification (section 6.4.16).
pub(super) mod datatype {
    pub(in super::super) const INT8: u64 = 1;
    pub(in super::super) const INT16: u64 = 2;
    pub(in super::super) const INT32: u64 = 3;
    pub(in super::super) const INT64: u64 = 4;
    pub(in super::super) const UINT8: u64 = 5;
    pub(in super::super) const UINT16: u64 = 6;
    pub(in super::super) const UINT32: u64 = 7;
    pub(in super::super) const UINT64: u64 = 8;
    pub(in super::super) const FLOAT: u64 = 9;
    pub(in super::super) const DOUBLE: u64 = 10;
    pub(in super::super) const BOOLEAN: u64 = 11;
    pub(in super::super) const STRING: u64 = 12;
    pub(in super::super) const DATE_TIME: u64 = 13;
    pub(in super::super) const TEXT: u64 = 14;
    pub(in super::super) const UUID: u64 = 15;
}
use datatype::{
    BOOLEAN, DATE_TIME, DOUBLE, FLOAT, INT8, INT16, INT32, INT64, STRING, TEXT, UINT8, UINT16, UINT32,
    UINT64, UUID,
};

impl Payload {
    /// Reads a payload.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Broken> {
        let mut payload = Self::default();
        for field in Fields(bytes) {
            let (number, field) = field?;
            match number {
                1 => payload.at_ms = field.number(),
                2 => {
                    if payload.metrics.len() >= MAX_METRICS {
                        return Err(Broken);
                    }
                    payload.metrics.push(Metric::read(field.bytes().ok_or(Broken)?)?);
                }
                3 => payload.seq = field.number(),
                _ => {}
            }
        }
        Ok(payload)
    }

    /// The number of a metric, by its name.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        let metric = self
            .metrics
            .iter()
            .find(|metric| metric.name.as_deref() == Some(name))?;
        match metric.raw {
            Some(Raw::Number(number)) => Some(number),
            _ => None,
        }
    }
}

impl Metric {
    fn read(bytes: &[u8]) -> Result<Self, Broken> {
        let mut metric = Self::default();
        for field in Fields(bytes) {
            let (number, field) = field?;
            match number {
                1 => metric.name = field.text().map(str::to_owned),
                2 => metric.alias = field.number(),
                3 => metric.at_ms = field.number(),
                4 => metric.datatype = field.number().unwrap_or(0),
                5 => metric.is_historical = field.number() == Some(1),
                7 => metric.is_null = field.number() == Some(1),
                9 => metric.properties(field.bytes().ok_or(Broken)?)?,
                10..=18 => metric.raw = Raw::read(number, field),
                _ => {}
            }
        }
        Ok(metric)
    }

    /// Properties: names and values in two lists of the same order.
    fn properties(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for field in Fields(bytes) {
            match field? {
                (1, field) => names.push(field.text().unwrap_or_default()),
                (2, field) => values.push(field.bytes().ok_or(Broken)?),
                _ => {}
            }
        }
        for (name, value) in names.into_iter().zip(values) {
            for field in Fields(value) {
                match (name.to_ascii_lowercase().as_str(), field?) {
                    ("engunit" | "engineeringunits" | "engineering units" | "unit" | "units", (8, field)) => {
                        self.unit = field.text().map(str::to_owned);
                    }
                    ("readonly", (7, field)) => self.is_read_only = field.number() == Some(1),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The value by the metric's type; `None` if values of that type are not read.
    pub(super) fn value(&self, datatype: u64) -> Option<Result<Value, NoData>> {
        if self.is_null {
            return Some(Err(NoData::DeviceError));
        }
        let signed =
            |bits: u32, number: u64| Value::Int((number << (64 - bits)).cast_signed() >> (64 - bits));
        Some(Ok(match (datatype, self.raw.as_ref()?) {
            (INT8, Raw::Number(number)) => signed(8, *number),
            (INT16, Raw::Number(number)) => signed(16, *number),
            (INT32, Raw::Number(number)) => signed(32, *number),
            (INT64, Raw::Number(number)) => signed(64, *number),
            (UINT8 | UINT16 | UINT32 | UINT64 | DATE_TIME, Raw::Number(number)) => {
                match i64::try_from(*number) {
                    Ok(number) => Value::Int(number),
                    #[expect(
                        clippy::cast_precision_loss,
                        reason = "above 2^63 there is no other kind of value"
                    )]
                    Err(_) => Value::Float(*number as f64),
                }
            }
            (FLOAT | DOUBLE, Raw::Float(number)) if number.is_finite() => Value::Float(*number),
            (FLOAT | DOUBLE, Raw::Float(_)) => return Some(Err(NoData::DeviceError)),
            (BOOLEAN, Raw::Bool(value)) => Value::Bool(*value),
            (STRING | TEXT | UUID, Raw::Text(text)) => Value::Text(text.clone()),
            _ => return None,
        }))
    }
}

impl Raw {
    fn read(number: u64, field: Field<'_>) -> Option<Self> {
        Some(match (number, field) {
            (10 | 11, Field::Varint(number)) => Self::Number(number),
            (12, Field::Fixed32(bits)) => Self::Float(shortest(f32::from_bits(bits))),
            (13, Field::Fixed64(bits)) => Self::Float(f64::from_bits(bits)),
            (14, Field::Varint(number)) => Self::Bool(number != 0),
            (15, field) => Self::Text(field.text()?.to_owned()),
            _ => Self::Other,
        })
    }
}

/// The number that people would write for a float of 32 bits: 21.4, and not 21.399999618530273.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| number.into())
}

/// How a command names its metric: by the alias where the birth gave one, or else by the name (section 6.4.6).
pub(super) enum Called<'a> {
    Alias(u64),
    Name(&'a str),
}

/// The payload of a command; or what a metric of this type takes.
pub(super) fn command(
    called: &Called<'_>,
    datatype: u64,
    value: &Value,
    at_ms: i64,
) -> Result<Vec<u8>, &'static str> {
    let at_ms = at_ms.max(0).cast_unsigned();
    let mut metric = Vec::new();
    match called {
        Called::Alias(alias) => put_varint(&mut metric, 2, *alias),
        Called::Name(name) => put_bytes(&mut metric, 1, name.as_bytes()),
    }
    put_varint(&mut metric, 3, at_ms);
    put_varint(&mut metric, 4, datatype);
    put_value(&mut metric, datatype, value)?;
    let mut payload = Vec::new();
    put_varint(&mut payload, 1, at_ms);
    put_bytes(&mut payload, 2, &metric);
    Ok(payload)
}

fn put_value(metric: &mut Vec<u8>, datatype: u64, value: &Value) -> Result<(), &'static str> {
    let whole = match whole_if_it_is(value.clone()) {
        Value::Int(number) => Some(number),
        _ => None,
    };
    let within = |min: i64, max: i64| whole.filter(|number| (min..=max).contains(number));
    let narrow = |number: i64| u64::from(u32::from_le_bytes(number.to_le_bytes().as_chunks::<4>().0[0]));
    match datatype {
        INT8 => put_varint(
            metric,
            10,
            narrow(within(-128, 127).ok_or("a whole number from -128 to 127")?),
        ),
        INT16 => put_varint(
            metric,
            10,
            narrow(within(-32768, 32767).ok_or("a whole number from -32768 to 32767")?),
        ),
        INT32 => {
            let number = within(i32::MIN.into(), i32::MAX.into()).ok_or("a whole number of 32 bits")?;
            put_varint(metric, 10, narrow(number));
        }
        INT64 => put_varint(metric, 11, whole.ok_or("a whole number")?.cast_unsigned()),
        UINT8 => put_varint(
            metric,
            10,
            narrow(within(0, 255).ok_or("a whole number from 0 to 255")?),
        ),
        UINT16 => put_varint(
            metric,
            10,
            narrow(within(0, 65535).ok_or("a whole number from 0 to 65535")?),
        ),
        UINT32 => {
            let number = within(0, u32::MAX.into()).ok_or("a whole number of 32 bits without sign")?;
            put_varint(metric, 10, narrow(number));
        }
        UINT64 | DATE_TIME => {
            let number = within(0, i64::MAX).ok_or("a whole number without sign")?;
            put_varint(metric, 11, number.cast_unsigned());
        }
        FLOAT => {
            let number = value.as_f64().ok_or("a number")?;
            #[expect(clippy::cast_possible_truncation, reason = "the metric has 32 bits")]
            let narrowed = number as f32;
            put_float(
                metric,
                12,
                Some(narrowed)
                    .filter(|number| number.is_finite())
                    .ok_or("a number of 32 bits")?,
            );
        }
        DOUBLE => {
            let number = value.as_f64().filter(|number| number.is_finite());
            put_double(metric, 13, number.ok_or("a number")?);
        }
        BOOLEAN => match value {
            Value::Bool(on) => put_varint(metric, 14, u64::from(*on)),
            _ => return Err("true or false"),
        },
        STRING | TEXT | UUID => match value {
            Value::Text(text) => put_bytes(metric, 15, text.as_bytes()),
            _ => return Err("text"),
        },
        _ => return Err("no value of a kind that is written"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_command_is_read_back_with_its_sign_and_size() {
        for (datatype, value) in [
            (INT8, Value::Int(-5)),
            (INT16, Value::Int(-300)),
            (INT32, Value::Int(-70_000)),
            (INT64, Value::Int(i64::MIN)),
            (UINT32, Value::Int(u32::MAX.into())),
            (FLOAT, Value::Float(21.4)),
            (DOUBLE, Value::Float(0.1)),
            (BOOLEAN, Value::Bool(true)),
            (STRING, Value::Text("auto".into())),
        ] {
            let sent = command(&Called::Alias(7), datatype, &value, 1).unwrap();
            let payload = Payload::read(&sent).unwrap();
            assert_eq!((payload.at_ms, payload.seq), (Some(1), None));
            assert_eq!(payload.metrics[0].alias, Some(7));
            assert_eq!(payload.metrics[0].value(datatype), Some(Ok(value)), "{datatype}");
        }
        assert_eq!(
            command(&Called::Alias(7), UINT8, &Value::Int(256), 1),
            Err("a whole number from 0 to 255")
        );
        assert_eq!(
            command(&Called::Alias(7), BOOLEAN, &Value::Int(1), 1),
            Err("true or false")
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512), datatype in 0u64..40) {
            if let Ok(payload) = Payload::read(&bytes) {
                prop_assert!(payload.metrics.len() <= MAX_METRICS);
                for metric in &payload.metrics {
                    let _ = metric.value(datatype);
                }
            }
        }
    }
}
