//! A client that says exactly what it is told to say, byte by byte: for what no proper client would send.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::waiting::in_time;

/// What a server has said.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A message of JSON.
    Json(Value),
    /// A message of bytes.
    Bytes(Vec<u8>),
    /// A close, with its status; 1005 without one, 1006 if the connection just ended.
    Closed(u16),
}

/// A client on a WebSocket.
pub struct Peer {
    stream: WebSocketStream<TcpStream>,
    /// The sub-protocol that the server chose.
    pub protocol: Option<String>,
}

impl Peer {
    /// Connects to `base` (`http://host:port`) and a path with its query. The status, if the server refuses.
    ///
    /// # Panics
    /// If there is no server.
    pub async fn connect(base: &str, path: &str) -> Result<Self, u16> {
        Self::connect_with(base, path, &[]).await
    }

    /// The same with headers of one's own.
    ///
    /// # Panics
    /// If there is no server, or a header is none.
    pub async fn connect_with(base: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let authority = base.strip_prefix("http://").expect("an address of HTTP");
        let mut request = format!("ws://{authority}{path}")
            .into_client_request()
            .expect("an address");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        let stream = TcpStream::connect(authority).await.expect("a server");
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((stream, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                let protocol = protocol.map(|name| name.to_str().expect("text").to_owned());
                Ok(Self { stream, protocol })
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// Sends text.
    ///
    /// # Panics
    /// If the connection is gone.
    pub async fn text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("sent");
    }

    /// Sends JSON.
    ///
    /// # Panics
    /// If the connection is gone.
    pub async fn json(&mut self, value: &Value) {
        self.text(&value.to_string()).await;
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// If the connection is gone.
    pub async fn bytes(&mut self, bytes: Vec<u8>) {
        self.stream.send(Message::binary(bytes)).await.expect("sent");
    }

    /// Says good-bye.
    pub async fn close(mut self) {
        // The server may have been faster.
        let _ = self.stream.close(None).await;
    }

    /// The stream below, for what is no WebSocket any more.
    pub fn stream(&mut self) -> &mut WebSocketStream<TcpStream> {
        &mut self.stream
    }

    /// What the server says next.
    ///
    /// # Panics
    /// If it says nothing for a minute, or text that is not JSON.
    pub async fn hear(&mut self) -> Heard {
        loop {
            match in_time("the server to say something", self.stream.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Json(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Binary(bytes))) => return Heard::Bytes(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(1006),
            }
        }
    }

    /// With what the server closes the connection: the status, as in [`Heard::Closed`]. What comes before is passed
    /// over.
    ///
    /// # Panics
    /// If it neither closes nor says anything for a minute.
    pub async fn end(&mut self) -> u16 {
        loop {
            if let Heard::Closed(status) = self.hear().await {
                return status;
            }
        }
    }

    /// The next message, which is JSON.
    ///
    /// # Panics
    /// If it is not.
    pub async fn hear_json(&mut self) -> Value {
        match self.hear().await {
            Heard::Json(value) => value,
            other => panic!("{other:?}"),
        }
    }
}
