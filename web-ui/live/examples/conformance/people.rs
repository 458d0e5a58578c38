//! The page `/people?user=…`: a view that is present, sees who else is, and hears who comes and goes. Clients of the
//! channel `room:presence` are among them.

use roost_live::presence::Change;
use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::{Map, Value, json};

/// Where everybody is.
const TOPIC: &str = "room:presence";

/// What one of them knows.
pub(crate) struct People {
    user: String,
    heard: Vec<String>,
}

impl People {
    /// Says with what the user is here.
    fn enter(&self, device: &str, context: &mut Context) -> Result<(), Refusal> {
        let is_here = context.track(TOPIC, &self.user, json!({"dev": device}));
        is_here.map_err(|_| Refusal::Status(503))
    }
}

impl LiveView for People {
    type Message = ();

    fn mount(params: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        let people = Self {
            user: params.get("user").unwrap_or("nobody").to_owned(),
            heard: Vec::new(),
        };
        // In this order, so that it hears of itself.
        context.watch(TOPIC).map_err(|_| Refusal::Status(503))?;
        people.enter("page", context)?;
        Ok(people)
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        match event {
            "as" => drop(self.enter(value["dev"].as_str().unwrap_or_default(), context)),
            "leave" => context.untrack(TOPIC, &self.user),
            other => panic!("{other} is no event of this page"),
        }
    }

    fn handle_presence(&mut self, change: &Change, _: &mut Context) {
        let (joins, leaves) = (lines(&change.joins), lines(&change.leaves));
        self.heard.extend(joins.map(|line| format!("+ {line}")));
        self.heard.extend(leaves.map(|line| format!("- {line}")));
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <ul id="people">{for line in lines(&context.present(TOPIC)) { <li>{line}</li> }}</ul>
            <ol id="heard">{for line in &self.heard { <li>{line}</li> }}</ol>
            <button id="as" phx-click="as" phx-value-dev="tablet">as another device</button>
            <button id="leave" phx-click="leave">leave</button>
            <button id="crash" phx-click="crash">crash</button>
        }
    }
}

/// A line for each of them: `ann: page, phone`.
fn lines(people: &Map<String, Value>) -> impl Iterator<Item = String> {
    people.iter().map(|(user, entry)| {
        let metas = entry["metas"].as_array().into_iter().flatten();
        let devices: Vec<&str> = metas.filter_map(|meta| meta["dev"].as_str()).collect();
        format!("{user}: {}", devices.join(", "))
    })
}
