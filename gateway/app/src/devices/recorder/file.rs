//! The file of a recording: a line of JSON that says whose it is, then one for each entry. Strict in what it reads,
//! since people edit such files by hand.

use roost_model::Topic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::outcome::Outcome;
use super::ring::{Entry, Kind};

/// Version of the format. A reader refuses what is newer.
const FORMAT: u32 = 1;

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Version of the format.
    pub(crate) roost_recording: u32,
    /// The device.
    pub(crate) device: String,
    /// The profile it speaks, by its id; empty for a wired device.
    pub(crate) profile: String,
    /// The profile in full, as TOML.
    pub(crate) profile_toml: String,
    /// Version of the gateway.
    pub(crate) gateway: String,
    /// When it was exported, in milliseconds since the Unix epoch.
    pub(crate) exported_ms: i64,
    /// Older entries that had made room for newer ones.
    pub(crate) lost: u64,
}

impl Header {
    /// A header in the format that this program writes.
    pub(crate) fn new(
        device: &str,
        profile: &str,
        profile_toml: String,
        exported_ms: i64,
        lost: u64,
    ) -> Self {
        Self {
            roost_recording: FORMAT,
            device: device.to_owned(),
            profile: profile.to_owned(),
            profile_toml,
            gateway: crate::VERSION.to_owned(),
            exported_ms,
            lost,
        }
    }
}

/// The recording of one device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recording {
    /// Whose it is.
    pub(crate) header: Header,
    /// What was recorded, oldest first.
    pub(crate) entries: Vec<Entry>,
}

/// Why a file is no recording.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    /// The first line is not there, or not what it should be.
    #[error("line 1 is not the header of a recording: {0}; export one with `roost device recording <id>`")]
    Header(String),
    /// Written by a newer program.
    #[error("the recording has format {0}, and this program reads {FORMAT}: use a newer one")]
    Newer(u32),
    /// A line that is no entry.
    #[error("line {line}: {what}")]
    Line {
        /// Its number, counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// An entry as a line of JSON. A payload that is text is in `text`, any other in `hex`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at_ms: i64,
    kind: Kind,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    topic: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    /// True length in bytes of a payload that was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
}

impl From<&Entry> for Line {
    fn from(entry: &Entry) -> Self {
        let text = std::str::from_utf8(entry.payload()).ok().map(str::to_owned);
        Self {
            at_ms: entry.at_ms,
            kind: entry.kind,
            topic: entry.topic().to_owned(),
            hex: text.is_none().then(|| to_hex(entry.payload())),
            text,
            length: entry.is_cut().then_some(entry.length),
            outcome: entry.outcome,
        }
    }
}

impl Line {
    fn entry(self) -> Result<Entry, String> {
        let payload = match (self.text, self.hex) {
            (Some(_), Some(_)) => return Err("an entry has text or hex, not both".into()),
            (Some(text), None) => text.into_bytes(),
            (None, Some(hex)) => from_hex(&hex).ok_or("hex is pairs of hexadecimal digits")?,
            (None, None) => Vec::new(),
        };
        if matches!(self.kind, Kind::In | Kind::Out | Kind::Retained) {
            Topic::new(&self.topic).map_err(|error| format!("topic: {error}"))?;
        }
        let mut entry = Entry::whole(self.at_ms, self.kind, &self.topic, &payload);
        entry.length = entry.length.max(self.length.unwrap_or(0));
        entry.outcome = self.outcome;
        Ok(entry)
    }
}

impl Recording {
    /// The file's text.
    pub(crate) fn to_text(&self) -> String {
        let mut text = serde_json::to_string(&self.header).unwrap_or_default();
        text.push('\n');
        for entry in &self.entries {
            text.push_str(&serde_json::to_string(&Line::from(entry)).unwrap_or_default());
            text.push('\n');
        }
        text
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`FileError`] names the first line that is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, FileError> {
        /// The one member that every version has.
        #[derive(Deserialize)]
        struct Version {
            roost_recording: u32,
        }
        let mut lines = text.lines().enumerate();
        let first = lines.next().map_or("", |(_, line)| line);
        let version: Version =
            serde_json::from_str(first).map_err(|error| FileError::Header(error.to_string()))?;
        if version.roost_recording > FORMAT {
            return Err(FileError::Newer(version.roost_recording));
        }
        let header = serde_json::from_str(first).map_err(|error| FileError::Header(error.to_string()))?;
        let entries = lines
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                let parsed = serde_json::from_str::<Line>(line).map_err(|error| error.to_string());
                let what = |what| FileError::Line {
                    line: index + 1,
                    what,
                };
                parsed.and_then(Line::entry).map_err(what)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { header, entries })
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn recording(entries: Vec<Entry>) -> Recording {
        Recording {
            header: Header::new("plug", "tasmota", "id = \"tasmota\"\n".into(), 5, 3),
            entries,
        }
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        let kind = prop_oneof![
            Just(Kind::In),
            Just(Kind::Out),
            Just(Kind::Status),
            Just(Kind::Restart)
        ];
        let payload = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..64),
            ".{0,64}".prop_map(String::into_bytes),
            Just(vec![b'x'; 9000]),
        ];
        (
            any::<i64>(),
            kind,
            "[a-zä]{1,9}(/[a-z ]{0,5}){0,3}",
            payload,
            any::<Option<u64>>(),
        )
            .prop_map(|(at_ms, kind, topic, payload, print)| {
                let mut entry = Entry::new(at_ms, kind, &topic, &payload);
                entry.outcome = print.map(|print| Outcome {
                    print,
                    ..Outcome::default()
                });
                entry
            })
    }

    #[test]
    fn what_is_no_recording_is_refused_with_the_line() {
        let good = recording(vec![]).to_text();
        let refused = |text: &str| Recording::parse(text).unwrap_err().to_string();
        assert!(refused("").contains("line 1 is not the header"));
        assert!(refused("{}").contains("roost_recording"));
        assert!(refused(r#"{"roost_recording":2,"new":1}"#).contains("use a newer one"));
        for (bad, why) in [
            ("{", "EOF"),
            (r#"{"at_ms":1,"kind":"up"}"#, "unknown variant"),
            (r#"{"at_ms":1,"kind":"in","topic":"a/+","text":""}"#, "topic"),
            (r#"{"at_ms":1,"kind":"in","topic":"a","hex":"abc"}"#, "hex"),
            (
                r#"{"at_ms":1,"kind":"in","topic":"a","text":"","hex":""}"#,
                "not both",
            ),
        ] {
            let error = refused(&format!("{good}\n{bad}"));
            assert!(error.starts_with("line 3: ") && error.contains(why), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_recording_survives_its_file(entries in proptest::collection::vec(any_entry(), 0..8)) {
            let before = recording(entries);
            prop_assert_eq!(Recording::parse(&before.to_text()).unwrap(), before);
        }

        #[test]
        fn whatever_a_file_holds_reading_it_never_panics(text in "(.|\n){0,200}", bytes in any::<Vec<u8>>()) {
            let _ = Recording::parse(&text);
            let header = recording(vec![]).to_text();
            let _ = Recording::parse(&format!("{header}{text}"));
            let _ = Recording::parse(&format!("{header}{}", String::from_utf8_lossy(&bytes)));
            let mut cut = recording(vec![Entry::new(1, Kind::In, "t", text.as_bytes())]).to_text();
            while cut.pop().is_some() {
                let _ = Recording::parse(&cut);
            }
        }
    }
}
