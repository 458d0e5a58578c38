//! What the program's control and its pages share: the open views, what is asked of them, and what was seen.

use std::sync::{Mutex, MutexGuard, PoisonError};

use roost_live::socket::{Connect, Connection, Direction, Observer};
use roost_live::{Context, Handle, Params, Refusal, Session};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::frames::decoded;

/// A row of the keyed list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Item {
    pub(crate) k: String,
    pub(crate) v: String,
    #[serde(default)]
    pub(crate) sub: Vec<String>,
}

impl Item {
    /// The rows of a page that is new.
    pub(crate) fn first() -> Vec<Self> {
        let row = |(k, v): (&str, &str)| Self {
            k: k.to_owned(),
            v: v.to_owned(),
            sub: Vec::new(),
        };
        [("a", "A"), ("b", "B"), ("c", "C")].map(row).to_vec()
    }
}

/// A row for the stream.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Row {
    /// The whole id of its element.
    pub(crate) id: String,
    pub(crate) v: String,
    #[serde(default = "at_the_end")]
    pub(crate) at: i64,
    /// 0 is none.
    #[serde(default)]
    pub(crate) limit: i64,
    /// Whether it is never added.
    #[serde(default)]
    pub(crate) upd: bool,
}

fn at_the_end() -> i64 {
    -1
}

/// Changes of the stream.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rows {
    pub(crate) ins: Vec<Row>,
    pub(crate) del: Vec<String>,
    pub(crate) reset: bool,
}

/// Changes of the components.
#[derive(Debug, Clone)]
pub(crate) enum Components {
    Add(String),
    Show(bool),
}

/// What the control asks of every open page.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Tick,
    List(Vec<Item>),
    Stream(Rows),
    Components(Components),
    Push { event: String, payload: Value },
}

/// How joins are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JoinMode {
    Ok,
    Stale,
    Unauthorized,
    Reload,
    Crash,
    Redirect,
    LiveRedirect,
    Patch,
}

/// What the next joins are answered with.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) mode: JoinMode,
    /// How many joins.
    pub(crate) times: u32,
    /// The element whose joins these are; of any view if it names none.
    pub(crate) id: Option<String>,
    /// A flash that goes along.
    pub(crate) flash: Option<String>,
    /// An event that goes along.
    pub(crate) event: Option<String>,
}

/// The shared state.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    views: Mutex<Vec<Handle<Order>>>,
    plan: Mutex<Option<Plan>>,
    hits: Mutex<Vec<String>>,
    frames: Mutex<Vec<Value>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// A view is open and takes orders.
    pub(crate) fn enter(&self, view: Handle<Order>) {
        lock(&self.views).push(view);
    }

    /// Hands an order to every open view; those that have ended are forgotten.
    pub(crate) fn order(&self, order: &Order) {
        lock(&self.views).retain(|view| view.send(order.clone()).is_ok());
    }

    /// Sets what the next joins are answered with.
    pub(crate) fn set_plan(&self, plan: Plan) {
        *lock(&self.plan) = Some(plan);
    }

    /// What a join of this element is answered with.
    fn planned(&self, id: &str) -> Option<Plan> {
        let mut plan = lock(&self.plan);
        let next = plan.as_mut().filter(|plan| plan.times > 0)?;
        if next.id.as_deref().is_some_and(|own| own != id) {
            return None;
        }
        next.times -= 1;
        Some(next.clone())
    }

    /// The page loads since the last call.
    pub(crate) fn hits(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.hits))
    }

    /// The frames that were seen, as `[">" | "<", frame]` and `["ws", [url, subprotocols, origin, cookie]]`.
    pub(crate) fn frames(&self, clear: bool) -> Value {
        let mut frames = lock(&self.frames);
        let seen = json!(*frames);
        if clear {
            frames.clear();
        }
        seen
    }

    /// A guard of all pages: counts page loads, and answers joins as the control has said.
    pub(crate) fn guard(_: &Params, _: &Session, context: &mut Context) -> Result<(), Refusal> {
        let Some(desk) = context.app::<Self>() else {
            return Ok(());
        };
        if !context.is_connected() {
            let address = context.address().to_owned();
            // A view within another is part of that page.
            lock(&desk.hits).extend((!address.is_empty()).then_some(address));
            return Ok(());
        }
        let Some(plan) = desk.planned(context.id()) else {
            return Ok(());
        };
        if let Some(text) = plan.flash {
            context.put_flash("info", text);
        }
        if let Some(name) = plan.event {
            context.push_event(&name, json!({}));
        }
        match plan.mode {
            JoinMode::Ok => Ok(()),
            JoinMode::Stale => Err(Refusal::Stale),
            JoinMode::Unauthorized => Err(Refusal::Unauthorized),
            JoinMode::Reload => Err(Refusal::Status(404)),
            JoinMode::Crash => panic!("the control has asked for a crash"),
            JoinMode::Redirect => Err(Refusal::redirect("/two?from=join")),
            JoinMode::LiveRedirect => Err(Refusal::navigate("/two?from=join")),
            JoinMode::Patch => {
                context.push_patch("/?patched=1");
                Ok(())
            }
        }
    }
}

impl Observer for Desk {
    fn connect(&self, connect: &Connect) {
        let header = |name: &str| connect.header(name).unwrap_or_default().to_owned();
        let about = [
            connect.uri.to_string(),
            header("sec-websocket-protocol"),
            header("origin"),
            header("cookie"),
        ];
        lock(&self.frames).push(json!(["ws", about]));
    }

    fn frame(&self, _: &Connection, direction: Direction, body: &bytes::Bytes, binary: bool) {
        let way = match direction {
            Direction::In => ">",
            Direction::Out => "<",
        };
        lock(&self.frames).push(json!([way, decoded(body, binary)]));
    }
}
