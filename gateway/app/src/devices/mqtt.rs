//! The task of a device that speaks MQTT: raw messages in, readings out; commands out, answers in.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use roost_drivers::{
    Codec, CodecError, CodecMemory, Decoded, Incoming, MAX_DESCRIBED_POINTS, Outgoing, Samples,
};
use roost_model::{Access, Timestamp, Topic};
use roost_runtime::{BoxError, Context, Message, Subscription};
use serde_json::{Value, json};
use tracing::{debug, warn};

use super::DeviceEnv;
use super::abouts::Abouts;
use super::commands::{Answer, Said};
use super::points::Points;
use super::recorder::{Entry, Kind, Outcome};

struct Task {
    env: Arc<DeviceEnv>,
    codec: Arc<dyn Codec>,
    points: Points,
    abouts: Abouts,
    /// Messages that were lost and shown so far.
    lost: u64,
}

/// Runs until it is told to stop. A codec that panics ends this task and no other.
#[expect(
    clippy::manual_async_fn,
    reason = "an async function has a place for its arguments twice, and this one runs ten thousand times"
)]
pub(super) fn run(
    env: Arc<DeviceEnv>,
    context: Context,
) -> impl Future<Output = Result<(), BoxError>> + Send {
    async move {
        let mut task = Task::new(&env)?;
        let inbox = env.inbox.as_ref().ok_or("the device has no inbox")?;
        task.begin();
        context.ready();
        Box::pin(task.catch_up()).await;
        loop {
            // A device that reports faster than its messages are taken apart must not keep a thread to itself.
            tokio::task::coop::consume_budget().await;
            tokio::select! {
                biased;
                () = context.shutdown.requested() => {
                    Box::pin(task.finish()).await;
                    return Ok(());
                }
                delivery = inbox.recv() => {
                    let delivery = delivery.ok_or("the device's inbox was closed")?;
                    // Taken apart without a pause, so that the task of an idle device is small.
                    let said = task.hear(&delivery.message);
                    drop(delivery);
                    if !said.is_empty() {
                        Box::pin(env.tell_all(said)).await;
                    }
                },
            }
        }
    }
}

/// A codec's message as the bus carries it.
pub(super) fn on_the_bus(outgoing: Outgoing) -> Message {
    let message = Message::new(outgoing.topic, outgoing.payload).at_least_once();
    if outgoing.retain {
        message.retained()
    } else {
        message
    }
}

fn status_topic(device: &str) -> Option<Topic> {
    Topic::new(format!("devices/{device}/status")).ok()
}

/// Says whether a device can be reached that another client speaks for, as a connection says it of its own device.
fn reachable(env: &DeviceEnv, online: bool) {
    if let Some(topic) = status_topic(&env.device.id) {
        let body = json!({ "connected": online, "since_ms": env.parts.intake.now().unix_ms() });
        let message = Message::new(topic, body.to_string()).at_least_once();
        env.parts.bus.publish(message.retained());
    }
    if online {
        env.parts.commands.look_again(env.device.id.to_string());
    }
}

fn too_many_points() -> String {
    format!(
        "it describes more than {MAX_DESCRIBED_POINTS} points: the others are shown without a description"
    )
}

/// Whether a device that another client speaks for is said to be out of reach.
pub(super) fn is_out_of_reach(env: &DeviceEnv) -> bool {
    let said = status_topic(&env.device.id).and_then(|topic| env.parts.bus.retained_at(&topic));
    let status = said.and_then(|message| serde_json::from_slice::<Value>(&message.body).ok());
    status.is_some_and(|status| status["connected"] == false)
}

impl Task {
    fn new(env: &Arc<DeviceEnv>) -> Result<Self, BoxError> {
        let codecs = &env.parts.codecs;
        let codec = codecs.get(&env.device.profile).ok_or_else(|| {
            let known = codecs.names().join(", ");
            format!(
                "there is no profile {:?}: profiles are {known}",
                env.device.profile
            )
        })?;
        let declared = (env.device.cadence_ms > 0).then(|| Duration::from_millis(env.device.cadence_ms));
        Ok(Self {
            env: Arc::clone(env),
            codec,
            points: Points::resume(&env.parts, &env.device.id, declared),
            abouts: Abouts::resume(&env.parts.bus, &env.device.id),
            lost: 0,
        })
    }

    /// Reads again what the device has left retained about itself, and says what its family says at a start.
    fn begin(&mut self) {
        let env = Arc::clone(&self.env);
        let (device, bus) = (&env.device.id, &env.parts.bus);
        // Whatever an earlier life of the task has made of it may be what it crashed by.
        *env.memory.lock().unwrap_or_else(PoisonError::into_inner) = CodecMemory::default();
        let (left, now) = (self.codec.remembers(device).into_iter(), env.parts.intake.now());
        for message in left.flat_map(|filter| bus.retained(&filter)) {
            // Values are old news: the last ones are known already.
            if let Ok(decoded) = self.decode(device, &message.topic, &message.body, now) {
                self.describe(&decoded);
            }
        }
        for outgoing in self.codec.greet(device, now.unix_ms()) {
            self.say(outgoing);
        }
    }

    fn decode(
        &self,
        spoken_as: &str,
        topic: &Topic,
        body: &[u8],
        at: Timestamp,
    ) -> Result<Decoded, CodecError> {
        let incoming = Incoming {
            topic,
            payload: body,
            at_ms: at.unix_ms(),
        };
        let mut memory = self.env.memory.lock().unwrap_or_else(PoisonError::into_inner);
        self.codec.decode(spoken_as, incoming, &mut memory)
    }

    /// Says on the bus what the device has said about its points.
    fn describe(&mut self, decoded: &Decoded) {
        let (bus, device) = (&self.env.parts.bus, &self.env.device.id);
        for point in &decoded.undescribed {
            self.abouts.take_back(bus, device, point);
        }
        let mut all_said = true;
        for described in &decoded.described {
            all_said &= self.abouts.say(bus, device, described);
        }
        if !all_said {
            self.show_fault(&too_many_points());
        }
    }

    /// Takes in what the device said before it was accepted, with the times at which it was received.
    async fn catch_up(&mut self) {
        while let Some((spoken_as, held)) = self.env.parts.backlogs.next(&self.env.device.id) {
            self.record(held.at, &held.topic, &held.body);
            let said = self.frame(&spoken_as, &held.topic, &held.body, Some(held.at));
            self.env.tell_all(said).await;
        }
    }

    /// A message of the device. Returns what those have to hear of it who follow its commands.
    fn hear(&mut self, message: &Message) -> Vec<Said> {
        if message.own {
            // Some families' commands go where the device speaks: nothing that the gateway says is a sign of life.
            return Vec::new();
        }
        self.admit_losses(self.env.lost());
        self.record(self.env.parts.intake.now(), &message.topic, &message.body);
        let env = Arc::clone(&self.env);
        self.frame(&env.device.id, &message.topic, &message.body, None)
    }

    /// Takes in what waits before the end: it was acknowledged, and nobody will say it again. Whoever inherits the
    /// inbox takes it in himself.
    async fn finish(&mut self) {
        if self.env.parts.handover.has_heir(&self.env.device.id) {
            return;
        }
        // What comes meanwhile comes from nobody who was promised anything: the connections have ended before.
        let waiting = self.env.inbox.as_ref().map_or(0, Subscription::waiting);
        for _ in 0..waiting {
            let Some(delivery) = self.env.inbox.as_ref().and_then(Subscription::try_recv) else {
                return;
            };
            let said = self.hear(&delivery.message);
            self.env.tell_all(said).await;
        }
    }

    /// Before it is taken apart: a message that ends the task is the one that somebody will want to see.
    fn record(&self, at: Timestamp, topic: &Topic, body: &[u8]) {
        if !self.env.parts.recorder.is_on() {
            return;
        }
        let entry = Entry::new(at.unix_ms(), Kind::In, topic.as_str(), body);
        self.env.parts.recorder.record(&self.env.device.id, entry);
    }

    /// Says something to the device that is no command.
    fn say(&self, outgoing: Outgoing) {
        let message = on_the_bus(outgoing);
        let recorder = &self.env.parts.recorder;
        if recorder.is_on() {
            let at_ms = self.env.parts.intake.now().unix_ms();
            let entry = Entry::new(at_ms, Kind::Out, message.topic.as_str(), &message.body);
            recorder.record(&self.env.device.id, entry);
        }
        self.env.parts.bus.publish(message);
    }

    /// Takes a message apart. Returns what those have to hear of it who follow the device's commands.
    fn frame(
        &mut self,
        spoken_as: &str,
        topic: &Topic,
        body: &[u8],
        received: Option<Timestamp>,
    ) -> Vec<Said> {
        let at = received.unwrap_or_else(|| self.env.parts.intake.now());
        let decoded = self.decode(spoken_as, topic, body, at);
        let recorder = &self.env.parts.recorder;
        if recorder.is_on() {
            recorder.judge(&self.env.device.id, Outcome::of(&decoded));
        }
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => {
                self.fault(&error);
                self.not_silent();
                return Vec::new();
            }
        };
        for error in &decoded.rejected {
            self.fault(error);
        }
        self.describe(&decoded);
        if let (Some(online), true) = (decoded.online, self.codec.is_bridged()) {
            reachable(&self.env, online);
        }
        for outgoing in decoded.outgoing {
            self.say(outgoing);
        }
        // All of them before anybody is told of one: whatever happens to this task while it waits, they are taken.
        let mut said = self.take(decoded.samples, received);
        self.not_silent();
        if self.env.is_awaited() {
            said.extend(decoded.acks.into_iter().map(|ack| {
                let answer = match ack.result {
                    Ok(()) => Answer::Acknowledged,
                    Err(reason) => Answer::Refused(reason),
                };
                let (id, point) = (ack.id, ack.point);
                Said::Answered { id, point, answer }
            }));
        }
        said
    }

    /// Whatever the device said, it is not silent.
    fn not_silent(&mut self) {
        self.points.heard(self.env.parts.intake.clock().uptime_ms());
    }

    /// Takes the values of a message in. Returns what those who follow commands want to know of it.
    fn take(&mut self, samples: Samples, received: Option<Timestamp>) -> Vec<Said> {
        let mut observed = Vec::new();
        let mut crowded = false;
        for mut sample in samples {
            let declared = self.points.declared();
            let Some(point) = self.points.get_or_add(&sample.point) else {
                debug!(
                    device = &*self.env.device.id,
                    point = sample.point,
                    "a point too many, or a name that is none"
                );
                continue;
            };
            sample.cadence = declared.or(sample.cadence);
            sample.at = sample.at.or(received);
            if sample.access == Access::ReadWrite && point.becomes_settable() {
                let (bus, device) = (&self.env.parts.bus, &self.env.device.id);
                crowded |= !self.abouts.say_settable(bus, device, &sample.point, &sample.unit);
            }
            let has_time = sample.at.is_some();
            let taken = self.env.parts.intake.take(&self.env.device.id, point, sample);
            // What the device has kept for later says nothing of what a command has done.
            if self.env.is_awaited()
                && taken.is_latest
                && let Ok(value) = taken.reading.value
            {
                let point = point.name().to_owned();
                let said_ms = has_time.then(|| taken.reading.at.unix_ms());
                observed.push(Said::Observed {
                    point,
                    value,
                    said_ms,
                });
            }
        }
        if crowded {
            self.show_fault(&too_many_points());
        }
        observed
    }

    /// A message that could not be taken apart: counted, and shown with the device, with what was expected.
    fn fault(&self, error: &CodecError) {
        self.env
            .parts
            .intake
            .stats()
            .undecodable
            .fetch_add(1, Ordering::Relaxed);
        debug!(device = &*self.env.device.id, %error, "a message could not be taken apart");
        self.show_fault(&error.to_string());
    }

    /// Messages that were lost because they came faster than they could be taken, or while the task waited to be
    /// restarted: nobody is to believe that all is there.
    fn admit_losses(&mut self, lost: u64) {
        // Said at the first and then at each doubling: a flood of messages must not become a flood of complaints.
        if lost > self.lost && lost >= self.lost * 2 {
            self.lost = lost;
            warn!(
                device = &*self.env.device.id,
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
