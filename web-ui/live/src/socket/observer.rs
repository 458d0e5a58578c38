//! Somebody who watches a mount: every connection, every message in both directions, as they are on the wire.

use std::fmt;

use bytes::Bytes;

use super::{Connect, Connection};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    In,
    /// To the client.
    Out,
}

/// Somebody who watches a mount. Called where the message passes, so it must be quick.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// A client has asked to connect.
    fn connect(&self, connect: &Connect);

    /// A message, as it is on the wire; `binary` says which kind of frame carries it.
    fn frame(&self, connection: &Connection, direction: Direction, body: &Bytes, binary: bool);
}
