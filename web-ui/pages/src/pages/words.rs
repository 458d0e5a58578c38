//! Words and numbers as people read them: ages, uptimes, counts, states.

use std::time::Duration;

use roost_model::Freshness;

/// A count with its thousands apart: `10,000`.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
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
pub(crate) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// An age in its largest unit: `3 s ago`. Space is scarce, so there is no second unit.
pub(crate) fn ago(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
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
    match small.0 {
        0 => format!("{} {}", large.0, large.1),
        _ => format!("{} {} {} {}", large.0, large.1, small.0, small.1),
    }
}

/// A rate with as many digits as it deserves.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second < 10.0 {
        format!("{per_second:.1}")
    } else {
        format!("{per_second:.0}")
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
        let texts = [0, 7, 999, 1000, 10_000, 1_234_567].map(count);
        assert_eq!(texts, ["0", "7", "999", "1,000", "10,000", "1,234,567"]);
        assert_eq!(counted(1, "device", "devices"), "1 device");
    }

    #[test]
    fn ages_and_spans_are_in_the_units_that_people_use() {
        let ages = [0, 59, 60, 7199, 172_799, 172_800].map(|seconds| ago(Duration::from_secs(seconds)));
        assert_eq!(
            ages,
            ["now", "59 s ago", "1 min ago", "1 h ago", "47 h ago", "2 d ago"]
        );
        let spans = [5, 60, 65, 3660, 90_000].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["5 s", "1 min", "1 min 5 s", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
