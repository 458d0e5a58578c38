//! Pointers into JSON documents (RFC 6901), of which one segment may be `*`: every member of an object.

use std::borrow::Cow;

use serde_json::Value as Json;

/// A pointer, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pointer {
    /// The whole pointer, or what stands before the `*`.
    before: String,
    /// What stands after the `*`, if there is one.
    after: Option<String>,
}

impl Pointer {
    /// Takes a pointer apart. The error is phrased to follow the rule's name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!(
                "has a pointer {text:?} that must be empty or begin with /"
            ));
        }
        let mut parts = Vec::from([String::new()]);
        for segment in text.split('/').skip(1) {
            if segment == "*" {
                parts.push(String::new());
            } else if let Some(part) = parts.last_mut() {
                part.push('/');
                part.push_str(segment);
            }
        }
        let mut parts = parts.into_iter();
        let pointer = Self {
            before: parts.next().unwrap_or_default(),
            after: parts.next(),
        };
        if parts.next().is_some() {
            return Err(format!("has a pointer {text:?} with more than one *"));
        }
        Ok(pointer)
    }

    /// Whether it is the whole document.
    pub(super) fn is_whole(&self) -> bool {
        self.before.is_empty() && self.after.is_none()
    }

    /// Whether it has a `*`.
    pub(super) fn has_star(&self) -> bool {
        self.after.is_some()
    }

    /// What it points at: each value with the name of the member that `*` stood for; the items of an array are
    /// numbered from 1. A document that has no such place gives nothing.
    pub(super) fn find<'a>(
        &'a self,
        document: &'a Json,
    ) -> impl Iterator<Item = (Option<Cow<'a, str>>, &'a Json)> {
        let start = document.pointer(&self.before);
        let after = self.after.as_deref();
        let single = start.filter(|_| after.is_none()).map(|value| (None, value));
        let members = start.zip(after).into_iter().flat_map(|(start, after)| {
            members(start).filter_map(move |(name, member)| Some((Some(name), member.pointer(after)?)))
        });
        single.into_iter().chain(members)
    }
}

/// The members of an object by name, or the items of an array by number.
fn members(json: &Json) -> Box<dyn Iterator<Item = (Cow<'_, str>, &Json)> + '_> {
    match json {
        Json::Object(object) => Box::new(object.iter().map(|(name, member)| (name.as_str().into(), member))),
        Json::Array(items) => {
            let numbered = |(index, item): (usize, _)| (Cow::Owned((index + 1).to_string()), item);
            Box::new(items.iter().enumerate().map(numbered))
        }
        _ => Box::new(std::iter::empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_star_stands_for_every_member_that_has_the_rest() {
        let document =
            json!({"Time": "x", "AM2301": {"Temperature": 21.5}, "DS": {"Temperature": 3, "Id": 1}});
        let pointer = Pointer::parse("/*/Temperature").unwrap();
        let found: Vec<_> = pointer.find(&document).collect();
        assert_eq!(
            found,
            [
                (Some("AM2301".into()), &json!(21.5)),
                (Some("DS".into()), &json!(3))
            ]
        );
        let pointer = Pointer::parse("/DS/Id").unwrap();
        assert_eq!(pointer.find(&document).collect::<Vec<_>>(), [(None, &json!(1))]);
        let pointer = Pointer::parse("/DS/*").unwrap();
        assert_eq!(pointer.find(&document).count(), 2);
        let phases = json!({"Power": [60, 70]});
        let pointer = Pointer::parse("/Power/*").unwrap();
        let found: Vec<_> = pointer.find(&phases).collect();
        assert_eq!(
            found,
            [(Some("1".into()), &json!(60)), (Some("2".into()), &json!(70))]
        );
        assert_eq!(Pointer::parse("").unwrap().find(&document).count(), 1);
        assert_eq!(Pointer::parse("/Time/*/x").unwrap().find(&document).count(), 0);
    }

    #[test]
    fn a_pointer_with_two_stars_or_no_slash_is_refused() {
        assert!(Pointer::parse("/*/*").is_err());
        assert!(Pointer::parse("a").is_err());
    }
}
