//! A TCP proxy that cuts connections at moments that a seed chooses, in the middle of whatever is on its way.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How often a thread looks whether it is over.
const GLANCE: Duration = Duration::from_millis(20);

#[derive(Debug)]
struct State {
    to: SocketAddr,
    /// Largest number of bytes that a connection carries in one direction before it is cut.
    most: usize,
    over: AtomicBool,
    cuts: AtomicUsize,
}

/// The proxy. Dropping it ends it.
pub struct Cutter {
    state: Arc<State>,
    at: SocketAddr,
}

impl Cutter {
    /// Listens on the loopback address and cuts each connection after up to `most` bytes in one of its directions.
    ///
    /// # Panics
    /// If there is no port.
    #[must_use]
    pub fn new(to: SocketAddr, seed: u64, most: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("its address");
        listener
            .set_nonblocking(true)
            .expect("a listener that can be asked");
        let state = Arc::new(State {
            to,
            most,
            over: AtomicBool::new(false),
            cuts: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || accept(&shared, &listener, fastrand::Rng::with_seed(seed)));
        Self { state, at }
    }

    /// Where clients connect.
    #[must_use]
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// How many connections were cut so far.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
    }
}

fn accept(state: &Arc<State>, listener: &TcpListener, mut random: fastrand::Rng) {
    while !state.over.load(Ordering::Relaxed) {
        let Ok((client, _)) = listener.accept() else {
            std::thread::sleep(GLANCE / 10);
            continue;
        };
        // A gateway that is away is a connection that is cut at once.
        let Ok(server) = TcpStream::connect(state.to) else {
            continue;
        };
        let pair = Arc::new((client, server));
        for upwards in [true, false] {
            let (state, pair) = (Arc::clone(state), Arc::clone(&pair));
            let room = random.usize(1..=state.most);
            std::thread::spawn(move || {
                let (client, server) = &*pair;
                let (from, to) = if upwards {
                    (client, server)
                } else {
                    (server, client)
                };
                carry(&state, from, to, room);
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.shutdown(Shutdown::Both);
            });
        }
    }
}

/// Carries bytes one way until a side has gone, or `room` is used up: then the rest of what was read never arrives.
fn carry(state: &State, mut from: &TcpStream, mut to: &TcpStream, mut room: usize) {
    let _ = from.set_nonblocking(false);
    let _ = from.set_read_timeout(Some(GLANCE));
    let mut buffer = [0; 2048];
    while !state.over.load(Ordering::Relaxed) {
        let count = match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => return,
        };
        let cut = count > room;
        let carried = if cut { room } else { count };
        if to.write_all(&buffer[..carried]).is_err() {
            return;
        }
        if cut {
            state.cuts.fetch_add(1, Ordering::Relaxed);
            return;
        }
        room -= count;
    }
}
