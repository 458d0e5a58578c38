//! The page `/two`: the other end of links, redirects and navigation.

use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};

use crate::layout::TITLE;

/// Shows how it was reached.
pub(crate) struct Two {
    query: String,
}

impl LiveView for Two {
    type Message = ();

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        context.title(TITLE);
        Ok(Self { query: String::new() })
    }

    fn handle_params(&mut self, params: &Params, _: &mut Context) {
        self.query = serde_json::json!(params).to_string();
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <h1 id="two">"Page two "{&self.query}</h1>
            <p id="fl">{context.flash("info")}</p>
            <a id="back" href="/" data-phx-link="redirect" data-phx-link-state="push">back</a>
        }
    }
}
