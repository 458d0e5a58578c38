//! Running the gateway until a signal: open, start the tree, stop it in order.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use roost_drivers::CodecDef;
use roost_runtime::Shutdown;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use crate::config::Config;
use crate::gateway::Gateway;
use crate::tree::{Tree, tree};
use crate::{VERSION, logs, watchdog};

/// Runs a gateway until SIGTERM or SIGINT; a second signal ends it at once.
///
/// # Errors
/// If it can't be opened.
pub fn run(config: Config, codecs: &[CodecDef]) -> anyhow::Result<ExitCode> {
    run_with(config, codecs, |_| ())
}

/// The same for a program of one's own that wants to see the tree, which is told of it inside the runtime, before it
/// runs.
///
/// # Errors
/// If it can't be opened.
pub fn run_with(config: Config, codecs: &[CodecDef], see: impl FnOnce(&Tree)) -> anyhow::Result<ExitCode> {
    // Before anything starts a thread.
    roost_heap::tune();
    logs::start(&config.log);
    raise_file_limit();
    info!(version = VERSION, data_dir = %config.data_dir.display(), "starting");
    let gateway = Gateway::open(config, codecs)?;
    announce_token(&gateway);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("can't start the runtime")?;
    let code = runtime.block_on(live(gateway, see));
    info!("stopped");
    Ok(code)
}

/// Every connection takes a file descriptor, and the limit that shells begin with (1,024) is for small programs: takes
/// what the system allows without asking anybody.
pub(crate) fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
}

/// Shows a token that was made just now, on standard output: it is not for the log, which others may read.
#[expect(
    clippy::print_stdout,
    reason = "this is what the person who starts the gateway is to see"
)]
fn announce_token(gateway: &Gateway) {
    if let Some(token) = &gateway.token.fresh {
        println!("API token, shown this once: {token}");
        println!(
            "It is kept in {}, which only its owner can read.",
            gateway.token.path.display()
        );
    }
}

async fn live(gateway: Arc<Gateway>, see: impl FnOnce(&Tree)) -> ExitCode {
    let shutdown = Shutdown::new();
    let tree = tree(&gateway);
    see(&tree);
    let Tree { root, .. } = tree;
    let stopping = shutdown.clone();
    let signals = async {
        let Some(name) = next_signal().await else {
            return std::future::pending().await;
        };
        info!(
            signal = name,
            "stopping; a second signal ends the gateway at once"
        );
        watchdog::notify(&[NotifyState::Stopping]);
        stopping.request();
        next_signal().await;
        error!("ended by a second signal");
        // Everything acknowledged is in the page cache or on disk already; only the tidy good-byes are skipped.
        std::process::exit(1);
    };
    tokio::select! {
        result = root.run(shutdown) => match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                error!(%error, "the gateway gives up; whoever started it is to start it anew");
                ExitCode::FAILURE
            }
        },
        () = signals => ExitCode::FAILURE,
        () = hang_ups(&gateway) => ExitCode::FAILURE,
    }
}

/// SIGHUP: read again what may have changed. Never ends.
async fn hang_ups(gateway: &Gateway) {
    if let Ok(mut hang_up) = signal(SignalKind::hangup()) {
        while hang_up.recv().await.is_some() {
            info!("SIGHUP: reading the certificates again");
            gateway.renew();
        }
    }
    std::future::pending().await
}

async fn next_signal() -> Option<&'static str> {
    let mut term = signal(SignalKind::terminate()).ok()?;
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    tokio::select! {
        _ = term.recv() => Some("SIGTERM"),
        _ = interrupt.recv() => Some("SIGINT"),
    }
}
