//! Live views over real sockets: raw frames of clients that are proper, slow or mean harm, and the stock client in a
//! browser for views within views.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod hostile;
mod lives;
mod pages;
mod polling;
mod slow;
mod uploads;

use std::path::Path;

use axum::Router;
use roost_live::endpoint::{Endpoint, Limits};
use roost_live::{Site, scripts};
use roost_live_tests::{Server, run_script, until};
use roost_runtime::{Bus, BusLimits, Message, Topic};

const GLUE: &str = r"
const csrf = document.querySelector('meta[name=csrf-token]').content;
new LiveView.LiveSocket('/live', Phoenix.Socket, {params: () => ({_csrf_token: csrf})}).connect();
";

/// A program with live views in the test's own process, on a port of its own. Ends with this value.
pub(crate) struct Place {
    pub(crate) base: String,
    pub(crate) bus: Bus,
    pub(crate) endpoint: Endpoint,
    /// Where uploads lie.
    pub(crate) folder: tempfile::TempDir,
    _server: Server,
}

impl Place {
    pub(crate) fn start() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        Self::with_room(limits, 150_000_000)
    }

    /// With room for so many bytes of uploads.
    fn with_room(limits: Limits, room: u64) -> Self {
        let bus = Bus::new(BusLimits::default());
        let folder = tempfile::tempdir().unwrap();
        let key = roost_live::sign::SigningKey::random().unwrap();
        let site = Site::builder(key, pages::routes())
            .bus(bus.clone())
            .uploads(folder.path(), room);
        let site = site.build().unwrap();
        let glue = || async { ([("content-type", "text/javascript")], GLUE) };
        let path = folder.path().to_owned();
        let lying = move || {
            let count = files(&path);
            async move { count.to_string() }
        };
        let server = Server::start(limits, |endpoint| {
            Router::new()
                .route("/lying", axum::routing::get(lying))
                .route("/app.js", axum::routing::get(glue))
                .route("/favicon.ico", axum::routing::get(|| async { "" }))
                .nest("/js", scripts::router())
                .merge(endpoint.mount("/live", site.mount()))
                .merge(site.pages())
        });
        Self {
            base: server.base.clone(),
            bus,
            endpoint: server.endpoint.clone(),
            folder,
            _server: server,
        }
    }

    /// Publishes on the bus that the views listen to.
    pub(crate) fn publish(&self, topic: &str, body: &str) -> usize {
        self.bus
            .publish(Message::new(Topic::new(topic).unwrap(), body.to_owned()))
    }

    /// Files of uploads that lie there now.
    pub(crate) fn files(&self) -> usize {
        files(self.folder.path())
    }
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// Plays scenarios in a browser.
async fn play(scenarios: &str, place: Place) {
    let file = format!("{}/views/{scenarios}.js", env!("CARGO_MANIFEST_DIR"));
    let base = place.base.clone();
    let played = tokio::task::spawn_blocking(move || {
        let modules = ("ROOST_BROWSER_MODULES", "browser/node_modules");
        run_script("browser/runner.js", modules, &[&file, &base]);
    });
    played.await.unwrap();
    // Whoever left has left no file behind, as soon as the server has heard that they left.
    until("the files to go", || place.files() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_within_views_and_layouts_live_in_a_browser() {
    play("nested", Place::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_stand_as_they_are_written_in_a_browser() {
    play("texts", Place::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_sent_taken_back_and_refused_in_a_browser() {
    play("files", Place::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_for_which_there_is_no_room_is_said_to_have_none_in_a_browser() {
    play("room", Place::with_room(Limits::default(), 100_000)).await;
}
