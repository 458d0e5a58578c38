//! One client that polls: its channels, and how long it has not been heard of.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use roost_runtime::Shutdown;
use tokio::time::Instant;
use tracing::debug;

use crate::endpoint::RESTART;
use crate::lock;
use crate::socket::connection::Connection;
use crate::socket::dispatch::Desk;
use crate::socket::outbound::Departure;

/// Random bytes of a token: whoever has it is the client.
const TOKEN_BYTES: usize = 24;

/// What a poll finds.
pub(super) enum Poll {
    Messages(Vec<String>),
    Nothing,
    Over,
}

/// What became of messages.
pub(super) enum Published {
    Taken,
    /// A channel did not get to them in time.
    Late,
    Malformed,
    Over,
}

/// One client that polls.
#[derive(Debug)]
pub(crate) struct Session {
    token: String,
    connection: Arc<Connection>,
    /// `None` once it is over. Messages are taken one request after another.
    desk: tokio::sync::Mutex<Option<Desk>>,
    /// Polls wait for each other.
    polls: tokio::sync::Mutex<()>,
    heard: Mutex<Instant>,
    over: Shutdown,
}

impl Session {
    /// `None` if the system has no random bytes.
    pub(super) fn new(connection: Arc<Connection>) -> Option<Arc<Self>> {
        let mut random = [0; TOKEN_BYTES];
        getrandom::fill(&mut random).ok()?;
        Some(Arc::new(Self {
            token: URL_SAFE_NO_PAD.encode(random),
            desk: tokio::sync::Mutex::new(Some(Desk::new(Arc::clone(&connection)))),
            polls: tokio::sync::Mutex::new(()),
            heard: Mutex::new(Instant::now()),
            over: Shutdown::new(),
            connection,
        }))
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    fn touch(&self) {
        *lock(&self.heard) = Instant::now();
    }

    /// Lives until the client is not heard of any more, or is to be.
    pub(super) async fn watch(&self, shutdown: &Shutdown) {
        let patience = self.connection.hub().limits.poll_window.mul_f32(1.5);
        let given_up = self.connection.given_up();
        loop {
            let due = *lock(&self.heard) + patience;
            tokio::select! {
                () = self.over.requested() => break,
                () = given_up.requested() => break,
                () = shutdown.requested() => {
                    self.connection.close(RESTART);
                    break;
                }
                () = tokio::time::sleep_until(due) => {
                    if *lock(&self.heard) + patience <= Instant::now() {
                        break;
                    }
                }
            }
        }
        self.over.request();
        // Dropped, it ends the channels.
        self.desk.lock().await.take();
    }

    /// Ends it.
    pub(super) async fn end(&self) {
        self.over.request();
        self.desk.lock().await.take();
    }

    /// Waits for messages, though not for ever.
    pub(super) async fn poll(&self) -> Poll {
        self.touch();
        let _turn = self.polls.lock().await;
        let window = self.connection.hub().limits.poll_window;
        let found = tokio::select! {
            biased;
            found = tokio::time::timeout(window, self.next()) => found,
            () = self.over.requested() => Ok(Poll::Over),
        };
        self.touch();
        let found = found.unwrap_or(Poll::Nothing);
        if matches!(found, Poll::Over) {
            self.end().await;
        }
        found
    }

    /// Everything that waits for the client, and at least one message.
    async fn next(&self) -> Poll {
        let mut messages = Vec::new();
        poll_fn(|context| {
            loop {
                match self.connection.poll_departure(true, context) {
                    task::Poll::Pending if messages.is_empty() => return task::Poll::Pending,
                    task::Poll::Ready(Departure::End(_)) if messages.is_empty() => {
                        return task::Poll::Ready(Poll::Over);
                    }
                    task::Poll::Ready(Departure::Wire(wire)) => {
                        messages.push(String::from_utf8_lossy(&wire.body()).into_owned());
                    }
                    task::Poll::Pending | task::Poll::Ready(Departure::End(_)) => {
                        return task::Poll::Ready(Poll::Messages(std::mem::take(&mut messages)));
                    }
                }
            }
        })
        .await
    }

    /// Takes messages of the client, whether each is bytes with it.
    pub(super) async fn publish(&self, messages: Vec<(Bytes, bool)>) -> Published {
        let limits = &self.connection.hub().limits;
        let mut desk = self.desk.lock().await;
        let taken = {
            let Some(desk) = desk.as_mut() else {
                return Published::Over;
            };
            let work = async {
                for (body, binary) in messages {
                    desk.take(body, binary).await?;
                }
                Ok(())
            };
            tokio::select! {
                taken = tokio::time::timeout(limits.poll_window, work) => taken,
                () = self.over.requested() => return Published::Over,
            }
        };
        match taken {
            Ok(Ok(())) => Published::Taken,
            Ok(Err::<(), crate::frame::Malformed>(error)) => {
                debug!(%error, "a session of long poll is closed");
                desk.take();
                self.over.request();
                Published::Malformed
            }
            Err(_) => Published::Late,
        }
    }
}

type ByToken = Arc<RwLock<HashMap<String, Arc<Session>>>>;

/// All that poll, by token.
#[derive(Debug, Default)]
pub(crate) struct Sessions(ByToken);

impl Sessions {
    pub(super) fn find(&self, token: &str, mount: &str) -> Option<Arc<Session>> {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(token)?;
        (session.connection.mount() == mount).then(|| Arc::clone(session))
    }

    /// Ends all of them.
    pub(crate) fn end_all(&self) {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sessions.values().for_each(|session| session.over.request());
    }

    /// Lists a session until what is returned is dropped.
    pub(super) fn add(&self, session: Arc<Session>) -> Listed {
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session.token.clone(), Arc::clone(&session));
        Listed {
            sessions: Arc::clone(&self.0),
            session,
        }
    }
}

/// A session is listed while this lives.
pub(super) struct Listed {
    sessions: ByToken,
    pub(super) session: Arc<Session>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        sessions.remove(&self.session.token);
    }
}
