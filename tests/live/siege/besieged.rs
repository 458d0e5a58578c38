//! The program that the siege is for: channels, a live page and little memory to give away.

#[path = "limits.rs"]
mod limits;

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;

use roost_live::channel::{Channel, Event, Join, JoinError, Next, Socket};
use roost_live::endpoint::Endpoint;
use roost_live::frame::{Payload, Reply};
use roost_live::sign::SigningKey;
use roost_live::socket::{Mount, Origin};
use roost_live::view::upload::{Upload, UploadOptions};
use roost_live::{
    Context, Group, LiveView, Page, Params, Raw, Refusal, Rendered, Routes, Session, Site, html,
};
use roost_runtime::{BoxError, Shutdown, Strategy, Supervisor};
use serde_json::Value;

use limits::{BIGGEST_FILE, CHUNK_BYTES, KEY, LIMITS};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let group = Group::new("pages", layout).view::<Board>("/");
    let site = Site::builder(SigningKey::new(KEY)?, Routes::new().group(group))
        .uploads(folder.path(), 2 * BIGGEST_FILE)
        .build()?;
    let endpoint = Endpoint::new(LIMITS);
    let rooms = Mount::new()
        .origin(Origin::Host("127.0.0.1".to_owned()))
        .channel::<Room>("room:*", Arc::new(()));
    let router = site
        .pages()
        .merge(endpoint.mount("/socket", rooms))
        .merge(endpoint.mount("/live", site.mount()));
    let tree = Supervisor::new("besieged", Strategy::OneForOne)
        .child(endpoint.supervisor())
        .child(endpoint.server(listener, router));
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tree.run(Shutdown::new()).await?;
    Ok(())
}

/// Answers, tells everybody, or hangs, as it is told.
struct Room;

impl Channel for Room {
    type Shared = ();
    type Info = ();

    async fn join(_: Join<Self>, _: Arc<()>) -> Result<(Self, Payload), JoinError> {
        Ok((Self, Payload::empty()))
    }

    async fn handle_in(&mut self, event: Event, socket: &Socket<Self>) -> Result<Next, BoxError> {
        match event.name.as_ref() {
            "echo" => return Ok(Next::Reply(Reply::ok(event.payload))),
            "shout" => socket.broadcast_from("news", &event.payload)?,
            "hang" => std::future::pending().await,
            "boom" => panic!("as it was told"),
            _ => {}
        }
        Ok(Next::Continue)
    }
}

/// Bytes of a long page.
const PAGE_BYTES: usize = 40_000;

/// Counts clicks and takes a file.
struct Board {
    n: u64,
}

impl LiveView for Board {
    type Message = ();

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        let options = UploadOptions {
            max_file_size: BIGGEST_FILE,
            chunk_size: CHUNK_BYTES,
            ..UploadOptions::default()
        };
        context.allow_upload("fw", options);
        Ok(Self { n: 0 })
    }

    fn handle_event(&mut self, event: &str, _: &Value, _: &mut Context) {
        match event {
            "up" => self.n += 1,
            "boom" => panic!("as it was told"),
            _ => {}
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <p>{self.n}</p>
            <p>{"y".repeat(PAGE_BYTES)}</p>
            <form id="uf" phx-submit="keep">{context.upload("fw").map(Upload::input)}</form>
        }
    }
}

fn layout(page: &Page) -> Rendered {
    html! {
        <!DOCTYPE html>
        <html lang="en">
            <head><meta name="csrf-token" content={&page.csrf_token}></head>
            <body>{Raw(&page.content)}</body>
        </html>
    }
}
