//! What makes a profile valid: its devices can touch their own topics only, and its rules stay inside those.

use roost_model::{CommandRule, Filter, PayloadKind, PointRule, Profile, Topic, check_name};

use super::{check_cadence, check_label, check_name_if_given};
use crate::{FieldErrors, Record};

/// Most filters in each direction.
const MAX_FILTERS: usize = 64;
/// Most rules for points, and most for commands.
const MAX_RULES: usize = 512;
/// What stands for the id of a device in a topic.
const DEVICE: &str = "{device}";
/// Most settings of a codec, and most words of a rule's map.
const MAX_WORDS: usize = 256;
/// What stands for the name of a member in the name of a point.
const MEMBER: &str = "member";
/// Topics that a profile can't make heard: what is said there is for one device each.
const ONE_DEVICE_EACH: [&str; 3] = ["$", "devices/", "devices"];
/// A name to try a template with.
const SAMPLE: &str = "sample";

impl Record for Profile {
    const TABLE: &'static str = "profiles";
    const FIELDS: &'static [&'static str] = &[
        "id",
        "label",
        "codec",
        "options",
        "via",
        "publishes",
        "subscribes",
        "hears",
        "pairs",
        "points",
        "commands",
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("id", check_name(&self.id));
        check_label(&self.label, errors);
        errors.check("codec", check_name_if_given(&self.codec));
        if self.options.len() > MAX_WORDS {
            errors.add("options", format!("has at most {MAX_WORDS} settings"));
        }
        if self.pairs.between.is_empty() || self.pairs.equals.is_empty() {
            errors.add(
                "pairs",
                "has a text that stands between pairs, and one within them",
            );
        }
        check_hears(&self.hears, errors);
        let publishes = grants("publishes", &self.publishes, errors);
        let subscribes = grants("subscribes", &self.subscribes, errors);
        for (field, rules) in [("points", self.points.len()), ("commands", self.commands.len())] {
            if rules > MAX_RULES {
                errors.add(field, format!("has at most {MAX_RULES} rules"));
                return;
            }
        }
        for (index, rule) in self.points.iter().enumerate() {
            check_point_rule(&format!("points[{index}]"), rule, &publishes, errors);
        }
        for (index, rule) in self.commands.iter().enumerate() {
            check_command_rule(
                &format!("commands[{index}]"),
                rule,
                &publishes,
                &subscribes,
                errors,
            );
        }
    }
}

/// Checks the topics that all devices of a profile may hear.
fn check_hears(topics: &[String], errors: &mut FieldErrors) {
    if topics.len() > MAX_FILTERS {
        errors.add("hears", format!("has at most {MAX_FILTERS} topics"));
    }
    for (index, topic) in topics.iter().take(MAX_FILTERS).enumerate() {
        let place = format!("hears[{index}]");
        if Topic::new(topic).is_err() || topic.contains(['{', '}']) {
            errors.add(&place, "must be a topic without +, # and words in braces");
        }
        if ONE_DEVICE_EACH.iter().any(|begin| topic.starts_with(begin)) {
            errors.add(
                &place,
                "can't begin with $ or devices: what is said there is not for all",
            );
        }
    }
}

/// The words in braces of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(word, _)| word))
}

/// The word that a level in braces catches by.
fn caught(level: &str) -> Option<&str> {
    let word = level.strip_prefix('{')?.strip_suffix('}')?;
    let letters = |c: char| c.is_ascii_lowercase() || c == '_';
    (level != DEVICE && !word.is_empty() && word.chars().all(letters)).then_some(word)
}

/// The filter that a template stands for: one sample device, and everything where a word is a whole level.
fn filter_of(template: &str) -> Result<Filter, String> {
    let levels: Vec<String> = template
        .split('/')
        .map(|level| match caught(level) {
            Some(_) => "+".to_owned(),
            None => level.replace(DEVICE, SAMPLE),
        })
        .collect();
    let text = levels.join("/");
    if text.contains(['{', '}']) {
        return Err("has braces around {device} and around whole levels only".to_owned());
    }
    Filter::new(text).map_err(|error| format!("is not a topic filter: {error}"))
}

/// Checks the filters of one direction and returns those that are valid.
fn grants(field: &str, templates: &[String], errors: &mut FieldErrors) -> Vec<Filter> {
    if templates.len() > MAX_FILTERS {
        errors.add(field, format!("has at most {MAX_FILTERS} filters"));
    }
    let mut filters = Vec::new();
    for (index, template) in templates.iter().take(MAX_FILTERS).enumerate() {
        let place = format!("{field}[{index}]");
        if !template.split('/').any(|level| level == DEVICE) {
            // Without it the devices of this profile could touch each other's topics, and everybody else's.
            errors.add(&place, "must have {device} as a whole level");
        }
        if template.starts_with('$') {
            errors.add(&place, "can't begin with $: those topics are the broker's own");
        }
        match filter_of(template) {
            Ok(filter) => filters.push(filter),
            Err(message) => errors.add(&place, message),
        }
    }
    filters
}

/// Checks that a rule's topic lies inside what the profile grants.
fn check_inside(template: &str, granted: &[Filter], direction: &str) -> Result<(), String> {
    let filter = filter_of(template)?;
    if granted.iter().any(|grant| grant.covers(&filter)) {
        return Ok(());
    }
    Err(format!("must lie inside a filter of {direction}"))
}

/// Checks a JSON pointer (RFC 6901) of which one segment may be `*`.
fn check_pointer(pointer: &str) -> Result<(), &'static str> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err("must be empty or begin with /");
    }
    if pointer.split('/').filter(|segment| *segment == "*").count() > 1 {
        return Err("has at most one * segment");
    }
    let escapes_only = pointer
        .split('~')
        .skip(1)
        .all(|rest| rest.starts_with(['0', '1']));
    if !escapes_only {
        return Err("has ~0 for ~ and ~1 for /, and no other ~");
    }
    Ok(())
}

fn check_point_rule(place: &str, rule: &PointRule, publishes: &[Filter], errors: &mut FieldErrors) {
    errors.check(
        format!("{place}.topic"),
        check_inside(&rule.topic, publishes, "publishes"),
    );
    errors.check(format!("{place}.pointer"), check_pointer(&rule.pointer));
    errors.check(format!("{place}.unit_pointer"), check_pointer(&rule.unit_pointer));
    errors.check(format!("{place}.cadence_ms"), check_cadence(rule.cadence_ms));
    errors.check(format!("{place}.scale"), check_scale(rule.scale, rule.add));
    if rule.map.len() > MAX_WORDS {
        errors.add(format!("{place}.map"), format!("has at most {MAX_WORDS} words"));
    }
    if rule.binary.is_some() != (rule.payload == PayloadKind::Binary) {
        errors.add(
            format!("{place}.binary"),
            "is where the value of a binary payload stands, and of no other",
        );
    }
    if rule.binary.is_some_and(|binary| binary.bit > 7) {
        errors.add(format!("{place}.binary.bit"), "is from 0 to 7");
    }
    let name = format!("{place}.point");
    let mut plain = rule.point.clone();
    for word in words(&rule.point) {
        let in_topic = rule.topic.split('/').any(|level| caught(level) == Some(word));
        let in_pointer = word == MEMBER && rule.pointer.split('/').any(|segment| segment == "*");
        if word == MEMBER && !in_pointer {
            errors.add(&name, "has {member} only if the pointer has a * segment");
        } else if !in_topic && !in_pointer {
            errors.add(
                &name,
                format!("has {{{word}}} only if the topic has it as a whole level"),
            );
        }
        plain = plain.replace(&format!("{{{word}}}"), "w");
    }
    // A name of one letter: what is left of 64 is then for the names that are put in, which are checked when
    // they come.
    errors.check(&name, check_name(&plain));
}

/// Checks what numbers are multiplied by: nothing can be commanded back through 0.
fn check_scale(scale: Option<f64>, add: Option<f64>) -> Result<(), &'static str> {
    let fits = scale.unwrap_or(1.0).is_normal() && add.unwrap_or(0.0).is_finite();
    if fits {
        Ok(())
    } else {
        Err("must be a number other than 0, and add a finite one")
    }
}

fn check_command_rule(
    place: &str,
    rule: &CommandRule,
    publishes: &[Filter],
    subscribes: &[Filter],
    errors: &mut FieldErrors,
) {
    let mut plain = rule.point.clone();
    for word in words(&rule.point) {
        plain = plain.replace(&format!("{{{word}}}"), "w");
    }
    if plain != "*" {
        errors.check(format!("{place}.point"), check_name(&plain));
    }
    errors.check(format!("{place}.scale"), check_scale(rule.scale, rule.add));
    errors.check(
        format!("{place}.confirm_point"),
        check_name_if_given(&rule.confirm_point),
    );
    let topic = format!("{place}.topic");
    if Topic::new(&rule.topic).is_err() {
        errors.add(&topic, "must be a topic without + and #");
    } else {
        errors.check(&topic, check_inside(&rule.topic, subscribes, "subscribes"));
    }
    for word in rule.topic.split('/').filter_map(caught) {
        if word != "point" && !words(&rule.point).any(|known| known == word) {
            errors.add(&topic, format!("has {{{word}}} only if the point has it"));
        }
    }
    if !rule.ack_topic.is_empty() {
        errors.check(
            format!("{place}.ack_topic"),
            check_inside(&rule.ack_topic, publishes, "publishes"),
        );
    }
}

#[cfg(test)]
mod tests;
