//! Commands for the browser: `phx-click={Js::new().toggle("#panel").push("opened")}`.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::render::{Attribute, Cid, Name, url};

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

    fn command(mut self, name: &'static str) -> Self {
        self.commands.push((name, Map::new()));
        self
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some((_, arguments)) = self.commands.last_mut() {
            arguments.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Sends an event to the view. Goes with [`value`](Self::value), [`target`](Self::target),
    /// [`loading`](Self::loading), [`page_loading`](Self::page_loading).
    #[must_use]
    pub fn push(self, event: &str) -> Self {
        self.command("push").with("event", event)
    }

    /// Dispatches an event of the browser. Goes with [`to`](Self::to), [`detail`](Self::detail),
    /// [`bubbles`](Self::bubbles), [`blocking`](Self::blocking).
    #[must_use]
    pub fn dispatch(self, event: &str) -> Self {
        self.command("dispatch").with("event", event)
    }

    /// Carries out the commands in an attribute. Goes with [`to`](Self::to).
    #[must_use]
    pub fn exec(self, attribute: &str) -> Self {
        self.command("exec").with("attr", attribute)
    }

    /// Shows or hides elements. Goes with [`display`](Self::display), [`ins`](Self::ins), [`outs`](Self::outs),
    /// [`time_ms`](Self::time_ms), [`blocking`](Self::blocking).
    #[must_use]
    pub fn toggle<'a>(self, to: impl Into<To<'a>>) -> Self {
        self.command("toggle").to(to)
    }

    /// Shows elements. Goes with [`display`](Self::display), [`transition`](Self::transition),
    /// [`time_ms`](Self::time_ms), [`blocking`](Self::blocking).
    #[must_use]
    pub fn show<'a>(self, to: impl Into<To<'a>>) -> Self {
        self.command("show").to(to)
    }

    /// Hides elements. Goes with what [`show`](Self::show) goes with.
    #[must_use]
    pub fn hide<'a>(self, to: impl Into<To<'a>>) -> Self {
        self.command("hide").to(to)
    }

    /// Adds classes, separated by blanks. Goes with [`to`](Self::to), [`transition`](Self::transition),
    /// [`time_ms`](Self::time_ms), as do the next three.
    #[must_use]
    pub fn add_class(self, names: &str) -> Self {
        self.command("add_class").with("names", words(names))
    }

    /// Removes classes.
    #[must_use]
    pub fn remove_class(self, names: &str) -> Self {
        self.command("remove_class").with("names", words(names))
    }

    /// Adds the classes that are not there and removes the others.
    #[must_use]
    pub fn toggle_class(self, names: &str) -> Self {
        self.command("toggle_class").with("names", words(names))
    }

    /// Plays a transition and changes nothing.
    #[must_use]
    pub fn play<'a>(self, transition: impl Into<Transition<'a>>) -> Self {
        self.command("transition").transition(transition)
    }

    /// Sets an attribute; an address is checked as in `html!`. Goes with [`to`](Self::to), as do the next four.
    #[must_use]
    pub fn set_attr(self, name: &str, value: &str) -> Self {
        self.command("set_attr")
            .with("attr", vec![name, url::checked_value(name, value)])
    }

    /// Removes an attribute.
    #[must_use]
    pub fn remove_attr(self, name: &str) -> Self {
        self.command("remove_attr").with("attr", name)
    }

    /// Sets an attribute to a value, or removes it if it has that value.
    #[must_use]
    pub fn toggle_attr(self, name: &str, value: &str) -> Self {
        self.command("toggle_attr")
            .with("attr", vec![name, url::checked_value(name, value)])
    }

    /// Changes an attribute from the one value to the other and back.
    #[must_use]
    pub fn toggle_attr_between(self, name: &str, one: &str, other: &str) -> Self {
        let [one, other] = [one, other].map(|value| url::checked_value(name, value));
        self.command("toggle_attr").with("attr", vec![name, one, other])
    }

    /// From now on, changes of the page leave these attributes as the browser has them; a name may end in `*`.
    #[must_use]
    pub fn ignore_attrs(self, names: &[&str]) -> Self {
        self.command("ignore_attrs").with("attrs", names.to_vec())
    }

    /// Focuses the element. Goes with [`to`](Self::to), as do the next two.
    #[must_use]
    pub fn focus(self) -> Self {
        self.command("focus")
    }

    /// Focuses the first element inside that can be.
    #[must_use]
    pub fn focus_first(self) -> Self {
        self.command("focus_first")
    }

    /// Remembers the element for [`pop_focus`](Self::pop_focus).
    #[must_use]
    pub fn push_focus(self) -> Self {
        self.command("push_focus")
    }

    /// Focuses the element that was remembered last.
    #[must_use]
    pub fn pop_focus(self) -> Self {
        self.command("pop_focus")
    }

    /// Goes to another live view of the same group. Goes with [`replace`](Self::replace).
    #[must_use]
    pub fn navigate(self, href: &str) -> Self {
        self.command("navigate")
            .with("href", url::checked("href", href))
            .with("replace", false)
    }

    /// Goes to another address of the same live view. Goes with [`replace`](Self::replace).
    #[must_use]
    pub fn patch(self, href: &str) -> Self {
        self.command("patch")
            .with("href", url::checked("href", href))
            .with("replace", false)
    }

    /// The elements that the command before is for.
    #[must_use]
    pub fn to<'a>(self, to: impl Into<To<'a>>) -> Self {
        self.with("to", to.into())
    }

    /// A value that goes along with the pushed event; call it once for each.
    #[must_use]
    pub fn value(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some((_, arguments)) = self.commands.last_mut() {
            let values = arguments.entry("value").or_insert_with(|| json!({}));
            values[name] = value.into();
        }
        self
    }

    /// Who gets the pushed event, instead of the view or component that the element belongs to.
    #[must_use]
    pub fn target<'a>(self, target: impl Into<Target<'a>>) -> Self {
        match target.into() {
            Target::Component(cid) => self.with("target", cid.0),
            Target::Selector(selector) => self.with("target", selector),
        }
    }

    /// The elements that look busy until the pushed event is answered.
    #[must_use]
    pub fn loading(self, selector: &str) -> Self {
        self.with("loading", selector)
    }

    /// The page says that it is loading until the pushed event is answered.
    #[must_use]
    pub fn page_loading(self) -> Self {
        self.with("page_loading", true)
    }

    /// What the dispatched event says.
    #[must_use]
    pub fn detail(self, detail: Value) -> Self {
        self.with("detail", detail)
    }

    /// Whether the dispatched event rises to the elements around; it does unless said otherwise.
    #[must_use]
    pub fn bubbles(self, bubbles: bool) -> Self {
        self.with("bubbles", bubbles)
    }

    /// Whether the page waits with its changes until the transition or the dispatched event is done.
    #[must_use]
    pub fn blocking(self, blocking: bool) -> Self {
        self.with("blocking", blocking)
    }

    /// The CSS display of what is shown, `block` unless said otherwise.
    #[must_use]
    pub fn display(self, display: &str) -> Self {
        self.with("display", display)
    }

    /// The transition while something is shown or hidden, or its classes change.
    #[must_use]
    pub fn transition<'a>(self, transition: impl Into<Transition<'a>>) -> Self {
        self.with("transition", transition.into())
    }

    /// The transition while [`toggle`](Self::toggle) shows something.
    #[must_use]
    pub fn ins<'a>(self, transition: impl Into<Transition<'a>>) -> Self {
        self.with("ins", transition.into())
    }

    /// The transition while [`toggle`](Self::toggle) hides something.
    #[must_use]
    pub fn outs<'a>(self, transition: impl Into<Transition<'a>>) -> Self {
        self.with("outs", transition.into())
    }

    /// How long the transition takes, in milliseconds; 200 unless said otherwise.
    #[must_use]
    pub fn time_ms(self, time_ms: u32) -> Self {
        self.with("time", time_ms)
    }

    /// The new address takes the place of the one before in the browser's history.
    #[must_use]
    pub fn replace(self) -> Self {
        self.with("replace", true)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html;

    fn value(js: &Js) -> Value {
        serde_json::from_str(&js.to_string()).unwrap()
    }

    #[test]
    fn commands_of_a_real_page_are_those_that_phoenix_renders() {
        let fade = Transition {
            classes: "fade",
            start: "o0",
            end: "o1",
        };
        let js = Js::new()
            .toggle("#panel")
            .ins(fade)
            .push("jsinc")
            .value("by", 5)
            .add_class("pushed")
            .to(To::Closest("section"))
            .set_attr("a", "b")
            .dispatch("x")
            .detail(json!({"a": 1}))
            .navigate("/two")
            .hide("#panel")
            .transition("fade out")
            .time_ms(10);
        let expected = json!([
            ["toggle", {"ins": [["fade"], ["o0"], ["o1"]], "to": "#panel"}],
            ["push", {"value": {"by": 5}, "event": "jsinc"}],
            ["add_class", {"names": ["pushed"], "to": {"closest": "section"}}],
            ["set_attr", {"attr": ["a", "b"]}],
            ["dispatch", {"event": "x", "detail": {"a": 1}}],
            ["navigate", {"replace": false, "href": "/two"}],
            ["hide", {"time": 10, "to": "#panel", "transition": [["fade", "out"], [], []]}]
        ]);
        assert_eq!(value(&js), expected);
    }

    #[test]
    fn every_other_command_has_the_arguments_that_the_client_reads() {
        let js = Js::new()
            .push("e")
            .target(Cid(3))
            .loading("#l")
            .page_loading()
            .push("e")
            .target("#t")
            .exec("data-x")
            .to(To::Inner(".y"))
            .show("#s")
            .display("flex")
            .blocking(false)
            .toggle("#t")
            .outs("out")
            .remove_class("a b")
            .toggle_class("c")
            .play("shake")
            .remove_attr("open")
            .toggle_attr("open", "true")
            .toggle_attr_between("dir", "ltr", "rtl")
            .ignore_attrs(&["open", "data-*"])
            .focus()
            .to("#i")
            .focus_first()
            .push_focus()
            .pop_focus()
            .patch("/p")
            .replace()
            .dispatch("d")
            .bubbles(false);
        let expected = json!([
            ["push", {"event": "e", "target": 3, "loading": "#l", "page_loading": true}],
            ["push", {"event": "e", "target": "#t"}],
            ["exec", {"attr": "data-x", "to": {"inner": ".y"}}],
            ["show", {"to": "#s", "display": "flex", "blocking": false}],
            ["toggle", {"to": "#t", "outs": [["out"], [], []]}],
            ["remove_class", {"names": ["a", "b"]}],
            ["toggle_class", {"names": ["c"]}],
            ["transition", {"transition": [["shake"], [], []]}],
            ["remove_attr", {"attr": "open"}],
            ["toggle_attr", {"attr": ["open", "true"]}],
            ["toggle_attr", {"attr": ["dir", "ltr", "rtl"]}],
            ["ignore_attrs", {"attrs": ["open", "data-*"]}],
            ["focus", {"to": "#i"}],
            ["focus_first", {}],
            ["push_focus", {}],
            ["pop_focus", {}],
            ["patch", {"href": "/p", "replace": true}],
            ["dispatch", {"event": "d", "bubbles": false}]
        ]);
        assert_eq!(value(&js), expected);
    }

    #[test]
    fn a_command_is_escaped_into_its_attribute_and_none_leaves_it_out() {
        let page = |js: Js| html! { <b phx-click={js}></b> }.to_html();
        assert_eq!(page(Js::new()), "<b></b>");
        assert_eq!(
            page(Js::new().push("a\"<")),
            r#"<b phx-click="[[&quot;push&quot;,{&quot;event&quot;:&quot;a\&quot;&lt;&quot;}]]"></b>"#
        );
    }
}
