//! Marks: a state as a shape, a word and a colour, so that no single one of them has to be seen.

use maud::{Markup, html};
use roost_model::{CommandState, Freshness};
use roost_runtime::State;

use super::words;
use crate::view::{DeviceView, state_word};

/// How much attention a state asks for; gives colour and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// On its way, or a little late.
    Wait,
    /// Somebody should look.
    Bad,
    /// Quiet on purpose, or nothing is known.
    Quiet,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "mark good",
            Self::Wait => "mark wait",
            Self::Bad => "mark bad",
            Self::Quiet => "mark quiet",
        }
    }

    fn shape(self) -> &'static str {
        match self {
            Self::Good => "●",
            Self::Wait => "◐",
            Self::Bad => "▲",
            Self::Quiet => "○",
        }
    }
}

/// A mark with its word.
pub(crate) fn mark(tone: Tone, word: &str) -> Markup {
    html! { span class=(tone.class()) { span.shape aria-hidden="true" { (tone.shape()) } " " (word) } }
}

/// The state of a child of a supervisor.
pub(crate) fn child(state: State) -> Markup {
    let tone = match state {
        State::Running => Tone::Good,
        State::Starting | State::Stopping => Tone::Wait,
        State::Backoff => Tone::Bad,
        State::Stopped => Tone::Quiet,
    };
    mark(tone, state_word(state))
}

/// The state of a device: the first thing that is wrong with it, or that it is connected.
pub(crate) fn device(view: &DeviceView) -> Markup {
    let state = view.child.as_ref().map(|child| child.state);
    match state {
        _ if !view.device.enabled => mark(Tone::Quiet, "disabled"),
        Some(State::Backoff) => mark(Tone::Bad, "in backoff"),
        None | Some(State::Stopped) => mark(Tone::Bad, "not running"),
        Some(State::Starting) => mark(Tone::Wait, "starting"),
        Some(State::Stopping) => mark(Tone::Wait, "stopping"),
        Some(State::Running) if view.connected && view.silent => mark(Tone::Bad, "silent"),
        Some(State::Running) if view.connected => mark(Tone::Good, "connected"),
        Some(State::Running) => mark(Tone::Wait, "offline"),
    }
}

/// Whether a value is as young as it should be.
pub(crate) fn freshness(freshness: Freshness) -> Markup {
    let tone = match freshness {
        Freshness::Fresh => Tone::Good,
        Freshness::Late => Tone::Wait,
        Freshness::Stale => Tone::Bad,
        Freshness::Unknown => Tone::Quiet,
    };
    mark(tone, words::freshness(freshness))
}

/// How far a command has come. Only what the device has shown looks like success.
pub(crate) fn command(state: CommandState) -> Markup {
    let tone = match state {
        CommandState::Verified => Tone::Good,
        CommandState::Queued | CommandState::Sent | CommandState::Acknowledged => Tone::Wait,
        CommandState::Refused | CommandState::Expired => Tone::Bad,
        CommandState::Cancelled => Tone::Quiet,
    };
    mark(tone, state.word())
}
