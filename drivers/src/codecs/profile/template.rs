//! Templates: topics in which `{device}` and `{point}` stand for names, and texts with placeholders in them.

use std::borrow::Cow;

use roost_model::{Filter, Topic};

const DEVICE: &str = "{device}";
const POINT: &str = "{point}";
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
    /// The name of a point.
    Point,
    /// `+`: any one level.
    Any,
    /// `#`: all levels from here on.
    Rest,
}

/// A topic that a template fits, with what stood in the place of `{point}`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit<'a> {
    pub(super) point: Option<&'a str>,
}

impl TopicTemplate {
    /// Takes a template apart. The error is phrased to follow the field's name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let levels: Vec<Level> = text
            .split('/')
            .map(|level| match level {
                DEVICE => Level::Device,
                POINT => Level::Point,
                "+" => Level::Any,
                "#" => Level::Rest,
                level if level.contains(DEVICE) => Level::WithDevice(level.to_owned()),
                level => Level::Literal(level.to_owned()),
            })
            .collect();
        let template = Self(levels);
        let known = |level: &Level| match level {
            Level::Literal(text) => !text.contains(['{', '}']),
            Level::WithDevice(text) => !text.replace(DEVICE, "").contains(['{', '}']),
            _ => true,
        };
        if !template.0.iter().all(known) {
            return Err(format!(
                "{text:?} has {{device}} and {{point}} as its only placeholders"
            ));
        }
        // One that does not become a filter with a plain name never will.
        Filter::new(template.fill(SAMPLE, "+")).map_err(|error| format!("{text:?}: {error}"))?;
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

    /// Whether it has a level for the point.
    pub(super) fn has_point(&self) -> bool {
        self.0.contains(&Level::Point)
    }

    /// The filter for all points of a device; `None` if the id makes it invalid.
    pub(super) fn filter(&self, device: &str) -> Option<Filter> {
        Filter::new(self.fill(device, "+")).ok()
    }

    /// Whether every topic that `other` stands for lies inside this filter.
    pub(super) fn covers(&self, other: &TopicTemplate) -> bool {
        // Any name does for the comparison: it stands in the same place of both.
        let filters = self.filter(SAMPLE).zip(other.filter(SAMPLE));
        filters.is_some_and(|(granted, asked)| granted.covers(&asked))
    }

    /// The topic for one point of a device; `None` if a name makes it invalid.
    pub(super) fn topic(&self, device: &str, point: &str) -> Option<Topic> {
        Topic::new(self.fill(device, point)).ok()
    }

    fn fill(&self, device: &str, point: &str) -> String {
        let levels: Vec<Cow<'_, str>> = self
            .0
            .iter()
            .map(|level| match level {
                Level::Literal(text) => text.as_str().into(),
                Level::WithDevice(text) => text.replace(DEVICE, device).into(),
                Level::Device => device.into(),
                Level::Point => point.into(),
                Level::Any => "+".into(),
                Level::Rest => "#".into(),
            })
            .collect();
        levels.join("/")
    }

    /// Whether a device's topic is one that the template stands for.
    pub(super) fn fit<'a>(&self, device: &str, topic: &'a Topic) -> Option<Fit<'a>> {
        let mut given = topic.levels();
        let mut point = None;
        for level in &self.0 {
            if *level == Level::Rest {
                return Some(Fit { point });
            }
            let text = given.next()?;
            let fits = match level {
                Level::Literal(literal) => literal == text,
                Level::WithDevice(literal) => literal.replace(DEVICE, device) == text,
                Level::Device => device == text,
                Level::Point => {
                    point = Some(text);
                    true
                }
                Level::Any | Level::Rest => true,
            };
            if !fits {
                return None;
            }
        }
        given.next().is_none().then_some(Fit { point })
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

    fn fit<'a>(template: &str, topic: &'a Topic) -> Option<Fit<'a>> {
        TopicTemplate::parse(template).unwrap().fit("boiler", topic)
    }

    #[test]
    fn a_template_fits_its_own_device_and_finds_the_point() {
        let topic = Topic::new("devices/boiler/telemetry/flow").unwrap();
        assert_eq!(
            fit("devices/{device}/telemetry/{point}", &topic),
            Some(Fit { point: Some("flow") })
        );
        assert_eq!(fit("devices/{device}/+/flow", &topic), Some(Fit { point: None }));
        assert_eq!(fit("devices/{device}/#", &topic), Some(Fit { point: None }));
        assert_eq!(fit("devices/{device}/telemetry", &topic), None);
        assert_eq!(fit("devices/{device}/telemetry/{point}/x", &topic), None);
        assert_eq!(fit("devices/other/telemetry/{point}", &topic), None);
        let other = Topic::new("devices/other/telemetry/flow").unwrap();
        assert_eq!(fit("devices/{device}/telemetry/{point}", &other), None);
        let within = Topic::new("plug-boiler/state").unwrap();
        assert!(fit("plug-{device}/state", &within).is_some());
    }

    #[test]
    fn a_grant_without_the_device_is_refused() {
        for bad in ["#", "devices/+/x", "devices/x-{device}/#"] {
            assert!(
                TopicTemplate::grant(bad).unwrap_err().contains("whole level"),
                "{bad}"
            );
        }
        assert!(TopicTemplate::parse("{device}/{devce}").is_err());
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
