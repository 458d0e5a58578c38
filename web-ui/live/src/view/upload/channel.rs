//! The channel by which one file comes: `lvu:<entry>`.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use roost_runtime::{BoxError, Shutdown};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::Receiving;
use crate::channel::{Channel, Event, Join, JoinError, Next, Socket};
use crate::frame::{Payload, Reply};
use crate::site::Site;

#[derive(Deserialize)]
struct Ask {
    token: String,
}

/// What happens besides chunks.
#[derive(Debug)]
pub(crate) enum Info {
    /// The view does not want the file any more, or has it.
    Ended,
    /// The next chunk is late.
    Late,
}

/// The channel by which one file comes.
pub(crate) struct UploadChannel {
    receiving: Weak<Receiving>,
    end: Shutdown,
    chunk_size: u32,
    chunk_timeout: Duration,
    deadline: Option<Instant>,
}

fn refusal(reason: &str) -> Reply {
    Reply::error(json!({ "reason": reason }))
}

impl Channel for UploadChannel {
    type Shared = Site;
    type Info = Info;

    async fn join(join: Join<Self>, site: Arc<Site>) -> Result<(Self, Payload), JoinError> {
        let ask: Ask = join.params.parse().map_err(|_| JoinError::reason("disallowed"))?;
        let found = site
            .uploads()
            .find(&ask.token)
            .ok_or_else(|| JoinError::reason("disallowed"))?;
        let channel = Self {
            receiving: found.receiving,
            end: found.end,
            chunk_size: found.chunk_size,
            chunk_timeout: found.chunk_timeout,
            deadline: Some(Instant::now() + found.chunk_timeout),
        };
        Ok((channel, Payload::empty()))
    }

    async fn handle_in(&mut self, event: Event, _: &Socket<Self>) -> Result<Next, BoxError> {
        let Some(chunk) = event.payload.bytes().filter(|_| &*event.name == "chunk").cloned() else {
            return Ok(Next::ReplyAndStop(refusal("only chunks are taken here")));
        };
        if chunk.len() > self.chunk_size as usize {
            return Ok(Next::ReplyAndStop(refusal("file_size_limit_exceeded")));
        }
        let Some(receiving) = self.receiving.upgrade() else {
            return Ok(Next::Stop);
        };
        // A slow card must not hold a thread that others need.
        let written = tokio::task::spawn_blocking(move || {
            let written = receiving.write(&chunk);
            written.map(|()| receiving.is_complete())
        });
        match written.await? {
            Ok(complete) => {
                self.deadline = (!complete).then(|| Instant::now() + self.chunk_timeout);
                Ok(Next::Reply(Reply::ok(Payload::empty())))
            }
            Err(error) => {
                tracing::debug!(%error, "an upload is refused");
                Ok(Next::ReplyAndStop(refusal(error.reason())))
            }
        }
    }

    async fn next(&mut self) -> Info {
        let deadline = self.deadline;
        tokio::select! {
            () = self.end.requested() => Info::Ended,
            () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => Info::Late,
        }
    }

    async fn handle_info(&mut self, info: Info, _: &Socket<Self>) -> Result<Next, BoxError> {
        match info {
            Info::Ended => Ok(Next::Stop),
            Info::Late => Err("the next chunk of an upload did not come in time".into()),
        }
    }
}

impl fmt::Debug for UploadChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadChannel").finish_non_exhaustive()
    }
}
