//! The task of a device that speaks MQTT: raw messages in, readings out; commands out, answers in.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use roost_drivers::{Codec, CodecError, CommandRequest, Samples};
use roost_model::{Command, CommandState, Topic};
use roost_runtime::{BoxError, Context, Delivery, Message, ReplyTo, Subscription};
use serde_json::json;
use tracing::{debug, warn};

use super::DeviceEnv;
use super::commands::Commands;
use super::points::Points;
use super::requests::SetRequest;

struct Task {
    env: Arc<DeviceEnv>,
    codec: Arc<dyn Codec>,
    points: Points,
    commands: Commands,
    /// Messages that were lost and shown so far.
    lost: u64,
}

/// Runs until it is told to stop. A codec that panics ends this task and no other.
pub(super) async fn run(
    env: Arc<DeviceEnv>,
    inbox: Arc<Subscription>,
    context: Context,
) -> Result<(), BoxError> {
    let codec = env.parts.codecs.get(&env.device.profile).ok_or_else(|| {
        format!(
            "there is no profile {:?}: profiles are {}",
            env.device.profile,
            env.parts.codecs.names().join(", ")
        )
    })?;
    let declared = (env.device.cadence_ms > 0).then(|| Duration::from_millis(env.device.cadence_ms));
    let points = Points::resume(&env.parts.bus, &env.device.id, declared);
    let commands = Commands::new(Arc::clone(&env));
    let mut task = Task {
        env,
        codec,
        points,
        commands,
        lost: 0,
    };
    context.ready();
    loop {
        // A device that reports faster than its messages are taken apart must not keep a thread to itself.
        tokio::task::coop::consume_budget().await;
        let deadline = task.commands.deadline();
        tokio::select! {
            biased;
            () = context.shutdown.requested() => {
                return Box::pin(task.commands.abandon()).await;
            }
            () = until(deadline), if deadline.is_some() => Box::pin(task.commands.expire()).await?,
            delivery = inbox.recv() => match delivery {
                Some(delivery) => {
                    task.admit_losses(inbox.dropped());
                    Box::pin(task.deliver(delivery)).await?;
                }
                None => return Err("the device's inbox was closed".into()),
            },
        }
    }
}

/// Waits for a deadline; for ever without one.
pub(super) async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The point of a `devices/<device>/points/<point>/set` topic.
pub(super) fn set_point<'a>(topic: &'a Topic, device: &str) -> Option<&'a str> {
    let rest = topic.as_str().strip_prefix("devices/")?.strip_prefix(device)?;
    rest.strip_prefix("/points/")?
        .strip_suffix("/set")
        .filter(|point| !point.contains('/'))
}

impl Task {
    async fn deliver(&mut self, delivery: Delivery) -> Result<(), BoxError> {
        let Delivery { message, reply, .. } = delivery;
        match set_point(&message.topic, &self.env.device.id) {
            Some(point) => self.command(point, &message, reply).await,
            None => self.raw(&message).await,
        }
    }

    async fn raw(&mut self, message: &Message) -> Result<(), BoxError> {
        let device = &self.env.device.id;
        let decoded = match self.codec.decode(device, &message.topic, &message.body) {
            Ok(decoded) => decoded,
            Err(error) => {
                self.fault(&error);
                return Ok(());
            }
        };
        for error in &decoded.rejected {
            self.fault(error);
        }
        self.take(decoded.samples).await?;
        for ack in decoded.acks {
            self.commands
                .answered(ack.id.as_deref(), ack.point.as_deref(), ack.result)
                .await?;
        }
        Ok(())
    }

    async fn take(&mut self, samples: Samples) -> Result<(), BoxError> {
        for mut sample in samples {
            let declared = self.points.declared();
            let Some(point) = self.points.get_or_add(&sample.point) else {
                debug!(
                    device = self.env.device.id,
                    point = sample.point,
                    "a point too many, or a name that is none"
                );
                continue;
            };
            sample.cadence = declared.or(sample.cadence);
            let reading = self.env.parts.intake.take(&self.env.device.id, point, sample);
            if self.commands.deadline().is_some() {
                let name = point.name().to_owned();
                self.commands.observed(&name, &reading).await?;
            }
        }
        Ok(())
    }

    /// A message that could not be taken apart: counted, and shown with the device, with what was expected.
    fn fault(&self, error: &CodecError) {
        self.env
            .parts
            .intake
            .stats()
            .undecodable
            .fetch_add(1, Ordering::Relaxed);
        debug!(device = self.env.device.id, %error, "a message could not be taken apart");
        self.show_fault(&error.to_string());
    }

    /// Messages that were lost because they came faster than they could be taken, or while the task waited to be
    /// restarted: nobody is to believe that all is there.
    fn admit_losses(&mut self, lost: u64) {
        // Said at the first and then at each doubling: a flood of messages must not become a flood of complaints.
        if lost > self.lost && lost >= self.lost * 2 {
            self.lost = lost;
            warn!(
                device = self.env.device.id,
                lost, "messages of the device were lost: its queue was full"
            );
            self.show_fault(&format!(
                "{lost} or more messages were lost, because the device's queue was full"
            ));
        }
    }

    fn show_fault(&self, reason: &str) {
        let parts = &self.env.parts;
        if let Ok(topic) = Topic::new(format!("devices/{}/fault", self.env.device.id)) {
            let body = json!({ "at_ms": parts.intake.now().unix_ms(), "reason": reason });
            parts
                .bus
                .publish(Message::new(topic, body.to_string()).retained());
        }
    }

    async fn command(
        &mut self,
        point: &str,
        message: &Message,
        reply: Option<ReplyTo>,
    ) -> Result<(), BoxError> {
        let request = match SetRequest::parse(point, &message.body) {
            Ok(request) => request,
            Err(error) => {
                debug!(device = self.env.device.id, point, %error, "not a command");
                if let Some(reply) = reply {
                    reply.send(error.answer());
                }
                return Ok(());
            }
        };
        let within = request.within.unwrap_or(self.env.parts.command_within);
        let command = self.commands.begin(&request.point, request.value, within).await?;
        let command = if command.state.is_final() {
            command
        } else {
            self.send(command, within).await?
        };
        if let Some(reply) = reply {
            reply.send(serde_json::to_vec(&command)?);
        }
        Ok(())
    }

    /// Hands a command to the device's connection. Without one it is refused at once: nobody is told that a command is
    /// on its way when it is not.
    async fn send(&mut self, command: Command, within: Duration) -> Result<Command, BoxError> {
        let request = CommandRequest {
            id: &command.id,
            point: &command.point,
            value: &command.value,
        };
        let outgoing = match self.codec.encode(&self.env.device.id, request) {
            Ok(outgoing) => outgoing,
            Err(error) => {
                return self
                    .commands
                    .settle(command, CommandState::Refused(error.to_string()))
                    .await;
            }
        };
        let message = Message::new(outgoing.topic, outgoing.payload).at_least_once();
        let filter = message.topic.clone();
        let parts = &self.env.parts;
        // A dashboard that listens to everything is no device.
        let connected = parts.presence.contains(roost_mqtt::PRESENCE, &self.env.device.id);
        if !connected || !parts.bus.has_takers(&filter) {
            let reason = format!("the device is not connected, or does not listen to {filter}");
            return self.commands.settle(command, CommandState::Refused(reason)).await;
        }
        // Written down as sent before it goes: the answer may be faster than the disk.
        let command = self.commands.settle(command, CommandState::Sent).await?;
        self.commands.follow(command.clone(), within);
        self.env.parts.bus.publish(message);
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_devices_own_set_topics_are_commands() {
        let point = |topic: &str| set_point(&Topic::new(topic).unwrap(), "plug").map(str::to_owned);
        assert_eq!(point("devices/plug/points/relay/set").as_deref(), Some("relay"));
        assert_eq!(point("devices/plug2/points/relay/set"), None);
        assert_eq!(point("devices/plug/points/a/b/set"), None);
        assert_eq!(point("devices/plug/telemetry/set"), None);
    }
}
