//! One client's connection, as its channels and the rest of the program see it.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use roost_runtime::Shutdown;
use tokio::net::tcp::OwnedWriteHalf;

use super::connect::Accepted;
use super::mount::Mounted;
use super::observer::Direction;
use super::outbound::{Departure, End, FAIR_BYTES, Outbound};
use super::stretch::{Load, Stretch};
use crate::endpoint::Hub;
use crate::frame::{Outgoing, PayloadError, Version, Wire, encode};
use crate::view::Inboxes;

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// By a WebSocket.
    WebSocket,
    /// By requests that wait for something to happen.
    LongPoll,
}

/// One client's connection. What a broadcast looks at lies together, behind the count of those who hold it: to send to
/// thousands is, besides what the kernel does, to wait for memory.
#[repr(C)]
pub struct Connection {
    outbound: Outbound,
    hub: Arc<Hub>,
    mounted: Arc<Mounted>,
    version: Version,
    transport: Transport,
    number: u64,
    id: Option<Box<str>>,
    assigns: Option<Arc<dyn Any + Send + Sync>>,
    views: Option<Inboxes>,
    peer: Option<SocketAddr>,
    /// Bytes of its client that are on their way to its channels.
    inboxes: Stretch,
    /// Bytes of a message that has not come as a whole.
    pub(super) coming: Stretch,
    /// Bytes that its task has taken from what waits, and the client does not take.
    pub(super) unsent: Stretch,
    /// Requested when it is given up. Only who polls has no task that would hear of it.
    given_up: Option<Shutdown>,
}

impl Connection {
    pub(super) fn new(
        hub: Arc<Hub>,
        mounted: Arc<Mounted>,
        accepted: Accepted,
        (peer, transport, version): (Option<SocketAddr>, Transport, Version),
        writing: Option<OwnedWriteHalf>,
    ) -> Arc<Self> {
        Arc::new(Self {
            number: hub.next_number(),
            id: accepted.id,
            assigns: accepted.assigns,
            views: accepted.views,
            peer,
            transport,
            version,
            mounted,
            hub,
            outbound: Outbound::new(writing),
            inboxes: Stretch::default(),
            coming: Stretch::default(),
            unsent: Stretch::default(),
            given_up: (transport == Transport::LongPoll).then(Shutdown::new),
        })
    }

    /// Its number; no two in one run of the program have the same.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What the application named it when it connected.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What the application remembered when it connected, if it is of this type.
    #[must_use]
    pub fn assigns<T: 'static>(&self) -> Option<&T> {
        self.assigns.as_deref()?.downcast_ref()
    }

    /// The address of the other end, if it is known.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// How it is connected.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The version of the protocol that it speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Where it connected to.
    #[must_use]
    pub fn mount(&self) -> &str {
        &self.mounted.path
    }

    /// Closes it with a status (RFC 6455 section 7.4), after everything that waits to be sent. Clients of the stock
    /// library come back, unless the code is 1000. `code` is one that may be sent: 1000 to 1003, 1007 to 1014, or 3000
    /// to 4999.
    pub fn close(&self, code: u16) {
        self.end(End::Close(code));
    }

    /// Cuts it without a word, as a network does.
    pub fn cut(&self) {
        self.end(End::Cut);
    }

    /// The client does not keep up.
    pub(crate) fn overflow(&self) {
        self.end(End::Overflow);
    }

    fn end(&self, end: End) {
        self.outbound.end(end, &self.hub.budget);
        if let (Some(given_up), End::Overflow | End::Cut) = (&self.given_up, end) {
            given_up.request();
        }
    }

    /// What it makes the endpoint hold, as far as it is a burden.
    pub(crate) fn load(&self, now_ms: u64) -> Load {
        [&self.inboxes, &self.coming, &self.unsent, self.outbound.waits()]
            .into_iter()
            .map(|stretch| stretch.load(now_ms))
            .sum()
    }

    /// Whether it is being hung up on.
    pub(crate) fn is_overflowing(&self) -> bool {
        self.outbound.is_given_up()
    }

    /// Requested when a client that polls is given up.
    pub(super) fn given_up(&self) -> Shutdown {
        self.given_up.clone().unwrap_or_default()
    }

    /// Where its views enter their inboxes, if it is a test's.
    pub(crate) fn views(&self) -> Option<&Inboxes> {
        self.views.as_ref()
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(super) fn mounted(&self) -> &Arc<Mounted> {
        &self.mounted
    }

    /// Sends a message.
    pub(crate) fn send(&self, message: Outgoing<'_>) -> Result<(), PayloadError> {
        let wire = encode(self.version, message)?;
        if wire.is_binary() && self.transport == Transport::LongPoll {
            return Err(PayloadError::NoBinary);
        }
        self.put(wire);
        Ok(())
    }

    /// Sends what is encoded already, at once if nothing waits and the stream takes it.
    pub(crate) fn put(&self, wire: Wire) {
        if self.may_send(&wire) {
            self.outbound.put(wire, &self.hub.limits, &self.hub.budget);
        }
    }

    /// The same, left to a lane: whether the connection is to be put on its list. If so, the caller has taken what it
    /// costs from the budget.
    pub(crate) fn post(&self, wire: Wire) -> bool {
        self.may_send(&wire) && self.outbound.post(wire, &self.hub.limits, &self.hub.budget)
    }

    /// Writes what was posted. Returns how much less waits: the caller gives it back to the budget.
    pub(crate) fn write_posted(&self) -> usize {
        self.outbound.write_posted(&self.hub.budget)
    }

    fn may_send(&self, wire: &Wire) -> bool {
        if wire.is_binary() && self.transport == Transport::LongPoll {
            // The stock client can't decode it.
            return false;
        }
        if let Some(observer) = &self.mounted.observer {
            observer.frame(self, Direction::Out, &wire.body(), wire.is_binary());
        }
        true
    }

    /// Counts what is on its way to a channel until what is returned is dropped. A client that makes its channels hold
    /// more than a little, while all together hold too much, is hung up on like one that does not keep up.
    pub(crate) fn hold(self: &Arc<Self>, bytes: usize) -> Held {
        let mut held = Held {
            connection: Arc::clone(self),
            bytes: 0,
            shared: Bytes::new(),
        };
        held.grow(bytes);
        held
    }

    pub(super) fn observe_in(&self, body: &Bytes, binary: bool) {
        if let Some(observer) = &self.mounted.observer {
            observer.frame(self, Direction::In, body, binary);
        }
    }

    /// What is next to be written. `spent` says that nothing else is being written.
    pub(super) fn poll_departure(&self, spent: bool, context: &mut Context<'_>) -> Poll<Departure> {
        self.outbound.poll_departure(spent, &self.hub.budget, context)
    }

    /// Whether it is to end without what waits; if not, its task is woken when it is.
    pub(super) fn hurry(&self, context: &mut Context<'_>) -> Option<End> {
        self.outbound.hurry(context)
    }

    /// Nothing more can be sent.
    pub(super) fn gone(&self) {
        self.outbound.gone(&self.hub.budget);
    }

    /// The rest of a message that was half written when the connection was gone.
    pub(super) fn rest(&self) -> Option<Wire> {
        self.outbound.rest()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.outbound.has_room()
    }

    pub(crate) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.outbound.poll_room(context)
    }
}

/// Bytes that are on their way to a client's channels.
#[derive(Debug)]
pub(crate) struct Held {
    connection: Arc<Connection>,
    bytes: usize,
    /// Of a broadcast: these count once for all who hold them.
    shared: Bytes,
}

impl Held {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts so many more. Whether there was room for them; if not, the connection ends.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let budget = &self.connection.hub.budget;
        let all = self.connection.inboxes.grow(bytes, budget);
        let has_room = all <= FAIR_BYTES || budget.has(bytes);
        budget.take(bytes);
        self.bytes += bytes;
        if !has_room {
            self.connection.overflow();
        }
        has_room
    }

    /// Counts those of a broadcast too, which the endpoint has counted already. Whether there was room for them; if
    /// not, the connection ends.
    pub(crate) fn share(&mut self, broadcast: &Bytes) -> bool {
        let budget = &self.connection.hub.budget;
        let all = self.connection.inboxes.grow(broadcast.len(), budget);
        let has_room = all <= FAIR_BYTES || budget.has(0);
        self.shared = broadcast.clone();
        if !has_room {
            self.connection.overflow();
        }
        has_room
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let budget = &self.connection.hub.budget;
        budget.give(self.bytes);
        self.connection
            .inboxes
            .shrink(self.bytes + self.shared.len(), budget);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("number", &self.number)
            .field("id", &self.id)
            .field("mount", &self.mounted.path)
            .finish_non_exhaustive()
    }
}
