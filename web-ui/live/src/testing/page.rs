//! A live page that is open: joined, put together from what its view sends, and taken to where the view leads.

mod acts;
mod keys;
mod says;
mod sees;
mod target;
mod upload;

use serde_json::{Value, json};

use super::browser::Browser;
use super::document::{Document, Tag};
use super::failure::Failure;
use super::form;
use super::frame::Frame;
use super::loaded::Loaded;
use super::rows::Rows;
use super::tree::Tree;
use super::wire::{Greeting, Wire};

/// More messages than this without what was waited for: it does not come.
const MESSAGES: usize = 1_000;

/// A live page that is open, its view joined.
///
/// It puts the page together from what the view sends, as the browser's client does, and is strict about it: a message
/// that the client could not take is a [`Failure`].
pub struct Page {
    browser: Browser,
    wire: Wire,
    topic: String,
    join: Value,
    session: String,
    csrf: String,
    address: String,
    title: Option<String>,
    tree: Tree,
    rows: Rows,
    document: Document,
    /// The document around the view, as it was loaded.
    around: Document,
    /// Whether the view stands within another, or beside the main one.
    nested: bool,
    sticky: bool,
    events: Vec<(String, Value)>,
}

/// What happens to the page besides its changes.
enum Going {
    Stays,
    Navigates { to: String, flash: Option<Value> },
    Loads { to: String },
}

/// The elements of a document, in its order.
fn tags(document: &Document) -> impl Iterator<Item = &Tag> {
    let all = document.elements().into_iter();
    all.filter_map(|index| document.tag(index))
}

fn part<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

impl Page {
    pub(super) async fn join(browser: Browser, loaded: Loaded) -> Result<Self, Failure> {
        let main = tags(&loaded.document)
            .find(|tag| tag.attribute("data-phx-main").is_some())
            .ok_or_else(|| Failure::new(format!("{} is no live page", loaded.path)))?
            .clone();
        let at = json!({"url": address(&loaded.path)});
        Self::join_view(browser, loaded, &main, at).await
    }

    /// Joins the view of an element.
    async fn join_view(browser: Browser, around: Loaded, of: &Tag, at: Value) -> Result<Self, Failure> {
        let own = |name: &str| {
            let value = of.attribute(name).map(str::to_owned);
            value.ok_or_else(|| Failure::new(format!("the view's element has no {name}")))
        };
        let csrf = tags(&around.document).find(|tag| tag.attribute("name") == Some("csrf-token"));
        let csrf = csrf.and_then(|tag| tag.attribute("content")).unwrap_or_default();
        let (id, session, fixed) = (own("id")?, own("data-phx-session")?, own("data-phx-static")?);
        let greeting = Greeting {
            query: form::encoded(&[("_csrf_token".to_owned(), csrf.to_owned())]),
            headers: vec![("cookie".to_owned(), browser.cookie())],
            token: None,
        };
        let wire = Wire::open(&browser.router, &browser.mount, &greeting).await?;
        let mut page = Self {
            browser,
            wire,
            topic: format!("lv:{id}"),
            join: Value::Null,
            session,
            csrf: csrf.to_owned(),
            address: around.path,
            title: None,
            tree: Tree::default(),
            rows: Rows::default(),
            document: Document::default(),
            around: around.document,
            nested: of.attribute("data-phx-main").is_none(),
            sticky: of.attribute("data-phx-sticky").is_some(),
            events: Vec::new(),
        };
        let going = page.enter(at, fixed.into(), None).await?;
        page.go(going).await?;
        Ok(page)
    }

    /// The view of this id that stands within this one, or beside it in the document: joined over a connection of its
    /// own, and driven as this one. As long as it is held it stays, wherever this page goes.
    ///
    /// # Errors
    /// There is no such view; its join is refused. Later: it wants to lead the page elsewhere.
    pub async fn nested(&self, id: &str) -> Result<Self, Failure> {
        let is_view = |tag: &&Tag| {
            tag.attribute("id") == Some(id)
                && tag.attribute("data-phx-session").is_some()
                && tag.attribute("data-phx-main").is_none()
        };
        let found = tags(&self.document).find(is_view).or_else(|| {
            tags(&self.around).find(|tag| is_view(tag) && tag.attribute("data-phx-parent-id").is_none())
        });
        let of = found
            .ok_or_else(|| Failure::new(format!("there is no view {id} in {}", self.html())))?
            .clone();
        let around = Loaded {
            path: self.address.clone(),
            document: self.around.clone(),
        };
        Box::pin(Self::join_view(self.browser.clone(), around, &of, json!({}))).await
    }

    /// Joins the view; `at` says with which address.
    async fn enter(&mut self, at: Value, fixed: Value, flash: Option<Value>) -> Result<Going, Failure> {
        let mut params = json!({"_csrf_token": self.csrf, "_mounts": 0, "_mount_attempts": 0});
        for (name, value) in &self.browser.params {
            params[name.as_str()] = value.clone();
        }
        let mut payload =
            json!({"params": params, "session": self.session, "static": fixed, "sticky": self.sticky});
        for (key, value) in at.as_object().into_iter().flatten() {
            payload[key] = value.clone();
        }
        if let Some(flash) = flash {
            payload["flash"] = flash;
        }
        let topic = self.topic.clone();
        self.join = self.wire.tell(&Value::Null, &topic, "phx_join", &payload).await?;
        let (before, reply) = self.wire.reply(&self.join.clone()).await?;
        if let Some(early) = before
            .iter()
            .find(|frame| frame.event == "diff" && frame.join_ref == self.join)
        {
            return Err(Failure::new(format!(
                "a diff before the join's reply: {:?}",
                early.payload
            )));
        }
        let response = &reply.payload["response"];
        if reply.payload["status"] != "ok" {
            let going = self.going(response);
            return match going {
                Going::Stays => Err(Failure::new(format!("the join is refused: {response}"))),
                leaves => Ok(leaves),
            };
        }
        self.tree = Tree::new(&response["rendered"])?;
        self.rows = Rows::default();
        self.extras(&response["rendered"]);
        self.print().await?;
        if let Some(to) = response.get("live_patch").and_then(|patch| part(patch, "to")) {
            to.clone_into(&mut self.address);
        }
        Ok(Going::Stays)
    }

    fn going(&self, response: &Value) -> Going {
        let to = |key: &str| Some(part(response.get(key)?, "to")?.to_owned());
        if let Some(to) = to("live_redirect") {
            let flash = response["live_redirect"].get("flash").cloned();
            return Going::Navigates { to, flash };
        }
        if let Some(to) = to("redirect") {
            return Going::Loads { to };
        }
        if ["stale", "unauthorized"].contains(&part(response, "reason").unwrap_or_default()) {
            let to = self.address.clone();
            return Going::Loads { to };
        }
        Going::Stays
    }

    /// Follows the view to where it sends the browser.
    async fn go(&mut self, mut going: Going) -> Result<(), Failure> {
        for _ in 0..10 {
            match going {
                Going::Stays => return Ok(()),
                Going::Navigates { to, .. } | Going::Loads { to } if self.nested => {
                    return Err(Failure::new(format!(
                        "the view within a page leads all of it to {to}"
                    )));
                }
                Going::Navigates { to, flash } => {
                    let topic = self.topic.clone();
                    self.wire
                        .tell(&self.join.clone(), &topic, "phx_leave", &json!({}))
                        .await?;
                    self.address.clone_from(&to);
                    going = self
                        .enter(json!({"redirect": address(&to)}), Value::Null, flash)
                        .await?;
                }
                Going::Loads { to } => {
                    let mut browser = self.browser.clone();
                    let loaded = browser.load(&to).await?;
                    *self = Box::pin(Self::join(browser, loaded)).await?;
                    return Ok(());
                }
            }
        }
        Err(Failure::new("the views send the browser round and round"))
    }

    /// Takes one message of the server.
    async fn take(&mut self, frame: &Frame) -> Result<Going, Failure> {
        // What belongs to an earlier join is dropped, as the client does.
        if frame.topic != self.topic || (!frame.join_ref.is_null() && frame.join_ref != self.join) {
            return Ok(Going::Stays);
        }
        match frame.event.as_str() {
            "diff" => self.merge(&frame.payload).await?,
            "live_patch" => part(&frame.payload, "to")
                .unwrap_or_default()
                .clone_into(&mut self.address),
            "live_redirect" | "redirect" => {
                let key = frame.event.clone();
                return Ok(self.going(&json!({ key: frame.payload })));
            }
            "phx_error" => return Err(Failure::new("the view has crashed")),
            "phx_close" => return Err(Failure::new("the view has ended")),
            _ => {}
        }
        Ok(Going::Stays)
    }

    async fn merge(&mut self, diff: &Value) -> Result<(), Failure> {
        let in_diff = |error| Failure::new(format!("{error}, in {diff}"));
        self.tree.apply(diff).map_err(in_diff)?;
        self.extras(diff);
        self.print().await
    }

    fn extras(&mut self, diff: &Value) {
        if let Some(title) = part(diff, "t") {
            self.title = Some(title.to_owned());
        }
        for event in diff.get("e").and_then(Value::as_array).into_iter().flatten() {
            let name = event[0].as_str().unwrap_or_default().to_owned();
            self.events.push((name, event[1].clone()));
        }
    }

    /// Puts the page together and gives up components that are gone.
    async fn print(&mut self) -> Result<(), Failure> {
        let print = self.tree.print()?;
        let mut document =
            Document::parse(&print.html).map_err(|error| Failure::new(format!("the page: {error}")))?;
        self.rows.place(&mut document, &print.streams)?;
        self.document = document;
        let gone: Vec<u64> = self
            .tree
            .known()
            .into_iter()
            .filter(|cid| !print.components.contains(cid))
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        for event in ["cids_will_destroy", "cids_destroyed"] {
            let topic = self.topic.clone();
            let reference = self
                .wire
                .tell(&self.join.clone(), &topic, event, &json!({"cids": gone}))
                .await?;
            let (before, _) = self.wire.reply(&reference).await?;
            self.tree.forget(&gone);
            for frame in before {
                Box::pin(self.take(&frame)).await?;
            }
        }
        Ok(())
    }

    /// Sends an event to the view and takes what it answers: the reply for a hook.
    async fn event(&mut self, payload: Value) -> Result<Value, Failure> {
        self.call("event", payload).await
    }

    async fn call(&mut self, event: &str, payload: Value) -> Result<Value, Failure> {
        let topic = self.topic.clone();
        let reference = self
            .wire
            .tell(&self.join.clone(), &topic, event, &payload)
            .await?;
        for _ in 0..MESSAGES {
            let frame = self.wire.next().await?;
            if frame.event != "phx_reply" || frame.reference != reference {
                let going = self.take(&frame).await?;
                if !matches!(going, Going::Stays) {
                    self.go(going).await?;
                    return Ok(Value::Null);
                }
                continue;
            }
            let response = frame.payload["response"].clone();
            if frame.payload["status"] != "ok" {
                return Err(Failure::new(format!("the view refuses {payload}: {response}")));
            }
            if let Some(diff) = response.get("diff") {
                self.merge(diff).await?;
            }
            let going = self.going(&response);
            self.go(going).await?;
            return Ok(response);
        }
        Err(Failure::new(format!("no answer within {MESSAGES} messages")))
    }
}

fn address(path: &str) -> String {
    format!("http://{}{path}", super::HOST)
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page")
            .field("address", &self.address)
            .field("html", &self.html())
            .finish_non_exhaustive()
    }
}
