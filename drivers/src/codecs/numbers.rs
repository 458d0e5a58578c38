//! Numbers between what a device counts in and what people count in.

use roost_model::Value;

/// Multiplies by `scale` and adds `add`. A value that is no number stays as it is; one that would no longer be
/// finite is `None`.
pub(super) fn adjusted(value: Value, scale: Option<f64>, add: Option<f64>) -> Option<Value> {
    if scale.is_none() && add.is_none() {
        return Some(value);
    }
    let (scale, add) = (scale.unwrap_or(1.0), add.unwrap_or(0.0));
    if let (Value::Int(count), true) = (&value, is_whole(scale) && is_whole(add)) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "both were found to be whole and small"
        )]
        let exact = count
            .checked_mul(scale as i64)
            .and_then(|count| count.checked_add(add as i64));
        if let Some(exact) = exact {
            return Some(Value::Int(exact));
        }
    }
    let Some(number) = value.as_f64() else {
        return Some(value);
    };
    finite(multiplied(number, scale) + add)
}

/// The opposite of [`adjusted`]: what the device counts, for a number that people gave.
pub(super) fn restored(value: &Value, scale: Option<f64>, add: Option<f64>) -> Option<Value> {
    match (value.as_f64(), scale.is_some() || add.is_some()) {
        (Some(number), true) => {
            let counted = multiplied(number - add.unwrap_or(0.0), 1.0 / scale.unwrap_or(1.0));
            // 21.11 * 100 is not quite 2111: what is as good as a whole number was one.
            let rounded = counted.round();
            let is_noise = (counted - rounded).abs() <= counted.abs().max(1.0) * 1e-9;
            finite(if is_noise { rounded } else { counted }).map(whole_if_it_is)
        }
        _ => Some(value.clone()),
    }
}

/// `3 * 0.1` is not quite 0.3, but `3 / 10` is: a scale that is one over a whole number divides.
fn multiplied(number: f64, scale: f64) -> f64 {
    let divisor = (1.0 / scale).round();
    if scale.abs() < 1.0 && (scale * divisor - 1.0).abs() < 1e-12 {
        number / divisor
    } else {
        number * scale
    }
}

fn is_whole(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < 1e15
}

fn finite(number: f64) -> Option<Value> {
    number.is_finite().then_some(Value::Float(number))
}

/// A float that is a whole number, as the integer that devices expect: 50 and not 50.0.
pub(super) fn whole_if_it_is(value: Value) -> Value {
    match value {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it was found to be whole and small"
        )]
        Value::Float(number) if is_whole(number) => Value::Int(number as i64),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_scaled_number_has_no_noise_behind_it() {
        assert_eq!(adjusted(Value::Int(3), Some(0.1), None), Some(Value::Float(0.3)));
        assert_eq!(
            adjusted(Value::Int(2150), Some(0.01), None),
            Some(Value::Float(21.5))
        );
        assert_eq!(
            adjusted(Value::Int(7), Some(10.0), Some(-1.0)),
            Some(Value::Int(69))
        );
        assert_eq!(
            adjusted(Value::Bool(true), Some(2.0), None),
            Some(Value::Bool(true))
        );
        assert_eq!(adjusted(Value::Float(1e308), Some(1e10), None), None);
        assert_eq!(
            restored(&Value::Float(21.5), Some(0.01), None),
            Some(Value::Int(2150))
        );
    }

    proptest! {
        #[test]
        fn what_is_restored_is_what_was_adjusted(count in -100_000i64..100_000, digits in 0i32..4) {
            let scale = Some(10f64.powi(-digits));
            let shown = adjusted(Value::Int(count), scale, Some(0.0)).unwrap();
            prop_assert_eq!(restored(&shown, scale, Some(0.0)), Some(Value::Int(count)));
        }
    }
}
