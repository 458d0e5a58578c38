//! The channels of the conformance program: rooms that answer, push, broadcast, stop and crash on request.

use std::sync::Arc;

use roost_live::channel::{Channel, Event, Join, JoinError, Next, Socket};
use roost_live::frame::{Payload, Reply};
use roost_live::socket::{Accepted, Connect, Mount, Origin, Refused};
use roost_runtime::BoxError;
use serde_json::json;

/// Where rooms are joined.
pub(crate) fn mount() -> Mount {
    Mount::new()
        .origin(Origin::Host("127.0.0.1".to_owned()))
        .connect(connect)
        .channel::<Room>("room:*", Arc::new(()))
}

async fn connect(connect: Connect) -> Result<Accepted, Refused> {
    if connect.param("reject") == Some("1") {
        return Err(Refused::default());
    }
    let accepted = Accepted::new();
    Ok(match connect.param("user") {
        Some(user) => accepted.id(format!("user:{user}")),
        None => accepted,
    })
}

/// A room.
struct Room;

impl Channel for Room {
    type Shared = ();
    type Info = ();

    async fn join(join: Join<Self>, _: Arc<()>) -> Result<(Self, Payload), JoinError> {
        match join.topic.as_ref() {
            "room:deny" => Err(JoinError::reason("denied")),
            "room:boom" => panic!("boom"),
            _ => Ok((Self, json!({ "joined": join.params.value() }).into())),
        }
    }

    async fn handle_in(&mut self, event: Event, socket: &Socket<Self>) -> Result<Next, BoxError> {
        let payload = event.payload;
        match event.name.as_ref() {
            "echo" => return Ok(Next::Reply(Reply::ok(payload))),
            "err" => return Ok(Next::Reply(Reply::error(payload))),
            "bare" => return Ok(Next::Reply(Reply::ok(Payload::empty()))),
            "bc" => socket.broadcast("bc", &payload)?,
            "bcf" => {
                socket.broadcast_from("bc", &payload)?;
                return Ok(Next::Reply(Reply::ok(Payload::empty())));
            }
            "pushme" => socket.push("pushed", &payload)?,
            "stop" => return Ok(Next::Stop),
            "stopr" => return Ok(Next::ReplyAndStop(Reply::ok(json!({"bye": 1})))),
            "crash" => panic!("crash"),
            _ => {}
        }
        Ok(Next::Continue)
    }
}
