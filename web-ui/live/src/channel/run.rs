//! The task of one channel, from the join to the end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use roost_runtime::{BoxError, Shutdown};
use tracing::debug;

use super::handle::{Socket, answer, farewell};
use super::port::{AnyPort, Arrival, Message, Port, Sender};
use super::{Channel, Ending, Join, JoinError, Next, ReplyTo};
use crate::frame::{CLOSE, ERROR, Payload, Reply};
use crate::socket::Held;

/// How long a channel that was asked to end may take before it is cut off (as Phoenix: 5 s).
const STOP_DEADLINE: Duration = Duration::from_secs(5);

const JOIN_CRASHED: Payload = Payload::Json(Bytes::from_static(b"{\"reason\":\"join crashed\"}"));
const CRASHED: Payload = Payload::Json(Bytes::from_static(b"{\"reason\":\"channel_crash\"}"));

/// What a channel starts from.
pub(crate) struct Opening {
    pub(crate) params: Payload,
    /// Counts the join until it is answered.
    pub(crate) held: Held,
    /// The channel whose place it takes: its client joined twice.
    pub(crate) before: Option<Arc<dyn AnyPort>>,
}

/// How far a channel has come, as its client knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Joining,
    Joined,
    Done,
}

/// Tells the client when the channel ends otherwise than it should: by a panic, an error, or cut off.
struct Guard<I: Send + 'static> {
    port: Arc<Port<I>>,
    before: Option<Arc<dyn AnyPort>>,
    stage: Stage,
}

impl<I: Send + 'static> Guard<I> {
    fn port(&self) -> &dyn AnyPort {
        &*self.port
    }

    fn leave_topic(&self) {
        if self.stage == Stage::Joined {
            self.port.connection.hub().topics.unsubscribe(&*self.port);
        }
    }

    /// The channel has joined: it takes its seat before its client can know, and the client hears of it before anything
    /// that is broadcast.
    fn join(&mut self, response: Payload) {
        let port: Arc<Port<I>> = Arc::clone(&self.port);
        self.stage = Stage::Joined;
        let topics = &self.port.connection.hub().topics;
        topics.subscribe(port, || self.answer_join(&Reply::ok(response)));
        self.replace();
    }

    fn answer_join(&self, reply: &Reply) {
        if let Err(error) = answer(self.port(), &self.port.join_ref, &self.port.reference, reply) {
            debug!(topic = &*self.port.topic, %error, "the answer to a join can't be sent");
        }
    }

    /// The channel that was there before ends for the client. It comes after the answer to the join.
    fn replace(&mut self) {
        if let Some(before) = self.before.take() {
            farewell(&*before, CLOSE, &Payload::empty());
        }
    }

    /// The channel has ended as it should.
    fn close(&mut self, why: Ending) {
        self.leave_topic();
        self.stage = Stage::Done;
        self.port.close();
        if matches!(why, Ending::Left | Ending::Stopped | Ending::Shutdown) {
            farewell(self.port(), CLOSE, &Payload::empty());
        }
    }
}

impl<I: Send + 'static> Drop for Guard<I> {
    fn drop(&mut self) {
        if self.stage == Stage::Done {
            return;
        }
        self.leave_topic();
        self.port.close();
        if self.stage == Stage::Joining {
            self.answer_join(&Reply::error(JOIN_CRASHED));
            self.replace();
        } else if self.port.stop_asked() != Some(Ending::Replaced) {
            farewell(self.port(), ERROR, &CRASHED);
        }
    }
}

/// A channel that has not been started. If it never is, its client is told so when this is dropped.
pub(crate) struct Unstarted<C: Channel> {
    guard: Guard<C::Info>,
    params: Payload,
    held: Held,
    shared: Arc<C::Shared>,
}

impl<C: Channel> Unstarted<C> {
    pub(crate) fn new(port: Arc<Port<C::Info>>, opening: Opening, shared: Arc<C::Shared>) -> Self {
        port.set_queues(opening.before.is_some());
        Self {
            guard: Guard {
                port,
                before: opening.before,
                stage: Stage::Joining,
            },
            params: opening.params,
            held: opening.held,
            shared,
        }
    }
}

/// Runs a channel until it ends, or does not end although it was asked to.
pub(crate) async fn run<C: Channel>(channel: Unstarted<C>, shutdown: Shutdown) -> Result<(), BoxError> {
    let port = Arc::clone(&channel.guard.port);
    let mut work = pin!(drive::<C>(
        channel.guard,
        (channel.params, channel.held),
        channel.shared,
        &shutdown
    ));
    // The common case ends here: nobody asks, or it ends at once.
    tokio::select! {
        biased;
        ended = work.as_mut() => return ended,
        () = poll_fn(|context| port.poll_stop(&shutdown, context)) => {}
    }
    // Boxed: few need a timer.
    match Box::pin(tokio::time::timeout(STOP_DEADLINE, work)).await {
        Ok(ended) => ended,
        Err(_) => Err("it did not end within its deadline and was cut off".into()),
    }
}

async fn drive<C: Channel>(
    mut guard: Guard<C::Info>,
    (params, held): (Payload, Held),
    shared: Arc<C::Shared>,
    shutdown: &Shutdown,
) -> Result<(), BoxError> {
    if let Some(before) = guard.before.clone() {
        poll_fn(|context| before.poll_closed(context)).await;
        guard.port.set_queues(false);
    }
    let socket = Socket {
        port: Arc::clone(&guard.port),
    };
    let join = Join {
        topic: Arc::clone(&socket.port.topic),
        params,
        connection: Arc::clone(&socket.port.connection),
        sender: Sender(Arc::clone(&socket.port)),
    };
    let mut channel = match C::join(join, shared).await {
        Ok((channel, response)) => {
            guard.join(response);
            channel
        }
        Err(JoinError::Refused(why)) => {
            guard.port.close();
            guard.answer_join(&Reply::error(why));
            guard.replace();
            guard.stage = Stage::Done;
            return Ok(());
        }
        Err(JoinError::Failed(error)) => return Err(error),
    };
    drop(held);
    channel.joined(&socket).await?;
    loop {
        let arrival = tokio::select! {
            arrival = poll_fn(|context| socket.port.poll_arrival(shutdown, context)) => arrival,
            info = channel.next() => Arrival::Message(Message::Info(info)),
        };
        let (next, reference) = match arrival {
            Arrival::Stop(why) => {
                channel.terminate(why, &socket).await;
                guard.close(why);
                return Ok(());
            }
            Arrival::Message(Message::Leave(reference)) => {
                channel.terminate(Ending::Left, &socket).await;
                guard.port.close();
                socket.reply(&ReplyTo(reference), &Reply::ok(Payload::empty()))?;
                guard.close(Ending::Left);
                return Ok(());
            }
            Arrival::Message(Message::In(event, _held)) => {
                let to = event.reply_to.clone();
                (channel.handle_in(event, &socket).await?, Some(to))
            }
            Arrival::Message(Message::Out(event, payload, _held)) => {
                (channel.handle_out(&event, payload, &socket).await?, None)
            }
            Arrival::Message(Message::Info(info)) => (channel.handle_info(info, &socket).await?, None),
        };
        if !follow(next, reference, &socket)? {
            channel.terminate(Ending::Stopped, &socket).await;
            guard.close(Ending::Stopped);
            return Ok(());
        }
    }
}

/// Does what comes after an event. Whether the channel goes on.
fn follow<C: Channel>(next: Next, to: Option<ReplyTo>, socket: &Socket<C>) -> Result<bool, BoxError> {
    let (reply, goes_on) = match next {
        Next::Continue => (None, true),
        Next::Reply(reply) => (Some(reply), true),
        Next::Stop => (None, false),
        Next::ReplyAndStop(reply) => (Some(reply), false),
    };
    if let (Some(reply), Some(to)) = (reply, to) {
        socket.reply(&to, &reply)?;
    }
    Ok(goes_on)
}
