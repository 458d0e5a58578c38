//! The program around the guide's pages.

use std::sync::Arc;

use axum::Router;
use roost_live::channel::{Channel, Event, Join, JoinError, Next, Socket};
use roost_live::endpoint::{Endpoint, Limits};
use roost_live::frame::{Payload, Reply};
use roost_live::sign::SigningKey;
use roost_live::socket::Mount;
use roost_live::testing::{self, Browser};
use roost_live::{Group, Page, Raw, Rendered, Routes, Site, html, scripts};
use roost_runtime::BoxError;
use serde_json::json;

use crate::counter::Counter;
use crate::form::NewDevice;
use crate::hook::Chart;
use crate::people::Plant;
use crate::stream::{Log, Writer};

fn layout(page: &Page) -> Rendered {
    html! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta name="viewport" content="width=device-width">
                <meta name="csrf-token" content={&page.csrf_token}>
                <title>{page.title.as_deref().unwrap_or("Live")}</title>
                <script defer src="/js/phoenix.min.js"></script>
                <script defer src="/js/phoenix_live_view.min.js"></script>
                <script defer src="/js/app.js"></script>
            </head>
            <body>{Raw(&page.content)}</body>
        </html>
    }
}

fn site(writer: Arc<Writer>, endpoint: &Endpoint) -> Result<Site, BoxError> {
    let pages = Group::new("pages", layout)
        .view::<Counter>("/")
        .view::<NewDevice>("/new")
        .view::<Log>("/log")
        .view::<Chart>("/chart")
        .view::<Plant>("/plant");
    let routes = Routes::new().group(pages);
    Ok(Site::builder(SigningKey::random()?, routes)
        .app(writer)
        .presence(endpoint.presence())
        .build()?)
}

fn routes(site: &Site, endpoint: &Endpoint) -> Router {
    site.pages()
        .merge(endpoint.mount("/live", site.mount()))
        .merge(endpoint.mount("/socket", Mount::new().channel::<Echo>("echo:*", Arc::new(()))))
        .nest("/js", scripts::router())
}

/// A channel that says what it hears.
struct Echo;

impl Channel for Echo {
    type Shared = ();
    type Info = ();

    async fn join(join: Join<Self>, _: Arc<()>) -> Result<(Self, Payload), JoinError> {
        Ok((Self, json!({"hello": join.params.value()["name"]}).into()))
    }

    async fn handle_in(&mut self, event: Event, _: &Socket<Self>) -> Result<Next, BoxError> {
        Ok(Next::Reply(Reply::ok(event.payload)))
    }
}

/// The program of one test.
pub(crate) struct Program {
    router: Router,
    writer: Arc<Writer>,
}

/// Starts it: its tasks run until the test ends.
pub(crate) async fn start() -> Program {
    let writer = Arc::new(Writer::default());
    let endpoint = Endpoint::new(Limits::default());
    let router = routes(&site(Arc::clone(&writer), &endpoint).unwrap(), &endpoint);
    testing::run(&endpoint).await;
    Program { router, writer }
}

impl Program {
    pub(crate) fn router(&self) -> &Router {
        &self.router
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// Says a line to every open log.
    pub(crate) fn say(&self, line: &str) {
        let views = self.writer.lock().unwrap();
        let taken = views.iter().filter(|view| view.send(line.to_owned()).is_ok());
        assert_eq!(taken.count(), views.len(), "every open log takes the line");
    }
}
