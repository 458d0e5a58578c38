//! The measuring side: thousands of clients that cost next to nothing themselves, so that the server is what is
//! measured.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::server::Server;

/// Longest answer to a handshake that is looked at.
const HEAD: usize = 1024;
/// What takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// Says nothing new: what the official client puts into a frame of its own.
const NOTE: &str = r#"{"text":"the quick brown fox jumps over the lazy dog","n":12345}"#;

/// Opens a WebSocket and joins a topic.
async fn open(host: &str, topic: &str) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nhost: {host}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(head.len() < HEAD, "no handshake");
        head.push(stream.read_u8().await?);
    }
    ensure!(
        head.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    stream
        .write_all(&frame(&format!(r#"["1","1","{topic}","phx_join",{{}}]"#)))
        .await?;
    skip(&mut stream).await?;
    Ok(stream)
}

/// A frame of text under a mask of zeros, of 126 to 65,535 bytes or shorter.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    if text.len() < 126 {
        frame.push(0x80 | text.len() as u8);
    } else {
        frame.push(0x80 | 126);
        frame.extend((text.len() as u16).to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// Reads one frame of the server.
async fn skip(stream: &mut TcpStream) -> anyhow::Result<()> {
    let mut bytes = [0; 512];
    let head = stream.read(&mut bytes).await?;
    ensure!(head >= 4, "a whole frame at once");
    let length = match bytes[1] {
        126 => usize::from(u16::from_be_bytes([bytes[2], bytes[3]])) + 4,
        short => usize::from(short) + 2,
    };
    ensure!(length == head, "one frame of {length} bytes, and not {head}");
    Ok(())
}

/// A client that talks.
pub(super) struct Talker {
    stream: TcpStream,
}

impl Talker {
    pub(super) async fn join(server: &Server, topic: &str) -> anyhow::Result<Self> {
        Ok(Self {
            stream: open(&server.host, topic).await?,
        })
    }

    pub(super) async fn say(&mut self, topic: &str, event: &str) -> anyhow::Result<()> {
        let text = format!(r#"["1","2","{topic}","{event}",{NOTE}]"#);
        Ok(self.stream.write_all(&frame(&text)).await?)
    }

    pub(super) async fn hear(&mut self) -> anyhow::Result<()> {
        skip(&mut self.stream).await
    }
}

/// Clients that listen.
pub(super) struct Crowd {
    clients: Vec<JoinHandle<()>>,
    heard: mpsc::UnboundedReceiver<Instant>,
}

impl Crowd {
    pub(super) async fn join(server: &Server, topic: &str, count: usize) -> anyhow::Result<Self> {
        let (sender, heard) = mpsc::unbounded_channel();
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = open(&server.host, topic).await?;
            let sender = sender.clone();
            clients.push(tokio::spawn(async move {
                while skip(&mut stream).await.is_ok() {
                    if sender.send(Instant::now()).is_err() {
                        return;
                    }
                }
            }));
        }
        Ok(Self { clients, heard })
    }

    /// One broadcast: how long it took to each.
    pub(super) async fn round(&mut self, talker: &mut Talker, topic: &str) -> anyhow::Result<Vec<Duration>> {
        let start = Instant::now();
        talker.say(topic, "bc").await?;
        let mut times = Vec::with_capacity(self.clients.len());
        while times.len() < self.clients.len() {
            match tokio::time::timeout(PATIENCE, self.heard.recv()).await? {
                Some(heard) => times.push(heard - start),
                None => bail!("all clients are gone"),
            }
        }
        talker.hear().await?;
        Ok(times)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.clients.iter().for_each(JoinHandle::abort);
    }
}
