//! The handshake: its computing takes turns, so that a storm of newcomers does not starve those who are in.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::TlsStream;
use crate::stats::{BrokerStats, Gauge};
use crate::wire::with_scratch;

/// The turns: at most half of the processors compute handshakes at a time. The others wait in a queue that is counted
/// in [`BrokerStats::handshakes_waiting`], in the order in which their clients spoke; a silent client waits nowhere.
#[derive(Debug)]
pub(crate) struct Handshakes {
    turns: Semaphore,
    stats: Arc<BrokerStats>,
}

impl Handshakes {
    pub(crate) fn new(stats: Arc<BrokerStats>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            turns: Semaphore::new((processors / 2).max(1)),
            stats,
        }
    }

    /// Waits for the client to say what it has to, and answers.
    ///
    /// # Errors
    /// What the socket says, or [`ErrorKind::InvalidData`] for what is no TLS or not acceptable.
    pub(crate) async fn shake(
        &self,
        socket: TcpStream,
        config: Arc<ServerConfig>,
    ) -> io::Result<Box<TlsStream>> {
        let mut stream = Box::new(TlsStream::new(socket, config)?);
        while stream.is_handshaking() {
            std::future::poll_fn(|context| stream.poll_readable(context)).await?;
            let _turn = self.turn().await?;
            match with_scratch(|scratch| stream.take_in(scratch)) {
                Ok(()) if stream.has_ended() => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(stream)
    }

    async fn turn(&self) -> io::Result<tokio::sync::SemaphorePermit<'_>> {
        let _waiting = Gauge::new(&self.stats.handshakes_waiting);
        self.turns.acquire().await.map_err(io::Error::other)
    }
}
