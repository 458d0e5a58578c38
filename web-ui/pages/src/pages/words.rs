//! Words and numbers as people read them: ages, uptimes, counts, states.

use std::time::Duration;

use roost_model::{Freshness, Unit, Value};

/// A count with its thousands apart: `10,000`.
pub(crate) fn count(number: impl TryInto<u64>) -> String {
    grouped(&number.try_into().unwrap_or(u64::MAX).to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with what is counted: `1 device`, `3 devices`.
pub(crate) fn counted(number: impl TryInto<u64>, one: &str, many: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A value, with its thousands apart if it is so much of something: `18,442.125`. A number without a unit may be a
/// name, a serial number say, and stays as it is.
pub(crate) fn value(value: &Value, unit: &Unit) -> String {
    let text = value.to_string();
    if unit.is_none() || !matches!(value, Value::Int(_) | Value::Float(_)) {
        return text;
    }
    let (sign, amount) = text.split_at(text.len() - text.trim_start_matches('-').len());
    let whole = amount.find(|c: char| !c.is_ascii_digit()).unwrap_or(amount.len());
    format!("{sign}{}{}", grouped(&amount[..whole]), &amount[whole..])
}

/// An age in its largest unit: `3 s ago`. Space is scarce, so there is no second unit.
pub(crate) fn ago(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", count(seconds / 86_400)),
    }
}

/// A span in its two largest units: `3 d 4 h`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let (large, small) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => ((minutes, "min"), (seconds % 60, "s")),
        3600..86_400 => ((hours, "h"), (minutes, "min")),
        _ => ((days, "d"), (hours, "h")),
    };
    let amount = count(large.0);
    match small.0 {
        0 => format!("{amount} {}", large.1),
        _ => format!("{amount} {} {} {}", large.1, small.0, small.1),
    }
}

/// A rate with as many digits as it deserves: `8.7`, `28,916`.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second < 10.0 {
        format!("{per_second:.1}")
    } else {
        grouped(&format!("{per_second:.0}"))
    }
}

/// The first `limit` characters, with a mark if something was cut off.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// What a freshness is called on a page.
pub(crate) fn freshness(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::Unknown => "no cadence yet",
        known => known.word(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_thousands_apart() {
        let texts = [0_u64, 7, 999, 1000, 10_000, 1_234_567].map(count);
        assert_eq!(texts, ["0", "7", "999", "1,000", "10,000", "1,234,567"]);
        assert_eq!(counted(1_usize, "device", "devices"), "1 device");
        assert_eq!(counted(2000_u64, "device", "devices"), "2,000 devices");
    }

    #[test]
    fn rates_and_quantities_have_their_thousands_apart_and_names_stay_as_they_are() {
        let rates = [0.0, 9.94, 12.4, 999.6, 28_916.2].map(rate);
        assert_eq!(rates, ["0.0", "9.9", "12", "1,000", "28,916"]);
        let (of, name) = (Unit::new("kWh"), Unit::default());
        let quantities = [18442.125, -1013.5, -999.0, 0.25, 2e12].map(|kwh| value(&Value::Float(kwh), &of));
        assert_eq!(quantities, ["18,442.125", "-1,013.5", "-999", "0.25", "2e12"]);
        assert_eq!(value(&Value::Int(i64::MIN), &of), "-9,223,372,036,854,775,808");
        assert_eq!(value(&Value::Int(20_261_121), &name), "20261121");
        assert_eq!(value(&Value::Text("441793".to_owned()), &of), "441793");
    }

    #[test]
    fn ages_and_spans_are_in_the_units_that_people_use() {
        let ages = [0, 59, 60, 7199, 172_799, 172_800].map(|seconds| ago(Duration::from_secs(seconds)));
        assert_eq!(
            ages,
            ["now", "59 s ago", "1 min ago", "1 h ago", "47 h ago", "2 d ago"]
        );
        assert_eq!(ago(Duration::from_secs(20_778 * 86_400)), "20,778 d ago");
        let spans = [5, 60, 65, 3660, 90_000].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["5 s", "1 min", "1 min 5 s", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
