//! A page on its way through random states, with a client that is told the differences only.

use std::collections::BTreeMap;

use fastrand::Rng;
use roost_live::{Cid, Diff, Differ, Rendered};

use crate::oracle::Oracle;

/// What a page looks like now.
#[derive(Debug)]
pub(crate) struct Screen {
    pub(crate) root: Rendered,
    pub(crate) components: BTreeMap<Cid, Rendered>,
}

impl Screen {
    /// What a browser has to show.
    pub(crate) fn html(&self) -> String {
        self.inside(&self.root)
    }

    fn inside(&self, part: &Rendered) -> String {
        part.to_html_with(&mut |cid, html| html.push_str(&self.inside(&self.components[&cid])))
    }

    /// What the client is told: what is placed, and in it what has changed.
    pub(crate) fn message(&self, differ: &mut Differ) -> Option<Diff> {
        let known: Vec<Cid> = differ.components().collect();
        let mut message = differ.message();
        message.root(&self.root);
        for cid in known {
            message.component(cid, &self.components[&cid]);
        }
        while let Some(cid) = message.missing() {
            message.component(cid, &self.components[&cid]);
        }
        message.finish()
    }
}

/// A page whose state changes at random.
pub(crate) trait Subject {
    fn change(&mut self, rng: &mut Rng);
    /// Called once for each state.
    fn screen(&self) -> Screen;
}

/// Walks through `steps` states and compares what the client shows with a page rendered afresh. Returns the number of
/// messages. `spoil` may change a message on its way.
pub(crate) fn walk(
    subject: &mut impl Subject,
    steps: usize,
    rng: &mut Rng,
    spoil: fn(String) -> String,
) -> Result<usize, String> {
    let mut oracle = Oracle::start();
    let mut messages = 0;
    let mut differ = Differ::new();
    let screen = subject.screen();
    let full = screen
        .message(&mut differ)
        .map_or_else(|| "{}".to_owned(), Diff::into_json);
    same(&oracle.full(&full)?, &screen.html(), &full)?;
    for _ in 0..steps {
        subject.change(rng);
        let screen = subject.screen();
        let html = screen.html();
        if let Some(diff) = screen.message(&mut differ) {
            let json = spoil(diff.into_json());
            let shown = oracle.diff(&json).map_err(|error| format!("{error} at {json}"))?;
            messages += 1;
            same(&shown, &html, &json)?;
        } else {
            same(&oracle.look()?, &html, "no message")?;
        }
    }
    Ok(messages)
}

fn same(shown: &str, expected: &str, message: &str) -> Result<(), String> {
    if shown == expected {
        Ok(())
    } else {
        Err(format!(
            "the client shows\n{shown}\ninstead of\n{expected}\nafter {message}"
        ))
    }
}
