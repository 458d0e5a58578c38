//! The door: a socket on which a test asks for one thing after the other, a line of JSON each, and is answered so.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

use roost_model::Filter;
use roost_runtime::{Bus, SupervisorHandle};
use serde_json::{Value, json};

use crate::sequence::Sequences;
use crate::victims::{Fate, Victims};

pub(crate) struct Door {
    pub(crate) victims: Arc<Victims>,
    pub(crate) sequences: Sequences,
    pub(crate) tree: SupervisorHandle,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) bus: Bus,
}

impl Door {
    /// Serves one asker after the other, on a thread of its own: it answers whatever the tasks do.
    pub(crate) fn open(self, socket: &Path) {
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).unwrap();
        std::thread::spawn(move || {
            for asker in listener.incoming() {
                self.serve(asker.unwrap());
            }
        });
    }

    fn serve(&self, asker: UnixStream) {
        let mut answers = asker.try_clone().unwrap();
        for line in BufReader::new(asker).lines() {
            let Ok(line) = line else { return };
            let request: Value = serde_json::from_str(&line).unwrap();
            if writeln!(answers, "{}", self.answer(&request)).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &Value) -> Value {
        let text = |key: &str| request[key].as_str();
        let fate = match text("do") {
            Some("fail") => Fate::Fails,
            Some("hang") => Fate::Hangs,
            Some("block") => Fate::Blocks,
            Some("fail_later") => {
                let polls = request["polls"].as_u64().and_then(|polls| polls.try_into().ok());
                let kind = text("kind").unwrap_or_default();
                return json!(self.victims.strike_later(kind, polls.unwrap_or(1)));
            }
            Some("struck") => return json!(self.victims.struck()),
            Some("kinds") => return json!(self.victims.kinds()),
            Some("numbers") => return self.sequences.report(),
            Some("tree") => return json!(self.tree.tree(usize::MAX)),
            Some("retained") => {
                let filter = Filter::new(text("filter").unwrap_or_default()).unwrap();
                let retained = self.bus.retained(&filter);
                let topics: Vec<&str> = retained.iter().map(|message| message.topic.as_str()).collect();
                return json!(topics);
            }
            Some("memory") => return json!(crate::MEMORY.allocated()),
            Some("tasks") => return json!(self.runtime.metrics().num_alive_tasks()),
            other => panic!("{other:?} can't be asked"),
        };
        json!(
            self.victims
                .strike(text("kind").unwrap_or_default(), text("name"), fate)
        )
    }
}
