//! A crowd of clients on one thread: one wait for all of them, nothing allocated for a message.
//!
//! A load must cost less than what it loads, or it measures itself.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};

use super::packets::{self, CONNACK, Packet, SUBACK};

/// Bytes read at a time.
const READ_BYTES: usize = 64 << 10;
/// Events that one wait gives at most.
const EVENTS: usize = 4096;
/// Handshakes under way at a time; mosquitto's listener holds 100.
const HANDSHAKES: usize = 64;
/// Addresses that clients come from: each has its own range of ports.
const SOURCES: usize = 8;
/// Bytes that the kernel holds of what a client has sent and the peer has not taken.
const SEND_BYTES: usize = 64 << 10;
/// Longest wait for anything that has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is done with packets that come.
pub(super) trait Play {
    /// A packet of this client; what is put into `out` is sent.
    fn packet(
        &mut self,
        client: usize,
        packet: Packet<'_>,
        now_us: u64,
        out: &mut Vec<u8>,
    ) -> anyhow::Result<()>;
}

struct Client {
    stream: TcpStream,
    /// The beginning of a packet.
    read: Vec<u8>,
    /// What the socket did not take.
    out: Vec<u8>,
}

/// The clients.
pub(super) struct Crowd {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    scratch: Vec<u8>,
    answers: Vec<u8>,
    begin: Instant,
}

impl Crowd {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            clients: Vec::new(),
            scratch: vec![0; READ_BYTES],
            answers: Vec::new(),
            begin: Instant::now(),
        })
    }

    /// Microseconds since the crowd came together.
    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Connects as many clients as there are CONNECTs, and says how long that took, CONNACKs included.
    pub(super) fn connect(&mut self, to: SocketAddr, connects: &[Vec<u8>]) -> anyhow::Result<Duration> {
        let (begin, first) = (Instant::now(), self.len());
        let mut accepted = Answers {
            kind: CONNACK,
            count: 0,
        };
        while accepted.count < connects.len() {
            let started = self.len() - first;
            let more = (accepted.count + HANDSHAKES).min(connects.len());
            for connect in connects.get(started..more).unwrap_or_default() {
                self.dial(to, connect)?;
            }
            self.turn(Some(PATIENCE), &mut accepted)?;
            ensure!(
                begin.elapsed() < PATIENCE,
                "{} of {} were let in",
                accepted.count,
                connects.len()
            );
        }
        Ok(begin.elapsed())
    }

    /// Begins a connection; its CONNECT leaves when it is established.
    fn dial(&mut self, to: SocketAddr, connect: &[u8]) -> anyhow::Result<()> {
        let index = self.len();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        let source = 2 + u8::try_from(index % SOURCES)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, source), 0)).into())?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_send_buffer_size(SEND_BYTES)?;
        match socket.connect(&to.into()) {
            Ok(()) => {}
            // EINPROGRESS, 115 on Linux.
            Err(error) if error.raw_os_error() == Some(115) => {}
            Err(error) => return Err(error).context("connect"),
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.poll
            .registry()
            .register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        self.clients.push(Client {
            stream,
            read: Vec::new(),
            out: connect.to_vec(),
        });
        Ok(())
    }

    /// Subscribes clients, each to one filter, and waits for all answers.
    pub(super) fn subscribe(&mut self, wanted: &[(usize, String)], qos: u8) -> anyhow::Result<()> {
        let mut answers = Answers {
            kind: SUBACK,
            count: 0,
        };
        let mut sent = 0;
        while answers.count < wanted.len() {
            for (client, filter) in wanted.iter().take(answers.count + HANDSHAKES).skip(sent) {
                self.send(*client, &packets::subscribe(filter, qos))?;
                sent += 1;
            }
            self.turn(Some(PATIENCE), &mut answers)?;
        }
        Ok(())
    }

    /// Sends bytes of a client now, as far as its socket takes them; the rest as soon as it does.
    pub(super) fn send(&mut self, client: usize, bytes: &[u8]) -> anyhow::Result<()> {
        let client = &mut self.clients[client];
        let mut sent = 0;
        if client.out.is_empty() {
            match client.stream.write(bytes) {
                Ok(count) => sent = count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("a client was hung up on"),
            }
        }
        client.out.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    /// Whether bytes of a client wait for its socket.
    pub(super) fn is_blocked(&self, client: usize) -> bool {
        !self.clients[client].out.is_empty()
    }

    /// Waits for events, at most so long, and handles them. Nothing to handle in vain is an error only if it was all
    /// the time that somebody may take.
    pub(super) fn turn(&mut self, patience: Option<Duration>, play: &mut impl Play) -> anyhow::Result<()> {
        match self.poll.poll(&mut self.events, patience) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        if self.events.is_empty() && patience == Some(PATIENCE) {
            bail!("nothing came for {PATIENCE:?}");
        }
        let now_us = u64::try_from(self.begin.elapsed().as_micros())?;
        for event in &self.events {
            let index = event.token().0;
            let client = &mut self.clients[index];
            if event.is_writable() {
                client.flush()?;
            }
            if event.is_readable() {
                let (scratch, answers) = (&mut self.scratch, &mut self.answers);
                client
                    .read(scratch, |packet| play.packet(index, packet, now_us, answers))
                    .with_context(|| format!("client {index}"))?;
                if !answers.is_empty() {
                    client.out.append(answers);
                    client.flush()?;
                }
            }
        }
        Ok(())
    }
}

impl Client {
    fn flush(&mut self) -> anyhow::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        match self.stream.write(&self.out) {
            Ok(count) => {
                self.out.drain(..count);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => Ok(()),
            Err(error) => Err(error).context("a client was hung up on"),
        }
    }

    /// Reads all that is there, and hands on every complete packet.
    fn read(
        &mut self,
        scratch: &mut [u8],
        mut handle: impl FnMut(Packet<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        loop {
            let count = match self.stream.read(scratch) {
                Ok(0) => bail!("it was hung up on"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let fresh = &scratch[..count];
            if self.read.is_empty() {
                let used = each(fresh, &mut handle)?;
                self.read.extend_from_slice(&fresh[used..]);
            } else {
                self.read.extend_from_slice(fresh);
                let used = each(&self.read, &mut handle)?;
                self.read.drain(..used);
            }
            if count < scratch.len() {
                return Ok(());
            }
        }
    }
}

fn each(bytes: &[u8], handle: &mut impl FnMut(Packet<'_>) -> anyhow::Result<()>) -> anyhow::Result<usize> {
    let mut used = 0;
    while let Some((packet, length)) = packets::first(&bytes[used..]) {
        used += length;
        handle(packet)?;
    }
    Ok(used)
}

/// Counts answers of one kind; any that refuses is an error.
struct Answers {
    kind: u8,
    count: usize,
}

impl Play for Answers {
    fn packet(
        &mut self,
        client: usize,
        packet: Packet<'_>,
        _now_us: u64,
        _out: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        let refused = packet.rest.last().is_none_or(|last| last & 0x80 != 0)
            || (packet.kind == CONNACK && packet.rest.get(1) != Some(&0));
        ensure!(
            packet.kind == self.kind && !refused,
            "client {client} got {packet:02x?}"
        );
        self.count += 1;
        Ok(())
    }
}
