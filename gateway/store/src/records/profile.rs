//! What makes a profile valid: its devices can touch their own topics only, and its rules stay inside those.

use roost_model::{CommandRule, Filter, PointRule, Profile, Topic, check_name};

use super::{check_cadence, check_label};
use crate::{FieldErrors, Record};

/// Most filters in each direction.
const MAX_FILTERS: usize = 64;
/// Most rules for points, and most for commands.
const MAX_RULES: usize = 512;
/// What stands for the id of a device in a topic.
const DEVICE: &str = "{device}";
/// What stands for the name of a point in a topic.
const POINT: &str = "{point}";
/// What stands for the name of a member in the name of a point.
const MEMBER: &str = "{member}";
/// A name to try a template with.
const SAMPLE: &str = "sample";

impl Record for Profile {
    const TABLE: &'static str = "profiles";
    const FIELDS: &'static [&'static str] = &["id", "label", "publishes", "subscribes", "points", "commands"];

    fn key(&self) -> &str {
        &self.id
    }

    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("id", check_name(&self.id));
        check_label(&self.label, errors);
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

/// The filter that a template stands for: one sample device, and every point where a point is a whole level.
fn filter_of(template: &str) -> Result<Filter, String> {
    let levels: Vec<String> = template
        .split('/')
        .map(|level| match level {
            POINT => "+".to_owned(),
            level => level.replace(DEVICE, SAMPLE).replace(POINT, SAMPLE),
        })
        .collect();
    let text = levels.join("/");
    if text.contains(['{', '}']) {
        return Err("has {device} and {point} as its only placeholders".to_owned());
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
    let has_point = rule.topic.split('/').any(|level| level == POINT);
    if rule.topic.contains(POINT) && !has_point {
        errors.add(format!("{place}.topic"), "must have {point} as a whole level");
    } else {
        errors.check(
            format!("{place}.topic"),
            check_inside(&rule.topic, publishes, "publishes"),
        );
    }
    errors.check(format!("{place}.pointer"), check_pointer(&rule.pointer));
    errors.check(format!("{place}.unit_pointer"), check_pointer(&rule.unit_pointer));
    errors.check(format!("{place}.cadence_ms"), check_cadence(rule.cadence_ms));
    let name = format!("{place}.point");
    if rule.point.contains(POINT) && !has_point {
        errors.add(&name, "has {point} only if the topic has it");
    }
    if rule.point.contains(MEMBER) && !rule.pointer.split('/').any(|segment| segment == "*") {
        errors.add(&name, "has {member} only if the pointer has a * segment");
    }
    // A name of one letter: what is left of 64 is then for the names that are put in, which are checked when
    // they come.
    errors.check(
        &name,
        check_name(&rule.point.replace(POINT, "p").replace(MEMBER, "m")),
    );
}

fn check_command_rule(
    place: &str,
    rule: &CommandRule,
    publishes: &[Filter],
    subscribes: &[Filter],
    errors: &mut FieldErrors,
) {
    if rule.point != "*" {
        errors.check(format!("{place}.point"), check_name(&rule.point));
    }
    let topic = format!("{place}.topic");
    if Topic::new(&rule.topic).is_err() {
        errors.add(&topic, "must be a topic without + and #");
    } else {
        errors.check(&topic, check_inside(&rule.topic, subscribes, "subscribes"));
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
