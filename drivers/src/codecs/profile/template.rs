//! Templates: topics in which words in braces stand for names, names with such words, texts with placeholders.

use std::borrow::Cow;

use roost_model::{Filter, Topic};

const DEVICE: &str = "{device}";
/// A name to try a template with.
const SAMPLE: &str = "sample";

/// A topic or filter of a profile, level by level.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TopicTemplate(Vec<Level>);

#[derive(Debug, Clone, PartialEq)]
enum Level {
    /// The text itself.
    Literal(String),
    /// Text with the device's id in it, such as `tasmota-{device}`.
    WithDevice(String),
    /// The device's id.
    Device,
    /// A word that catches what stands in its place.
    Catch(String),
    /// `+`: any one level.
    Any,
    /// `#`: all levels from here on.
    Rest,
}

/// What was caught, by word.
pub(super) type Caught<'t> = Vec<(&'t str, &'t str)>;

/// What stands for a word, if it was caught.
pub(super) fn caught<'t>(caught: &[(&str, &'t str)], word: &str) -> Option<&'t str> {
    caught
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, text)| *text)
}

/// The word that a level in braces catches by.
fn word_of(level: &str) -> Option<&str> {
    let word = level.strip_prefix('{')?.strip_suffix('}')?;
    let letters = |c: char| c.is_ascii_lowercase() || c == '_';
    (!word.is_empty() && word.chars().all(letters)).then_some(word)
}

impl TopicTemplate {
    /// Takes a template apart. The error is phrased to follow the field's name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let level = |level: &str| match level {
            DEVICE => Level::Device,
            "+" => Level::Any,
            "#" => Level::Rest,
            level if level.contains(DEVICE) => Level::WithDevice(level.to_owned()),
            level => word_of(level).map_or_else(
                || Level::Literal(level.to_owned()),
                |word| Level::Catch(word.to_owned()),
            ),
        };
        let template = Self(text.split('/').map(level).collect());
        let known = |level: &Level| match level {
            Level::Literal(text) => !text.contains(['{', '}']),
            Level::WithDevice(text) => !text.replace(DEVICE, "").contains(['{', '}']),
            _ => true,
        };
        if !template.0.iter().all(known) {
            return Err(format!(
                "{text:?} has braces around {{device}} and around whole levels only"
            ));
        }
        // One that does not become a filter with a plain name never will.
        Filter::new(template.fill(SAMPLE, |_| "+")).map_err(|error| format!("{text:?}: {error}"))?;
        Ok(template)
    }

    /// Takes a filter apart that devices are granted: it must hold the device's id, or they could touch each
    /// other's.
    pub(super) fn grant(text: &str) -> Result<Self, String> {
        let template = Self::parse(text)?;
        if !template.0.contains(&Level::Device) {
            return Err(format!("{text:?} must have {{device}} as a whole level"));
        }
        Ok(template)
    }

    /// The words that it catches by.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|level| match level {
            Level::Catch(word) => Some(word.as_str()),
            _ => None,
        })
    }

    /// The filter for all points of a device; `None` if the id makes it invalid.
    pub(super) fn filter(&self, device: &str) -> Option<Filter> {
        Filter::new(self.fill(device, |_| "+")).ok()
    }

    /// Whether every topic that `other` stands for lies inside this filter.
    pub(super) fn covers(&self, other: &TopicTemplate) -> bool {
        // Any name does for the comparison: it stands in the same place of both.
        let filters = self.filter(SAMPLE).zip(other.filter(SAMPLE));
        filters.is_some_and(|(granted, asked)| granted.covers(&asked))
    }

    /// The topic for what was caught; `None` if a name makes it invalid or a word was not caught.
    pub(super) fn topic(&self, device: &str, words: &[(&str, &str)]) -> Option<Topic> {
        // A word that was not caught becomes a wildcard, and that is no topic.
        Topic::new(self.fill(device, |word| caught(words, word).unwrap_or("+"))).ok()
    }

    fn fill<'t>(&'t self, device: &'t str, word: impl Fn(&str) -> &'t str) -> String {
        let levels: Vec<Cow<'_, str>> = self
            .0
            .iter()
            .map(|level| match level {
                Level::Literal(text) => text.as_str().into(),
                Level::WithDevice(text) => text.replace(DEVICE, device).into(),
                Level::Device => device.into(),
                Level::Catch(name) => word(name).into(),
                Level::Any => "+".into(),
                Level::Rest => "#".into(),
            })
            .collect();
        levels.join("/")
    }

    /// What a device's topic gives to the words, if it is one that the template stands for.
    pub(super) fn fit<'t>(&'t self, device: &str, topic: &'t Topic) -> Option<Caught<'t>> {
        let mut given = topic.levels();
        let mut words = Caught::new();
        for level in &self.0 {
            if *level == Level::Rest {
                return Some(words);
            }
            let text = given.next()?;
            let fits = match level {
                Level::Literal(literal) => literal == text,
                Level::WithDevice(literal) => literal.replace(DEVICE, device) == text,
                Level::Device => device == text,
                Level::Catch(word) => {
                    words.push((word, text));
                    true
                }
                Level::Any | Level::Rest => true,
            };
            if !fits {
                return None;
            }
        }
        given.next().is_none().then_some(words)
    }
}

/// The name of a point in a rule for commands: text, in which words in braces catch parts of the name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamePattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Catch(String),
}

impl NamePattern {
    /// Takes a pattern apart. The error is phrased to follow the field's name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (word, after) = after
                .split_once('}')
                .filter(|(word, _)| word_of(&format!("{{{word}}}")).is_some())
                .ok_or_else(|| format!("has a point {text:?} with a brace that catches nothing"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            } else if matches!(parts.last(), Some(Part::Catch(_))) {
                return Err(format!("has a point {text:?} with nothing between two words"));
            }
            parts.push(Part::Catch(word.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// What the name gives to the words; each takes as little as it can, the last one the rest.
    pub(super) fn fit<'t>(&'t self, name: &'t str) -> Option<Caught<'t>> {
        let mut words = Caught::new();
        let mut rest = name;
        for (index, part) in self.0.iter().enumerate() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Catch(word) => {
                    let end = match self.0.get(index + 1) {
                        Some(Part::Text(next)) => rest.find(next.as_str())?,
                        _ => rest.len(),
                    };
                    if end == 0 {
                        return None;
                    }
                    words.push((word, &rest[..end]));
                    rest = &rest[end..];
                }
            }
        }
        rest.is_empty().then_some(words)
    }
}

/// Puts values in the place of `{word}`s. A word that `value` does not know stays as it is, and what is put
/// in is not looked at again: a value can't smuggle in a placeholder.
pub(super) fn fill<'v>(template: &str, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        filled.push_str(before);
        let word = from[1..]
            .split_once('}')
            .map(|(word, after)| (value(word), after));
        if let Some((Some(text), after)) = word {
            filled.push_str(&text);
            rest = after;
        } else {
            filled.push('{');
            rest = &from[1..];
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(template: &str, topic: &str) -> Option<Vec<String>> {
        let (template, topic) = (
            TopicTemplate::parse(template).unwrap(),
            Topic::new(topic).unwrap(),
        );
        let words = template.fit("boiler", &topic)?;
        Some(
            words
                .iter()
                .map(|(word, text)| format!("{word}={text}"))
                .collect(),
        )
    }

    #[test]
    fn a_template_fits_its_own_device_and_catches_words() {
        let topic = "devices/boiler/telemetry/flow";
        let caught = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(
            fit("devices/{device}/telemetry/{point}", topic),
            caught(&["point=flow"])
        );
        assert_eq!(
            fit("devices/{device}/{kind}/{point}", topic),
            caught(&["kind=telemetry", "point=flow"])
        );
        assert_eq!(fit("devices/{device}/+/flow", topic), caught(&[]));
        assert_eq!(fit("devices/{device}/#", topic), caught(&[]));
        assert_eq!(fit("devices/{device}/telemetry", topic), None);
        assert_eq!(fit("devices/{device}/telemetry/{point}/x", topic), None);
        assert_eq!(fit("devices/other/telemetry/{point}", topic), None);
        assert_eq!(
            fit(
                "devices/{device}/telemetry/{point}",
                "devices/other/telemetry/flow"
            ),
            None
        );
        assert!(fit("plug-{device}/state", "plug-boiler/state").is_some());
    }

    #[test]
    fn a_pattern_catches_parts_of_a_name() {
        let fit = |pattern: &str, name: &str| {
            let pattern = NamePattern::parse(pattern).unwrap();
            let words = pattern.fit(name)?;
            Some(
                words
                    .iter()
                    .map(|(word, text)| format!("{word}={text}"))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            fit("switch.{object}", "switch.pump.a"),
            Some(vec!["object=pump.a".into()])
        );
        assert_eq!(
            fit("{kind}.{object}", "light.hall"),
            Some(vec!["kind=light".into(), "object=hall".into()])
        );
        assert_eq!(fit("power", "power"), Some(vec![]));
        for (pattern, name) in [
            ("power", "power1"),
            ("switch.{object}", "switch."),
            ("{a}.b", "x.c"),
        ] {
            assert_eq!(fit(pattern, name), None, "{pattern} {name}");
        }
        for bad in ["{", "{a b}", "{a}{b}", "x}{"] {
            assert!(NamePattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_grant_without_the_device_is_refused() {
        for bad in ["#", "devices/+/x", "devices/x-{device}/#"] {
            assert!(
                TopicTemplate::grant(bad).unwrap_err().contains("whole level"),
                "{bad}"
            );
        }
        assert!(TopicTemplate::parse("{device}/x{word}").is_err());
        assert!(TopicTemplate::parse("{device}/#/x").is_err());
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let value = |word: &str| match word {
            "value" => Some("{id}".into()),
            "id" => Some("7".into()),
            _ => None,
        };
        assert_eq!(fill(r#"{"id":{id},"v":{value}}"#, value), r#"{"id":7,"v":{id}}"#);
        assert_eq!(fill("{", value), "{");
        assert_eq!(fill("{unknown} {id", value), "{unknown} {id");
    }
}
