//! The page `/nest`: a view with another view in it.

use roost_live::view::Container;
use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::{Value, json};

/// Counts, and holds another view.
pub(crate) struct Nest {
    n: u32,
}

impl LiveView for Nest {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self { n: 0 })
    }

    fn handle_event(&mut self, _: &str, _: &Value, _: &mut Context) {
        self.n += 1;
    }

    fn container() -> Container {
        Container {
            tag: "main",
            attributes: &[("class", "nest")],
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <button id="outer" phx-click="more">{self.n}</button>
            {context.child::<Egg>("egg", json!({"from": 10}))}
        }
    }
}

/// The view within: counts from where the outer one says.
pub(crate) struct Egg {
    n: u64,
}

impl LiveView for Egg {
    type Message = ();

    fn mount(_: &Params, session: &Session, _: &mut Context) -> Result<Self, Refusal> {
        let from = session.get("from").and_then(Value::as_u64);
        Ok(Self { n: from.unwrap_or(0) })
    }

    fn handle_event(&mut self, event: &str, _: &Value, _: &mut Context) {
        assert_ne!(event, "crash", "as it was told");
        self.n += 1;
    }

    fn render(&self, _: &Context) -> Rendered {
        html! {
            <button id="inner" phx-click="more">{self.n}</button>
            <button id="crash-inner" phx-click="crash">crash</button>
        }
    }
}
