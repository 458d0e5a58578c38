//! A program with a channel and a live page, in the test's own process.

use std::net::TcpListener;
use std::sync::Arc;

use roost_live::channel::{Channel, Event, Join, JoinError, Next, Socket};
use roost_live::endpoint::{Endpoint, Limits, server};
use roost_live::frame::{Payload, Reply};
use roost_live::socket::{Mount, Origin};
use roost_live::{
    Context, Group, LiveView, Page, Params, Raw, Refusal, Rendered, Routes, Session, Site, html,
};
use roost_live_tests::Peer;
use roost_runtime::{BoxError, Shutdown, Strategy, Supervisor, supervisor};
use serde_json::{Value, json};

use crate::Log;

/// A program that runs.
pub(crate) struct Place {
    pub(crate) base: String,
    pub(crate) log: Log,
    shutdown: Shutdown,
}

impl Place {
    pub(crate) fn start(log: Log) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let key = roost_live::sign::SigningKey::random().unwrap();
        let routes = Routes::new().group(Group::new("pages", layout).view::<Door>("/"));
        let site = Site::builder(key, routes).build().unwrap();
        let endpoint = Endpoint::new(Limits::default());
        let mount = Mount::new()
            .origin(Origin::Any)
            .channel::<Room>("room:*", Arc::new(()));
        let router = endpoint
            .mount("/socket", mount)
            .merge(endpoint.mount("/live", site.mount()))
            .merge(site.pages());
        let tree = Supervisor::new("place", Strategy::OneForOne)
            .child(endpoint.supervisor())
            .child(server(listener, router));
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        drop(supervisor::detached(async move { tree.run(stop).await }));
        Self { base, log, shutdown }
    }

    /// Loads a page and joins its view with the reference 1: the socket, the topic, and every token on the way.
    pub(crate) async fn page(&self, path: &str) -> (Peer, String, [String; 3]) {
        let address = format!("{}{path}", self.base);
        let load = tokio::task::spawn_blocking(move || {
            let mut response = ureq::get(&address).call().unwrap();
            let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
            (cookie, response.body_mut().read_to_string().unwrap())
        });
        let (cookie, html) = load.await.unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let between = |before: &str| {
            html.split(before)
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .to_owned()
        };
        let (csrf, session) = (
            between("name=\"csrf-token\" content=\""),
            between("data-phx-session=\""),
        );
        let socket = format!("/live/websocket?_csrf_token={csrf}&vsn=2.0.0");
        let mut peer = Peer::connect_with(&self.base, &socket, &[("cookie", cookie)])
            .await
            .unwrap();
        let topic = format!("lv:phx-{}", between("id=\"phx-"));
        let url = format!("{}{path}", self.base);
        let join = json!({"url": url, "session": session, "static": null, "params": {"_mounts": 0}});
        peer.json(&json!(["1", "1", topic, "phx_join", join])).await;
        assert_eq!(peer.hear_json().await[4]["status"], "ok");
        let cookie = cookie.split_once('=').unwrap().1.to_owned();
        (peer, topic, [cookie, csrf, session])
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shutdown.request();
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
