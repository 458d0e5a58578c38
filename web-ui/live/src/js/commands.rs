//! The commands, each named as the client names it.

use super::{Js, To, Transition, words};
use crate::render::url;

impl Js {
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
}
