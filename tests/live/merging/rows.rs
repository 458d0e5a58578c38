//! A walk through a real view whose components stand in the rows of a stream, of which the server remembers nothing:
//! rows go and come back at any time while the client and the server agree on which components are gone.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use roost_live::endpoint::Limits;
use roost_live::sign::SigningKey;
use roost_live::{
    Cid, Context, Group, LiveComponent, LiveView, Page, Params, Raw, Refusal, Rendered, Routes, Session,
    Site, Stream, html,
};
use roost_live_tests::{Loaded, Server, Visit};
use serde_json::{Value, json};

use crate::oracle::Oracle;

/// Rows that there may be.
const ROWS: u64 = 4;

struct Board(Stream<u64>);

impl LiveView for Board {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self(Stream::new()))
    }

    fn handle_event(&mut self, event: &str, value: &Value, _: &mut Context) {
        let row = value["row"].as_u64().unwrap();
        match event {
            "insert" => self.0.insert(format!("row-{row}"), row),
            _ => self.0.delete(format!("row-{row}")),
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <ul id="rows" phx-update="stream">{
                stream (id, row) in &self.0 { <li id={id}>{context.component::<Sign>(&row.to_string(), *row)}</li> }
            }</ul>
        }
    }
}

/// Counts, and has a component of its own.
struct Sign {
    row: u64,
    n: u32,
}

impl LiveComponent for Sign {
    type Props = u64;

    fn mount(row: u64, _: &mut Context) -> Self {
        Self { row, n: 0 }
    }

    fn update(&mut self, _: u64, _: &mut Context) {}

    fn handle_event(&mut self, _: &str, _: &Value, _: &mut Context) {
        self.n += 1;
    }

    fn render(&self, _: Cid, context: &Context) -> Rendered {
        html! { <p id="sign-{self.row}"><u>{self.n}</u>{context.component::<Dot>(&self.row.to_string(), self.row)}</p> }
    }
}

struct Dot(u64);

impl LiveComponent for Dot {
    type Props = u64;

    fn mount(row: u64, _: &mut Context) -> Self {
        Self(row)
    }

    fn update(&mut self, _: u64, _: &mut Context) {}

    fn render(&self, _: Cid, _: &Context) -> Rendered {
        html! { <b id="dot-{self.0}"></b> }
    }
}

fn layout(page: &Page) -> Rendered {
    html! {
        <html><head><meta name="csrf-token" content={&page.csrf_token}/></head><body>{Raw(&page.content)}</body></html>
    }
}

/// What has happened.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    pub(crate) counted: usize,
    pub(crate) destroyed: usize,
    /// Rows that came back although the client had said that their components were gone for good.
    pub(crate) returned: usize,
}

/// A client on its way.
pub(crate) struct Rows {
    visit: Visit,
    oracle: Oracle,
    /// The rows of the page: the components in each, and how far the first has counted.
    shown: BTreeMap<u64, ([u32; 2], u32)>,
    /// How far components have counted whose rows are gone, and the server may know them still.
    kept: BTreeMap<u32, u32>,
    /// Gone from the page; the server is yet to hear of it.
    gone: BTreeSet<u32>,
    /// The server has heard that these are to be removed.
    willed: BTreeSet<u32>,
    /// Gone for good, as far as the client knows; the server is yet to hear of it.
    lost: BTreeSet<u32>,
    /// Of both, those that have come back. They may be gone again: the client is to say so again.
    returned: BTreeSet<u32>,
    pub(crate) passed: Passed,
    _server: Server,
}

impl Rows {
    pub(crate) async fn begin() -> Self {
        let routes = Routes::new().group(Group::new("board", layout).view::<Board>("/"));
        let site = Site::builder(SigningKey::random().unwrap(), routes)
            .build()
            .unwrap();
        let server = Server::start(Limits::default(), |endpoint| {
            site.pages().merge(endpoint.mount("/live", site.mount()))
        });
        let loaded = Loaded::of(&server.base).await;
        let mut visit = loaded.connect().await;
        let joined = visit.enter(loaded.join()).await;
        let mut oracle = Oracle::start();
        oracle.full(&joined["response"]["rendered"].to_string()).unwrap();
        Self {
            visit,
            oracle,
            shown: BTreeMap::new(),
            kept: BTreeMap::new(),
            gone: BTreeSet::new(),
            willed: BTreeSet::new(),
            lost: BTreeSet::new(),
            returned: BTreeSet::new(),
            passed: Passed::default(),
            _server: server,
        }
    }

    /// Goes on by one step.
    pub(crate) async fn step(&mut self, rng: &mut Rng) -> Result<(), String> {
        let row = rng.u64(..ROWS);
        match rng.u8(..7) {
            0 | 1 => self.insert(row).await,
            2 | 3 => self.delete(row).await,
            4 => self.count(row).await,
            // What the client has said before comes before.
            5 if self.lost.is_empty() => self.will_destroy().await,
            // The server hears of it later, and rows may come back meanwhile.
            _ if self.lost.is_empty() => {
                let here: BTreeSet<u32> = self.here().collect();
                self.lost = &std::mem::take(&mut self.willed) - &here;
                Ok(())
            }
            _ => self.destroy().await,
        }
    }

    /// The components of the page.
    fn here(&self) -> impl Iterator<Item = u32> + '_ {
        self.shown.values().flat_map(|(cids, _)| *cids)
    }

    async fn event(&mut self, event: &str, row: u64, cid: Option<u32>) -> Result<String, String> {
        let said = json!({"type": "click", "event": event, "value": {"row": row}, "cid": cid});
        let reply = self.visit.ask("event", said).await;
        let diff = reply["response"]["diff"].to_string();
        self.oracle
            .diff(&diff)
            .map_err(|error| format!("{error} at {diff}"))
    }

    async fn insert(&mut self, row: u64) -> Result<(), String> {
        let html = self.event("insert", row, None).await?;
        let cid = |kind: &str| {
            let name = format!("{kind}-{row}");
            let mut all = self.oracle.shown().iter();
            all.find(|(_, id)| *id == name).map(|(cid, _)| *cid)
        };
        let (Some(sign), Some(dot)) = (cid("sign"), cid("dot")) else {
            return Err(format!("a component is missing: {html}"));
        };
        let before = self.shown.get(&row).map(|(_, n)| *n);
        let n = before.or_else(|| self.kept.remove(&sign)).unwrap_or_default();
        let asked = &self.willed | &self.lost;
        self.returned
            .extend([sign, dot].iter().filter(|cid| asked.contains(cid)));
        self.shown.insert(row, ([sign, dot], n));
        if html.contains(&format!("<u>{n}</u>")) {
            Ok(())
        } else {
            Err(format!("{n} is not in {html}"))
        }
    }

    async fn delete(&mut self, row: u64) -> Result<(), String> {
        let Some((cids, n)) = self.shown.remove(&row) else {
            return Ok(());
        };
        self.event("delete", row, None).await?;
        self.oracle.reset(&cids)?;
        self.gone.extend(cids);
        self.kept.insert(cids[0], n);
        Ok(())
    }

    async fn count(&mut self, row: u64) -> Result<(), String> {
        let Some((cids, n)) = self.shown.get_mut(&row) else {
            return Ok(());
        };
        *n += 1;
        let (cid, n) = (cids[0], *n);
        self.passed.counted += 1;
        self.event("count", row, Some(cid)).await?;
        let html = self.oracle.part(cid)?;
        if html.contains(&format!("<u>{n}</u>")) {
            Ok(())
        } else {
            Err(format!("{n} is not in {html}"))
        }
    }

    /// Says what is gone, whether or not it has come back meanwhile: the client could not know yet.
    async fn will_destroy(&mut self) -> Result<(), String> {
        let gone = std::mem::take(&mut self.gone);
        let reply = self.visit.ask("cids_will_destroy", json!({"cids": gone})).await;
        let here: BTreeSet<u32> = self.here().collect();
        self.returned
            .retain(|cid| here.contains(cid) || !gone.contains(cid));
        self.willed.extend(gone);
        match reply == json!({"status": "ok", "response": {}}) {
            true => Ok(()),
            false => Err(reply.to_string()),
        }
    }

    /// Says what is gone for good, whether or not it has come back meanwhile.
    async fn destroy(&mut self) -> Result<(), String> {
        let lost = std::mem::take(&mut self.lost);
        let reply = self.visit.ask("cids_destroyed", json!({"cids": lost})).await;
        let gone: BTreeSet<u32> = serde_json::from_value(reply["response"]["cids"].clone())
            .map_err(|error| format!("{error} in {reply}"))?;
        let here: BTreeSet<u32> = self.here().collect();
        let returned = &lost & &self.returned;
        self.returned.retain(|cid| !lost.contains(cid));
        if !gone.is_superset(&(&lost - &returned)) || !gone.is_subset(&(&lost - &here)) {
            return Err(format!("of {lost:?} {gone:?} are gone, and {here:?} are here"));
        }
        self.passed.destroyed += gone.len();
        self.passed.returned += returned.len();
        self.oracle.prune(&gone.iter().copied().collect::<Vec<_>>())?;
        for cid in &gone {
            self.kept.remove(cid);
            self.gone.remove(cid);
            self.willed.remove(cid);
        }
        Ok(())
    }
}
