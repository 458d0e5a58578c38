//! Views and clients of channels that are on one topic, and hear of each other.

use std::sync::{Arc, Mutex, mpsc};

use axum::Router;
use roost_runtime::BoxError;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::{Browser, Client, Failure};
use crate::channel::{Channel, Event, Join, JoinError, Next, Socket};
use crate::endpoint::{Endpoint, Limits};
use crate::frame::Payload;
use crate::html;
use crate::params::Params;
use crate::presence::{Change, PRESENCE_KEY_BYTES, PRESENCE_META_BYTES, Presence, PresenceTooLong, Tracked};
use crate::render::{Raw, Rendered};
use crate::routes::{Group, Page, Routes};
use crate::session::Session;
use crate::sign::SigningKey;
use crate::site::Site;
use crate::socket::Mount;
use crate::view::{Context, Handle, LiveView, PRESENCES, PresenceError, Refusal};

const HALL: &str = "hall";

/// What a view that is held up says of it: how it can be reached, and what lets it go.
type Held = (Handle<()>, mpsc::Sender<()>);
/// Who waits for a view to be held up.
type Gate = Mutex<Option<oneshot::Sender<Held>>>;

/// Shows who is in the hall, and who came and went since it was opened.
struct Hall {
    name: String,
    heard: String,
}

fn names(all: &Map<String, Value>) -> String {
    all.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
}

impl LiveView for Hall {
    type Message = ();

    fn mount(params: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        let name = params.get("name").unwrap_or("nobody").to_owned();
        for _ in 0..2 {
            context.watch(HALL).unwrap();
        }
        context.track(HALL, &name, json!({"by": "page"})).unwrap();
        let heard = String::new();
        Ok(Self { name, heard })
    }

    fn handle_event(&mut self, event: &str, _: &Value, context: &mut Context) {
        match event {
            "away" => context.track(HALL, &self.name, json!({"away": true})).unwrap(),
            "gone" => context.untrack(HALL, &self.name),
            "ghost" => {
                context.track(HALL, "ghost", ()).unwrap();
                // As somebody else might at this moment.
                assert!(context.present(HALL).contains_key("ghost"));
                context.untrack(HALL, "ghost");
            }
            "deaf" => context.unwatch(HALL),
            "held" => {
                let (release, released) = mpsc::channel();
                let told = context.app::<Gate>().unwrap().lock().unwrap().take().unwrap();
                told.send((context.handle(), release)).unwrap();
                tokio::task::block_in_place(|| released.recv()).unwrap();
            }
            "everywhere" => {
                for n in 1..PRESENCES {
                    context.track(HALL, &format!("{} {n}", self.name), ()).unwrap();
                    context.watch(&format!("hall {n}")).unwrap();
                }
                let refused = context.track("another", &self.name, ());
                assert_eq!(refused, Err(PresenceError::TooMany));
                assert_eq!(context.watch("another"), Err(PresenceError::TooMany));
                // What it has already is none more.
                assert_eq!(context.watch(HALL), Ok(()));
            }
            "long" => {
                let (key, meta) = (
                    "k".repeat(PRESENCE_KEY_BYTES),
                    "m".repeat(PRESENCE_META_BYTES - r#"{"m":""}"#.len()),
                );
                context.track(HALL, &key, json!({"m": meta})).unwrap();
                let refused = context.track(HALL, &format!("{key}k"), ());
                assert_eq!(refused, Err(PresenceError::TooLong(PresenceTooLong::Key)));
                let refused = context.track(HALL, &key, json!({"m": format!("{meta}m")}));
                assert_eq!(refused, Err(PresenceError::TooLong(PresenceTooLong::Meta)));
            }
            other => panic!("{other}"),
        }
    }

    fn handle_presence(&mut self, change: &Change, _: &mut Context) {
        assert_eq!(&*change.topic, HALL);
        let missed = if change.missed { "…" } else { "" };
        self.heard += &format!("{missed}+{} -{};", names(&change.joins), names(&change.leaves));
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <p id="who">{names(&context.present(HALL))}</p>
            <p id="heard">{&self.heard}</p>
            <button id="away" phx-click="away">away</button>
            <button id="gone" phx-click="gone">gone</button>
            <button id="ghost" phx-click="ghost">ghost</button>
            <button id="long" phx-click="long">long</button>
            <button id="deaf" phx-click="deaf">deaf</button>
            <button id="everywhere" phx-click="everywhere">everywhere</button>
            <button id="held" phx-click="held">held</button>
            <button id="boom" phx-click="boom">boom</button>
        }
    }
}

/// A channel whose client is in the hall, too.
struct Seat(Presence, String, Option<Tracked>);

impl Channel for Seat {
    type Shared = Presence;
    type Info = ();

    async fn join(join: Join<Self>, presence: Arc<Presence>) -> Result<(Self, Payload), JoinError> {
        let name = join.params.value()["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        Ok((Self(Presence::clone(&presence), name, None), Payload::empty()))
    }

    async fn joined(&mut self, socket: &Socket<Self>) -> Result<(), BoxError> {
        if !self.1.is_empty() {
            self.2 = Some(self.0.track(socket, self.1.clone(), Map::new())?);
        }
        self.0.push_state(socket);
        Ok(())
    }

    async fn handle_in(&mut self, _: Event, _: &Socket<Self>) -> Result<Next, BoxError> {
        Ok(Next::Continue)
    }
}

fn layout(page: &Page) -> Rendered {
    html! {
        <html>
            <head><meta name="csrf-token" content={&page.csrf_token}/></head>
            <body>{Raw(&page.content)}</body>
        </html>
    }
}

/// A program with pages of the hall and its channel, that runs.
async fn start() -> Router {
    start_with(Gate::default()).await
}

async fn start_with(gate: Gate) -> Router {
    let endpoint = Endpoint::new(Limits::default());
    let routes = Routes::new().group(Group::new("pages", layout).view::<Hall>("/"));
    let site = Site::builder(SigningKey::new(&[7; 32]).unwrap(), routes)
        .presence(endpoint.presence())
        .app(Arc::new(gate))
        .build()
        .unwrap();
    let mount = Mount::new().channel::<Seat>(HALL, Arc::new(endpoint.presence().clone()));
    let router = site
        .pages()
        .merge(endpoint.mount("/live", site.mount()))
        .merge(endpoint.mount("/socket", mount));
    crate::testing::run(&endpoint).await;
    router
}

/// What the next change says of somebody: what is said of him now, and what was.
async fn change(client: &mut Client, name: &str) -> Result<[Value; 2], Failure> {
    let mut diff = client.heard("presence_diff").await?.payload;
    Ok(["joins", "leaves"].map(|side| {
        let meta = diff.pointer_mut(&format!("/{side}/{name}/metas/0"));
        let mut meta = meta.map(Value::take).unwrap_or_default();
        if let Some(meta) = meta.as_object_mut() {
            meta.retain(|name, _| !name.starts_with("phx_"));
        }
        meta
    }))
}

#[tokio::test]
async fn a_view_is_present_until_it_ends_however_it_ends() -> Result<(), Failure> {
    let router = start().await;
    let mut client = Client::connect(&router, "/socket", "").await?;
    client.join(HALL, json!({})).await?;
    assert_eq!(client.heard("presence_state").await?.payload, json!({}));
    let (here, away) = (json!({"by": "page"}), json!({"away": true}));
    let (came, left) = ([here.clone(), Value::Null], [Value::Null, here.clone()]);

    let mut browser = Browser::new(router.clone());
    let mut page = browser.open("/?name=ann").await?;
    assert_eq!(change(&mut client, "ann").await?, came);
    page.click("#away").await?;
    assert_eq!(change(&mut client, "ann").await?, [away.clone(), here.clone()]);
    drop(page);
    assert_eq!(
        change(&mut client, "ann").await?,
        [Value::Null, away],
        "its window is closed"
    );

    let mut page = browser.open("/?name=ann").await?;
    assert_eq!(change(&mut client, "ann").await?, came);
    page.click("#boom").await.unwrap_err();
    assert_eq!(change(&mut client, "ann").await?, left, "it has crashed");

    let mut page = browser.open("/?name=ann").await?;
    assert_eq!(change(&mut client, "ann").await?, came);
    page.click("#gone").await?;
    assert_eq!(change(&mut client, "ann").await?, left, "it has said so");
    Ok(())
}

#[tokio::test]
async fn views_and_clients_of_channels_hear_of_each_other() -> Result<(), Failure> {
    let router = start().await;
    let mut ann = Browser::new(router.clone()).open("/?name=ann").await?;
    ann.until("#heard", "+ann -;").await?;
    let mut client = Client::connect(&router, "/socket", "").await?;
    client.join(HALL, json!({"name": "cid"})).await?;
    let state = client.heard("presence_state").await?.payload;
    assert_eq!(state["ann"]["metas"][0]["by"], "page");
    ann.until("#heard", "+ann -;+cid -;").await?;
    assert_eq!(ann.text("#who")?, "ann cid");

    let bob = Browser::new(router.clone()).open("/?name=bob").await?;
    ann.until("#heard", "+ann -;+cid -;+bob -;").await?;
    assert_eq!(bob.text("#who")?, "ann bob cid");
    drop(bob);
    ann.until("#heard", "+ann -;+cid -;+bob -;+ -bob;").await?;
    ann.click("#deaf").await?;
    let mut other = Client::connect(&router, "/socket", "").await?;
    other.join(HALL, json!({})).await?;
    client.leave(HALL).await?;
    // Views are told before clients are.
    other.heard("presence_diff").await?;
    ann.click("#away").await?;
    assert_eq!(ann.text("#heard")?, "+ann -;+cid -;+bob -;+ -bob;");
    assert_eq!(ann.text("#who")?, "ann");
    Ok(())
}

#[tokio::test]
async fn somebody_who_was_seen_and_left_at_once_is_told_of_as_having_left() -> Result<(), Failure> {
    let router = start().await;
    let mut ann = Browser::new(router.clone()).open("/?name=ann").await?;
    ann.until("#heard", "+ann -;").await?;
    ann.click("#ghost").await?;
    ann.until("#heard", "+ann -;+ -ghost;").await?;
    assert_eq!(ann.text("#who")?, "ann");
    Ok(())
}

#[tokio::test]
async fn who_is_present_under_a_long_name_or_says_much_of_himself_is_refused() -> Result<(), Failure> {
    let router = start().await;
    let mut ann = Browser::new(router.clone()).open("/?name=ann").await?;
    ann.click("#long").await?;
    let mut client = Client::connect(&router, "/socket", "").await?;
    let name = "n".repeat(PRESENCE_KEY_BYTES + 1);
    client.join(HALL, json!({ "name": name })).await?;
    client.heard("phx_error").await?;
    Ok(())
}

#[tokio::test]
async fn a_page_load_shows_who_is_there_and_is_nobody() -> Result<(), Failure> {
    let router = start().await;
    let mut ann = Browser::new(router.clone()).open("/?name=ann").await?;
    ann.until("#heard", "+ann -;").await?;
    let mut browser = Browser::new(router.clone());
    for _ in 0..2 {
        let (_, html) = browser.get("/?name=bob").await?;
        assert!(html.contains("<p id=\"who\">ann</p>"), "{html}");
    }
    // Whoever comes next is the next that is heard of.
    let _cid = browser.open("/?name=cid").await?;
    ann.until("#heard", "+ann -;+cid -;").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_whose_inbox_was_full_when_somebody_came_is_told_that_it_has_missed_something()
-> Result<(), Failure> {
    let (told, held) = oneshot::channel();
    let router = start_with(Mutex::new(Some(told))).await;
    let mut ann = Browser::new(router.clone()).open("/?name=ann").await?;
    ann.until("#heard", "+ann -;").await?;
    let mut client = Client::connect(&router, "/socket", "").await?;
    let others = async {
        let (view, release) = held.await.unwrap();
        while view.send(()).is_ok() {}
        client.join(HALL, json!({"name": "cid"})).await?;
        client.heard("presence_diff").await?;
        release.send(()).unwrap();
        Ok::<_, Failure>(())
    };
    let (clicked, others) = tokio::join!(ann.click("#held"), others);
    clicked.and(others)?;
    ann.until("#heard", "+ann -;…+ -;").await?;
    assert_eq!(ann.text("#who")?, "ann cid");
    Ok(())
}

#[tokio::test]
async fn a_view_is_present_under_so_many_keys_and_watches_so_many_topics() -> Result<(), Failure> {
    let mut page = Browser::new(start().await).open("/?name=ann").await?;
    page.click("#everywhere").await?;
    assert_eq!(page.text("#who")?.split(" ann").count(), PRESENCES);
    Ok(())
}
