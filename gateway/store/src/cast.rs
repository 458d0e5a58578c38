//! Reads a JSON value into a type, with errors that say in plain words where and what was expected.
//!
//! Values that come from forms are text: a text that reads as a number or as yes or no is taken where one is
//! expected.

use std::cell::RefCell;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Error, Value};

/// The first thing that is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where: `address`, `points[1].kind`.
    pub(crate) path: String,
    /// What, phrased to follow the path.
    pub(crate) message: String,
}

/// Reads `value` as a `T`.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    let first = RefCell::new(None);
    let root = Node {
        value,
        path: String::new(),
        first: &first,
    };
    T::deserialize(root).map_err(|error| {
        first.take().unwrap_or_else(|| Fault {
            path: String::new(),
            message: worded(&error),
        })
    })
}

/// What the derived readers say about objects, phrased to follow a name.
fn worded(error: &Error) -> String {
    let text = error.to_string();
    if let Some(field) = text.strip_prefix("missing field ") {
        format!("lacks the field {field}")
    } else if let Some(rest) = text.strip_prefix("unknown field ") {
        format!("has no field {rest}")
    } else {
        format!("is not valid: {text}")
    }
}

/// A value, where it stands, and the place for the first fault.
struct Node<'de, 'f> {
    value: &'de Value,
    path: String,
    first: &'f RefCell<Option<Fault>>,
}

impl<'de, 'f> Node<'de, 'f> {
    /// Notes the fault, unless one deeper inside was noted already.
    fn fault(&self, message: impl Into<String>) -> Error {
        let message = message.into();
        let error = Error::custom(&message);
        self.first.borrow_mut().get_or_insert_with(|| Fault {
            path: self.path.clone(),
            message,
        });
        error
    }

    fn member(&self, name: &str, value: &'de Value) -> Node<'de, 'f> {
        let dot = if self.path.is_empty() { "" } else { "." };
        Node {
            value,
            path: format!("{}{dot}{name}", self.path),
            first: self.first,
        }
    }

    fn element(&self, index: usize, value: &'de Value) -> Node<'de, 'f> {
        Node {
            value,
            path: format!("{}[{index}]", self.path),
            first: self.first,
        }
    }

    /// The value as a whole number, also out of text: decimal, or hexadecimal with `0x` as bus addresses are
    /// written.
    fn whole(&self) -> Option<i128> {
        match self.value {
            Value::Number(number) => number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from)),
            Value::String(text) => {
                let text = text.trim();
                match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                    // The parser would take a second sign here.
                    Some(digits) if digits.starts_with(['+', '-']) => None,
                    Some(digits) => i128::from_str_radix(digits, 16).ok(),
                    None => text.parse().ok(),
                }
            }
            _ => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|float: &f64| float.is_finite()),
            _ => None,
        }
    }

    fn truth(&self) -> Option<bool> {
        match self.value {
            Value::Bool(truth) => Some(*truth),
            Value::String(text) => match text.trim() {
                "true" | "on" | "1" => Some(true),
                "false" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    fn object<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Object(map) = self.value else {
            return Err(self.fault("must be an object"));
        };
        let members = Members {
            node: &self,
            members: map.iter(),
            pending: None,
        };
        visitor
            .visit_map(members)
            .map_err(|error| self.fault(worded(&error)))
    }

    fn list<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Array(values) = self.value else {
            return Err(self.fault("must be a list"));
        };
        let elements = Elements {
            node: &self,
            elements: values.iter().enumerate(),
        };
        visitor
            .visit_seq(elements)
            .map_err(|error| self.fault(worded(&error)))
    }
}

struct Members<'n, 'de, 'f> {
    node: &'n Node<'de, 'f>,
    members: serde_json::map::Iter<'de>,
    pending: Option<(&'de str, &'de Value)>,
}

impl<'de> MapAccess<'de> for Members<'_, 'de, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.members.next() else {
            return Ok(None);
        };
        self.pending = Some((name, value));
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (name, value) = self
            .pending
            .take()
            .ok_or_else(|| Error::custom("a value without a key"))?;
        seed.deserialize(self.node.member(name, value))
    }
}

struct Elements<'n, 'de, 'f> {
    node: &'n Node<'de, 'f>,
    elements: std::iter::Enumerate<std::slice::Iter<'de, Value>>,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((index, value)) = self.elements.next() else {
            return Ok(None);
        };
        seed.deserialize(self.node.element(index, value)).map(Some)
    }
}

/// Numbers of a type that has a range worth saying.
macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.whole().and_then(|whole| <$number>::try_from(whole).ok()) {
                Some(number) => visitor.$visit(number).map_err(|error| self.fault(worded(&error))),
                None if <$number>::BITS == 64 && <$number>::MIN == 0 => {
                    Err(self.fault("must be a whole number, 0 or more"))
                }
                None if <$number>::BITS == 64 => Err(self.fault("must be a whole number")),
                None => Err(self.fault(format!(
                    "must be a whole number from {} to {}", <$number>::MIN, <$number>::MAX
                ))),
            }
        }
    )*};
}

/// Methods whose value is read by one of the functions of [`Node`].
macro_rules! read_by {
    ($($method:ident($($ignored:ident: $of:ty),*) $read:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($ignored: $of,)* visitor: V) -> Result<V::Value, Error> {
            self.$read(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'de, '_> {
    type Error = Error;

    whole_numbers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    read_by! {
        deserialize_str() deserialize_string;
        deserialize_char() deserialize_string;
        deserialize_identifier() deserialize_string;
        deserialize_f32() deserialize_f64;
        deserialize_byte_buf() deserialize_bytes;
        deserialize_ignored_any() deserialize_any;
        deserialize_unit_struct(_name: &'static str) deserialize_unit;
        deserialize_seq() list;
        deserialize_tuple(_len: usize) list;
        deserialize_tuple_struct(_name: &'static str, _len: usize) list;
        deserialize_map() object;
        deserialize_struct(_name: &'static str, _fields: &'static [&'static str]) object;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(_) => self.list(visitor),
            Value::Object(_) => self.object(visitor),
            scalar => scalar
                .deserialize_any(visitor)
                .map_err(|error| self.fault(worded(&error))),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.truth() {
            Some(truth) => visitor.visit_bool(truth),
            None => Err(self.fault("must be true or false")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.float() {
            Some(float) => visitor.visit_f64(float),
            None => Err(self.fault("must be a number")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::String(text) => visitor
                .visit_borrowed_str(text)
                .map_err(|error| self.fault(worded(&error))),
            _ => Err(self.fault("must be text")),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.value
            .deserialize_bytes(visitor)
            .map_err(|error| self.fault(worded(&error)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            _ => Err(self.fault("must be null")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let known = match self.value {
            Value::String(text) => variants.contains(&text.as_str()),
            Value::Object(_) => true,
            _ => false,
        };
        if !known {
            return Err(self.fault(format!("must be one of {}", variants.join(", "))));
        }
        self.value
            .deserialize_enum(name, variants, visitor)
            .map_err(|error| self.fault(worded(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_model::{Device, Profile};
    use serde_json::json;

    fn fault_of<T: DeserializeOwned>(value: &Value) -> (String, String) {
        match read::<T>(value) {
            Ok(_) => panic!("{value} was taken"),
            Err(fault) => (fault.path, fault.message),
        }
    }

    #[test]
    fn a_fault_says_where_it_is_and_what_was_expected() {
        let expect = |value: Value, path: &str, message: &str| {
            assert_eq!(fault_of::<Profile>(&value), (path.to_owned(), message.to_owned()));
        };
        let profile = |points: Value| {
            let mut profile = json!({"id": "p", "label": "", "publishes": [], "subscribes": []});
            profile["points"] = points;
            profile
        };
        expect(profile(json!("x")), "points", "must be a list");
        expect(
            profile(json!([{"topic": "t", "point": "p"}, {"topic": "t", "point": "p", "kind": "wat"}])),
            "points[1].kind",
            "must be one of auto, number, bool, text",
        );
        expect(
            profile(json!([{"topic": "t"}])),
            "points[0]",
            "lacks the field `point`",
        );
        expect(
            profile(json!([{"topic": "t", "point": "p", "units": {"C": 5}}])),
            "points[0].units.C",
            "must be text",
        );
        expect(json!(5), "", "must be an object");
    }

    #[test]
    fn text_from_a_form_is_taken_as_the_number_or_truth_that_it_reads_as() {
        let device: Device = read(&json!({
            "id": "d", "enabled": "on", "address": "0x40", "cadence_ms": " 1000 ",
        }))
        .unwrap();
        assert_eq!(
            (device.enabled, device.address, device.cadence_ms),
            (true, 0x40, 1000)
        );
        for bad in ["", "0x", "0x-5", "12.5", "70000", "-1", "ten"] {
            assert_eq!(
                fault_of::<Device>(&json!({"id": "d", "enabled": true, "address": bad})).1,
                "must be a whole number from 0 to 65535",
                "{bad:?}"
            );
        }
    }
}
