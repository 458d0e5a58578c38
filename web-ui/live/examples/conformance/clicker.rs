//! A component: a part of the page with a count and a button of its own.

use roost_live::{Cid, Context, LiveComponent, Rendered, html};
use serde_json::Value;

/// Counts the clicks on its own button.
pub(crate) struct Clicker {
    key: String,
    n: u32,
}

impl LiveComponent for Clicker {
    /// What tells it from the others on the page.
    type Props = String;

    fn mount(key: String, _: &mut Context) -> Self {
        Self { key, n: 0 }
    }

    fn update(&mut self, key: String, _: &mut Context) {
        self.key = key;
    }

    fn handle_event(&mut self, _: &str, _: &Value, _: &mut Context) {
        self.n += 1;
    }

    fn render(&self, cid: Cid, _: &Context) -> Rendered {
        html! {
            <div id="comp-{self.key}">
                "comp n="{self.n}
                <button class="cbtn" phx-click="more" phx-target={cid}>"+"</button>
            </div>
        }
    }
}
