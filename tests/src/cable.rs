//! A cable to a gateway that can be pulled: nothing arrives any more, and neither side is told.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use socket2::{SockFilter, SockRef};

/// `BPF_RET` with a constant (linux/filter.h): how many bytes of a segment are let in.
const RETURN: u16 = 0x06;

/// A cable for one client.
///
/// It is pulled by a filter (BPF) on the socket at the gateway's end that lets nothing in: the kernel there neither
/// acknowledges nor answers what the gateway's kernel sends. Any user may do that, on any Linux.
pub struct Cable {
    at: SocketAddr,
    pulled: Arc<AtomicBool>,
    plugging: Option<JoinHandle<TcpStream>>,
    server: Option<TcpStream>,
}

impl Cable {
    /// Waits for its client, and leads it to this address.
    ///
    /// # Panics
    /// If there is no port.
    #[must_use]
    pub fn to(gateway: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("its address");
        let pulled = Arc::<AtomicBool>::default();
        let shared = Arc::clone(&pulled);
        let plugging = std::thread::spawn(move || {
            let (client, _) = listener.accept().expect("a client");
            let server = TcpStream::connect(gateway).expect("a gateway");
            let ends = |of: &TcpStream| of.try_clone().expect("another name for a socket");
            let (up, down) = ((ends(&client), ends(&server)), (ends(&server), client));
            let none = Arc::<AtomicBool>::default();
            std::thread::spawn(move || carry(up, &shared));
            std::thread::spawn(move || carry(down, &none));
            server
        });
        Self {
            at,
            pulled,
            plugging: Some(plugging),
            server: None,
        }
    }

    /// Where its client connects.
    #[must_use]
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Pulls it, once its client has connected.
    ///
    /// # Panics
    /// If the kernel takes no filter.
    pub fn pull(&mut self) {
        self.pulled.store(true, Ordering::Release);
        let plugging = self.plugging.take().expect("it is pulled once");
        let server = plugging.join().expect("a client");
        SockRef::from(&server)
            .attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)])
            .expect("a filter on a socket of one's own: SO_ATTACH_FILTER, in every Linux kernel");
        self.server = Some(server);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            let _ = server.shutdown(Shutdown::Both);
        }
    }
}

/// Carries bytes one way until a side has gone. Those that come once it is pulled are lost.
fn carry((mut from, mut to): (TcpStream, TcpStream), pulled: &AtomicBool) {
    let mut buffer = [0; 2048];
    while let Ok(count) = from.read(&mut buffer) {
        let lost = pulled.load(Ordering::Acquire);
        if count == 0 || (!lost && to.write_all(&buffer[..count]).is_err()) {
            break;
        }
    }
    if !pulled.load(Ordering::Acquire) {
        let _ = to.shutdown(Shutdown::Both);
    }
}
