//! What makes a client valid, and what filters anybody may be given.

use roost_model::{Client, DevicePattern, Filter, check_name};

use super::{check_hash, check_label};
use crate::{FieldErrors, Record};

/// Most filters in each direction.
const MAX_FILTERS: usize = 64;
/// What stands for a name that is known only when somebody connects: user name, client identifier, device.
const PLACEHOLDERS: [&str; 3] = ["%u", "%c", DevicePattern::DEVICE];

impl Record for Client {
    const TABLE: &'static str = "clients";
    /// Not the hash of the secret: the program makes it.
    const FIELDS: &'static [&'static str] = &["id", "label", "enabled", "publishes", "subscribes"];

    fn key(&self) -> &str {
        &self.id
    }

    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("id", check_name(&self.id));
        check_label(&self.label, errors);
        check_hash(&self.secret_hash, errors);
        check_filters("publishes", &self.publishes, errors);
        check_filters("subscribes", &self.subscribes, errors);
    }
}

/// Checks filters that somebody is given.
pub(super) fn check_filters(field: &str, filters: &[String], errors: &mut FieldErrors) {
    if filters.len() > MAX_FILTERS {
        errors.add(field, format!("has at most {MAX_FILTERS} filters"));
    }
    for (index, filter) in filters.iter().take(MAX_FILTERS).enumerate() {
        errors.check(format!("{field}[{index}]"), check_filter(field, filter));
    }
}

fn check_filter(field: &str, filter: &str) -> Result<(), String> {
    for level in filter.split('/') {
        if let Some(name) = PLACEHOLDERS.iter().find(|name| level.contains(**name))
            && level != *name
        {
            return Err(format!("must have {name} as a whole level"));
        }
    }
    let statistics = field == "subscribes" && filter.starts_with("$SYS/");
    if filter.starts_with('$') && !statistics {
        return Err("can't begin with $: those topics are the gateway's own".to_owned());
    }
    Filter::new(filter)
        .map(drop)
        .map_err(|error| format!("is not a topic filter: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Changeset;
    use serde_json::{Value, json};

    fn errors_of(params: Value) -> String {
        let Value::Object(params) = params else {
            panic!("an object")
        };
        Changeset::cast(Client::default(), &params)
            .finish()
            .map_or_else(|errors| errors.to_string(), |_| String::new())
    }

    #[test]
    fn a_client_has_a_name_and_filters_that_are_filters() {
        let filters = ["devices/+/points/#", "rooms/%u/%c/+", "#"];
        assert_eq!(
            errors_of(json!({"id": "panel", "publishes": filters, "subscribes": ["$SYS/#"]})),
            ""
        );
        for (filter, message) in [
            ("a/#/b", "is not a topic filter"),
            ("", "is not a topic filter"),
            ("a/x%c/b", "must have %c as a whole level"),
            ("a/%u-/b", "must have %u as a whole level"),
            ("$SYS/#", "can't begin with $"),
            ("$roost/devices/add", "can't begin with $"),
        ] {
            let text = errors_of(json!({"id": "panel", "publishes": ["ok", filter]}));
            assert!(
                text.starts_with(&format!("publishes[1] {message}")),
                "{filter}: {text}"
            );
        }
        let text = errors_of(json!({"id": "panel", "subscribes": vec!["a"; 65]}));
        assert_eq!(text, "subscribes has at most 64 filters");
        assert!(errors_of(json!({"id": "a/b"})).starts_with("id"));
        let text = errors_of(json!({"id": "panel", "subscribes": ["$roost/#"]}));
        assert!(text.contains("can't begin with $"), "{text}");
    }

    #[test]
    fn the_hash_of_a_secret_does_not_come_from_outside() {
        assert_eq!(
            errors_of(json!({"id": "a", "secret_hash": "00"})),
            "secret_hash is not a field"
        );
    }
}
