//! A form that is checked while it is filled in.

use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, form, html};
use serde_json::Value;

#[derive(Default)]
pub(crate) struct NewDevice {
    name: String,
    error: Option<&'static str>,
}

impl NewDevice {
    fn check(&mut self, form: &Value) {
        self.name = form["device"]["name"].as_str().unwrap_or_default().to_owned();
        let is_wrong = self.name.contains(['/', '+', '#']) || self.name.is_empty();
        // Nobody is told off for a field that he has not reached.
        let is_used = form::is_used(form, "device[name]");
        self.error = (is_wrong && is_used).then_some("a name has letters, and none of / + #");
    }
}

impl LiveView for NewDevice {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn handle_event(&mut self, event: &str, form: &Value, context: &mut Context) {
        self.check(form);
        if event == "save" && self.error.is_none() {
            context.put_flash("info", format!("{} is there now", self.name));
            context.push_navigate("/");
        }
    }

    fn render(&self, _: &Context) -> Rendered {
        html! {
            <form id="new" phx-change="check" phx-submit="save">
                <input name="device[name]" value={&self.name} phx-debounce="100">
                {if let Some(error) = self.error { <span class="error">{error}</span> }}
                <button>Add</button>
            </form>
        }
    }
}
