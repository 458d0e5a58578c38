//! The recorded client: says what was said there, with the names and tokens that it was given here.

use std::collections::HashSet;

use roost_live_tests::{Loaded, Peer};
use serde_json::{Value, json};

/// How every name began that the recorded server gave, and how long it was.
const NAME: &str = "phx-GOm8";
const NAME_BYTES: usize = 20;

/// Lines that were said, and those that were heard then, until something was said again.
pub(crate) fn batches(lines: &str) -> Vec<(Vec<&str>, Vec<&str>)> {
    let mut batches: Vec<(Vec<&str>, Vec<&str>)> = vec![(Vec::new(), Vec::new())];
    for line in lines.lines().map(str::trim) {
        if let Some(heard) = line.strip_prefix("<- ") {
            batches.last_mut().unwrap().1.push(heard);
        } else if line.starts_with("-> ") || line.starts_with("WS ") {
            if !batches.last().unwrap().1.is_empty() {
                batches.push((Vec::new(), Vec::new()));
            }
            batches.last_mut().unwrap().0.push(line);
        }
    }
    batches
}

/// A frame of the recording without the names of its server.
pub(crate) fn recorded(line: &str) -> Value {
    let mut text = line.to_owned();
    while let Some(at) = text.find(NAME) {
        let common = if text[..at].ends_with("lv:") {
            "VIEW"
        } else {
            "phx-UPLOAD"
        };
        text.replace_range(at..at + NAME_BYTES, common);
    }
    serde_json::from_str(&text).expect(line)
}

/// A page and its socket.
#[derive(Default)]
pub(crate) struct Talk {
    base: String,
    cookie: String,
    csrf: String,
    /// The view's name.
    id: String,
    session: String,
    fixed: String,
    peer: Option<Peer>,
    flash: Option<String>,
    upload: Option<String>,
    /// References of what was said to leave.
    leaves: HashSet<String>,
}

impl Talk {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..Self::default()
        }
    }

    /// Says a line. A new socket is of a page that is loaded anew, which is known when it joins.
    pub(crate) async fn say(&mut self, line: &str) {
        let Some(said) = line.strip_prefix("-> ") else {
            self.peer = None;
            return;
        };
        if let Some(bytes) = said.strip_prefix("BIN(") {
            let (size, start) = bytes.split_once(") ").unwrap();
            return self.send_bytes(size.parse().unwrap(), start).await;
        }
        let mut frame = recorded(said);
        if self.peer.is_none() {
            self.open(frame[4]["url"].as_str().unwrap()).await;
        }
        if frame[3] == "phx_leave" {
            self.leaves.insert(frame[1].to_string());
        }
        self.put_names(&mut frame);
        self.peer.as_mut().unwrap().json(&frame).await;
    }

    /// Bytes of which the recording has the beginning; the rest is its last byte again and again.
    async fn send_bytes(&mut self, size: usize, start: &str) {
        let digits: Vec<char> = start.chars().collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
        let mut bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
        bytes.resize(size, *bytes.last().unwrap());
        self.peer.as_mut().unwrap().bytes(bytes).await;
    }

    /// Loads the page at a recorded address and opens its socket.
    async fn open(&mut self, recorded: &str) {
        let path = format!("/{}", recorded.splitn(4, '/').nth(3).unwrap());
        let loaded = Loaded::at(&self.base, &path, &self.cookie).await;
        self.cookie = loaded.cookie;
        self.csrf = loaded.csrf;
        self.id = loaded.id;
        self.session = loaded.session;
        self.fixed = loaded.fixed;
        let path = format!("/live/websocket?_csrf_token={}&vsn=2.0.0", self.csrf);
        let headers = [("cookie", self.cookie.as_str())];
        self.peer = Some(Peer::connect_with(&self.base, &path, &headers).await.unwrap());
    }

    /// Puts in what this server has given.
    fn put_names(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.put_names(value)),
            Value::Object(object) => {
                if let Some(files) = object.remove("phx-UPLOAD") {
                    object.insert(format!("{}-fw", self.id), files);
                }
                for (name, value) in object.iter_mut() {
                    match name.as_str() {
                        "_csrf_token" => *value = json!(self.csrf),
                        "session" => *value = json!(self.session),
                        "static" => *value = json!(self.fixed),
                        "flash" => *value = json!(self.flash),
                        "token" => *value = json!(self.upload),
                        _ => self.put_names(value),
                    }
                }
            }
            Value::String(text) if text == "lv:VIEW" => *text = format!("lv:{}", self.id),
            Value::String(text) if text == "phx-UPLOAD" => *text = format!("{}-fw", self.id),
            _ => {}
        }
    }

    /// Whether a frame says that a channel was left, which the recording has here and there only.
    pub(crate) fn is_answer_to_leave(&self, frame: &Value) -> bool {
        frame[3] == "phx_reply" && self.leaves.contains(&frame[1].to_string())
    }

    /// The next frames, without the names of this server. Those that only say that a channel has ended go to `ends`.
    pub(crate) async fn hear(&mut self, count: usize, ends: &mut Vec<String>) -> Vec<Value> {
        let mut frames = Vec::new();
        while frames.len() < count {
            let frame = self.peer.as_mut().unwrap().hear_json().await;
            if self.is_answer_to_leave(&frame) {
                continue;
            }
            let said = &frame[4]["response"];
            if let Some(token) = said["live_redirect"]["flash"].as_str() {
                self.flash = Some(token.to_owned());
            }
            if let Some(token) = said["entries"]["0"].as_str() {
                self.upload = Some(token.to_owned());
            }
            let text = frame.to_string();
            let text = text
                .replace(&format!("{}-fw", self.id), "phx-UPLOAD")
                .replace(&self.id, "VIEW");
            if frame[3] == "phx_close" {
                ends.push(text);
                continue;
            }
            frames.push(serde_json::from_str(&text).unwrap());
        }
        frames
    }

    /// What says that channels have ended, until so many have. Nothing else may come.
    pub(crate) async fn hear_ends(&mut self, count: usize, ends: &mut Vec<String>) {
        while ends.len() < count {
            let frame = self.peer.as_mut().unwrap().hear_json().await;
            if !self.is_answer_to_leave(&frame) {
                assert_eq!(frame[3], "phx_close", "{frame}");
                ends.push(frame.to_string().replace(&self.id, "VIEW"));
            }
        }
    }
}
