//! The conformance program: everything that a client of Channels or live pages can be tried on, built from nothing but
//! the public interface of `roost-live`. `PORT=4100 cargo run -p roost-live --example conformance`

mod room;

use std::io::Write as _;
use std::net::TcpListener;

use axum::Router;
use roost_live::endpoint::{Endpoint, Limits, server};
use roost_live::scripts;
use roost_runtime::{BoxError, Shutdown, Strategy, Supervisor};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "4100".to_owned());
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?))?;
    let address = listener.local_addr()?;

    let endpoint = Endpoint::new(Limits::default());
    let router = Router::new()
        .merge(endpoint.mount("/socket", room::mount()))
        .nest("/js", scripts::router());
    let tree = Supervisor::new("conformance", Strategy::OneForOne)
        .child(endpoint.supervisor())
        .child(server(listener, router));

    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tree.run(Shutdown::new()).await?;
    Ok(())
}
