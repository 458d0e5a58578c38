//! The stock client's merge code in a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// Where `./dev test` puts the client's code, unless the environment names another place.
const MODULES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../target/tools/merge/node_modules"
);

/// A client that shows one page.
pub(crate) struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    shown: Vec<(u32, String)>,
}

impl Oracle {
    pub(crate) fn start() -> Self {
        let modules = std::env::var("ROOST_MERGE_MODULES").unwrap_or_else(|_| MODULES.to_owned());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/merging/oracle.js");
        let mut child = Command::new("node")
            .arg(script)
            .env("NODE_PATH", modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self {
            child,
            input,
            output,
            shown: Vec::new(),
        }
    }

    /// What the client shows after a message that begins a page, or why it failed.
    pub(crate) fn full(&mut self, json: &str) -> Result<String, String> {
        self.ask("full", json)
    }

    /// What the client shows after a message that changes the page, or why it failed.
    pub(crate) fn diff(&mut self, json: &str) -> Result<String, String> {
        self.ask("diff", json)
    }

    /// What the client shows when nothing has come: the rows of a stream have left its memory for the page.
    pub(crate) fn look(&mut self) -> Result<String, String> {
        self.ask("look", "true")
    }

    /// The components of the page that was shown last, with the ids of their elements.
    pub(crate) fn shown(&self) -> &[(u32, String)] {
        &self.shown
    }

    /// A component that the client knows, wherever it stands.
    pub(crate) fn part(&mut self, cid: u32) -> Result<String, String> {
        self.ask("part", &cid.to_string())
    }

    /// The client is to show these components in full if they come back.
    pub(crate) fn reset(&mut self, cids: &[u32]) -> Result<(), String> {
        self.ask("reset", &format!("{cids:?}")).map(drop)
    }

    /// The client forgets these components.
    pub(crate) fn prune(&mut self, cids: &[u32]) -> Result<(), String> {
        self.ask("prune", &format!("{cids:?}")).map(drop)
    }

    fn ask(&mut self, what: &str, json: &str) -> Result<String, String> {
        writeln!(self.input, "{{\"{what}\":{json}}}").expect("node reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("node answers");
        let answer: Value =
            serde_json::from_str(&line).expect("an answer; run ./dev test to install the client's code");
        if let Some(shown) = answer.get("shown") {
            self.shown = serde_json::from_value(shown.clone()).expect("numbers and ids");
        }
        match answer["html"].as_str() {
            Some(html) => Ok(html.to_owned()),
            None => Err(answer["error"].as_str().unwrap_or("no error given").to_owned()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
