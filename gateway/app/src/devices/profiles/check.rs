//! Checking a profile's text: what is wrong with it, and on which line. The gateway, the page and the command line all
//! ask here.

use std::fmt;

use roost_drivers::{Codec, CodecError};
use roost_model::Profile;
use roost_store::{Changeset, Valid};
use serde::Serialize;
use toml::de::DeTable;

use super::Builders;

/// Longest text of a profile, in bytes; the largest that comes with the gateway has a fifth of it.
pub(crate) const MAX_PROFILE_BYTES: usize = 64 * 1024;

/// One thing that is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ProfileFault {
    /// The line, counted from 1; `None` if it is about the whole.
    pub(crate) line: Option<usize>,
    /// The field, such as `points[3].topic`; empty if the text is no TOML.
    pub(crate) field: String,
    /// What is wrong, phrased to follow the field.
    pub(crate) message: String,
}

impl fmt::Display for ProfileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{} ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// A profile that is good, with the codec that serves it.
pub(crate) struct Checked {
    pub(crate) profile: Valid<Profile>,
    pub(crate) codec: Box<dyn Codec>,
}

/// Checks a text that is to be the profile `id`.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn check(id: &str, text: &str, builders: &Builders) -> Result<Checked, Vec<ProfileFault>> {
    let whole = |message: String| ProfileFault {
        line: None,
        field: String::new(),
        message,
    };
    if text.len() > MAX_PROFILE_BYTES {
        let bytes = text.len();
        return Err(vec![whole(format!(
            "the profile has {bytes} bytes, {MAX_PROFILE_BYTES} are the most"
        ))]);
    }
    let profile: Profile = toml::from_str(text).map_err(|error| {
        vec![ProfileFault {
            line: error.span().map(|span| line_at(text, span.start)),
            ..whole(error.message().to_owned())
        }]
    })?;
    let place = Places::of(text);
    let fault = |field: &str, message: &str| ProfileFault {
        line: place.line(field),
        field: field.to_owned(),
        message: message.to_owned(),
    };
    if profile.id != id {
        let message = format!("is {:?} and must be {id:?}, as the file is called", profile.id);
        return Err(vec![fault("id", &message)]);
    }
    let profile = Changeset::change_of(profile).finish().map_err(|errors| {
        let faults = errors.iter().flat_map(|(field, messages)| {
            messages
                .iter()
                .map(move |message| (field.to_owned(), message.clone()))
        });
        let mut faults: Vec<ProfileFault> = faults.map(|(field, message)| fault(&field, &message)).collect();
        faults.sort_by_key(|fault| fault.line);
        faults
    })?;
    let codec = builders
        .build(profile.clone().into_inner())
        .map_err(|error| match &error {
            CodecError::Profile { place, reason, .. } => vec![fault(place, reason)],
            error => vec![whole(error.to_string())],
        })?;
    Ok(Checked { profile, codec })
}

/// Where the fields stand in a text.
struct Places<'t> {
    text: &'t str,
    table: Option<toml::Spanned<toml::de::DeValue<'t>>>,
}

impl<'t> Places<'t> {
    fn of(text: &'t str) -> Self {
        let table = DeTable::parse(text).ok();
        Self {
            text,
            table: table.map(|table| {
                let span = table.span();
                toml::Spanned::new(span, toml::de::DeValue::Table(table.into_inner()))
            }),
        }
    }

    /// The line of a field such as `points[3].topic`, or of the nearest thing around it that is there.
    fn line(&self, field: &str) -> Option<usize> {
        let mut at = self.table.as_ref()?;
        let mut found = None;
        for step in field.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
            let below = match step.parse::<usize>() {
                Ok(index) => at.get_ref().get(index),
                Err(_) => at.get_ref().get(step),
            };
            let Some(below) = below else { break };
            found = Some(below.span().start);
            at = below;
        }
        found.map(|offset| line_at(self.text, offset))
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"id = "meter"
label = "Meter"
publishes = ["meters/{device}/+"]
subscribes = []
points = [
    { topic = "meters/{device}/power", point = "power" },
    { topic = "meters/{device}/energy", point = "energy" },
]
"#;

    fn faults(text: &str) -> Vec<String> {
        let faults = check("meter", text, &Builders::default())
            .err()
            .unwrap_or_default();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_profile_is_good() {
        assert_eq!(faults(GOOD), Vec::<String>::new());
    }

    #[test]
    fn every_fault_stands_with_its_line_and_field() {
        let wrong = GOOD
            .replace("meters/{device}/energy", "elsewhere/{device}")
            .replace("\"power\" }", "\"power\", pointer = \"no\" }");
        let faults = faults(&wrong);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(
            faults[0].starts_with("line 6: points[0].pointer must"),
            "{faults:?}"
        );
        assert!(
            faults[1].starts_with("line 7: points[1].topic must lie inside"),
            "{faults:?}"
        );
    }

    #[test]
    fn what_is_no_toml_or_no_profile_says_where() {
        assert!(faults(&GOOD.replace("\"Meter\"", "Meter"))[0].starts_with("line 2: "));
        let unknown = faults(&GOOD.replace("point = \"power\"", "piont = \"power\""));
        assert!(
            unknown[0].starts_with("line 6: unknown field `piont`"),
            "{unknown:?}"
        );
        assert!(faults(&GOOD.replace("\"meter\"", "\"other\""))[0].starts_with("line 1: id is \"other\""));
        assert!(faults(&" ".repeat(MAX_PROFILE_BYTES + 1))[0].contains("are the most"));
    }

    #[test]
    fn what_a_table_of_its_own_says_wrong_has_a_line_too() {
        let text =
            format!("{GOOD}\n[[commands]]\npoint = \"power\"\ntopic = \"x/{{device}}\"\npayload = \"\"\n");
        let faults = faults(&text);
        assert!(faults[0].starts_with("line 12: commands[0].topic"), "{faults:?}");
    }
}
