//! A client of one page that speaks in raw frames.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::Peer;

/// A page that was loaded: what its element and its cookie say.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// `http://host:port`.
    pub base: String,
    /// Of the page, with its query.
    pub path: String,
    /// The session's cookie, as it is sent back.
    pub cookie: String,
    /// What a socket has to show.
    pub csrf: String,
    /// Of the main view's element.
    pub id: String,
    /// The view's token.
    pub session: String,
    /// What the view's element keeps of the page that was loaded, such as its flash.
    pub fixed: String,
}

fn attribute<'a>(html: &'a str, after: &str, name: &str) -> &'a str {
    let rest = html.split(after).nth(1).unwrap();
    rest.split(&format!("{name}=\""))
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
}

impl Loaded {
    /// Loads the page at `/` of `base` (`http://host:port`).
    ///
    /// # Panics
    /// If there is no such page.
    pub async fn of(base: &str) -> Self {
        Self::at(base, "/", "").await
    }

    /// Loads the page at a path of `base` with the cookie of a session; an empty one begins another.
    ///
    /// # Panics
    /// If there is no such page.
    pub async fn at(base: &str, path: &str, cookie: &str) -> Self {
        let (base, path, cookie) = (base.to_owned(), path.to_owned(), cookie.to_owned());
        let load = tokio::task::spawn_blocking(move || {
            let mut response = ureq::get(format!("{base}{path}"))
                .header("cookie", &cookie)
                .call()
                .unwrap();
            let begun = response.headers().get("set-cookie");
            let begun = begun.map(|begun| begun.to_str().unwrap().split(';').next().unwrap().to_owned());
            let html = response.body_mut().read_to_string().unwrap();
            let main = html.rsplit("<div id=\"phx-").next().unwrap();
            Self {
                base,
                path,
                cookie: begun.unwrap_or(cookie),
                csrf: attribute(&html, "csrf-token", "content").to_owned(),
                id: format!("phx-{}", main.split('"').next().unwrap()),
                session: attribute(main, "data-phx-main", "data-phx-session").to_owned(),
                fixed: attribute(main, "data-phx-main", "data-phx-static").to_owned(),
            }
        });
        load.await.unwrap()
    }

    /// Opens a socket as the page does.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn connect(&self) -> Visit {
        self.connect_with(&self.csrf).await
    }

    /// The same with another CSRF token.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn connect_with(&self, csrf: &str) -> Visit {
        let path = format!("/live/websocket?_csrf_token={csrf}&vsn=2.0.0");
        let peer = Peer::connect_with(&self.base, &path, &[("cookie", &self.cookie)])
            .await
            .unwrap();
        Visit {
            peer,
            topic: format!("lv:{}", self.id),
            reference: 1,
            join: String::new(),
            set_aside: VecDeque::new(),
        }
    }

    /// What the page's join says.
    pub fn join(&self) -> Value {
        json!({
            "url": format!("{}{}", self.base, self.path), "session": self.session, "static": null, "sticky": false,
            "params": {"_csrf_token": self.csrf, "_mounts": 0, "_mount_attempts": 0},
        })
    }
}

/// An open socket.
pub struct Visit {
    /// Its frames.
    pub peer: Peer,
    /// The view's.
    pub topic: String,
    reference: u64,
    join: String,
    set_aside: VecDeque<Value>,
}

impl Visit {
    /// Loads the page at `/` of `base` and joins its view.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn of(base: &str) -> Self {
        Self::to(&Loaded::of(base).await).await
    }

    /// Joins the view of a page that was loaded.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn to(loaded: &Loaded) -> Self {
        let mut visit = loaded.connect().await;
        let reply = visit.enter(loaded.join()).await;
        assert_eq!(reply["status"], "ok", "{reply}");
        visit
    }

    /// Joins with this payload; the answer.
    pub async fn enter(&mut self, payload: Value) -> Value {
        self.reference += 1;
        self.join = self.reference.to_string();
        let topic = self.topic.clone();
        self.peer
            .json(&json!([self.join, self.join, topic, "phx_join", payload]))
            .await;
        self.reply(&self.join.clone()).await
    }

    /// Sends to the view; returns the reference by which the answer is known.
    pub async fn send(&mut self, event: &str, payload: Value) -> String {
        self.reference += 1;
        let reference = self.reference.to_string();
        self.peer
            .json(&json!([self.join, reference, self.topic, event, payload]))
            .await;
        reference
    }

    /// Sends an event to the view whose payload is this text.
    pub async fn send_text(&mut self, payload: &str) {
        let frame = format!("[\"{}\",\"x\",\"{}\",\"event\",{payload}]", self.join, self.topic);
        self.peer.text(&frame).await;
    }

    /// Sends to the view; the answer.
    pub async fn ask(&mut self, event: &str, payload: Value) -> Value {
        let reference = self.send(event, payload).await;
        self.reply(&reference).await
    }

    /// Clicks on something with this event; the answer.
    pub async fn click(&mut self, event: &str) -> Value {
        self.ask("event", json!({"type": "click", "event": event, "value": {}}))
            .await
    }

    /// The payload of the answer to a message; what comes before it is set aside.
    pub async fn reply(&mut self, reference: &str) -> Value {
        loop {
            let frame = self.peer.hear_json().await;
            if frame[1] == reference && frame[3] == "phx_reply" {
                return frame[4].clone();
            }
            self.set_aside.push_back(frame);
        }
    }

    /// The next message that is no answer.
    pub async fn hear(&mut self) -> Value {
        match self.set_aside.pop_front() {
            Some(frame) => frame,
            None => self.peer.hear_json().await,
        }
    }
}
