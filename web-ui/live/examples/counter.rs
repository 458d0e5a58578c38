//! The smallest live page: a number, and a button that counts up. `cargo run -p roost-live --example counter`

use std::io::Write as _;
use std::net::TcpListener;

use axum::Router;
use roost_live::endpoint::{Endpoint, Limits};
use roost_live::sign::SigningKey;
use roost_live::{
    Context, Group, LiveView, Page, Params, Raw, Refusal, Rendered, Routes, Session, Site, html, scripts,
};
use roost_runtime::{BoxError, Shutdown, Strategy, Supervisor};
use serde_json::Value;

struct Counter {
    n: i64,
}

impl LiveView for Counter {
    type Message = ();

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        context.title("Counter");
        Ok(Self { n: 0 })
    }

    fn handle_event(&mut self, _event: &str, _: &Value, _: &mut Context) {
        self.n += 1;
    }

    fn render(&self, _: &Context) -> Rendered {
        html! { <button id="up" phx-click="up">{self.n}</button> }
    }
}

/// The document around the page. The script at its end connects the stock client.
fn layout(page: &Page) -> Rendered {
    html! {
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width"/>
                <meta name="csrf-token" content={&page.csrf_token}/>
                <title>{page.title.as_deref()}</title>
                <script defer src="/js/phoenix.min.js"></script>
                <script defer src="/js/phoenix_live_view.min.js"></script>
                <script defer src="/app.js"></script>
            </head>
            <body>{Raw(&page.content)}</body>
        </html>
    }
}

const GLUE: &str = r#"
const csrf = document.querySelector("meta[name=csrf-token]").content;
new LiveView.LiveSocket("/live", Phoenix.Socket, {params: () => ({_csrf_token: csrf})}).connect();
"#;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "4101".to_owned());
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?))?;
    let routes = Routes::new().group(Group::new("default", layout).view::<Counter>("/"));
    let site = Site::builder(SigningKey::random()?, routes).build()?;
    let endpoint = Endpoint::new(Limits::default());
    let glue = || async { ([("content-type", "text/javascript")], GLUE) };
    let router = Router::new()
        .route("/app.js", axum::routing::get(glue))
        .nest("/js", scripts::router())
        .merge(endpoint.mount("/live", site.mount()))
        .merge(site.pages());
    writeln!(
        std::io::stdout(),
        "listening on http://{}",
        listener.local_addr()?
    )?;
    let tree = Supervisor::new("counter", Strategy::OneForOne)
        .child(endpoint.supervisor())
        .child(endpoint.server(listener, router));
    tree.run(Shutdown::new()).await?;
    Ok(())
}
