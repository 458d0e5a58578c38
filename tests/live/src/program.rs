//! The conformance program as a process of its own, on a free port.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A running conformance program; ends with this value.
pub struct Conformance {
    child: Child,
    base: String,
}

impl Conformance {
    /// Starts the program that stands at `path` and waits until it listens.
    ///
    /// # Panics
    /// If it can't be started or ends before it says where it listens.
    #[must_use]
    pub fn start(path: &str) -> Self {
        Self::start_with(path, &[])
    }

    /// The same with environment variables of one's own.
    ///
    /// # Panics
    /// As `start`.
    #[must_use]
    pub fn start_with(path: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(path)
            .env("PORT", "0")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the conformance program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let base = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("listening on ")?.1.trim().to_owned()));
        Self {
            child,
            base: base.expect("the program says where it listens"),
        }
    }

    /// `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Conformance {
    fn drop(&mut self) {
        // It may have ended by itself; a test that cares has looked.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
