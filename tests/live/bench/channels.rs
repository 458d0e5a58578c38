//! Channels: what a joined client costs, how long a broadcast takes, how soon an echo comes.

mod crowd;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use roost_live::channel::{Channel, Event, Join, JoinError, Next, Socket};
use roost_live::frame::{Payload, Reply};
use roost_live::socket::Mount;
use roost_runtime::BoxError;

use crate::server::Server;
use crowd::{Crowd, Talker};

/// Clients that have joined, for the memory and the larger broadcast.
const CROWD: usize = 5_000;
/// Clients for the smaller broadcast.
const SMALL: usize = 1_000;
/// Broadcasts to each.
const ROUNDS: usize = 100;
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

/// What a broadcast costs.
struct Cost {
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures; the lines of the table.
pub(crate) async fn run(server: &Server) -> anyhow::Result<Vec<String>> {
    let (echo_p50, echo_p99) = echoes(server).await?;
    let before = server.rss()?;
    let mut all = Crowd::join(server, "room:all", CROWD).await?;
    tokio::time::sleep(REST).await;
    let each = (server.rss()?.saturating_sub(before)) as f64 / CROWD as f64 / 1000.0;
    let everybody = broadcasts(server, &mut all, "room:all", CROWD).await?;
    let busy = (server.rss()?.saturating_sub(before)) as f64 / CROWD as f64 / 1000.0;
    drop(all);
    tokio::time::sleep(4 * REST).await;
    let mut small = Crowd::join(server, "room:small", SMALL).await?;
    let thousand = broadcasts(server, &mut small, "room:small", SMALL).await?;
    let line = |what: &str, figure: String, phoenix: &str| format!("| {what} | {figure} | {phoenix} |");
    let mut lines = vec![line(
        &format!("memory of a joined client, of {CROWD}"),
        format!("{each:.1} kB"),
        "16–30 kB",
    )];
    lines.push(line(
        "the same after the broadcasts",
        format!("{busy:.1} kB"),
        "–",
    ));
    for (count, cost, phoenix) in [
        (SMALL, thousand, ["14.5 µs", "8.5 ms", "18–22 ms"]),
        (CROWD, everybody, ["–", "36 ms", "80 ms"]),
    ] {
        lines.extend([
            line(
                &format!("broadcast to {count}: CPU for each delivery"),
                format!("{:.2} µs", cost.cpu_us),
                phoenix[0],
            ),
            line(
                &format!("broadcast to {count}: half have it within"),
                format!("{:.1} ms", cost.p50_ms),
                phoenix[1],
            ),
            line(
                &format!("broadcast to {count}: 99 % have it within"),
                format!("{:.1} ms", cost.p99_ms),
                phoenix[2],
            ),
        ]);
    }
    lines.push(line(
        "echo, one client alone: p50 (p99)",
        format!("{echo_p50:.3} ms ({echo_p99:.3} ms)"),
        "0.08–0.13 ms",
    ));
    Ok(lines)
}

async fn echoes(server: &Server) -> anyhow::Result<(f64, f64)> {
    let mut talker = Talker::join(server, "room:echo").await?;
    let mut times = Vec::with_capacity(ECHOES);
    for round in 0..ECHOES + ECHOES / 10 {
        let start = Instant::now();
        talker.say("room:echo", "echo").await?;
        talker.hear().await?;
        // The first ones warm it up.
        if round >= ECHOES / 10 {
            times.push(start.elapsed());
        }
    }
    Ok((quantile_ms(&mut times, 0.5), quantile_ms(&mut times, 0.99)))
}

async fn broadcasts(server: &Server, crowd: &mut Crowd, topic: &str, count: usize) -> anyhow::Result<Cost> {
    let mut talker = Talker::join(server, topic).await?;
    let mut times = Vec::with_capacity(ROUNDS * count);
    for _ in 0..ROUNDS / 10 {
        crowd.round(&mut talker, topic).await?;
    }
    tokio::time::sleep(REST).await;
    let cpu = server.cpu_s()?;
    for _ in 0..ROUNDS {
        let round = crowd.round(&mut talker, topic).await?;
        ensure!(round.len() == count, "{} of {count} heard it", round.len());
        times.extend(round);
    }
    let cpu = server.cpu_s()? - cpu;
    Ok(Cost {
        cpu_us: cpu * 1e6 / (ROUNDS * count) as f64,
        p50_ms: quantile_ms(&mut times, 0.5),
        p99_ms: quantile_ms(&mut times, 0.99),
    })
}

fn quantile_ms(times: &mut [Duration], quantile: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() - 1) as f64 * quantile) as usize;
    times[at].as_secs_f64() * 1000.0
}
