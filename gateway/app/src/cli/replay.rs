//! `roost replay`: feeds a recording through the codec again, without a gateway, and says what differs from the field.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use roost_drivers::Codec;
use roost_model::Topic;

use super::{complain, print};
use crate::config::Config;
use crate::devices::profiles::trial::{self, Attempt, Trial};
use crate::devices::profiles::{Builders, check, find};
use crate::devices::recorder::{Entry, Kind, Outcome, Recording};

/// Exit code if something differs from what was recorded, as of diff(1).
const DIFFERS: u8 = 1;
/// Exit code if the recording can't be replayed.
const TROUBLE: u8 = 2;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file from `roost device recording`, or from GET /api/v1/devices/…/recording
    file: std::path::PathBuf,
    /// Another profile than the recorded one: an id, or a TOML file
    #[arg(long, value_name = "ID|FILE")]
    profile: Option<String>,
    /// Show only what differs from what was recorded, with what the recorded profile makes of it
    #[arg(long)]
    diff: bool,
}

pub(super) fn run(config: &Config, arguments: &Arguments, builders: &Builders) -> ExitCode {
    match replay(config, arguments, builders) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(DIFFERS),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(TROUBLE)
        }
    }
}

/// Replays a file. Returns how many messages gave something else than was recorded.
fn replay(config: &Config, arguments: &Arguments, builders: &Builders) -> anyhow::Result<usize> {
    let file = arguments.file.display();
    let text = std::fs::read_to_string(&arguments.file).with_context(|| format!("can't read {file}"))?;
    let recording = Recording::parse(&text).with_context(|| format!("can't replay {file}"))?;
    let recorded = recorded_codec(&recording, builders);
    let codec = match &arguments.profile {
        Some(profile) => other_codec(config, profile, builders)?,
        None => match &recorded {
            Ok(codec) => codec.as_ref(),
            Err(error) => bail!("the recorded profile can't be used: {error}; give another with --profile"),
        }
        .into(),
    };
    let baseline = arguments.profile.as_ref().and(recorded.as_ref().ok());
    let device = &recording.header.device;
    trial::note_places_of_panics();
    let left = recording
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::Retained);
    let left: Vec<Entry> = left.cloned().collect();
    let mut replay = Replay {
        trial: Trial::new(codec.get(), device).knowing(left.clone()),
        baseline: baseline.map(|codec| Trial::new(codec.as_ref(), device).knowing(left)),
        diff: arguments.diff,
    };
    Ok(replay.all(&recording))
}

/// A codec that is ours, or somebody else's.
enum Held<'c> {
    Own(Box<dyn Codec>),
    Lent(&'c dyn Codec),
}

impl<'c> From<&'c dyn Codec> for Held<'c> {
    fn from(codec: &'c dyn Codec) -> Self {
        Self::Lent(codec)
    }
}

impl Held<'_> {
    fn get(&self) -> &dyn Codec {
        match self {
            Self::Own(codec) => codec.as_ref(),
            Self::Lent(codec) => *codec,
        }
    }
}

fn recorded_codec(recording: &Recording, builders: &Builders) -> Result<Box<dyn Codec>, String> {
    let header = &recording.header;
    if header.profile.is_empty() {
        return Err("a wired device has none".to_owned());
    }
    codec_of(&header.profile, &header.profile_toml, builders)
}

fn codec_of(id: &str, text: &str, builders: &Builders) -> Result<Box<dyn Codec>, String> {
    check(id, text, builders)
        .map(|checked| checked.codec)
        .map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            lines.join("\n  ")
        })
}

fn other_codec(config: &Config, profile: &str, builders: &Builders) -> anyhow::Result<Held<'static>> {
    let (id, text) = if profile.ends_with(".toml") || Path::new(profile).is_file() {
        let text = std::fs::read_to_string(profile).with_context(|| format!("can't read {profile}"))?;
        (id_of(&text).unwrap_or_default(), text)
    } else {
        let text = find(&config.profiles_dir(), profile);
        let text = text.with_context(|| {
            format!("there is no profile {profile}: `roost profile list` shows them, and a file is given by its path")
        })?;
        (profile.to_owned(), text)
    };
    match codec_of(&id, &text, builders) {
        Ok(codec) => Ok(Held::Own(codec)),
        Err(faults) => bail!("the profile {profile} can't be used:\n  {faults}"),
    }
}

/// The id that a text gives itself: a draft need not be called as its file is.
pub(super) fn id_of(text: &str) -> Option<String> {
    let table: toml::Table = text.parse().ok()?;
    table.get("id")?.as_str().map(str::to_owned)
}

struct Replay<'r> {
    trial: Trial<'r>,
    /// The recorded profile, if another one is replayed.
    baseline: Option<Trial<'r>>,
    diff: bool,
}

impl Replay<'_> {
    fn all(&mut self, recording: &Recording) -> usize {
        let (mut frames, mut differ) = (0, 0);
        for (index, entry) in recording.entries.iter().enumerate() {
            if entry.kind == Kind::In {
                frames += 1;
                let ended = ended(&recording.entries[index + 1..]);
                differ += usize::from(self.frame(entry, ended));
            } else if !self.diff {
                print(&other(entry));
            }
        }
        let header = &recording.header;
        print(&format!(
            "{frames} messages of {} ({}), recorded by {}: {differ} differ\n",
            header.device, header.profile, header.gateway
        ));
        differ
    }

    /// Replays one message and prints what it gives. Returns whether that is not what was recorded.
    fn frame(&mut self, entry: &Entry, ended: Option<&str>) -> bool {
        let Ok(topic) = Topic::new(entry.topic()) else {
            return false;
        };
        let attempt = self.trial.attempt(entry.at_ms, &topic, entry.payload());
        let baseline = self.baseline.as_mut();
        let before = baseline.map(|trial| trial.attempt(entry.at_ms, &topic, entry.payload()));
        let verdict = verdict(entry, &attempt, ended);
        if self.diff && verdict.is_none() {
            return false;
        }
        let mut text = heading(entry);
        let before = before.filter(|_| self.diff).map(|attempt| trial::lines(&attempt));
        let after = trial::lines(&attempt);
        match before {
            Some(before) => text.push_str(&side_by_side(&before, &after)),
            None => text.extend(after.iter().map(|line| format!("    {line}\n"))),
        }
        if let Some(verdict) = &verdict {
            text.push_str(&format!("  differs: {verdict}\n"));
        } else if entry.is_cut() {
            text.push_str("  not compared: only the beginning of the payload was kept\n");
        }
        print(&text);
        verdict.is_some()
    }
}

/// How the device's task ended after a message, if it did before the next one came.
fn ended(later: &[Entry]) -> Option<&str> {
    let mut until_next = later.iter().take_while(|entry| entry.kind != Kind::In);
    let restart = until_next.find(|entry| entry.kind == Kind::Restart)?;
    std::str::from_utf8(restart.payload()).ok()
}

/// In what a message gives something else than was recorded; `None` if it does not, or if nobody knows.
fn verdict(entry: &Entry, attempt: &Attempt, ended: Option<&str>) -> Option<String> {
    if entry.is_cut() {
        return None;
    }
    match (entry.outcome, attempt) {
        (Some(recorded), Ok(decoded)) => {
            let now = Outcome::of(decoded);
            (recorded != now).then(|| format!("recorded {}, now {}", counts(recorded), counts(now)))
        }
        (Some(recorded), Err(_)) => Some(format!("recorded {}, now a panic", counts(recorded))),
        (None, Ok(_)) => ended.map(|how| format!("recorded: {how}")),
        (None, Err(_)) => None,
    }
}

fn counts(outcome: Outcome) -> String {
    let Outcome {
        samples,
        acks,
        faults,
        ..
    } = outcome;
    format!("{samples} values, {acks} answers, {faults} faults")
}

/// Lines of both with - and +, the common ones as they are.
fn side_by_side(before: &[String], after: &[String]) -> String {
    let gone = before.iter().filter(|line| !after.contains(line));
    let mut text: String = gone.map(|line| format!("  - {line}\n")).collect();
    for line in after {
        let mark = if before.contains(line) { " " } else { "+" };
        text.push_str(&format!("  {mark} {line}\n"));
    }
    text
}

fn heading(entry: &Entry) -> String {
    let payload = match std::str::from_utf8(entry.payload()) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("{} bytes", entry.payload().len()),
    };
    format!("{}  in   {}  {payload}\n", time(entry.at_ms), entry.topic())
}

fn other(entry: &Entry) -> String {
    let word = match entry.kind {
        Kind::Out => format!("out  {} ", entry.topic()),
        Kind::Retained => format!("left {} ", entry.topic()),
        _ => "----".to_owned(),
    };
    let what = String::from_utf8_lossy(entry.payload());
    format!("{}  {word} {what}\n", time(entry.at_ms))
}

/// The time of day, in UTC: what matters in a recording is what came after what.
fn time(at_ms: i64) -> String {
    let of_day = at_ms.rem_euclid(86_400_000);
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    format!(
        "{:02}:{:02}:{:02}.{millis:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_drivers::Decoded;

    fn entry(outcome: Option<Outcome>) -> Entry {
        let mut entry = Entry::new(1, Kind::In, "t", b"x");
        entry.outcome = outcome;
        entry
    }

    #[test]
    fn a_message_differs_when_its_outcome_or_its_end_does() {
        let same: Attempt = Ok(Ok(Decoded::default()));
        let outcome = Outcome::of(&Ok(Decoded::default()));
        let panic: Attempt = Err("panicked".into());
        let differs = |outcome, attempt: &Attempt, ended| verdict(&entry(outcome), attempt, ended).is_some();
        assert!(!differs(Some(outcome), &same, None));
        assert!(differs(Some(Outcome::default()), &same, None));
        assert!(differs(Some(outcome), &panic, None));
        assert!(
            !differs(None, &panic, Some("panicked at x.rs:1: y")),
            "reproduced"
        );
        assert!(
            differs(None, &same, Some("panicked at x.rs:1: y")),
            "no longer so"
        );
        assert!(!differs(None, &same, None), "nobody heard how it ended");
        let cut = Entry::new(1, Kind::In, "t", &[b'x'; 9000]);
        assert!(verdict(&cut, &same, Some("panicked")).is_none());
    }

    #[test]
    fn an_end_belongs_to_the_message_before_it() {
        let restart = Entry::new(2, Kind::Restart, "", b"panicked at x.rs:1: y");
        let later = [Entry::new(2, Kind::Status, "", b"connected"), restart.clone()];
        assert_eq!(ended(&later), Some("panicked at x.rs:1: y"));
        assert_eq!(ended(&[entry(None), restart]), None);
    }

    #[test]
    fn what_is_gone_and_what_is_new_are_marked() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            side_by_side(&lines("a b"), &lines("b c")),
            "  - a\n    b\n  + c\n"
        );
        assert_eq!(time(86_400_000 + 3_723_004), "01:02:03.004");
    }
}
