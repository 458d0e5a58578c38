//! Measurements of the live engine, written to `docs/benchmarks.md` between marks of their own.

mod bare;
mod channels;
mod figures;
mod machine;
mod pages;
mod server;
mod viewer;
mod views;

use std::io::Write as _;

use anyhow::Context as _;

use bare::BARE;
use figures::table;
use server::{SERVE, Server};

/// The page of all figures.
const PAGE: &str = "docs/benchmarks.md";
/// What is between these lines is this program's.
const MARKS: [&str; 2] = ["<!-- live -->", "<!-- /live -->"];

/// The argument by which channels alone are measured, once, and nothing is written down.
const CHANNELS: &str = "channels";
/// How often everything is measured. The figures are medians.
const RUNS: usize = 3;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(SERVE) => return server::serve().await,
        Some(BARE) => return bare::serve(&arguments[1..]),
        Some(CHANNELS) => return print_channels(),
        _ => {}
    }
    let (mut clients, mut broadcasts, mut views) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        // A server of its own for each: what one leaves behind is not the other's.
        clients.push(channels::clients()?);
        broadcasts.push(channels::everybody()?);
        let mut figures = views::run(&Server::start()?).await?;
        figures.push(views::tables(&Server::start()?).await?);
        views.push(figures);
    }
    let text = section(&[table(&clients), table(&broadcasts), table(&views)]);
    std::io::stdout().write_all(text.as_bytes())?;
    let page = std::fs::read_to_string(PAGE).context(PAGE)?;
    std::fs::write(PAGE, replaced(&page, &text)).context(PAGE)
}

fn print_channels() -> anyhow::Result<()> {
    let mut text = table(&[channels::clients()?]);
    text += &table(&[channels::everybody()?]);
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn section([clients, broadcasts, views]: &[String; 3]) -> String {
    format!(
        "## Channels and live views\n\n{}. Roost {}. kB are 1,000 bytes.\n\
         The server is a process of its own, the clients are another on the same machine. Beside it the figures of\n\
         Phoenix 1.8 with LiveView 1.2, measured on a quiet machine of the same kind. Medians of {RUNS} runs, in\n\
         brackets the lowest and the highest.\n\nChannels.\n\n{clients}\n\
         Broadcasts of {} bytes. Beside Roost a loop of `send` that sends as many bytes to as many sockets and does\n\
         nothing else: what the kernel takes. The clients are one thread on the same two cores. Asleep they wait as\n\
         programs do, and whoever sends has to wake them: these are the figures to compare with those of Phoenix.\n\
         Awake they look without a pause, and nobody has to wake them.\n\n{broadcasts}\n\
         500 live views, each with 50 values that all change once a second; and a table that is a stream.\n\n{views}",
        machine::describe(),
        env!("CARGO_PKG_VERSION"),
        channels::bytes(),
    )
}

/// The page with this program's part replaced, or added at its end.
fn replaced(page: &str, text: &str) -> String {
    let [start, end] = MARKS;
    let part = format!("{start}\n{text}{end}");
    match (page.split_once(start), page.split_once(end)) {
        (Some((before, _)), Some((_, after))) => format!("{before}{part}{after}"),
        _ => format!("{}\n\n{part}\n", page.trim_end()),
    }
}
