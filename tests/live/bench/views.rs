//! Live views: what a change costs, and what an open page holds.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::figures::Figure;
use crate::pages::ROWS;
use crate::server::Server;
use crate::viewer::Viewer;

/// Pages open at once.
const VIEWERS: usize = 500;
/// Pages with the big table open at once: so many that what the first ones leave free does not hide them.
const TABLES: usize = 500;
/// Opened at once while the crowd arrives.
const AT_ONCE: usize = 10;
/// How long diffs are counted.
const COUNTED: Duration = Duration::from_secs(20);
/// Opened and closed before, so that what the process needs once is not counted.
const WARM_UP: usize = 20;

async fn open(host: &str, path: &str, count: usize) -> anyhow::Result<Vec<Viewer>> {
    let mut viewers = Vec::with_capacity(count);
    while viewers.len() < count {
        let some = (0..AT_ONCE.min(count - viewers.len())).map(|_| Viewer::open(host, path));
        for viewer in futures_util::future::join_all(some).await {
            viewers.push(viewer?);
        }
    }
    Ok(viewers)
}

/// What a viewer heard.
#[derive(Default)]
struct Heard {
    diffs: u64,
    bytes: u64,
}

async fn count(mut viewer: Viewer, until: Instant) -> anyhow::Result<(Viewer, Heard)> {
    let mut heard = Heard::default();
    let until = tokio::time::Instant::from_std(until);
    while let Ok(bytes) = tokio::time::timeout_at(until, viewer.hear()).await {
        heard.diffs += 1;
        heard.bytes += bytes? as u64;
    }
    Ok((viewer, heard))
}

/// Measures changing values; the rows of the table.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) async fn run(server: &Server) -> anyhow::Result<Vec<Figure>> {
    drop(open(&server.host, "/values", WARM_UP).await?);
    let empty = server.rss()?;
    let viewers = open(&server.host, "/values", VIEWERS).await?;
    let join_bytes = viewers.first().map_or(0, |viewer| viewer.join_bytes);

    let cpu = server.cpu_s()?;
    let until = Instant::now() + COUNTED;
    let mut counting = JoinSet::new();
    for viewer in viewers {
        counting.spawn(count(viewer, until));
    }
    let (mut total, mut viewers) = (Heard::default(), Vec::new());
    while let Some(done) = counting.join_next().await {
        let (viewer, heard) = done??;
        total.diffs += heard.diffs;
        total.bytes += heard.bytes;
        viewers.push(viewer);
    }
    let cpu = server.cpu_s()? - cpu;
    let full = server.rss()?;
    anyhow::ensure!(
        total.diffs as f64 > 0.9 * VIEWERS as f64 * COUNTED.as_secs_f64(),
        "{} diffs are too few: the loader or the server did not keep up",
        total.diffs
    );
    drop(viewers);
    Ok(vec![
        Figure::new(
            "CPU per diff of 50 values, ms",
            cpu * 1000.0 / total.diffs as f64,
            4,
            "0.35",
        ),
        Figure::new(
            "bytes per diff",
            total.bytes as f64 / total.diffs as f64,
            0,
            "999",
        ),
        Figure::new(
            "bytes of the first render over the socket",
            join_bytes as f64,
            0,
            "1,646",
        ),
        Figure::new(
            "memory per open view, kB",
            full.saturating_sub(empty) as f64 / 1000.0 / VIEWERS as f64,
            1,
            "330",
        ),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) async fn tables(server: &Server) -> anyhow::Result<Figure> {
    drop(open(&server.host, "/table", WARM_UP).await?);
    let empty = server.rss()?;
    let viewers = open(&server.host, "/table", TABLES).await?;
    let full = server.rss()?;
    let each = full.saturating_sub(empty) as f64 / 1000.0 / viewers.len() as f64;
    Ok(Figure::new(
        format!("memory per viewer of a table of {ROWS} rows, kB"),
        each,
        1,
        "5,100 (reported)",
    ))
}
