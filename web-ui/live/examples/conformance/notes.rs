//! The page `/notes`: lists that the browser keeps and the server forgets, in the way from before there were streams.
//! What a template has in them is added, at the end (`append`) or at the beginning (`prepend`), or takes the place of
//! what has the same id.

use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::Value;

/// Knows how many notes there are, and the last that were taken.
pub(crate) struct Notes {
    count: u32,
    fresh: Vec<(u32, String)>,
    looks: u32,
}

impl Notes {
    /// So many more.
    fn take(&mut self, more: u32) {
        let numbers = self.count + 1..=self.count + more;
        self.fresh = numbers.map(|number| (number, format!("note {number}"))).collect();
        self.count += more;
    }
}

impl LiveView for Notes {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        let mut notes = Self {
            count: 0,
            fresh: Vec::new(),
            looks: 0,
        };
        notes.take(1);
        Ok(notes)
    }

    fn handle_event(&mut self, event: &str, _: &Value, _: &mut Context) {
        match event {
            "add" => self.take(1),
            "two" => self.take(2),
            "correct" => self.fresh = vec![(2, "note 2, corrected".to_owned())],
            // Nothing of the lists.
            _ => self.looks += 1,
        }
    }

    fn render(&self, _: &Context) -> Rendered {
        html! {
            <button id="add" phx-click="add">one more</button>
            <button id="two" phx-click="two">two more</button>
            <button id="correct" phx-click="correct">correct the second</button>
            <button id="look" phx-click="look">{self.looks}</button>
            <ol id="log" phx-update="append">
                {for (number, text) in &self.fresh { <li id="log-{number}">{text}</li> }}
            </ol>
            <ol id="newest" phx-update="prepend">
                {for (number, text) in &self.fresh { <li id="newest-{number}">{text}</li> }}
            </ol>
        }
    }
}
