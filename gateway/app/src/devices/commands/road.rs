//! The road to a device: whether a command could be sent now, in which words, and the sending itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use roost_drivers::{Codec, CommandRequest};
use roost_model::{Command, Link, Topic};
use roost_runtime::{Bus, Expected, Extra, Message, Presence};

use super::machine::Reach;
use super::{Order, Orders};
use crate::clock::utc;
use crate::devices::mqtt::{is_out_of_reach, on_the_bus};
use crate::devices::recorder::{Entry, Kind};
use crate::devices::{DeviceEnv, DeviceParts};

/// Roads of the commands that wait or are about to be sent.
pub(super) struct Road {
    parts: Arc<DeviceParts>,
    /// What is published for a command once it is written down as sent.
    ready: HashMap<String, Message>,
    /// What tells when somebody listens to the topic of a queued command.
    expected: HashMap<String, Expected>,
}

impl Road {
    pub(super) fn new(parts: Arc<DeviceParts>) -> Self {
        Self {
            parts,
            ready: HashMap::new(),
            expected: HashMap::new(),
        }
    }

    /// Whether a command could be sent now. If not, its device is looked at again when that may have changed.
    pub(super) fn reach(&mut self, command: &Command) -> Reach {
        let until = |why: &str| {
            let until = utc(command.deadline_ms);
            Reach::Away(format!("{why}, queued until {until}"))
        };
        let Some(env) = self.parts.commands.running(&command.device) else {
            return until("the device is not running");
        };
        let Link::Mqtt { profile } = env.device.link() else {
            return Reach::Here(None);
        };
        let Some(codec) = self.parts.codecs.get(profile) else {
            return until(&format!("there is no profile {profile:?}"));
        };
        let (message, confirm_point) = match encode(&*codec, &env, command) {
            Ok(encoded) => encoded,
            Err(reason) => return Reach::Never(reason),
        };
        if !is_connected(&self.parts.presence, &*codec, &env) {
            return until("not connected");
        }
        if !self.is_listened_to(command, &*codec, &message.topic) {
            return until(&format!("connected, but does not listen to {}", message.topic));
        }
        self.ready.insert(command.id.clone(), message);
        Reach::Here(confirm_point)
    }

    /// Whether the device takes what is published there. If not, it is looked at again when somebody does.
    fn is_listened_to(&mut self, command: &Command, codec: &dyn Codec, topic: &Topic) -> bool {
        let bus = &self.parts.bus;
        if is_taken(bus, codec, &command.device, topic) {
            return true;
        }
        let (commands, device) = (Arc::clone(&self.parts.commands), command.device.clone());
        let expected = bus.expect(topic.clone(), move || commands.look_again(device.clone()));
        self.expected.insert(command.id.clone(), expected);
        // Looked at once more: it may have come in between.
        is_taken(bus, codec, &command.device, topic)
    }

    /// Sends a command that is written down as sent. Returns whether its device took it: it may have gone while that
    /// was written.
    pub(super) fn transmit(&mut self, command: &Command) -> bool {
        self.expected.remove(&command.id);
        if let Some(mut message) = self.ready.remove(&command.id) {
            if !self.is_here(&command.device, &message.topic) {
                return false;
            }
            // A session that outlives its connection must not hand over what has been said to be expired.
            let due_ms = command.due.as_ref().map_or(0, |due| due.uptime_ms);
            let left_ms = due_ms.saturating_sub(self.parts.intake.clock().uptime_ms());
            message.extra = Some(Arc::new(Extra {
                expires: Some(Instant::now() + Duration::from_millis(left_ms)),
                ..Extra::default()
            }));
            let now_ms = self.parts.intake.now().unix_ms();
            let entry = Entry::new(now_ms, Kind::Out, message.topic.as_str(), &message.body);
            self.parts.recorder.record(&command.device, entry);
            return self.parts.bus.publish(message) > 0;
        }
        let env = self.parts.commands.running(&command.device);
        match env.as_ref().and_then(|env| env.orders.as_deref()) {
            Some(orders) => {
                Orders::push(orders, Order::of(command));
                true
            }
            None => false,
        }
    }

    /// Whether a device that speaks MQTT, or that another client speaks for, is connected and takes this topic.
    fn is_here(&self, device: &str, topic: &Topic) -> bool {
        let Some(env) = self.parts.commands.running(device) else {
            return false;
        };
        let codec = self.parts.codecs.get(&env.device.profile);
        codec.is_some_and(|codec| {
            is_connected(&self.parts.presence, &*codec, &env)
                && is_taken(&self.parts.bus, &*codec, device, topic)
        })
    }

    /// The command is final: nothing of it is needed any longer.
    pub(super) fn forget(&mut self, id: &str) {
        self.ready.remove(id);
        self.expected.remove(id);
    }
}

/// A dashboard that listens to everything is no device: presence says who is connected.
/// A device that another client speaks for is there unless that one says otherwise.
fn is_connected(presence: &Presence, codec: &dyn Codec, env: &DeviceEnv) -> bool {
    if codec.is_bridged() {
        return !is_out_of_reach(env);
    }
    presence.contains(roost_mqtt::PRESENCE, &env.device.id)
}

/// Whether a device takes what is published there, or some client does for a device that another client speaks for.
/// Nobody else counts: a dashboard that listens to everything comes before the device has subscribed, and the gateway's
/// own inboxes take some families' commands, too.
fn is_taken(bus: &Bus, codec: &dyn Codec, device: &str, topic: &Topic) -> bool {
    bus.is_taken_by_client(topic, (!codec.is_bridged()).then_some(device))
}

/// The message that carries a command, and the point that proves it where it is another one. A codec that panics
/// refuses this command, and no other suffers.
fn encode(
    codec: &dyn Codec,
    env: &DeviceEnv,
    command: &Command,
) -> Result<(Message, Option<String>), String> {
    let request = CommandRequest {
        id: &command.id,
        point: &command.point,
        value: &command.value,
        at_ms: env.parts.intake.now().unix_ms(),
    };
    let encoded = catch_unwind(AssertUnwindSafe(|| {
        let memory = env.memory.lock().unwrap_or_else(PoisonError::into_inner);
        codec.encode(&env.device.id, request, &memory)
    }));
    match encoded {
        Ok(Ok(mut outgoing)) => {
            let confirm_point = outgoing.confirm_point.take();
            Ok((on_the_bus(outgoing), confirm_point))
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the device's codec failed on it".to_owned()),
    }
}
