//! What a device has described, and how a description gets into it.

use roost_model::Topic;
use serde_json::{Map, Value as Json};

use super::aspect::Aspect;
use super::entity::Entity;
use super::expression::Template;
use crate::{CodecError, Decoded, Grants, MAX_DESCRIBED_POINTS, MAX_DESCRIPTION_BYTES};

/// Most places where a device says whether it is there.
const MAX_AVAILABILITY: usize = 64;
/// Members that are not kept.
const ABOUT_THE_DEVICE: [&str; 2] = ["device", "origin"];

/// What a device has described.
#[derive(Default)]
pub(super) struct Described {
    pub(super) aspects: Vec<Learned>,
    pub(super) availability: Vec<Availability>,
}

/// An aspect, with the message that described it.
pub(super) struct Learned {
    source: Box<str>,
    /// What its entity took of the room for descriptions.
    bytes: usize,
    pub(super) aspect: Aspect,
}

/// A place where a device says whether it is there.
pub(super) struct Availability {
    /// The message that described it.
    source: Box<str>,
    pub(super) topic: Topic,
    pub(super) template: Option<Template>,
    pub(super) words: [String; 2],
    pub(super) last: Option<bool>,
}

impl Described {
    /// Forgets what a message has described, and returns its points.
    pub(super) fn forget(&mut self, source: &str) -> Vec<String> {
        let of_it = self.aspects.extract_if(.., |learned| *learned.source == *source);
        let points = of_it.map(|learned| learned.aspect.point).collect();
        self.availability.retain(|place| *place.source != *source);
        points
    }

    /// Whether it has described this point.
    pub(super) fn knows(&self, point: &str) -> bool {
        self.aspects.iter().any(|known| known.aspect.point == point)
    }

    fn bytes(&self) -> usize {
        self.aspects.iter().map(|known| known.bytes).sum()
    }

    /// Whether the device is there, as far as it has said so.
    pub(super) fn is_online(&self) -> Option<bool> {
        let mut said = self.availability.iter().filter_map(|place| place.last).peekable();
        said.peek()?;
        Some(said.all(|there| there))
    }
}

/// A description on its way into the memory.
pub(super) struct Learning<'a> {
    pub(super) grants: &'a Grants,
    pub(super) topic: &'a Topic,
    pub(super) memory: &'a mut Described,
    pub(super) decoded: &'a mut Decoded,
}

impl Learning<'_> {
    fn unsupported(&mut self, what: String) {
        self.decoded.rejected.push(CodecError::Unsupported {
            topic: self.topic.clone(),
            what,
        });
    }

    fn may_say(&self, topic: &Topic) -> bool {
        self.grants.publish.iter().any(|filter| filter.matches(topic))
    }

    /// The device chooses where its commands go: never to a topic that it may not hear itself, or it could have the
    /// gateway command others.
    fn may_hear(&self, topic: &Topic) -> bool {
        self.grants.subscribe.iter().any(|filter| filter.matches(topic))
    }

    /// Takes an entity: its aspects, as far as they are the device's to say and to hear.
    pub(super) fn entity(
        &mut self,
        component: &str,
        name: &str,
        members: &Map<String, Json>,
    ) -> Result<(), CodecError> {
        let entity = Entity {
            component,
            name,
            members,
        };
        // Words, options and templates are kept: their text bounds what they take.
        let bytes = members
            .iter()
            .filter(|(member, _)| !ABOUT_THE_DEVICE.contains(&member.as_str()))
            .map(|(_, json)| json.to_string().len())
            .sum();
        if self.memory.bytes() + bytes > MAX_DESCRIPTION_BYTES {
            return Err(CodecError::TooMuchDescription {
                topic: self.topic.clone(),
            });
        }
        let found = entity.aspects();
        for what in found.unsupported {
            self.unsupported(what);
        }
        for (mut aspect, mut described) in found.aspects {
            if let Some(state) = aspect.state.take_if(|state| !self.may_say(&state.topic)) {
                self.unsupported(format!(
                    "the topic {}, which is not this device's to publish,",
                    state.topic
                ));
            }
            if let Some(command) = aspect.command.take_if(|command| !self.may_hear(&command.topic)) {
                self.unsupported(format!(
                    "the topic {}, which is not this device's to hear,",
                    command.topic
                ));
            }
            described.access = aspect.access();
            if aspect.state.is_none() && aspect.command.is_none() {
                continue;
            }
            if self.memory.knows(&aspect.point) {
                self.unsupported(format!("a second {}", aspect.point));
                continue;
            }
            if self.memory.aspects.len() >= MAX_DESCRIBED_POINTS {
                return Err(CodecError::TooManyPoints {
                    topic: self.topic.clone(),
                });
            }
            self.decoded.described.push(described);
            self.memory.aspects.push(Learned {
                source: self.topic.as_str().into(),
                bytes,
                aspect,
            });
        }
        Ok(())
    }

    /// Takes note of where the device says whether it is there.
    pub(super) fn availability(&mut self, members: &Map<String, Json>) {
        let single = members.get("availability_topic").map(|_| members);
        let list = match members.get("availability") {
            Some(Json::Array(items)) => items.as_slice(),
            _ => &[],
        };
        for place in single.into_iter().chain(list.iter().filter_map(Json::as_object)) {
            let word = |name: &str, usual: &str| match place.get(name) {
                Some(Json::String(text)) => text.clone(),
                Some(json) => json.to_string(),
                None => usual.to_owned(),
            };
            let text = |names: [&str; 2]| names.into_iter().find_map(|name| place.get(name)?.as_str());
            let Some(Ok(topic)) = text(["availability_topic", "topic"]).map(Topic::new) else {
                continue;
            };
            let known = self.memory.availability.iter().any(|known| known.topic == topic);
            if known || self.memory.availability.len() >= MAX_AVAILABILITY || !self.may_say(&topic) {
                continue;
            }
            let template = match text(["availability_template", "value_template"]).map(Template::parse) {
                Some(Err(what)) => {
                    self.unsupported(what);
                    continue;
                }
                Some(Ok(template)) => Some(template),
                None => None,
            };
            self.memory.availability.push(Availability {
                source: self.topic.as_str().into(),
                topic,
                template,
                words: [
                    word("payload_available", "online"),
                    word("payload_not_available", "offline"),
                ],
                last: None,
            });
        }
    }
}
