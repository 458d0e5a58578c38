//! The channel of a view: the task in which it lives. It feeds the view what comes, and its client what has changed.
//!
//! What others send changes the state at once; the page is rendered when the client's connection has room for the
//! difference. So a slow client gets fewer, larger differences, and nothing piles up.

use std::fmt;
use std::future::{pending, poll_fn};
use std::sync::Arc;

use roost_runtime::BoxError;
use tokio::time::Instant;

use super::client::{self, Mistake};
use super::handle::{Inbox, Letter, SendError};
use super::join::{Joined, NotJoined, join};
use super::listening::Listening;
use super::running::{Part, Running};
use super::turn::Turn;
use crate::channel::{Channel, Event, Join, JoinError, Next, Socket};
use crate::frame::{Names, Payload, Reply};
use crate::session::Session;
use crate::site::Site;
use crate::socket::Connection;

/// Beginning of the topics of views; the id of the view's element follows.
pub(crate) const TOPIC: &str = "lv:";
/// Messages of others that a view takes before it renders, even if more wait.
const AT_ONCE: usize = 64;

/// What reaches a view besides its client.
pub(crate) enum Info {
    /// From the holder of a handle.
    Letter(Letter),
    /// The bus has something.
    Published,
    /// A timer is due.
    Due,
    /// The connection has room for what has changed.
    Render,
}

/// The channel of a view.
pub(crate) struct ViewChannel {
    running: Box<Running>,
    connection: Arc<Connection>,
    /// How many messages of others the page does not show yet.
    unshown: usize,
}

impl ViewChannel {
    /// Renders, and tells the client.
    fn show(&mut self, socket: &Socket<Self>) -> Result<Next, BoxError> {
        self.unshown = 0;
        let turn = self.running.settle(Part::Whole)?;
        push(socket, &turn)?;
        if let Some(diff) = &turn.diff {
            socket.push("diff", &Payload::text(diff.clone()))?;
        }
        match &turn.leave {
            Some((event, said)) => {
                socket.push(event, &said.clone().into())?;
                Ok(Next::Stop)
            }
            None => Ok(Next::Continue),
        }
    }
}

fn push(socket: &Socket<ViewChannel>, turn: &Turn) -> Result<(), BoxError> {
    for (event, payload) in &turn.pushes {
        socket.push(event, &Payload::text(payload.clone()))?;
    }
    Ok(())
}

impl Channel for ViewChannel {
    type Shared = Site;
    type Info = Info;

    async fn join(join_in: Join<Self>, site: Arc<Site>) -> Result<(Self, Payload), JoinError> {
        let Some(id) = join_in.topic.strip_prefix(TOPIC) else {
            return Err(JoinError::reason("unmatched topic"));
        };
        let payload = join_in.params.parse().map_err(|_| JoinError::reason("stale"))?;
        let sender = join_in.sender();
        let inbox: Inbox = Arc::new(move |letter| sender.send(Info::Letter(letter)).map_err(|_| SendError));
        let session = join_in.connection.assigns::<Session>();
        let connection = join_in.connection.number();
        match join(&site, id, payload, session, connection, Arc::clone(&inbox)) {
            Ok(Joined { running, response }) => {
                if let Some(views) = join_in.connection.views() {
                    views.enter(&join_in.topic, running.takes(), inbox);
                }
                let channel = Self {
                    running: Box::new(running),
                    connection: join_in.connection,
                    unshown: 0,
                };
                Ok((channel, Payload::text(response)))
            }
            Err(NotJoined::Refused(response)) => Err(JoinError::Refused(response.into())),
            Err(NotJoined::Crashed(crash)) => Err(JoinError::Failed(crash.into())),
        }
    }

    async fn handle_in(&mut self, event: Event, socket: &Socket<Self>) -> Result<Next, BoxError> {
        // Answers to a client that does not read would pile up; it is not listened to until it has read.
        if !self.connection.has_room() {
            socket.room().await;
        }
        match client::take(&mut self.running, &event.name, event.payload.value()) {
            Ok(answer) => {
                if !self.running.context.touched {
                    // The answer shows what others have sent as well.
                    self.unshown = 0;
                }
                push(socket, &answer.turn)?;
                let reply = Reply::ok(Payload::text(answer.response()));
                let leaves = answer.turn.leave.is_some();
                Ok(if leaves {
                    Next::ReplyAndStop(reply)
                } else {
                    Next::Reply(reply)
                })
            }
            Err(Mistake::Client(reason)) => {
                // The reason may hold what was said, and is for the client alone.
                let (topic, name) = (&**socket.topic(), &*event.name);
                tracing::debug!(topic, event = name, parameters = %Names(&event.payload), "refused");
                Ok(Next::Reply(Reply::error(serde_json::json!({ "reason": reason }))))
            }
            Err(Mistake::Crash(crash)) => Err(crash.into()),
        }
    }

    async fn next(&mut self) -> Info {
        let connection = &self.connection;
        let listening = self.running.context.listening.as_deref();
        let timer = self.running.context.timers.next();
        let changed = self.unshown > 0;
        tokio::select! {
            biased;
            () = poll_fn(|context| connection.poll_room(context)), if changed => Info::Render,
            () = heard(listening) => Info::Published,
            () = due(timer) => Info::Due,
        }
    }

    async fn handle_info(&mut self, info: Info, socket: &Socket<Self>) -> Result<Next, BoxError> {
        match info {
            Info::Render => return self.show(socket),
            Info::Letter(letter) => {
                self.running.handle_letter(letter);
                self.unshown += 1;
            }
            Info::Due => {
                let now = Instant::now();
                for _ in 0..AT_ONCE {
                    let Some(letter) = self.running.context.timers.take(now) else {
                        break;
                    };
                    self.running.handle_letter(letter);
                    self.unshown += 1;
                }
            }
            Info::Published => {
                for _ in 0..AT_ONCE {
                    let Some(message) = self.running.heard() else {
                        break;
                    };
                    self.running.handle_published(&message);
                    self.unshown += 1;
                }
            }
        }
        if self.unshown >= AT_ONCE && self.connection.has_room() {
            return self.show(socket);
        }
        Ok(Next::Continue)
    }
}

/// Returns when the bus may have something for the view.
async fn heard(listening: Option<&Listening>) {
    match listening {
        Some(listening) => listening.woken().await,
        None => pending().await,
    }
}

/// Returns when a timer is due.
async fn due(timer: Option<Instant>) {
    match timer {
        // Boxed: few views have one.
        Some(at) => Box::pin(tokio::time::sleep_until(at)).await,
        None => pending().await,
    }
}

impl fmt::Debug for ViewChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewChannel")
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}
