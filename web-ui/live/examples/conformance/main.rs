//! The conformance program: everything that a client of Channels or live pages can be tried on, built from nothing but
//! the public interface of `roost-live`. `PORT=4100 cargo run -p roost-live --example conformance`

mod clicker;
mod control;
mod desk;
mod home;
mod layout;
mod login;
mod room;
mod two;

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use roost_live::endpoint::{Endpoint, Limits, server};
use roost_live::sign::SigningKey;
use roost_live::{Group, Routes, Site, scripts};
use roost_runtime::{BoxError, Shutdown, Strategy, Supervisor};

use control::Control;
use desk::Desk;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "4100".to_owned());
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?))?;
    let address = listener.local_addr()?;

    let endpoint = Endpoint::new(Limits::default());
    let desk = Arc::new(Desk::default());
    let site = site(Arc::clone(&desk))?;
    let router = site
        .pages()
        .merge(login::routes(site.clone()))
        .merge(endpoint.mount("/socket", room::mount(endpoint.presence())))
        .merge(endpoint.mount("/live", site.mount().observe(desk.clone())))
        .nest("/js", scripts::router().merge(glue()));
    let control = Control {
        desk,
        endpoint: endpoint.clone(),
    };
    let tree = Supervisor::new("conformance", Strategy::OneForOne)
        .child(endpoint.supervisor())
        .child(server(listener, router.merge(control::routes(control))));

    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tree.run(Shutdown::new()).await?;
    Ok(())
}

/// The live pages.
fn site(desk: Arc<Desk>) -> Result<Site, BoxError> {
    let pages = Group::new("pages", layout::layout)
        .guard(Desk::guard)
        .view::<home::Home>("/")
        .view::<two::Two>("/two");
    let routes = Routes::new().group(pages);
    Ok(Site::builder(SigningKey::random()?, routes).app(desk).build()?)
}

/// What connects the pages to the stock client.
fn glue() -> Router {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    Router::new().route("/app.js", get(async move || (kind, include_str!("app.js"))))
}
