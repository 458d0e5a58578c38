//! The valid name that a mistyped one was probably meant to be.

/// Longest name that is compared: what is longer was not mistyped.
const MAX_COMPARED: usize = 64;

/// The name in `names` that differs from `name` the least, if that is by at most a third of its letters.
pub(crate) fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let allowed = (name.chars().count() / 3).max(1);
    names
        .iter()
        .map(|candidate| (edits(&name.to_lowercase(), candidate), *candidate))
        .filter(|(edits, candidate)| *edits <= allowed && *edits < candidate.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be added, removed or replaced to make `right` of `left` (Levenshtein's distance).
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    // row[j]: edits from the part of `left` so far to the first j letters of `right`.
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, letter) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (wanted, above) in right.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(letter != *wanted);
            diagonal = *above;
            before = replaced.min(before + 1).min(*above + 1);
            *above = before;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name_and_nonsense_finds_none() {
        let names = ["id", "label", "address", "cadence_ms"];
        assert_eq!(nearest("adress", &names), Some("address"));
        assert_eq!(nearest("Label", &names), Some("label"));
        assert_eq!(nearest("cadence", &names), None);
        assert_eq!(nearest("cadence_s", &names), Some("cadence_ms"));
        assert_eq!(nearest("password", &names), None);
        assert_eq!(nearest("", &names), None);
        assert_eq!(nearest(&"a".repeat(1_000_000), &names), None);
    }

    #[test]
    fn edits_are_counted_as_in_the_textbook() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("same", "same"), 0);
    }
}
