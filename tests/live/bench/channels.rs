//! Channels: what a joined client costs, how long a broadcast takes to reach everybody.

use roost_live::socket::Mount;

use crate::server::Server;

/// The channels that are measured.
pub(crate) fn mount() -> Mount {
    Mount::new()
}

/// Measures; the lines of the table.
pub(crate) async fn run(_server: &Server) -> anyhow::Result<Vec<String>> {
    Ok(Vec::new())
}
