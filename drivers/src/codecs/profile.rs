//! The codec that interprets a profile: rules are compiled once and shared by all devices that speak so.

mod binary;
mod cbor;
mod decode;
mod encode;
mod payload;
mod pointer;
mod template;

use roost_model::{CommandRule, Filter, PayloadKind, PointRule, Profile, Separators, Via, check_name};

use self::pointer::Pointer;
use self::template::{Caught, NamePattern, TopicTemplate};
use crate::{Codec, CodecDef, CodecError, CodecMemory, CommandRequest, Decoded, Grants, Incoming, Outgoing};

/// This codec's line in the list of codecs.
pub(super) const DEF: CodecDef = CodecDef {
    name: "profile",
    summary: "Any device family that a profile describes",
    build,
};

/// The point whose boolean value says whether the device is connected: the topic of its will.
pub(super) const ONLINE: &str = "online";

/// A profile, ready to be used.
struct ProfileCodec {
    id: String,
    via: Via,
    pairs: Separators,
    publishes: Vec<TopicTemplate>,
    subscribes: Vec<TopicTemplate>,
    hears: Vec<TopicTemplate>,
    /// Those of `publishes` in which a rule has a topic.
    listens: Vec<TopicTemplate>,
    points: Vec<CompiledPoint>,
    commands: Vec<CompiledCommand>,
}

/// A rule for points, with its topic and pointers taken apart.
struct CompiledPoint {
    rule: PointRule,
    topic: TopicTemplate,
    pointer: Pointer,
    unit_pointer: Pointer,
}

/// A rule for commands, with its topics taken apart.
struct CompiledCommand {
    rule: CommandRule,
    /// `None` for the rule that is about every point.
    name: Option<NamePattern>,
    topic: TopicTemplate,
    ack: Option<TopicTemplate>,
}

fn build(profile: Profile) -> Result<Box<dyn Codec>, CodecError> {
    ProfileCodec::compile(profile).map(|codec| -> Box<dyn Codec> { Box::new(codec) })
}

impl ProfileCodec {
    fn compile(profile: Profile) -> Result<Self, CodecError> {
        let id = profile.id;
        let refuse = |place: String| {
            |reason: String| CodecError::Profile {
                profile: id.clone(),
                place,
                reason,
            }
        };
        let grants = |field: &str, templates: &[String]| -> Result<Vec<TopicTemplate>, CodecError> {
            let compile = |(index, text): (usize, &String)| {
                TopicTemplate::grant(text).map_err(refuse(format!("{field}[{index}]")))
            };
            templates.iter().enumerate().map(compile).collect()
        };
        let publishes = grants("publishes", &profile.publishes)?;
        let subscribes = grants("subscribes", &profile.subscribes)?;
        let mut hears = Vec::with_capacity(profile.hears.len());
        for (index, text) in profile.hears.iter().enumerate() {
            hears.push(TopicTemplate::parse(text).map_err(refuse(format!("hears[{index}]")))?);
        }
        let mut points = Vec::with_capacity(profile.points.len());
        for (index, rule) in profile.points.into_iter().enumerate() {
            let place = format!("points[{index}]");
            points.push(CompiledPoint::compile(rule, &publishes).map_err(refuse(place))?);
        }
        let mut commands = Vec::with_capacity(profile.commands.len());
        for (index, rule) in profile.commands.into_iter().enumerate() {
            let place = format!("commands[{index}]");
            commands.push(CompiledCommand::compile(rule, &publishes, &subscribes).map_err(refuse(place))?);
        }
        let topics = points
            .iter()
            .map(|point| &point.topic)
            .chain(commands.iter().filter_map(|command| command.ack.as_ref()));
        let topics: Vec<&TopicTemplate> = topics.collect();
        let listens = publishes
            .iter()
            .filter(|grant| topics.iter().any(|topic| grant.covers(topic)))
            .cloned()
            .collect();
        Ok(Self {
            id,
            via: profile.via,
            pairs: profile.pairs,
            publishes,
            subscribes,
            hears,
            listens,
            points,
            commands,
        })
    }
}

/// A topic that lies inside one of the filters that the profile grants.
fn inside(text: &str, granted: &[TopicTemplate], direction: &str) -> Result<TopicTemplate, String> {
    let topic = TopicTemplate::parse(text)?;
    if granted.iter().any(|grant| grant.covers(&topic)) {
        Ok(topic)
    } else {
        Err(format!("{text:?} must lie inside a filter of {direction}"))
    }
}

impl CompiledPoint {
    fn compile(rule: PointRule, publishes: &[TopicTemplate]) -> Result<Self, String> {
        let topic = inside(&rule.topic, publishes, "publishes")?;
        let pointer = Pointer::parse(&rule.pointer)?;
        for word in words(&rule.point).filter(|word| *word != "member") {
            if !topic.words().any(|caught| caught == word) {
                return Err(format!("has {{{word}}} in its name only if the topic has it"));
            }
        }
        if rule.binary.is_some() != (rule.payload == PayloadKind::Binary) {
            return Err("has a place in `binary` if its payload is binary, and only then".into());
        }
        if rule.point.contains("{member}") && !pointer.has_star() {
            return Err("has {member} in its name only if the pointer has a *".into());
        }
        Ok(Self {
            topic,
            pointer,
            unit_pointer: Pointer::parse(&rule.unit_pointer)?,
            rule,
        })
    }

    /// How the rule is called in errors.
    fn describe(&self) -> String {
        if self.rule.pointer.is_empty() {
            self.rule.point.clone()
        } else {
            format!("{} (at {})", self.rule.point, self.rule.pointer)
        }
    }
}

impl CompiledCommand {
    fn compile(
        rule: CommandRule,
        publishes: &[TopicTemplate],
        subscribes: &[TopicTemplate],
    ) -> Result<Self, String> {
        let name = match rule.point.as_str() {
            "*" => None,
            text => Some(NamePattern::parse(text)?),
        };
        let ack = match rule.ack_topic.as_str() {
            "" => None,
            text => Some(inside(text, publishes, "publishes")?),
        };
        Ok(Self {
            topic: inside(&rule.topic, subscribes, "subscribes")?,
            ack,
            name,
            rule,
        })
    }

    /// What the name of the point gives to the words of the rule, if the rule is about it.
    fn fit<'t>(&'t self, point: &'t str) -> Option<Caught<'t>> {
        let mut words = match &self.name {
            None => Caught::new(),
            Some(name) => name.fit(point)?,
        };
        words.push(("point", point));
        Some(words)
    }
}

/// The words in braces of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(word, _)| word))
}

/// The filters that templates stand for. None for a device whose id is not a name, which could hold a
/// wildcard.
fn filters(templates: &[TopicTemplate], device: &str) -> Vec<Filter> {
    if check_name(device).is_err() {
        return Vec::new();
    }
    templates
        .iter()
        .filter_map(|template| template.filter(device))
        .collect()
}

impl Codec for ProfileCodec {
    /// A few wide subscriptions instead of one for every rule.
    fn filters(&self, device: &str) -> Vec<Filter> {
        filters(&self.listens, device)
    }

    fn access(&self, device: &str) -> Grants {
        if self.via == Via::Bridge {
            return Grants::default();
        }
        let mut subscribe = filters(&self.subscribes, device);
        if !subscribe.is_empty() {
            subscribe.extend(filters(&self.hears, device));
        }
        Grants {
            publish: filters(&self.publishes, device),
            subscribe,
        }
    }

    fn is_bridged(&self) -> bool {
        self.via == Via::Bridge
    }

    fn decode(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        _memory: &mut CodecMemory,
    ) -> Result<Decoded, CodecError> {
        decode::decode(self, device, incoming)
    }

    fn encode(
        &self,
        device: &str,
        command: CommandRequest<'_>,
        _memory: &CodecMemory,
    ) -> Result<Outgoing, CodecError> {
        encode::encode(self, device, command)
    }
}

#[cfg(test)]
mod tests;
