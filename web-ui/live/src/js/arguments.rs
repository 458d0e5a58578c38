//! What goes along with a command: whom it is for, what it says, how long it takes.

use serde_json::{Value, json};

use super::{Js, Target, To, Transition};

impl Js {
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
