//! A will: what is published when a client goes without a good-bye.

use std::sync::Arc;
use std::time::{Duration, Instant};

use roost_runtime::{Extra, Message};

/// A will. Its life is counted from when it is published, however long its client was here (MQTT 5 section 3.1.3.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastWill {
    /// What is published; without an end.
    pub(crate) message: Message,
    /// Seconds that it lives from then on; for ever if there are none.
    pub(crate) lifetime_s: Option<u32>,
}

impl LastWill {
    /// The message, published now.
    pub(crate) fn said(self) -> Message {
        let Some(seconds) = self.lifetime_s else {
            return self.message;
        };
        let extra = Extra {
            properties: self.message.properties().into(),
            expires: Some(Instant::now() + Duration::from_secs(seconds.into())),
        };
        Message {
            extra: Some(Arc::new(extra)),
            ..self.message
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use roost_model::Topic;

    use super::*;

    #[test]
    fn a_will_lives_from_when_it_is_published_however_long_its_client_was_here() {
        let will = |lifetime_s| LastWill {
            message: Message::new(Topic::new("a").unwrap(), "gone").retained(),
            lifetime_s,
        };
        assert_eq!(will(None).said().expires(), None);
        let kept_since_long_ago = will(Some(60));
        let published = Instant::now();
        let said = kept_since_long_ago.said();
        assert!(said.expires().unwrap() >= published + Duration::from_secs(60));
        assert!(said.retain && said.body == "gone");
    }
}
