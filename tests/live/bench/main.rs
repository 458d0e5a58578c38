//! Measurements of the live engine, written to `docs/benchmarks.md` between marks of their own.

mod channels;
mod machine;
mod pages;
mod server;
mod viewer;
mod views;

use std::io::Write as _;

use anyhow::Context as _;

use server::{SERVE, Server};

/// The page of all figures.
const PAGE: &str = "docs/benchmarks.md";
/// What is between these lines is this program's.
const MARKS: [&str; 2] = ["<!-- live -->", "<!-- /live -->"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some(SERVE) {
        return server::serve().await;
    }
    // A server of its own for each: what one leaves behind is not the other's.
    let channels = channels::run(&Server::start()?).await?;
    let mut views = views::run(&Server::start()?).await?;
    views.push(views::tables(&Server::start()?).await?);
    let text = section(&channels, &views);
    std::io::stdout().write_all(text.as_bytes())?;
    let page = std::fs::read_to_string(PAGE).context(PAGE)?;
    std::fs::write(PAGE, replaced(&page, &text)).context(PAGE)
}

fn section(channels: &[String], views: &[String]) -> String {
    let mut text = format!(
        "## {}\n\n{}. Roost {}. kB are 1,000 bytes.\n\
         The server is a process of its own, the clients are another on the same machine. Beside it the figures of\n\
         Phoenix 1.8 with LiveView 1.2, measured on a quiet machine of the same kind.\n",
        if channels.is_empty() {
            "Live views"
        } else {
            "Channels and live views"
        },
        machine::describe(),
        env!("CARGO_PKG_VERSION"),
    );
    let tables = [
        ("Channels.", channels),
        (
            "500 live views, each with 50 values that all change once a second; and a table that is a stream.",
            views,
        ),
    ];
    for (about, rows) in tables {
        if !rows.is_empty() {
            text += &format!(
                "\n{about}\n\n| | Roost | Phoenix |\n| --- | --: | --: |\n{}\n",
                rows.join("\n")
            );
        }
    }
    text
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
