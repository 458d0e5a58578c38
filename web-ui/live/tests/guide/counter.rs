//! A counter: a state, an event, a template.

use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::Value;

pub(crate) struct Counter {
    n: i64,
}

impl LiveView for Counter {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self { n: 0 })
    }

    fn handle_event(&mut self, _event: &str, value: &Value, _: &mut Context) {
        self.n += if value["by"] == "2" { 2 } else { 1 };
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            {if let Some(text) = context.flash("info") { <p id="told">{text}</p> }}
            <p id="n">{self.n}</p>
            <button id="one" phx-click="more">one more</button>
            <button id="two" phx-click="more" phx-value-by="2">two more</button>
        }
    }
}
