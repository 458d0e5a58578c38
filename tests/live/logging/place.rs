//! A program with a channel and a live page, in the test's own process.

use std::sync::Arc;

use roost_live::channel::{Channel, Event, Join, JoinError, Next, Socket};
use roost_live::endpoint::Limits;
use roost_live::frame::{Payload, Reply};
use roost_live::socket::{Mount, Origin};
use roost_live::{
    Context, Group, LiveView, Page, Params, Raw, Refusal, Rendered, Routes, Session, Site, html,
};
use roost_live_tests::{Loaded, Server, Visit};
use roost_runtime::BoxError;
use serde_json::Value;

use crate::Log;

/// A program that runs.
pub(crate) struct Place {
    server: Server,
    pub(crate) log: Log,
}

impl Place {
    pub(crate) fn start(log: Log) -> Self {
        let key = roost_live::sign::SigningKey::random().unwrap();
        let routes = Routes::new().group(Group::new("pages", layout).view::<Door>("/"));
        let site = Site::builder(key, routes).build().unwrap();
        let mount = Mount::new()
            .origin(Origin::Any)
            .channel::<Room>("room:*", Arc::new(()));
        let server = Server::start(Limits::default(), |endpoint| {
            endpoint
                .mount("/socket", mount)
                .merge(endpoint.mount("/live", site.mount()))
                .merge(site.pages())
        });
        Self { server, log }
    }

    /// Where it is: `http://host:port`.
    pub(crate) fn base(&self) -> &str {
        &self.server.base
    }

    /// Loads a page and joins its view; and every token on the way.
    pub(crate) async fn page(&self, path: &str) -> (Visit, [String; 3]) {
        let loaded = Loaded::at(self.base(), path, "").await;
        let visit = Visit::to(&loaded).await;
        let cookie = loaded.cookie.split_once('=').unwrap().1.to_owned();
        (visit, [cookie, loaded.csrf, loaded.session])
    }
}

/// Answers.
struct Room;

impl Channel for Room {
    type Shared = ();
    type Info = ();

    async fn join(_: Join<Self>, _: Arc<()>) -> Result<(Self, Payload), JoinError> {
        Ok((Self, Payload::empty()))
    }

    async fn handle_in(&mut self, event: Event, _: &Socket<Self>) -> Result<Next, BoxError> {
        match &*event.name {
            "fail" => Err("it fails".into()),
            _ => Ok(Next::Reply(Reply::ok(event.payload))),
        }
    }
}

/// Asks for a password.
struct Door;

impl LiveView for Door {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn handle_event(&mut self, _: &str, _: &Value, _: &mut Context) {}

    fn render(&self, _: &Context) -> Rendered {
        html! { <form id="f" phx-submit="save"><input name="user"><input name="password" type="password"></form> }
    }
}

fn layout(page: &Page) -> Rendered {
    html! {
        <html>
            <head><meta name="csrf-token" content={&page.csrf_token}></head>
            <body>{Raw(&page.content)}</body>
        </html>
    }
}
