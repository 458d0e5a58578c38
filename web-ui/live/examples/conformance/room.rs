//! The channels of the conformance program: rooms that answer, push, broadcast, stop and crash on request.

use std::sync::Arc;

use roost_live::channel::{Channel, Event, Join, JoinError, Next, Socket};
use roost_live::frame::{Payload, Reply};
use roost_live::presence::{Presence, Tracked};
use roost_live::socket::{Accepted, Connect, Mount, Origin, Refused};
use roost_runtime::BoxError;
use serde_json::{Map, Value, json};

/// Where rooms are joined.
pub(crate) fn mount(presence: &Presence) -> Mount {
    Mount::new()
        .origin(Origin::Host("127.0.0.1".to_owned()))
        .connect(connect)
        .channel::<Room>("room:*", Arc::new(presence.clone()))
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

/// The user that parameters name, and what is said of that user's device.
fn device(params: &Value) -> (String, Map<String, Value>) {
    let user = params["user"].as_str().unwrap_or_default().to_owned();
    (user, Map::from_iter([("dev".to_owned(), params["dev"].clone())]))
}

/// A room.
struct Room {
    presence: Presence,
    /// Who the client says to be, in rooms where that is shown.
    user: Option<(String, Map<String, Value>)>,
    tracked: Option<Tracked>,
}

impl Channel for Room {
    type Shared = Presence;
    type Info = ();

    async fn join(join: Join<Self>, presence: Arc<Presence>) -> Result<(Self, Payload), JoinError> {
        match join.topic.as_ref() {
            "room:deny" => Err(JoinError::reason("denied")),
            "room:boom" => panic!("boom"),
            topic => {
                let params = join.params.value();
                let is_shown = topic.starts_with("room:pres");
                let room = Self {
                    presence: Presence::clone(&presence),
                    user: is_shown.then(|| device(&params)),
                    tracked: None,
                };
                let answer = if is_shown {
                    json!({})
                } else {
                    json!({ "joined": params })
                };
                Ok((room, answer.into()))
            }
        }
    }

    async fn joined(&mut self, socket: &Socket<Self>) -> Result<(), BoxError> {
        if let Some((user, meta)) = self.user.take() {
            self.tracked = Some(self.presence.track(socket, user, meta)?);
            self.presence.push_state(socket);
        }
        Ok(())
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
            "upd" => {
                socket.reply(&event.reply_to, &Reply::ok(Payload::empty()))?;
                // A channel changes what is said of itself, and that only under the key that it is there by.
                let (user, meta) = device(&payload.value());
                if let Some(tracked) = self.tracked.as_mut().filter(|own| **own.key() == *user) {
                    tracked.update(meta);
                }
            }
            "stop" => return Ok(Next::Stop),
            "stopr" => return Ok(Next::ReplyAndStop(Reply::ok(json!({"bye": 1})))),
            "crash" => panic!("crash"),
            _ => {}
        }
        Ok(Next::Continue)
    }
}
