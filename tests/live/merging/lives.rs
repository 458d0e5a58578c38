//! A walk through a real view over a socket: its components come, change by themselves, go as the client says they do,
//! and come back.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;
use roost_live::Site;
use roost_live::endpoint::Limits;
use roost_live::sign::SigningKey;
use roost_live_tests::{Server, Visit};
use serde_json::{Value, json};

use crate::oracle::Oracle;
use crate::shelf::{Hall, Model, Places, Said, routes};

/// Components that may be placed.
const PARTS: u8 = 6;

/// What a walk has come by.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) messages: usize,
    /// Components whose state is gone because the client said so.
    pub(crate) destroyed: usize,
    /// Components that came back before that.
    pub(crate) returned: usize,
}

/// A client on its way.
pub(crate) struct Walk {
    hall: Arc<Hall>,
    visit: Visit,
    oracle: Oracle,
    model: Model,
    /// The elements of all components that were ever shown, by number.
    names: BTreeMap<u32, String>,
    /// The components that the page shows.
    shown: Vec<u32>,
    /// Gone from the page; the server is yet to hear of it.
    gone: Vec<u32>,
    /// The server has heard that these are to be removed.
    willed: Vec<u32>,
    pub(crate) passed: Passed,
    _server: Server,
}

impl Walk {
    pub(crate) async fn begin() -> Self {
        let hall = Arc::new(Hall::default());
        let site = Site::builder(SigningKey::random().unwrap(), routes()).app(Arc::clone(&hall));
        let site = site.build().unwrap();
        let server = Server::start(Limits::default(), |endpoint| {
            site.pages().merge(endpoint.mount("/live", site.mount()))
        });
        let loaded = roost_live_tests::Loaded::of(&server.base).await;
        let mut visit = loaded.connect().await;
        let joined = visit.enter(loaded.join()).await;
        let mut oracle = Oracle::start();
        let shown = oracle.full(&joined["response"]["rendered"].to_string()).unwrap();
        assert_eq!(shown, Model::default().html());
        Self {
            hall,
            visit,
            oracle,
            model: Model::default(),
            names: BTreeMap::new(),
            shown: Vec::new(),
            gone: Vec::new(),
            willed: Vec::new(),
            passed: Passed::default(),
            _server: server,
        }
    }

    /// Goes on by one step, and looks at the page.
    pub(crate) async fn step(&mut self, rng: &mut Rng) -> Result<(), String> {
        match rng.u8(..8) {
            0 | 1 => {
                let places = self.places(rng);
                self.model.place(places.clone());
                self.event(None, "place", json!(places)).await?;
            }
            2 | 3 => {
                let places = if rng.bool() {
                    self.places(rng)
                } else {
                    self.other_text()
                };
                let label = rng.bool().then(|| (rng.u8(..PARTS), rng.u32(..9)));
                let said = Said { places, label };
                self.model.said(said.clone());
                self.hall.say(said);
                let frame = self.visit.hear().await;
                if frame[3] != "diff" {
                    return Err(format!("{frame} instead of a diff"));
                }
                self.take(&frame[4])?;
            }
            // One that is gone from the page may still hear: its event was on the way.
            _ => {
                let all: Vec<u32> = self.shown.iter().chain(&self.gone).copied().collect();
                if let Some(cid) = rng.choice(&all).copied() {
                    let event = if rng.bool() { "fold" } else { "count" };
                    self.model.event(&self.names[&cid], event);
                    self.event(Some(cid), event, json!({})).await?;
                }
            }
        }
        if rng.bool() {
            self.will_destroy().await?;
        }
        if rng.bool() {
            self.destroy().await?;
        }
        Ok(())
    }

    fn other_text(&self) -> Places {
        let mut places = self.model.places.clone();
        places.text += 1;
        places
    }

    /// Other places, and always another text.
    fn places(&self, rng: &mut Rng) -> Places {
        let mut places = self.other_text();
        let mut parts: Vec<u8> = (0..PARTS).collect();
        rng.shuffle(&mut parts);
        parts.truncate(rng.usize(..=parts.len()));
        places.spot = if rng.bool() { parts.pop() } else { None };
        places.items = parts;
        places
    }

    async fn event(&mut self, cid: Option<u32>, event: &str, value: Value) -> Result<(), String> {
        let said = json!({"type": "click", "event": event, "value": value, "cid": cid});
        let reply = self.visit.ask("event", said).await;
        if reply["status"] != "ok" {
            return Err(format!("{event} is answered {reply}"));
        }
        match reply["response"].get("diff") {
            Some(diff) => self.take(&diff.clone()),
            None => {
                let html = self.oracle.look()?;
                self.same(&html, "no message")
            }
        }
    }

    fn same(&self, html: &str, message: &str) -> Result<(), String> {
        let expected = self.model.html();
        if html == expected {
            return Ok(());
        }
        Err(format!(
            "the client shows\n{html}\ninstead of\n{expected}\nafter {message}"
        ))
    }

    /// Takes a difference as the client does: what it takes off the page is said to the server later.
    fn take(&mut self, diff: &Value) -> Result<(), String> {
        let json = diff.to_string();
        let html = self
            .oracle
            .diff(&json)
            .map_err(|error| format!("{error} at {json}"))?;
        self.passed.messages += 1;
        self.same(&html, &json)?;
        let now = self.oracle.shown().to_vec();
        let before = std::mem::replace(&mut self.shown, now.iter().map(|(cid, _)| *cid).collect());
        let returned =
            |cid: &u32| self.shown.contains(cid) && !before.contains(cid) && self.names.contains_key(cid);
        self.passed.returned += self.shown.iter().filter(|cid| returned(cid)).count();
        self.names.extend(now);
        let taken_off: Vec<u32> = before
            .into_iter()
            .filter(|cid| !self.shown.contains(cid))
            .collect();
        self.oracle.reset(&taken_off)?;
        self.gone.extend(taken_off);
        Ok(())
    }

    /// Says what is gone, whether or not it has come back meanwhile: the client could not know yet.
    async fn will_destroy(&mut self) -> Result<(), String> {
        let gone = std::mem::take(&mut self.gone);
        if gone.is_empty() {
            return Ok(());
        }
        let reply = self.visit.ask("cids_will_destroy", json!({"cids": gone})).await;
        if reply != json!({"status": "ok", "response": {}}) {
            return Err(format!("that {gone:?} are gone is answered {reply}"));
        }
        self.willed.extend(gone);
        Ok(())
    }

    /// Says what is gone for good: what has not come back.
    async fn destroy(&mut self) -> Result<(), String> {
        let mut cids = std::mem::take(&mut self.willed);
        cids.retain(|cid| !self.shown.contains(cid));
        cids.sort_unstable();
        cids.dedup();
        if cids.is_empty() {
            return Ok(());
        }
        let reply = self.visit.ask("cids_destroyed", json!({"cids": cids})).await;
        let gone: Vec<u32> = serde_json::from_value(reply["response"]["cids"].clone())
            .map_err(|error| format!("{error} in {reply}"))?;
        self.oracle.prune(&gone)?;
        for cid in &gone {
            self.model.remove(&self.names[cid]);
            self.gone.retain(|other| other != cid);
        }
        self.passed.destroyed += gone.len();
        let html = self.oracle.look()?;
        self.same(&html, "components were removed")
    }
}
