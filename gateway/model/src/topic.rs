//! Topics and filters: validated once, shared by reference, matched by the rules of MQTT.
//!
//! Source of the rules: OASIS MQTT 3.1.1 section 4.7 and MQTT 5.0 section 4.7.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Longest topic or filter in bytes. MQTT allows 65,535; no device needs more than this, and every level costs memory.
pub const MAX_TOPIC_BYTES: usize = 1024;
/// Most levels of a topic or filter. Bounds the work and the depth of one match.
pub const MAX_TOPIC_LEVELS: usize = 32;

/// Why a string is not a topic or not a filter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TopicError {
    /// MQTT asks for at least one character.
    #[error("a topic has at least one character")]
    Empty,
    /// Longer than [`MAX_TOPIC_BYTES`].
    #[error("a topic has at most {MAX_TOPIC_BYTES} bytes, this one has {0}")]
    TooLong(usize),
    /// More levels than [`MAX_TOPIC_LEVELS`].
    #[error("a topic has at most {MAX_TOPIC_LEVELS} levels, this one has {0}")]
    TooDeep(usize),
    /// `+` or `#` in a topic that is published to.
    #[error("a topic to publish to has no + or #")]
    Wildcard,
    /// `+` not alone in its level, or `#` not alone in the last level.
    #[error("+ stands alone in a level, # alone in the last level")]
    MisplacedWildcard,
    /// U+0000, which MQTT forbids everywhere.
    #[error("a topic has no NUL character")]
    Nul,
}

fn check_common(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > MAX_TOPIC_BYTES {
        return Err(TopicError::TooLong(text.len()));
    }
    if text.contains('\0') {
        return Err(TopicError::Nul);
    }
    let levels = text.split('/').count();
    if levels > MAX_TOPIC_LEVELS {
        return Err(TopicError::TooDeep(levels));
    }
    Ok(())
}

/// A topic that a message can be published to: no wildcards. Cloning copies a pointer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

impl Topic {
    /// Validates `text` as a topic name.
    ///
    /// # Errors
    /// [`TopicError`] names the rule that was broken.
    pub fn new(text: impl AsRef<str>) -> Result<Self, TopicError> {
        let text = text.as_ref();
        check_common(text)?;
        if text.contains(['+', '#']) {
            return Err(TopicError::Wildcard);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The topic as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The levels between the slashes, empty ones included.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

/// A subscription filter: `+` for one level, `#` for this level and all below. Cloning copies a pointer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Filter(Arc<str>);

impl Filter {
    /// Validates `text` as a topic filter.
    ///
    /// # Errors
    /// [`TopicError`] names the rule that was broken.
    pub fn new(text: impl AsRef<str>) -> Result<Self, TopicError> {
        let text = text.as_ref();
        check_common(text)?;
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            let misplaced = match level {
                "+" => false,
                "#" => levels.peek().is_some(),
                other => other.contains(['+', '#']),
            };
            if misplaced {
                return Err(TopicError::MisplacedWildcard);
            }
        }
        Ok(Self(Arc::from(text)))
    }

    /// The filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The levels between the slashes.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether `topic` is selected. A filter that starts with a wildcard never selects a topic that starts with `$`.
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        selects(self.levels(), topic)
    }

    /// Whether every topic that `other` selects is selected by this filter too. Used for access rules: a client may
    /// subscribe to anything inside what it was granted.
    #[must_use]
    pub fn covers(&self, other: &Filter) -> bool {
        covers(self.levels(), other)
    }

    /// Whether there is a topic that both select.
    #[must_use]
    pub fn overlaps(&self, other: &Filter) -> bool {
        let (mut left, mut right) = (self.levels(), other.levels());
        loop {
            match (left.next(), right.next()) {
                (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
                (Some("+"), Some(_)) | (Some(_), Some("+")) => {}
                (Some(one), Some(another)) if one == another => {}
                _ => return false,
            }
        }
    }
}

fn is_wildcard(level: &str) -> bool {
    matches!(level, "+" | "#")
}

fn selects<'a>(wanted: impl Iterator<Item = &'a str>, topic: &Topic) -> bool {
    let mut wanted = wanted.peekable();
    if topic.as_str().starts_with('$') && wanted.peek().is_some_and(|level| is_wildcard(level)) {
        return false;
    }
    let mut given = topic.levels();
    loop {
        match (wanted.next(), given.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(filter), Some(level)) if filter == level => {}
            _ => return false,
        }
    }
}

fn covers<'a>(granted: impl Iterator<Item = &'a str>, other: &Filter) -> bool {
    let mut granted = granted.peekable();
    if other.as_str().starts_with('$') && granted.peek().is_some_and(|level| is_wildcard(level)) {
        return false;
    }
    let mut asked = other.levels();
    loop {
        match (granted.next(), asked.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(filter), Some(level)) if filter == level => {}
            _ => return false,
        }
    }
}

/// A filter in which the level `{device}` stands for a device's id: one text for all devices of a profile. Matching
/// makes no copy, since it is done for every publish of every device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePattern(Box<str>);

impl DevicePattern {
    /// The level that stands for the device's id.
    pub const DEVICE: &'static str = "{device}";

    /// Validates `text` as a filter; `{device}` may stand for whole levels.
    ///
    /// # Errors
    /// [`TopicError`] names the rule that was broken.
    pub fn new(text: &str) -> Result<Self, TopicError> {
        Filter::new(text)?;
        Ok(Self(text.into()))
    }

    fn levels<'a>(&'a self, device: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .split('/')
            .map(move |level| if level == Self::DEVICE { device } else { level })
    }

    /// Whether the topic is selected for this device.
    #[must_use]
    pub fn matches(&self, device: &str, topic: &Topic) -> bool {
        selects(self.levels(device), topic)
    }

    /// Whether all that `filter` selects is selected for this device.
    #[must_use]
    pub fn covers(&self, device: &str, filter: &Filter) -> bool {
        covers(self.levels(device), filter)
    }
}

impl From<Topic> for Filter {
    /// Every topic is the filter that selects just itself.
    fn from(topic: Topic) -> Self {
        Self(topic.0)
    }
}

macro_rules! text_traits {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).map_err(|error| de::Error::custom(format!("{text:?}: {error}")))
            }
        }
    };
}

text_traits!(Topic);
text_traits!(Filter);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(filter: &str, topic: &str) -> bool {
        Filter::new(filter).unwrap().matches(&Topic::new(topic).unwrap())
    }

    #[test]
    fn filters_select_as_the_examples_of_the_mqtt_specification_say() {
        assert!(matches("sport/tennis/player1/#", "sport/tennis/player1"));
        assert!(matches(
            "sport/tennis/player1/#",
            "sport/tennis/player1/score/wimbledon"
        ));
        assert!(matches("sport/+", "sport/"));
        assert!(!matches("sport/+", "sport"));
        assert!(matches("+/+", "/finance"));
        assert!(matches("/+", "/finance"));
        assert!(!matches("+", "/finance"));
        assert!(!matches("#", "$SYS/uptime"));
        assert!(!matches("+/monitor/clients", "$SYS/monitor/clients"));
        assert!(matches("$SYS/#", "$SYS/uptime"));
    }

    #[test]
    fn misplaced_wildcards_are_refused() {
        for bad in ["sport/tennis#", "sport/tennis/#/ranking", "sport+", "a/+b", "##"] {
            assert_eq!(Filter::new(bad), Err(TopicError::MisplacedWildcard), "{bad}");
        }
        assert_eq!(Topic::new("a/+"), Err(TopicError::Wildcard));
        assert_eq!(Topic::new(""), Err(TopicError::Empty));
        assert_eq!(Topic::new("a\0b"), Err(TopicError::Nul));
        assert!(matches!(
            Topic::new("a/".repeat(40)),
            Err(TopicError::TooDeep(41))
        ));
    }

    #[test]
    fn a_device_pattern_is_the_filter_with_the_devices_id_in_it() {
        let pattern = DevicePattern::new("tele/{device}/+").unwrap();
        let matches = |topic| pattern.matches("plug", &Topic::new(topic).unwrap());
        assert_eq!(
            [
                matches("tele/plug/STATE"),
                matches("tele/lamp/STATE"),
                matches("tele/{device}/STATE")
            ],
            [true, false, false]
        );
        assert!(pattern.covers("plug", &Filter::new("tele/plug/+").unwrap()));
        assert!(!pattern.covers("plug", &Filter::new("tele/+/+").unwrap()));
        assert!(!pattern.covers("plug", &Filter::new("tele/plug/#").unwrap()));
    }

    #[test]
    fn filters_overlap_where_a_topic_is_selected_by_both() {
        let overlap =
            |one: &str, another: &str| Filter::new(one).unwrap().overlaps(&Filter::new(another).unwrap());
        assert!(overlap("homie/5/+/+", "homie/+/x/y"));
        assert!(overlap("a/#", "a"));
        assert!(overlap("+/b", "a/+"));
        assert!(!overlap("a/+", "a/b/c"));
        assert!(!overlap("tele/plug/+", "tele/lamp/+"));
    }

    #[test]
    fn a_topic_in_another_script_is_a_topic() {
        assert!(matches("é/#", "é/x"));
    }

    proptest! {
        #[test]
        fn a_filter_that_covers_another_selects_all_that_the_other_selects(
            granted in "(\\$a|a|b|\\+)(/(a|b|\\+)){0,3}(/#)?",
            asked in "(\\$a|a|b|\\+)(/(a|b|\\+)){0,3}(/#)?",
            topic in "(\\$a|a|b)(/(a|b)){0,4}",
        ) {
            let (granted, asked, topic) =
                (Filter::new(granted).unwrap(), Filter::new(asked).unwrap(), Topic::new(topic).unwrap());
            if granted.covers(&asked) && asked.matches(&topic) {
                prop_assert!(granted.matches(&topic));
            }
        }
    }
}
