//! The wire format of protocol buffers, as far as Sparkplug needs it: fields in, fields out.
//!
//! Source: Protocol Buffers documentation, "Encoding".

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The fields of a message in order, with their numbers. One that is cut off ends them with `None`.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

/// A message ended in the middle of a field, or has one of a kind that is no longer used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Broken)
    }

    fn field(&mut self) -> Result<(u64, Field<'a>), Broken> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(
                self.take(8)?
                    .try_into()
                    .map(u64::from_le_bytes)
                    .map_err(|_| Broken)?,
            ),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Broken)?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(
                self.take(4)?
                    .try_into()
                    .map(u32::from_le_bytes)
                    .map_err(|_| Broken)?,
            ),
            _ => return Err(Broken),
        };
        Ok((tag >> 3, field))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    /// The number, if it is one that varies in length.
    pub(super) fn number(self) -> Option<u64> {
        match self {
            Field::Varint(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes, if it has some.
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Field::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text, if it is some.
    pub(super) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

/// Puts a number behind a message.
pub(super) fn put_varint(message: &mut Vec<u8>, number: u32, value: u64) {
    put(message, u64::from(number) << 3);
    put(message, value);
}

/// Puts bytes behind a message.
pub(super) fn put_bytes(message: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put(message, u64::from(number) << 3 | 2);
    put(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

/// Puts a float of 32 bits behind a message.
pub(super) fn put_float(message: &mut Vec<u8>, number: u32, value: f32) {
    put(message, u64::from(number) << 3 | 5);
    message.extend_from_slice(&value.to_le_bytes());
}

/// Puts a float of 64 bits behind a message.
pub(super) fn put_double(message: &mut Vec<u8>, number: u32, value: f64) {
    put(message, u64::from(number) << 3 | 1);
    message.extend_from_slice(&value.to_le_bytes());
}

fn put(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    message.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_put_is_found_again(number in 1u32..1000, value: u64, text: String, float: f64) {
            let mut message = Vec::new();
            put_varint(&mut message, number, value);
            put_bytes(&mut message, number, text.as_bytes());
            put_double(&mut message, number, float);
            let number = u64::from(number);
            let fields: Vec<_> = Fields(&message).collect();
            prop_assert_eq!(fields, [
                Ok((number, Field::Varint(value))),
                Ok((number, Field::Bytes(text.as_bytes()))),
                Ok((number, Field::Fixed64(float.to_bits()))),
            ]);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            prop_assert!(Fields(&bytes).count() <= bytes.len());
        }
    }
}
