//! The recorder's desk: takes down what the bus says about devices, and hands out recordings to whoever may ask.

use std::sync::Arc;

use bytes::Bytes;
use roost_model::{Command, Device, Filter};
use roost_runtime::{BoxError, ChildSpec, Context, Delivery, Message, Policy, QoS};
use serde_json::{Value, json};

use super::{Entry, Header, Kind, Recording};
use crate::devices::DeviceParts;
use crate::devices::commands::REMOVED;
use crate::devices::profiles::text_of;

/// States of devices and commands that wait; when the power returns to a building, they come by the thousand.
const QUEUE: usize = 16_384;
/// Most messages that a device has left retained about itself in a recording.
const MAX_RETAINED: usize = 256;
/// Where recordings are asked for.
const REQUESTS: &str = "$roost/recordings/export";
/// What is taken down: whether a device is connected, whether it is silent, and how its commands fare.
const HEARD: [&str; 3] = [
    "devices/+/status",
    "devices/+/freshness",
    "devices/+/points/+/result",
];

/// The desk's child.
#[must_use]
pub(crate) fn child(parts: &Arc<DeviceParts>) -> ChildSpec {
    let parts = Arc::clone(parts);
    ChildSpec::new("recorder", move |context| run(Arc::clone(&parts), context)).awaits_ready()
}

async fn run(parts: Arc<DeviceParts>, context: Context) -> Result<(), BoxError> {
    let mut inbox = parts.bus.subscriber(QUEUE, Policy::DropOldest);
    inbox.serve(Filter::new(REQUESTS)?);
    for filter in HEARD {
        // What is retained already is old news.
        inbox.listen(Filter::new(filter)?, QoS::AtMostOnce);
    }
    context.ready();
    loop {
        let delivery = tokio::select! {
            biased;
            () = context.shutdown.requested() => return Ok(()),
            delivery = inbox.recv() => delivery.ok_or("the recorder's inbox was closed")?,
        };
        let Delivery { message, reply, .. } = delivery;
        match reply {
            Some(reply) => reply.send(Bytes::from(export(&parts, &message.body).await?.to_string())),
            None => hear(&parts, &message),
        }
    }
}

/// Takes down a state that somebody published.
fn hear(parts: &DeviceParts, message: &Message) {
    let mut levels = message.topic.levels().skip(1);
    let (Some(device), Some(what)) = (levels.next(), levels.next()) else {
        return;
    };
    let now_ms = parts.intake.now().unix_ms();
    match what {
        "status" => {
            if let Ok(status) = serde_json::from_slice::<Value>(&message.body) {
                let at_ms = status.get("since_ms").and_then(Value::as_i64).unwrap_or(now_ms);
                parts
                    .recorder
                    .note(device, at_ms, Kind::Status, &status_line(&status));
            }
        }
        "freshness" => {
            let news = serde_json::from_slice::<Value>(&message.body).unwrap_or_default();
            if let Some(word) = news.get("freshness").and_then(Value::as_str) {
                let at_ms = news.get("at_ms").and_then(Value::as_i64).unwrap_or(now_ms);
                parts.recorder.note(device, at_ms, Kind::Status, word);
            }
        }
        _ => {
            // The recording of a removed device is gone already, and the next device of its name has its own.
            if let Ok(command) = serde_json::from_slice::<Command>(&message.body)
                && command.reason.as_deref() != Some(REMOVED)
            {
                parts
                    .recorder
                    .note(device, command.changed_ms, Kind::Command, &command_line(&command));
            }
        }
    }
}

fn status_line(status: &Value) -> String {
    let connected = status.get("connected").and_then(Value::as_bool).unwrap_or(false);
    let word = if connected { "connected" } else { "disconnected" };
    match status.get("reason").and_then(Value::as_str) {
        Some(reason) => format!("{word}: {reason}"),
        None => word.to_owned(),
    }
}

fn command_line(command: &Command) -> String {
    let line = format!(
        "{} = {}: {}",
        command.point,
        command.value.to_json(),
        command.state.word()
    );
    match &command.reason {
        Some(reason) => format!("{line}: {reason}"),
        None => line,
    }
}

/// What is known of a device: what it has left retained about itself, and then what was recorded.
pub(crate) fn known(parts: &DeviceParts, id: &str, profile: &str) -> (Vec<Entry>, u64) {
    let now_ms = parts.intake.now().unix_ms();
    let codec = parts.codecs.get(profile);
    let filters = codec.map(|codec| codec.remembers(id)).unwrap_or_default();
    let retained = filters.iter().flat_map(|filter| parts.bus.retained(filter));
    let mut entries: Vec<Entry> = retained
        .take(MAX_RETAINED)
        .map(|message| Entry::whole(now_ms, Kind::Retained, message.topic.as_str(), &message.body))
        .collect();
    let (recorded, lost) = parts.recorder.entries(id);
    entries.extend(recorded);
    (entries, lost)
}

async fn export(parts: &Arc<DeviceParts>, request: &[u8]) -> Result<Value, BoxError> {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let Some(id) = request.get("id").and_then(Value::as_str).map(str::to_owned) else {
        return Ok(json!({ "error": "`id` is missing" }));
    };
    let wanted = id.clone();
    let device = parts
        .store
        .run(move |store| store.table::<Device>().get(&wanted))
        .await?;
    let Some(device) = device else {
        return Ok(json!({ "not_found": true }));
    };
    let (dir, profile) = (parts.profiles_dir.clone(), device.profile.clone());
    let profile_toml = parts
        .store
        .run(move |store| Ok(text_of(store, &dir, &profile)))
        .await?;
    let (entries, lost) = known(parts, &id, &device.profile);
    let now_ms = parts.intake.now().unix_ms();
    let header = Header::new(&id, &device.profile, profile_toml, now_ms, lost);
    Ok(json!({ "text": Recording { header, entries }.to_text() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_taken_down_in_the_words_that_people_know() {
        let line = |status: Value| status_line(&status);
        assert_eq!(line(json!({ "connected": true })), "connected");
        assert_eq!(
            line(json!({ "connected": false, "reason": "keep-alive" })),
            "disconnected: keep-alive"
        );
        let command = json!({
            "id": "c1", "device": "plug", "point": "power", "value": true, "state": "refused", "reason": "locked",
            "issued_ms": 0, "deadline_ms": 0, "changed_ms": 0,
        });
        let command: Command = serde_json::from_value(command).unwrap();
        assert_eq!(command_line(&command), "power = true: refused: locked");
    }
}
