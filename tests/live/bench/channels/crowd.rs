//! The measuring side: thousands of clients that cost next to nothing themselves, so that the server is what is
//! measured. One thread, one read for each message, and of that no more than its length is looked at.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::ensure;
use mio::{Events, Interest, Poll, Token};

/// Longest answer to a handshake that is looked at.
const HEAD: usize = 1024;
/// What takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// Events taken from the kernel at once.
const EVENTS: usize = 256;
/// Says nothing new: what the official client puts into a frame of its own.
const NOTE: &str = r#"{"text":"the quick brown fox jumps over the lazy dog","n":12345}"#;

/// How clients wait for what they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// They sleep until something comes, as programs do.
    Asleep,
    /// They look again and again: nobody has to wake them.
    Awake,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asleep => "asleep",
            Self::Awake => "awake",
        })
    }
}

fn connect(host: &str) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Opens a WebSocket and joins a topic.
fn open(host: &str, topic: &str) -> anyhow::Result<TcpStream> {
    let mut stream = connect(host)?;
    let request = format!(
        "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nhost: {host}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let (mut head, mut length) = ([0; HEAD], 0);
    while !head[..length].ends_with(b"\r\n\r\n") {
        ensure!(length < HEAD, "no handshake");
        // Nothing follows it before the join.
        let read = stream.read(&mut head[length..])?;
        ensure!(read > 0, "no handshake");
        length += read;
    }
    ensure!(
        head.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&head[..length])
    );
    stream.write_all(&frame(
        &format!(r#"["1","1","{topic}","phx_join",{{}}]"#),
        Some([0; 4]),
    ))?;
    ensure!(hear(&mut stream)? > 0, "no answer to the join");
    Ok(stream)
}

/// A frame of text, of 65,535 bytes at most.
fn frame(text: &str, mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![0x81];
    if text.len() < 126 {
        frame.push(masked | text.len() as u8);
    } else {
        frame.push(masked | 126);
        frame.extend((text.len() as u16).to_be_bytes());
    }
    frame.extend(mask.into_iter().flatten());
    frame.extend(text.as_bytes());
    frame
}

fn hear(stream: &mut TcpStream) -> anyhow::Result<usize> {
    Ok(stream.read(&mut [0; 512])?)
}

/// Bytes of what everybody on a topic hears when the talker says something to all.
pub(super) fn broadcast_bytes(topic: &str) -> usize {
    frame(&format!(r#"[null,null,"{topic}","bc",{NOTE}]"#), None).len()
}

/// A client that talks.
pub(super) struct Talker {
    stream: TcpStream,
    says: Vec<u8>,
}

impl Talker {
    /// One that says `event` on a topic.
    pub(super) fn join(host: &str, topic: &str, event: &str) -> anyhow::Result<Self> {
        Ok(Self {
            stream: open(host, topic)?,
            says: frame(&format!(r#"["1","2","{topic}","{event}",{NOTE}]"#), Some([0; 4])),
        })
    }

    /// One that makes a bare loop send.
    pub(super) fn bare(host: &str) -> anyhow::Result<Self> {
        Ok(Self {
            stream: connect(host)?,
            says: vec![1],
        })
    }

    pub(super) fn say(&mut self) -> anyhow::Result<()> {
        Ok(self.stream.write_all(&self.says)?)
    }

    pub(super) fn hear(&mut self) -> anyhow::Result<()> {
        ensure!(hear(&mut self.stream)? > 0, "the server has hung up");
        Ok(())
    }
}

/// Clients that listen.
pub(super) struct Crowd {
    poll: Poll,
    events: Events,
    clients: Vec<mio::net::TcpStream>,
}

impl Crowd {
    /// Clients that have joined a topic.
    pub(super) fn join(host: &str, topic: &str, count: usize) -> anyhow::Result<Self> {
        Self::of((0..count).map(|_| open(host, topic)))
    }

    /// Clients of a bare loop.
    pub(super) fn bare(host: &str, count: usize) -> anyhow::Result<Self> {
        Self::of((0..count).map(|_| connect(host)))
    }

    fn of(streams: impl Iterator<Item = anyhow::Result<TcpStream>>) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let mut clients = Vec::new();
        for (number, stream) in streams.enumerate() {
            let stream = stream?;
            stream.set_nonblocking(true)?;
            let mut client = mio::net::TcpStream::from_std(stream);
            poll.registry()
                .register(&mut client, Token(number), Interest::READABLE)?;
            clients.push(client);
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            clients,
        })
    }

    /// How many they are.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// One broadcast of so many bytes: adds how long it took to each.
    pub(super) fn round(
        &mut self,
        talker: &mut Talker,
        bytes: usize,
        waits: Waits,
        times: &mut Vec<Duration>,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        talker.say()?;
        let timeout = match waits {
            Waits::Asleep => PATIENCE,
            Waits::Awake => Duration::ZERO,
        };
        let mut missing = self.clients.len();
        let mut buffer = [0; 512];
        while missing > 0 {
            self.poll.poll(&mut self.events, Some(timeout))?;
            ensure!(start.elapsed() < PATIENCE, "{missing} have heard nothing");
            for event in &self.events {
                let read = self.clients[event.token().0].read(&mut buffer)?;
                ensure!(read == bytes, "{read} bytes instead of {bytes}");
                times.push(start.elapsed());
                missing -= 1;
            }
        }
        talker.hear()
    }
}
