//! CBOR (RFC 8949) to the JSON document that the same pointers look into.

use serde_json::{Map, Number, Value as Json};

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 32;
/// Most items of one document: each costs memory, whatever its size on the wire.
const MAX_ITEMS: usize = 16_384;

/// Reads one item and refuses what follows it. `None` for what is no CBOR, or beyond the limits.
pub(super) fn document(bytes: &[u8]) -> Option<Json> {
    let mut reader = Reader {
        rest: bytes,
        items: 0,
    };
    let json = reader.item(0)?;
    reader.rest.is_empty().then_some(json)
}

struct Reader<'a> {
    rest: &'a [u8],
    items: usize,
}

/// The length of an item: known, or until a break (section 3.2).
#[derive(Clone, Copy)]
enum Length {
    Known(u64),
    Open,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn unsigned(&mut self, bytes: usize) -> Option<u64> {
        let taken = self.take(bytes)?;
        Some(
            taken
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    }

    /// The argument of a head (section 3), by its lower five bits.
    fn argument(&mut self, low: u8) -> Option<Length> {
        Some(Length::Known(match low {
            0..=23 => u64::from(low),
            24 => self.unsigned(1)?,
            25 => self.unsigned(2)?,
            26 => self.unsigned(4)?,
            27 => self.unsigned(8)?,
            31 => return Some(Length::Open),
            _ => return None,
        }))
    }

    fn item(&mut self, depth: usize) -> Option<Json> {
        self.items += 1;
        if depth > MAX_DEPTH || self.items > MAX_ITEMS {
            return None;
        }
        let head = *self.take(1)?.first()?;
        let (major, low) = (head >> 5, head & 0x1f);
        if major == 7 {
            return self.simple(low);
        }
        let length = self.argument(low)?;
        match (major, length) {
            (0, Length::Known(number)) => Some(number.into()),
            (1, Length::Known(number)) => Some(match i64::try_from(number) {
                Ok(number) => (-1 - number).into(),
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "beyond 64 bits with sign, as JSON has it"
                )]
                Err(_) => (-1.0 - number as f64).into(),
            }),
            (2, length) => {
                let bytes = self.string(2, length)?;
                Some(
                    bytes
                        .iter()
                        .map(|byte| format!("{byte:02x}"))
                        .collect::<String>()
                        .into(),
                )
            }
            (3, length) => String::from_utf8(self.string(3, length)?).ok().map(Json::String),
            (4, length) => self.array(length, depth),
            (5, length) => self.object(length, depth),
            // A tag says more about the item behind it; the item is what counts here.
            (6, Length::Known(_)) => self.item(depth + 1),
            _ => None,
        }
    }

    /// Bytes of a string; an open one comes in chunks.
    fn string(&mut self, major: u8, length: Length) -> Option<Vec<u8>> {
        let Length::Open = length else {
            return self.known(length);
        };
        let mut whole = Vec::new();
        while !self.at_break() {
            let head = *self.take(1)?.first()?;
            let length = self.argument(head & 0x1f)?;
            if head >> 5 != major {
                return None;
            }
            whole.extend(self.known(length)?);
        }
        Some(whole)
    }

    fn known(&mut self, length: Length) -> Option<Vec<u8>> {
        match length {
            Length::Known(count) => self.take(usize::try_from(count).ok()?).map(<[u8]>::to_vec),
            Length::Open => None,
        }
    }

    /// Whether a break comes next; it is taken then.
    fn at_break(&mut self) -> bool {
        let is_break = self.rest.first() == Some(&0xff);
        if is_break {
            self.rest = &self.rest[1..];
        }
        is_break
    }

    fn more(&mut self, length: Length, so_far: u64) -> bool {
        match length {
            Length::Known(count) => so_far < count,
            Length::Open => !self.at_break(),
        }
    }

    fn array(&mut self, length: Length, depth: usize) -> Option<Json> {
        let mut items = Vec::new();
        while self.more(length, items.len() as u64) {
            items.push(self.item(depth + 1)?);
        }
        Some(Json::Array(items))
    }

    fn object(&mut self, length: Length, depth: usize) -> Option<Json> {
        let (mut members, mut count) = (Map::new(), 0);
        while self.more(length, count) {
            let name = match self.item(depth + 1)? {
                Json::String(name) => name,
                // Small integers are common names where every byte counts (RFC 8428 section 6).
                Json::Number(number) => number.to_string(),
                _ => return None,
            };
            members.insert(name, self.item(depth + 1)?);
            count += 1;
        }
        Some(Json::Object(members))
    }

    /// Floats and simple values (section 3.3). What is no finite number becomes null, as in JSON.
    fn simple(&mut self, low: u8) -> Option<Json> {
        let float = |number: f64| Number::from_f64(number).map_or(Json::Null, Json::Number);
        Some(match low {
            20 => false.into(),
            21 => true.into(),
            22 | 23 => Json::Null,
            25 => float(half(u16::try_from(self.unsigned(2)?).ok()?)),
            26 => float(f32::from_bits(u32::try_from(self.unsigned(4)?).ok()?).into()),
            27 => float(f64::from_bits(self.unsigned(8)?)),
            _ => return None,
        })
    }
}

/// A float of 16 bits (appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn hex(text: &str) -> Vec<u8> {
        let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(digits).collect()
    }

    /// From RFC 8949, appendix A, "Examples of Encoded CBOR Data Items".
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        for (bytes, expected) in [
            ("00", json!(0)),
            ("1818", json!(24)),
            ("1bffffffffffffffff", json!(18_446_744_073_709_551_615_u64)),
            ("20", json!(-1)),
            ("3903e7", json!(-1000)),
            ("f93c00", json!(1.0)),
            ("f90001", json!(5.960_464_477_539_063e-8)),
            ("f9c400", json!(-4.0)),
            ("fa47c35000", json!(100_000.0)),
            ("fb3ff199999999999a", json!(1.1)),
            ("f97e00", json!(null)),
            ("f4", json!(false)),
            ("f6", json!(null)),
            ("c11a514b67b0", json!(1_363_896_240)),
            ("4401020304", json!("01020304")),
            ("6449455446", json!("IETF")),
            ("83010203", json!([1, 2, 3])),
            ("a26161016162820203", json!({"a": 1, "b": [2, 3]})),
            ("a201020304", json!({"1": 2, "3": 4})),
            ("7f657374726561646d696e67ff", json!("streaming")),
            ("9f01820203ff", json!([1, [2, 3]])),
            ("bf61610161629f0203ffff", json!({"a": 1, "b": [2, 3]})),
        ] {
            assert_eq!(document(&hex(bytes)), Some(expected), "{bytes}");
        }
    }

    #[test]
    fn what_is_cut_off_too_deep_or_followed_by_more_is_refused() {
        for bytes in ["", "18", "6449", "8301", "a161", "9f01", "0000", "ff", "fc"] {
            assert_eq!(document(&hex(bytes)), None, "{bytes}");
        }
        assert_eq!(document(&[0x81; 100]), None);
        assert_eq!(
            document(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]),
            None
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            let _ = document(&bytes);
        }
    }
}
