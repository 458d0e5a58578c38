//! Numbers at fixed places of a payload of bytes.

use roost_model::{BinaryField, BinaryNumber, Endian, Value};

/// Reads a field. `None` if the payload ends before it; a float that is no number is `Some(None)`.
pub(super) fn read(field: BinaryField, payload: &[u8]) -> Option<Option<Value>> {
    let width = width(field.number);
    let bytes = payload.get(usize::from(field.at)..)?.get(..width)?;
    let mut wide = [0; 8];
    for (place, byte) in wide[8 - width..].iter_mut().enumerate() {
        let from = match field.endian {
            Endian::Big => place,
            Endian::Little => width - 1 - place,
        };
        *byte = bytes[from];
    }
    Some(value(field, u64::from_be_bytes(wide)))
}

fn width(number: BinaryNumber) -> usize {
    match number {
        BinaryNumber::U8 | BinaryNumber::I8 | BinaryNumber::Bit => 1,
        BinaryNumber::U16 | BinaryNumber::I16 => 2,
        BinaryNumber::U24 | BinaryNumber::I24 => 3,
        BinaryNumber::U32 | BinaryNumber::I32 | BinaryNumber::F32 => 4,
        BinaryNumber::U64 | BinaryNumber::I64 | BinaryNumber::F64 => 8,
    }
}

fn value(field: BinaryField, raw: u64) -> Option<Value> {
    let float = |number: f64| number.is_finite().then_some(Value::Float(number));
    match field.number {
        BinaryNumber::Bit => Some(Value::Bool(raw >> field.bit & 1 == 1)),
        BinaryNumber::U64 => Some(unsigned(raw)),
        BinaryNumber::U8 | BinaryNumber::U16 | BinaryNumber::U24 | BinaryNumber::U32 => Some(unsigned(raw)),
        BinaryNumber::F64 => float(f64::from_bits(raw)),
        BinaryNumber::F32 => float(f32::from_bits(u32::try_from(raw).ok()?).into()),
        BinaryNumber::I8 | BinaryNumber::I16 | BinaryNumber::I24 | BinaryNumber::I32 | BinaryNumber::I64 => {
            // The sign is brought to the top bit and carried back down.
            let unused = 64 - 8 * width(field.number);
            Some(Value::Int((raw << unused).cast_signed() >> unused))
        }
    }
}

fn unsigned(raw: u64) -> Value {
    match i64::try_from(raw) {
        Ok(number) => Value::Int(number),
        #[expect(
            clippy::cast_precision_loss,
            reason = "above 2^63 there is no other kind of value for it"
        )]
        Err(_) => Value::Float(raw as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOAD: [u8; 9] = [0xff, 0x01, 0x80, 0x00, 0x41, 0x48, 0x00, 0x00, 0x05];

    fn field(number: BinaryNumber, at: u16) -> BinaryField {
        BinaryField {
            at,
            number,
            endian: Endian::Big,
            bit: 0,
        }
    }

    fn found(field: BinaryField) -> Value {
        read(field, &PAYLOAD).unwrap().unwrap()
    }

    #[test]
    fn numbers_are_read_with_their_sign_width_and_order() {
        assert_eq!(found(field(BinaryNumber::U8, 0)), Value::Int(255));
        assert_eq!(found(field(BinaryNumber::I8, 0)), Value::Int(-1));
        assert_eq!(found(field(BinaryNumber::U16, 0)), Value::Int(0xff01));
        assert_eq!(found(field(BinaryNumber::I24, 0)), Value::Int(-65152));
        assert_eq!(found(field(BinaryNumber::F32, 4)), Value::Float(12.5));
        let little = BinaryField {
            endian: Endian::Little,
            ..field(BinaryNumber::U16, 0)
        };
        assert_eq!(found(little), Value::Int(0x01ff));
        let bit = |bit| BinaryField {
            bit,
            ..field(BinaryNumber::Bit, 8)
        };
        assert_eq!(found(bit(0)), Value::Bool(true));
        assert_eq!(found(bit(1)), Value::Bool(false));
        assert_eq!(found(bit(2)), Value::Bool(true));
    }

    #[test]
    fn what_ends_too_early_has_no_number_and_a_nan_is_none() {
        assert_eq!(read(field(BinaryNumber::U16, 8), &PAYLOAD), None);
        assert_eq!(read(field(BinaryNumber::U8, 60_000), &PAYLOAD), None);
        let nan = f32::NAN.to_be_bytes();
        assert_eq!(read(field(BinaryNumber::F32, 0), &nan), Some(None));
        assert_eq!(
            read(field(BinaryNumber::U64, 0), &[0xff; 8]),
            Some(Some(Value::Float(18_446_744_073_709_551_615.0)))
        );
    }
}
