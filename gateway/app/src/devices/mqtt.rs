//! The task of a device that speaks MQTT: raw messages in, readings out; commands out, answers in.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use roost_drivers::{Codec, CodecError, Samples};
use roost_model::Topic;
use roost_runtime::{BoxError, Context, Delivery, Message, Subscription};
use serde_json::json;
use tracing::{debug, warn};

use super::DeviceEnv;
use super::commands::{Answer, Said};
use super::points::Points;

struct Task {
    env: Arc<DeviceEnv>,
    codec: Arc<dyn Codec>,
    points: Points,
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
    let points = Points::resume(&env.parts, &env.device.id, declared);
    let mut task = Task {
        env,
        codec,
        points,
        lost: 0,
    };
    context.ready();
    loop {
        // A device that reports faster than its messages are taken apart must not keep a thread to itself.
        tokio::task::coop::consume_budget().await;
        tokio::select! {
            biased;
            () = context.shutdown.requested() => return Ok(()),
            delivery = inbox.recv() => match delivery {
                Some(delivery) => {
                    task.admit_losses(inbox.dropped());
                    task.deliver(&delivery).await;
                }
                None => return Err("the device's inbox was closed".into()),
            },
        }
    }
}

impl Task {
    async fn deliver(&mut self, delivery: &Delivery) {
        let message = &delivery.message;
        let device = &self.env.device.id;
        let decoded = match self.codec.decode(device, &message.topic, &message.body) {
            Ok(decoded) => decoded,
            Err(error) => {
                self.fault(&error);
                return self.not_silent();
            }
        };
        for error in &decoded.rejected {
            self.fault(error);
        }
        self.take(decoded.samples).await;
        self.not_silent();
        for ack in decoded.acks {
            let answer = match ack.result {
                Ok(()) => Answer::Acknowledged,
                Err(reason) => Answer::Refused(reason),
            };
            let (id, point) = (ack.id, ack.point);
            self.env.tell(Said::Answered { id, point, answer }).await;
        }
    }

    /// Whatever the device said, it is not silent.
    fn not_silent(&self) {
        self.points.heard(self.env.parts.intake.clock().uptime_ms());
    }

    async fn take(&mut self, samples: Samples) {
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
            if self.env.is_awaited()
                && let Ok(value) = reading.value
            {
                let point = point.name().to_owned();
                self.env.tell(Said::Observed { point, value }).await;
            }
        }
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
}
