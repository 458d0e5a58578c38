//! Who has a page open, and who has just come or gone.

use roost_live::presence::Change;
use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::json;

pub(crate) struct Plant {
    news: String,
}

impl LiveView for Plant {
    type Message = ();

    fn mount(params: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        let name = params.get("name").unwrap_or("somebody");
        let hears = context.watch("plant");
        let is_here = hears.and_then(|()| context.track("plant", name, json!({"page": "pumps"})));
        is_here.map_err(|_| Refusal::Status(503))?;
        Ok(Self { news: String::new() })
    }

    fn handle_presence(&mut self, change: &Change, _: &mut Context) {
        for name in change.joins.keys() {
            self.news = format!("{name} has come");
        }
        for name in change.leaves.keys() {
            self.news = format!("{name} has gone");
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <ul id="here">{for name in context.present("plant").keys() { <li>{name}</li> }}</ul>
            <p id="news">{&self.news}</p>
        }
    }
}
