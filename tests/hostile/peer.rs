//! A client that speaks in bytes, so that it can also speak nonsense, from an address of its own if it likes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use roost_tests::{PATIENCE, Program};
use socket2::{Domain, Socket, Type};

use crate::packets::{self, Hello};

/// A wait of somebody who has better things to do.
const BRIEFLY: Duration = Duration::from_millis(250);

pub(crate) struct Peer {
    stream: TcpStream,
    pub(crate) version: u8,
}

/// Linux serves all of 127.0.0.0/8: an attacker can have as many addresses as it likes.
pub(crate) fn another_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    Ipv4Addr::new(127, 200 + number[1] % 50, number[2], number[3].max(1))
}

pub(crate) fn dial(to: SocketAddr, from: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    if let Some(from) = from {
        socket.bind(&SocketAddr::from((from, 0)).into())?;
    }
    socket.connect_timeout(&to.into(), PATIENCE)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

pub(crate) fn port(program: &Program) -> SocketAddr {
    let (host, port) = program.mqtt();
    SocketAddr::new(host.parse().unwrap(), port)
}

impl Peer {
    /// A connection on which nothing was said yet.
    pub(crate) fn dial(program: &Program) -> Self {
        Self::dial_from(program, None)
    }

    pub(crate) fn dial_from(program: &Program, from: Option<Ipv4Addr>) -> Self {
        let stream = dial(port(program), from).unwrap();
        Self { stream, version: 4 }
    }

    /// Says hello; the CONNACK.
    pub(crate) fn hello(program: &Program, hello: &Hello<'_>) -> (Self, Vec<u8>) {
        let mut peer = Self::dial(program);
        peer.version = hello.version;
        peer.send(&packets::connect(hello));
        let answer = peer.packet().unwrap_or_default();
        (peer, answer)
    }

    /// Comes in.
    pub(crate) fn enter(program: &Program, hello: &Hello<'_>) -> Self {
        let (peer, answer) = Self::hello(program, hello);
        assert!(
            answer.len() >= 4 && answer[0] == 0x20 && answer[3] == 0,
            "{answer:x?}"
        );
        peer
    }

    /// Comes in with a clean session.
    pub(crate) fn enter_as(program: &Program, version: u8, login: (&str, &str), id: &str) -> Self {
        let hello = Hello {
            version,
            id,
            login,
            clean: true,
            ..Hello::default()
        };
        Self::enter(program, &hello)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends to somebody who may have hung up; whether it went.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// From now on a send that finds no room soon fails.
    pub(crate) fn stop_when_full(&self) {
        self.stream.set_write_timeout(Some(BRIEFLY)).unwrap();
    }

    /// From now on nothing is waited for long.
    pub(crate) fn read_briefly(&self) {
        self.stream.set_read_timeout(Some(BRIEFLY)).unwrap();
    }

    /// Whether the gateway has hung up, after a brief wait.
    pub(crate) fn has_ended(&mut self) -> bool {
        match self.stream.read(&mut [0; 16]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Says that nothing more will come.
    pub(crate) fn finish(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        match self.stream.read_exact(&mut bytes) {
            Ok(()) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("the gateway says nothing"),
            Err(_) => None,
        }
    }

    /// The next packet; `None` once the gateway has hung up.
    pub(crate) fn packet(&mut self) -> Option<Vec<u8>> {
        let mut whole = self.exactly(2)?;
        let mut length = usize::from(whole[1] & 0x7f);
        let mut shift = 7;
        while whole.last().is_some_and(|byte| byte & 0x80 != 0) {
            let byte = self.exactly(1)?[0];
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            whole.push(byte);
        }
        whole.extend(self.exactly(length)?);
        Some(whole)
    }

    /// The next packet whose first byte is this one.
    pub(crate) fn packet_of(&mut self, first: u8) -> Vec<u8> {
        loop {
            let packet = self.packet().expect("the connection lives");
            if packet[0] == first {
                return packet;
            }
        }
    }

    /// Reads to the end; the reason in the last DISCONNECT, if one came (version 5).
    pub(crate) fn farewell(&mut self) -> Option<u8> {
        let mut reason = None;
        while let Some(packet) = self.packet() {
            if packet[0] == 0xe0 {
                reason = Some(packet[2]);
            }
        }
        reason
    }

    /// Waits until the gateway has dealt with everything that was sent: it answers a ping, or has hung up. Whether it
    /// still listens.
    pub(crate) fn settled(&mut self) -> bool {
        if !self.try_send(&packets::PING) {
            return false;
        }
        loop {
            match self.packet() {
                None => return false,
                Some(packet) if packet[0] == 0xd0 => return true,
                Some(_) => {}
            }
        }
    }
}
