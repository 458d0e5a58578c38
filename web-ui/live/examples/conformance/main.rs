//! The conformance program: everything that a client of Channels or live pages can be tried on, built from nothing but
//! the public interface of `roost-live`. `PORT=4100 cargo run -p roost-live --example conformance`
//!
//! With `ADDRESS=<address>` it listens there and not on 127.0.0.1.
//!
//! With `RELOAD=<folder>` its pages have the stylesheet `app.css` of that folder and its `app.js` as glue, and follow
//! what is changed there.

mod archive;
mod clicker;
mod control;
mod desk;
mod dialog;
mod effects;
mod frames;
mod home;
mod layout;
mod login;
mod more;
mod nest;
mod notes;
mod people;
mod pictures;
mod room;
mod two;

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use roost_live::endpoint::{Endpoint, Limits};
use roost_live::reload::Reload;
use roost_live::sign::SigningKey;
use roost_live::{Group, Page, Rendered, Routes, Site, scripts};
use roost_runtime::{BoxError, Shutdown, Strategy, Supervisor};

use control::Control;
use desk::Desk;

/// The key of a developer's pages: the same in every run, so that open pages join the next one.
const NO_SECRET: &[u8] = b"known to everybody who reads this";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = std::env::var("PORT").unwrap_or_else(|_| "4100".to_owned());
    let listener = TcpListener::bind((address.as_str(), port.parse()?))?;
    let address = listener.local_addr()?;

    let endpoint = Endpoint::new(Limits::default());
    let desk = Arc::new(Desk::default());
    let watched = std::env::var_os("RELOAD").map(PathBuf::from);
    let site = site(Arc::clone(&desk), &endpoint, watched.is_some())?;
    let router = site
        .pages()
        .merge(login::routes(site.clone()))
        .merge(endpoint.mount("/socket", room::mount(endpoint.presence())))
        .merge(endpoint.mount("/live", site.mount().observe(desk.clone())))
        .nest("/js", scripts::router())
        .merge(match watched {
            Some(folder) => watching(&folder)?,
            None => assets(),
        });
    let control = Control {
        desk,
        endpoint: endpoint.clone(),
    };
    let tree = Supervisor::new("conformance", Strategy::OneForOne)
        .child(endpoint.supervisor())
        .child(endpoint.server(listener, router.merge(control::routes(control))));

    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tree.run(Shutdown::new()).await?;
    Ok(())
}

/// The live pages.
fn site(desk: Arc<Desk>, endpoint: &Endpoint, reloading: bool) -> Result<Site, BoxError> {
    let (layout, key): (fn(&Page) -> Rendered, _) = match reloading {
        true => (layout::reloading, SigningKey::new(NO_SECRET)?),
        false => (layout::layout, SigningKey::random()?),
    };
    let pages = Group::new("pages", layout)
        .guard(Desk::guard)
        .view::<home::Home>("/")
        .view::<two::Two>("/two")
        .view::<more::More>("/more")
        .view::<nest::Nest>("/nest")
        .view::<archive::Archive>("/archive")
        .view::<dialog::Dialog>("/dialog")
        .view::<effects::Effects>("/effects")
        .view::<pictures::Pictures>("/pictures")
        .view::<people::People>("/people")
        .view::<notes::Notes>("/notes");
    // No browser gets from one group to the other without a page load.
    let others = Group::new("others", layout)
        .guard(Desk::guard)
        .view::<two::Two>("/other");
    let routes = Routes::new().group(pages).group(others).nested::<nest::Egg>();
    let presence = endpoint.presence();
    Ok(Site::builder(key, routes).app(desk).presence(presence).build()?)
}

/// What connects the pages to the stock client, and how they look.
fn assets() -> Router {
    let kind = |kind| [(header::CONTENT_TYPE, kind)];
    let (script, style) = (
        kind("text/javascript; charset=utf-8"),
        kind("text/css; charset=utf-8"),
    );
    Router::new()
        .route("/js/app.js", get(async move || (script, include_str!("app.js"))))
        .route(
            "/css/app.css",
            get(async move || (style, include_str!("app.css"))),
        )
}

/// The same as they are on the disk.
fn watching(folder: &Path) -> Result<Router, BoxError> {
    let reload = Reload::new()
        .stylesheet("/css/app.css", folder.join("app.css"))?
        .script("/js/app.js", folder.join("app.js"))?;
    Ok(reload.routes())
}
