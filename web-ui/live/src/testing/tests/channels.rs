//! Clients of channels that say and hear bytes, and show who they are.

use std::sync::Arc;

use roost_runtime::BoxError;
use serde_json::{Value, json};

use super::{Client, Failure, start};
use crate::channel::{Channel, Event, Join, JoinError, Next, Socket};
use crate::frame::{Payload, Reply};
use crate::socket::{Accepted, Connect, Mount, Refused};

/// Lets in who is not refused, and keeps how he came.
pub(super) fn mount() -> Mount {
    Mount::new().connect(|connect: Connect| async move {
        if connect.param("reject").is_some() {
            return Err(Refused::default());
        }
        let said = json!({
            "token": connect.token,
            "header": connect.header("x-device"),
            "user": connect.param("user"),
        });
        Ok(Accepted::new().assign::<Value>(said))
    })
}

/// A channel that says what it hears, in every way there is.
pub(super) struct Echo;

impl Channel for Echo {
    type Shared = ();
    type Info = ();

    async fn join(join: Join<Self>, _: Arc<()>) -> Result<(Self, Payload), JoinError> {
        let said = join.connection.assigns::<Value>().cloned();
        Ok((Self, said.unwrap_or_default().into()))
    }

    async fn handle_in(&mut self, event: Event, socket: &Socket<Self>) -> Result<Next, BoxError> {
        match event.name.as_ref() {
            "push" => socket.push("pushed", &event.payload)?,
            "broadcast" => socket.broadcast("told", &event.payload)?,
            _ => return Ok(Next::Reply(Reply::ok(event.payload))),
        }
        Ok(Next::Continue)
    }
}

#[tokio::test]
async fn bytes_are_sent_and_come_as_replies_pushes_and_broadcasts() -> Result<(), Failure> {
    let mut client = Client::connect(&start().await, "/socket", "").await?;
    client.join("box:1", json!({})).await?;
    let bytes = [0, 255, 1];
    let reply = client.call_bytes("box:1", "say", &bytes).await?;
    assert_eq!((reply.status.as_str(), &reply.response), ("ok", &Value::Null));
    assert_eq!(reply.bytes.as_deref(), Some(&bytes[..]));
    for (event, heard) in [("push", "pushed"), ("broadcast", "told")] {
        client.tell_bytes("box:1", event, &bytes).await?;
        let frame = client.heard(heard).await?;
        assert_eq!((frame.topic.as_str(), &frame.payload), ("box:1", &Value::Null));
        assert_eq!(frame.bytes.as_deref(), Some(&bytes[..]), "{heard}");
    }
    let reply = client.call("box:1", "say", json!({"n": 1})).await?;
    assert_eq!((reply.response, reply.bytes), (json!({"n": 1}), None));
    Ok(())
}

#[tokio::test]
async fn a_client_has_headers_and_a_token() -> Result<(), Failure> {
    let router = start().await;
    let dial = Client::dial(&router, "/socket").query("user=ann");
    let mut client = dial
        .header("x-device", "boiler")
        .token("secret?>")
        .connect()
        .await?;
    let joined = client.join("box:1", json!({})).await?;
    let expected = json!({"token": "secret?>", "header": "boiler", "user": "ann"});
    assert_eq!(joined.response, expected);
    Ok(())
}

#[tokio::test]
async fn a_client_that_is_not_let_in_learns_the_status() -> Result<(), Failure> {
    let router = start().await;
    let refused = Client::connect(&router, "/socket", "reject=1").await;
    let error = refused.unwrap_err().to_string();
    assert_eq!(error, "the connection is refused with status 403 Forbidden");
    Ok(())
}
