//! Paths with variables, and what a path says they are.

use serde_json::Value;
use thiserror::Error;

use crate::params::Params;

/// Most segments of a path.
pub const SEGMENTS: usize = 32;

/// Why routes cannot be what they are said to be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Paths begin with a slash.
    #[error("{0}: a path begins with a slash")]
    NoSlash(String),
    /// A variable without a name.
    #[error("{0}: a variable needs a name after its colon or star")]
    NoName(String),
    /// What takes the rest is not at the end.
    #[error("{0}: what takes the rest of a path stands at its end")]
    RestNotLast(String),
    /// More than [`SEGMENTS`].
    #[error("{0}: a path has at most {SEGMENTS} segments")]
    Long(String),
    /// Two groups have one name: a view's token says its group by name.
    #[error("there are two groups {0:?}: each group of views needs a name of its own")]
    GroupTwice(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Word(Box<str>),
    Variable(Box<str>),
    Rest(Box<str>),
}

/// A path of a route: words, variables (`:id`), and at its end perhaps the rest (`*path`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Segment>);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn new(path: &str) -> Result<Self, PatternError> {
        let rest = path
            .strip_prefix('/')
            .ok_or_else(|| PatternError::NoSlash(path.to_owned()))?;
        let mut segments = Vec::new();
        for part in rest.split('/').filter(|part| !part.is_empty()) {
            if matches!(segments.last(), Some(Segment::Rest(_))) {
                return Err(PatternError::RestNotLast(path.to_owned()));
            }
            let segment = match (part.strip_prefix(':'), part.strip_prefix('*')) {
                (Some(""), _) | (_, Some("")) => return Err(PatternError::NoName(path.to_owned())),
                (Some(name), _) => Segment::Variable(name.into()),
                (_, Some(name)) => Segment::Rest(name.into()),
                (None, None) => Segment::Word(part.into()),
            };
            segments.push(segment);
        }
        if segments.len() > SEGMENTS {
            return Err(PatternError::Long(path.to_owned()));
        }
        Ok(Self(segments))
    }

    /// The variables of `path` (without query), percent-decoded, if it is of this pattern. Doubled slashes and one
    /// at the end
    /// don't count. What is no UTF-8 is of no pattern.
    #[must_use]
    pub fn matches(&self, path: &str) -> Option<Params> {
        let mut params = Params::default();
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        for segment in &self.0 {
            match segment {
                Segment::Word(word) => (decoded(parts.next()?)? == **word).then_some(())?,
                Segment::Variable(name) => params.set(&**name, decoded(parts.next()?)?),
                Segment::Rest(name) => {
                    let rest: Option<Vec<Value>> = parts
                        .by_ref()
                        .map(|part| decoded(part).map(Value::from))
                        .collect();
                    params.set(&**name, rest?);
                }
            }
        }
        parts.next().is_none().then_some(params)
    }
}

/// Undoes the percent-encoding of a segment (RFC 3986 section 2.1); `None` if it is broken or hides no UTF-8.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn said(pattern: &str, path: &str) -> Option<Value> {
        let params = Pattern::new(pattern).unwrap().matches(path)?;
        Some(serde_json::to_value(params).unwrap())
    }

    #[test]
    fn variables_are_what_the_path_says() {
        assert_eq!(said("/", "/"), Some(json!({})));
        assert_eq!(
            said("/devices/:id", "/devices/boiler"),
            Some(json!({"id": "boiler"}))
        );
        assert_eq!(
            said("/devices/:id", "/devices/a%2Fb%20%C3%A9/"),
            Some(json!({"id": "a/b é"}))
        );
        assert_eq!(
            said("/files/*path", "/files/a/b"),
            Some(json!({"path": ["a", "b"]}))
        );
        assert_eq!(said("/files/*path", "/files"), Some(json!({"path": []})));
    }

    #[test]
    fn other_paths_do_not_match() {
        assert_eq!(said("/devices/:id", "/devices"), None);
        assert_eq!(said("/devices/:id", "/devices/a/b"), None);
        assert_eq!(said("/two", "/three"), None);
        assert_eq!(said("/devices/:id", "/devices/%ff"), None);
        assert_eq!(said("/devices/:id", "/devices/%4"), None);
        assert_eq!(said("/", "/two"), None);
    }

    #[test]
    fn a_path_may_begin_with_any_letter() {
        let asked = "/%C3%BCbersicht/%C3%BC";
        assert_eq!(said("/übersicht/:größe", asked), Some(json!({"größe": "ü"})));
        assert_eq!(said("/übersicht", "/ubersicht"), None);
    }

    #[test]
    fn a_pattern_that_cannot_be_is_refused() {
        assert!(matches!(Pattern::new("two"), Err(PatternError::NoSlash(_))));
        assert!(matches!(Pattern::new("/:"), Err(PatternError::NoName(_))));
        assert!(matches!(Pattern::new("/*a/b"), Err(PatternError::RestNotLast(_))));
        assert!(matches!(
            Pattern::new(&"/a".repeat(33)),
            Err(PatternError::Long(_))
        ));
    }

    proptest! {
        #[test]
        fn any_path_may_be_asked_for(path in "[/%a-f0-9é:*]{0,40}") {
            let _ = Pattern::new("/a/:b/*c").unwrap().matches(&path);
        }

        #[test]
        fn any_path_may_be_said_to_be_a_route(path in "/[/%a-f0-9é:*]{0,40}") {
            let _ = Pattern::new(&path);
        }
    }
}
