//! Channels: what a joined client costs, how long a broadcast takes, how soon an echo comes.

mod crowd;

use std::sync::Arc;
use std::time::{Duration, Instant};

use roost_live::channel::{Channel, Event, Join, JoinError, Next, Socket};
use roost_live::frame::{Payload, Reply};
use roost_live::socket::Mount;
use roost_runtime::BoxError;

use crate::bare::BARE;
use crate::figures::Figure;
use crate::server::Server;
use crowd::{Crowd, Talker, Waits, broadcast_bytes};

/// Clients that have joined, for the memory and the larger broadcast.
const CROWD: usize = 5_000;
/// Clients for the smaller broadcast.
const SMALL: usize = 1_000;
/// Messages of all broadcasts to one crowd together.
const MESSAGES: usize = 200_000;
/// Broadcasts before a client is weighed again.
const BUSY: usize = 20;
/// Ways to wait for them.
const WAITS: [Waits; 2] = [Waits::Asleep, Waits::Awake];
/// The topic of everybody.
const TOPIC: &str = "room:all";
/// Echoes, one after another.
const ECHOES: usize = 5_000;
/// What the server is given before and after, so that nothing else is in the figures.
const REST: Duration = Duration::from_millis(500);

/// Where the measured channels are joined.
pub(crate) fn mount() -> Mount {
    Mount::new().channel::<Room>("room:*", Arc::new(()))
}

struct Room;

impl Channel for Room {
    type Shared = ();
    type Info = ();

    async fn join(_: Join<Self>, _: Arc<()>) -> Result<(Self, Payload), JoinError> {
        Ok((Self, Payload::empty()))
    }

    async fn handle_in(&mut self, event: Event, socket: &Socket<Self>) -> Result<Next, BoxError> {
        if &*event.name == "bc" {
            socket.broadcast("bc", &event.payload)?;
            return Ok(Next::Continue);
        }
        Ok(Next::Reply(Reply::ok(event.payload)))
    }
}

/// Bytes of what everybody hears of a broadcast.
pub(crate) fn bytes() -> usize {
    broadcast_bytes(TOPIC)
}

/// What a broadcast costs.
struct Cost {
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures once; memory and echo.
pub(crate) fn clients() -> anyhow::Result<Vec<Figure>> {
    let server = Server::start()?;
    let (p50, p99) = echoes(&server)?;
    let before = server.rss()?;
    let mut crowd = Crowd::join(&server.host, TOPIC, CROWD)?;
    std::thread::sleep(REST);
    let each = |rss: u64| rss.saturating_sub(before) as f64 / CROWD as f64 / 1000.0;
    let joined = each(server.rss()?);
    let mut talker = Talker::join(&server.host, TOPIC, "bc")?;
    for _ in 0..BUSY {
        crowd.round(&mut talker, bytes(), Waits::Asleep, &mut Vec::new())?;
    }
    let busy = each(server.rss()?);
    Ok(vec![
        Figure::new(
            format!("memory of a joined client, of {CROWD}, kB"),
            joined,
            1,
            "16–30",
        ),
        Figure::new("the same after broadcasts to all of them, kB", busy, 1, "–"),
        Figure::new("echo to one client alone, half within, ms", p50, 3, "0.08–0.13"),
        Figure::new("echo to one client alone, 99 % within, ms", p99, 3, "–"),
    ])
}

/// A server and those who listen to it.
struct Side {
    server: Server,
    crowd: Crowd,
    talker: Talker,
}

/// Measures once; broadcasts, beside a bare loop that sends the same to as many.
pub(crate) fn everybody() -> anyhow::Result<Vec<Figure>> {
    const PHOENIX: [[&str; 3]; 2] = [["14.5", "8.5", "18–22"], ["–", "36", "80"]];
    let mut figures = Vec::new();
    for (count, phoenix) in [SMALL, CROWD].into_iter().zip(PHOENIX) {
        // One after the other: the sockets of both together would not fit into the same caches.
        let ours = roost(count)?.broadcasts()?;
        let bare = bare(count)?.broadcasts()?;
        for (at, (waits, phoenix)) in WAITS.into_iter().zip([phoenix, ["–"; 3]]).enumerate() {
            let (ours, bare) = (&ours[at], &bare[at]);
            let figure = |what: &str, ours, bare, phoenix| Figure {
                bare: Some(bare),
                ..Figure::new(format!("to {count} {waits}: {what}"), ours, 1, phoenix)
            };
            figures.extend([
                figure("CPU for each delivery, µs", ours.cpu_us, bare.cpu_us, phoenix[0]),
                figure("half have it within, ms", ours.p50_ms, bare.p50_ms, phoenix[1]),
                figure("99 % have it within, ms", ours.p99_ms, bare.p99_ms, phoenix[2]),
            ]);
        }
    }
    Ok(figures)
}

fn roost(count: usize) -> anyhow::Result<Side> {
    let server = Server::start()?;
    Ok(Side {
        crowd: Crowd::join(&server.host, TOPIC, count)?,
        talker: Talker::join(&server.host, TOPIC, "bc")?,
        server,
    })
}

fn bare(count: usize) -> anyhow::Result<Side> {
    let server = Server::start_as(&[BARE, &count.to_string(), &bytes().to_string()])?;
    // The first to connect is who talks.
    let talker = Talker::bare(&server.host)?;
    Ok(Side {
        crowd: Crowd::bare(&server.host, count)?,
        talker,
        server,
    })
}

impl Side {
    /// What broadcasts cost, in the order of [`WAITS`].
    fn broadcasts(mut self) -> anyhow::Result<Vec<Cost>> {
        WAITS.into_iter().map(|waits| self.cost(waits)).collect()
    }

    fn cost(&mut self, waits: Waits) -> anyhow::Result<Cost> {
        let rounds = MESSAGES / self.crowd.len();
        let mut times = Vec::with_capacity(MESSAGES);
        for _ in 0..rounds / 10 {
            self.crowd.round(&mut self.talker, bytes(), waits, &mut times)?;
        }
        times.clear();
        std::thread::sleep(REST);
        let cpu = self.server.cpu_s()?;
        for _ in 0..rounds {
            self.crowd.round(&mut self.talker, bytes(), waits, &mut times)?;
        }
        let cpu = self.server.cpu_s()? - cpu;
        Ok(Cost {
            cpu_us: cpu * 1e6 / times.len() as f64,
            p50_ms: quantile_ms(&mut times, 0.5),
            p99_ms: quantile_ms(&mut times, 0.99),
        })
    }
}

fn echoes(server: &Server) -> anyhow::Result<(f64, f64)> {
    let mut talker = Talker::join(&server.host, "room:echo", "echo")?;
    let mut times = Vec::with_capacity(ECHOES);
    for round in 0..ECHOES + ECHOES / 10 {
        let start = Instant::now();
        talker.say()?;
        talker.hear()?;
        // The first ones warm it up.
        if round >= ECHOES / 10 {
            times.push(start.elapsed());
        }
    }
    Ok((quantile_ms(&mut times, 0.5), quantile_ms(&mut times, 0.99)))
}

fn quantile_ms(times: &mut [Duration], quantile: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() - 1) as f64 * quantile) as usize;
    times[at].as_secs_f64() * 1000.0
}
