//! A person with a page open, as far as the server can tell: loads it, joins its view, hears the diffs.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A page that is not there after this is an error.
const PATIENCE: Duration = Duration::from_secs(30);

/// A joined view.
pub(crate) struct Viewer {
    socket: WebSocketStream<TcpStream>,
    /// Bytes of the reply to the join.
    pub(crate) join_bytes: usize,
}

/// The value of an attribute, or what follows `before` up to the next quote.
fn after<'a>(page: &'a str, before: &str) -> anyhow::Result<&'a str> {
    let rest = page
        .split_once(before)
        .with_context(|| format!("the page has {before}"))?
        .1;
    rest.split('"').next().context("a closing quote")
}

async fn get(host: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

impl Viewer {
    /// Opens `path` at `host` (`address:port`) and joins its view.
    pub(crate) async fn open(host: &str, path: &str) -> anyhow::Result<Self> {
        tokio::time::timeout(PATIENCE, Self::join(host, path))
            .await
            .context("the view joins")?
    }

    async fn join(host: &str, path: &str) -> anyhow::Result<Self> {
        let page = get(host, path).await?;
        let (head, _) = page.split_once("\r\n\r\n").context("a head")?;
        let cookies: Vec<&str> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .filter_map(|(_, cookie)| cookie.split(';').next())
            .collect();
        let csrf = after(&page, "name=\"csrf-token\" content=\"")?;
        let main = page
            .split('<')
            .find(|tag| tag.contains("data-phx-main"))
            .context("a main view")?;
        let (id, session) = (after(main, "id=\"")?, after(main, "data-phx-session=\"")?);
        let fixed = after(main, "data-phx-static=\"")?;

        let url = format!("ws://{host}/live/websocket?_csrf_token={csrf}&vsn=2.0.0");
        let mut request = url.into_client_request()?;
        request
            .headers_mut()
            .insert("cookie", cookies.join("; ").parse()?);
        let (mut socket, _) = client_async(request, TcpStream::connect(host).await?).await?;
        let join = json!(["1", "1", format!("lv:{id}"), "phx_join", {
            "url": format!("http://{host}{path}"),
            "params": {"_csrf_token": csrf, "_mounts": 0, "_mount_attempts": 0},
            "session": session,
            "static": fixed,
            "sticky": false,
        }]);
        socket.send(Message::text(join.to_string())).await?;
        let reply = next(&mut socket).await?;
        let frame: Value = serde_json::from_str(&reply)?;
        if frame[4]["status"] != "ok" {
            bail!("the view refused: {reply}");
        }
        Ok(Self {
            socket,
            join_bytes: reply.len(),
        })
    }

    /// The next frame: its bytes.
    pub(crate) async fn hear(&mut self) -> anyhow::Result<usize> {
        Ok(next(&mut self.socket).await?.len())
    }
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> anyhow::Result<String> {
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            return Ok(text.as_str().to_owned());
        }
    }
    bail!("the server has closed the socket")
}
