//! Commands for the browser: `phx-click={Js::new().toggle("#panel").push("opened")}`.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::render::{Attribute, Cid, Name};

mod arguments;
mod commands;
#[cfg(test)]
mod tests;

/// Commands that the client carries out one after the other, in the place of an event's name. A method that begins a
/// command is named as the command; the methods below it fill in the command before.
///
/// ```
/// use roost_live::js::{Js, To};
/// use roost_live::html;
///
/// let open = Js::new().show("#menu").transition("fade-in").push("opened").value("by", 5);
/// let page = html! { <button phx-click={open.add_class("on").to(To::Closest("section"))}>"open"</button> };
/// assert!(page.to_html().starts_with("<button phx-click=\"[[&quot;show&quot;,{"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Js {
    commands: Vec<(&'static str, Map<String, Value>)>,
}

/// The elements that a command is for; without one, it is the element that has the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To<'a> {
    /// All elements of the page that match a CSS selector.
    All(&'a str),
    /// The elements inside this one that match.
    Inner(&'a str),
    /// The nearest element around this one that matches.
    Closest(&'a str),
}

impl<'a> From<&'a str> for To<'a> {
    fn from(selector: &'a str) -> Self {
        Self::All(selector)
    }
}

impl From<To<'_>> for Value {
    fn from(to: To<'_>) -> Self {
        match to {
            To::All(selector) => selector.into(),
            To::Inner(selector) => json!({ "inner": selector }),
            To::Closest(selector) => json!({ "closest": selector }),
        }
    }
}

/// Classes that an element has while it changes; several stand in one text, separated by blanks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transition<'a> {
    /// From the beginning to the end.
    pub classes: &'a str,
    /// At the beginning.
    pub start: &'a str,
    /// From the next frame to the end.
    pub end: &'a str,
}

impl<'a> From<&'a str> for Transition<'a> {
    fn from(classes: &'a str) -> Self {
        Self {
            classes,
            ..Self::default()
        }
    }
}

impl From<Transition<'_>> for Value {
    fn from(transition: Transition<'_>) -> Self {
        let Transition { classes, start, end } = transition;
        json!([words(classes), words(start), words(end)])
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Who gets a pushed event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A live component.
    Component(Cid),
    /// The live components or views of the elements that match a CSS selector.
    Selector(&'a str),
}

impl From<Cid> for Target<'_> {
    fn from(cid: Cid) -> Self {
        Self::Component(cid)
    }
}

impl<'a> From<&'a str> for Target<'a> {
    fn from(selector: &'a str) -> Self {
        Self::Selector(selector)
    }
}

impl Js {
    /// No command yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a command.
    fn command(mut self, name: &'static str) -> Self {
        self.commands.push((name, Map::new()));
        self
    }

    /// Fills in the command before.
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some((_, arguments)) = self.commands.last_mut() {
            arguments.insert(name.to_owned(), value.into());
        }
        self
    }
}

/// The JSON array that the client reads, as for an event that a hook executes.
impl fmt::Display for Js {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, (name, arguments)) in self.commands.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{}", json!([name, arguments]))?;
        }
        f.write_str("]")
    }
}

/// Without a command, the attribute is left out.
impl Attribute for Js {
    fn put(&self, name: Name<'_>) {
        if !self.commands.is_empty() {
            name.with(self);
        }
    }
}
