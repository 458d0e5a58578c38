//! The measured side: a process of its own, so that its memory and its CPU time are its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use roost_live::endpoint::{Endpoint, Limits};
use roost_runtime::{ChildSpec, Shutdown, Strategy, Supervisor};

use crate::{channels, machine, pages};

/// The argument by which this program is the server.
pub(crate) const SERVE: &str = "serve";

/// A running server; ends with this value.
pub(crate) struct Server {
    child: Child,
    /// `address:port`.
    pub(crate) host: String,
}

impl Server {
    /// Starts one, with nobody connected.
    pub(crate) fn start() -> anyhow::Result<Self> {
        Self::start_as(&[SERVE])
    }

    /// Starts this program with these arguments.
    pub(crate) fn start_as(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("its output")?;
        let line = BufReader::new(output).lines().next().context("a line")??;
        let host = line
            .strip_prefix("listening on ")
            .context("an address")?
            .to_owned();
        Ok(Self { child, host })
    }

    /// Resident memory in bytes.
    pub(crate) fn rss(&self) -> anyhow::Result<u64> {
        machine::rss(self.child.id())
    }

    /// CPU seconds used so far.
    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        machine::cpu_s(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It holds nothing that would have to be put away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the server, until the process is ended.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let clock = Arc::new(pages::Clock::default());
    let site = pages::site(Arc::clone(&clock))?;
    let endpoint = Endpoint::new(Limits::default());
    let router = site
        .pages()
        .merge(endpoint.mount("/live", site.mount()))
        .merge(endpoint.mount("/socket", channels::mount()));
    let ticking = ChildSpec::new("clock", move |context| {
        let clock = Arc::clone(&clock);
        async move {
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            while !context.shutdown.is_requested() {
                seconds.tick().await;
                clock.strike();
            }
            Ok(())
        }
    });
    let tree = Supervisor::new("bench", Strategy::OneForOne)
        .child(endpoint.supervisor())
        .child(endpoint.server(listener, router))
        .child(ticking);
    writeln!(std::io::stdout(), "listening on {address}")?;
    tree.run(Shutdown::new()).await?;
    Ok(())
}
