//! A trial: recorded messages decoded by a codec outside of any device's task, where a panic costs nothing.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use roost_drivers::{Codec, CodecError, CodecMemory, Decoded, Incoming};
use roost_model::Topic;
use serde::Serialize;

use crate::devices::recorder::{Entry, Kind, outcome};

/// What a codec made of a message, or how it panicked.
pub(crate) type Attempt = Result<Result<Decoded, CodecError>, String>;

thread_local! {
    /// Where the last panic on this thread began.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on, a panic on this thread is known by its place and printed by nobody. For the command line, where the
/// thread does nothing else.
pub(crate) fn note_places_of_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
        PLACE.with_borrow_mut(|noted| *noted = place);
    }));
}

/// A codec that is tried on what one device said.
pub(crate) struct Trial<'c> {
    codec: &'c dyn Codec,
    device: &'c str,
    memory: CodecMemory,
    /// What the device has left retained about itself.
    left: Vec<Entry>,
}

impl<'c> Trial<'c> {
    /// A trial of a codec. `device` is the name that the device has in its topics.
    pub(crate) fn new(codec: &'c dyn Codec, device: &'c str) -> Self {
        Self {
            codec,
            device,
            memory: CodecMemory::default(),
            left: Vec::new(),
        }
    }

    /// The same, beginning with what the device has left retained about itself, as its task does.
    pub(crate) fn knowing(mut self, left: Vec<Entry>) -> Self {
        self.left = left;
        self.begin();
        self
    }

    fn begin(&mut self) {
        self.memory = CodecMemory::default();
        for entry in std::mem::take(&mut self.left) {
            if let Ok(topic) = Topic::new(entry.topic()) {
                // One that ends in a panic would end in one here too; it is seen where it was recorded.
                let _ = self.decode(entry.at_ms, &topic, entry.payload());
            }
            self.left.push(entry);
        }
    }

    fn decode(
        &mut self,
        at_ms: i64,
        topic: &Topic,
        payload: &[u8],
    ) -> std::thread::Result<Result<Decoded, CodecError>> {
        let incoming = Incoming {
            topic,
            payload,
            at_ms,
        };
        // After a panic the memory, which it could have left half changed, begins anew.
        catch_unwind(AssertUnwindSafe(|| {
            self.codec.decode(self.device, incoming, &mut self.memory)
        }))
    }

    /// Decodes the next message.
    pub(crate) fn attempt(&mut self, at_ms: i64, topic: &Topic, payload: &[u8]) -> Attempt {
        PLACE.take();
        self.decode(at_ms, topic, payload).map_err(|panic| {
            let message = message_of(panic.as_ref());
            let how = match PLACE.take() {
                Some(place) => format!("panicked at {place}: {message}"),
                None => format!("panicked: {message}"),
            };
            self.begin();
            how
        })
    }
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// An attempt as lines to be read.
pub(crate) fn lines(attempt: &Attempt) -> Vec<String> {
    match attempt {
        Ok(decoded) => outcome::lines(decoded),
        Err(panic) => vec![panic.clone()],
    }
}

/// A recorded message with what two codecs make of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct TrialFrame {
    at_ms: i64,
    topic: String,
    payload: String,
    /// Only the beginning of the payload was kept: what is made of it says little.
    cut: bool,
    before: Vec<String>,
    after: Vec<String>,
}

/// Tries a codec on what a device last said, beside the one that is in use.
pub(super) fn compare(
    device: &str,
    entries: &[Entry],
    before: Option<&dyn Codec>,
    after: &dyn Codec,
) -> Vec<TrialFrame> {
    let frames = entries.iter().filter(|entry| entry.kind == Kind::In);
    let left = || {
        entries
            .iter()
            .filter(|entry| entry.kind == Kind::Retained)
            .cloned()
            .collect()
    };
    let mut before = before.map(|codec| Trial::new(codec, device).knowing(left()));
    let mut after = Trial::new(after, device).knowing(left());
    frames
        .filter_map(|entry| {
            let topic = Topic::new(entry.topic()).ok()?;
            let mut made =
                |trial: &mut Trial<'_>| lines(&trial.attempt(entry.at_ms, &topic, entry.payload()));
            Some(TrialFrame {
                at_ms: entry.at_ms,
                topic: topic.as_str().to_owned(),
                payload: String::from_utf8_lossy(entry.payload()).into_owned(),
                cut: entry.is_cut(),
                before: before.as_mut().map(&mut made).unwrap_or_default(),
                after: made(&mut after),
            })
        })
        .collect()
}
