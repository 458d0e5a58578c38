//! Views opened, joined and told things without a socket, as their channel would.

mod anything;
mod going;
mod joining;
mod loading;
mod nesting;
mod pages;
mod parts;
mod telling;

use std::sync::Arc;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::client::{self, Mistake};
use super::handle::{Inbox, Letter};
use super::join::{JoinPayload, Joined, NotJoined, join};
use super::running::Running;
use super::token::ViewToken;
use crate::session::Session;
use crate::sign::{SigningKey, unix_s};
use crate::site::Site;

/// The id of the main view in these tests.
const ID: &str = "phx-main";

/// A browser that has loaded a page, without the browser.
struct Visit {
    site: Site,
    session: Session,
    token: String,
}

impl Visit {
    /// Has loaded the page of a view at a site.
    fn of(site: Site, view: &str) -> Self {
        let token = ViewToken::main(ID, view, "default").sign(site.key(), unix_s());
        let session = Session::begin().unwrap();
        Self { site, session, token }
    }

    fn join_with(&self, payload: Value) -> Result<Joined, NotJoined> {
        let payload: JoinPayload = serde_json::from_value(payload).unwrap();
        let inbox: Inbox = Arc::new(|_| Ok(()));
        join(&self.site, ID, payload, Some(&self.session), 1, inbox)
    }

    fn payload(&self, url: &str) -> Value {
        json!({"url": format!("http://box{url}"), "params": {"_mounts": 0}, "session": self.token, "static": null})
    }

    /// Joins at an address, and gives what was answered.
    fn join(&self, url: &str) -> (Running, Value) {
        let joined = self.join_with(self.payload(url)).unwrap();
        (joined.running, serde_json::from_str(&joined.response).unwrap())
    }

    fn refusal(&self, payload: Value) -> Value {
        match self.join_with(payload) {
            Err(NotJoined::Refused(response)) => response,
            other => panic!("{other:?}"),
        }
    }
}

fn site(routes: crate::routes::Routes) -> Site {
    Site::builder(SigningKey::new(&[7; 32]).unwrap(), routes)
        .build()
        .unwrap()
}

/// What a view answers to its client: the pushes before it, and the response.
fn say(running: &mut Running, event: &str, payload: Value) -> (Vec<(String, Value)>, Value) {
    let answer = client::take(running, event, payload).unwrap();
    let pushes = answer.turn.pushes.iter();
    let pushes = pushes.map(|(event, payload)| (event.clone(), serde_json::from_str(payload).unwrap()));
    (
        pushes.collect(),
        serde_json::from_str(&answer.response()).unwrap(),
    )
}

/// What a view answers to an event.
fn event(running: &mut Running, kind: &str, name: &str, value: Value) -> Value {
    say(
        running,
        "event",
        json!({"type": kind, "event": name, "value": value}),
    )
    .1
}

fn mistake(running: &mut Running, event: &str, payload: Value) -> Mistake {
    client::take(running, event, payload).unwrap_err()
}

/// An inbox that keeps what is sent.
fn kept() -> (Inbox, Arc<Mutex<Vec<Letter>>>) {
    let letters: Arc<Mutex<Vec<Letter>>> = Arc::default();
    let taker = Arc::clone(&letters);
    let inbox: Inbox = Arc::new(move |letter| {
        taker.lock().unwrap().push(letter);
        Ok(())
    });
    (inbox, letters)
}
