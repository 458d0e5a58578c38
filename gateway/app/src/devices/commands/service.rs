//! The task that follows all commands: takes what happened, writes it down with one sync, then says and sends it.

mod commit;
mod resume;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use roost_model::{Filter, Topic};
use roost_runtime::{BoxError, Bus, Capacity, ChildSpec, Context, Delivery, Policy, QoS, Subscription};
use serde_json::json;

use super::Said;
use super::keys::{Keys, MAX_KEYS};
use super::machine::{self, Machine};
use super::moment::Moment;
use super::names::Names;
use super::replies::Asker;
use super::road::Road;
use super::round::{About, Asked, Round, Taken};
use super::wanted::NewCommand;
use crate::devices::DeviceParts;
use crate::devices::requests::SetRequest;

/// Requests that wait, and their bytes. Then the oldest of QoS 0 goes; where there is none, whoever asks for one more
/// is told that the gateway is busy, or waits.
const REQUESTS: Capacity = Capacity {
    messages: 1024,
    bytes: 4 << 20,
};
/// Devices whose coming or going was not looked at yet; after more, all that have commands are looked at.
const NEWS: usize = 1024;
/// Most events that are written down together.
const ROUND: usize = 256;
/// Where a command is taken back.
const CANCEL: &str = "$roost/commands/cancel";

/// The ears of the task. They outlive it: what comes while it waits to be restarted is not lost.
struct Ears {
    requests: Subscription,
    /// Statuses: who has come or gone.
    news: Subscription,
    /// What was taken in and is not settled.
    round: Round,
    /// Held while something is written down: writing goes on when the task has ended.
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl Ears {
    fn new(bus: &Bus) -> Arc<Self> {
        let mut requests = bus.subscriber(REQUESTS, Policy::HoldThenShut);
        for filter in ["devices/+/points/+/set", CANCEL] {
            if let Ok(filter) = Filter::new(filter) {
                requests.serve(filter);
            }
        }
        let mut news = bus.subscriber(NEWS, Policy::DropOldest);
        if let Ok(filter) = Filter::new("devices/+/status") {
            news.add(filter, QoS::AtLeastOnce);
        }
        Arc::new(Self {
            requests,
            news,
            round: Round::default(),
            writing: Arc::default(),
        })
    }
}

/// The child that follows all commands.
#[must_use]
pub(crate) fn child(parts: &Arc<DeviceParts>) -> ChildSpec {
    let (parts, ears) = (Arc::clone(parts), Ears::new(&parts.bus));
    ChildSpec::new("commands", move |context| {
        run(Arc::clone(&parts), Arc::clone(&ears), context)
    })
}

struct Service {
    parts: Arc<DeviceParts>,
    ears: Arc<Ears>,
    machine: Machine,
    keys: Keys,
    names: Names,
    road: Road,
    /// Commands that came in this round.
    born: HashSet<String>,
    news_lost: u64,
    /// Commands that have ended since old ones were forgotten.
    ended: usize,
}

async fn run(parts: Arc<DeviceParts>, ears: Arc<Ears>, context: Context) -> Result<(), BoxError> {
    let commands = Arc::clone(&parts.commands);
    let mut said = commands.said.lock().await;
    let mut service = Service::resume(parts, &ears).await?;
    service.take_up().await?;
    context.ready();
    loop {
        service.commit().await?;
        let next = service.next_due();
        let mut round = ROUND;
        tokio::select! {
            biased;
            () = context.shutdown.requested() => return service.finish().await,
            () = until(next), if next.is_some() => {}
            () = commands.wake.notified() => {}
            Some(news) = ears.news.recv() => service.heard_of(&news),
            Some((device, said)) = said.recv() => service.said(device, said),
            Some(request) = ears.requests.recv() => service.asked(request),
        }
        // Whatever else has come meanwhile is written down with it.
        while round > 0 {
            round -= 1;
            if let Ok((device, said)) = said.try_recv() {
                service.said(device, said);
            } else if let Some(request) = ears.requests.try_recv() {
                service.asked(request);
            } else if let Some(news) = ears.news.try_recv() {
                service.heard_of(&news);
            } else {
                break;
            }
        }
        service.look_again(ears.news.dropped());
    }
}

async fn until(next: Option<Duration>) {
    match next {
        Some(next) => tokio::time::sleep(next).await,
        None => std::future::pending().await,
    }
}

impl Service {
    fn now(&self) -> Moment {
        Moment::of(self.parts.intake.clock())
    }

    fn advance(&mut self, device: &str, now: &Moment) {
        let Self { machine, road, .. } = self;
        machine.advance(device, now, &mut |command| road.reach(command));
    }

    fn expire(&mut self, now: &Moment) {
        let Self { machine, road, .. } = self;
        machine.expire(now, &mut |command| road.reach(command));
    }

    /// Time until the next thing falls due.
    fn next_due(&self) -> Option<Duration> {
        let due_ms = self.machine.next_due_ms()?;
        let left_ms = due_ms.saturating_sub(self.parts.intake.clock().uptime_ms());
        Some(Duration::from_millis(left_ms))
    }

    /// What devices were woken for, and what fell due.
    fn look_again(&mut self, news_lost: u64) {
        self.hear_of_removed();
        let now = self.now();
        for device in self.parts.commands.take_woken() {
            self.advance(&device, &now);
        }
        if news_lost > self.news_lost {
            self.news_lost = news_lost;
            let devices: Vec<String> = self.machine.devices().map(str::to_owned).collect();
            for device in devices {
                self.advance(&device, &now);
            }
        }
        self.expire(&now);
    }

    /// A device has come or gone.
    fn heard_of(&mut self, news: &Delivery) {
        if let Some(device) = news.message.topic.levels().nth(1) {
            let now = self.now();
            self.advance(device, &now);
        }
    }

    fn said(&mut self, device: String, said: Said) {
        self.take(Taken::Said(device, said), 0);
    }

    /// Before anything is asked of a new device of the same name.
    fn hear_of_removed(&mut self) {
        for device in self.parts.commands.take_removed() {
            self.said(device, Said::Removed);
        }
    }

    fn asked(&mut self, delivery: Delivery) {
        self.hear_of_removed();
        let Delivery { message, reply, .. } = delivery;
        let asker = match reply {
            Some(reply) => Asker::Waits(reply),
            None => match result_of(&message.topic) {
                Some(topic) => Asker::Listens(topic),
                None => return,
            },
        };
        let asked = Asked {
            message,
            asker: Some(asker),
            about: None,
        };
        self.take(Taken::Asked(asked), 0);
    }

    /// Takes something in, over which so many tasks have failed already.
    fn take(&mut self, taken: Taken, failed: u8) {
        let round = &self.ears.round;
        match &taken {
            Taken::Said(device, said) => {
                let (device, said) = (device.clone(), said.clone());
                round.note(taken, failed);
                self.hear(&device, said);
            }
            Taken::Asked(asked) => {
                let message = Arc::clone(&asked.message);
                let at = round.note(taken, failed);
                let levels: Vec<&str> = message.topic.levels().collect();
                match levels.as_slice() {
                    ["devices", device, "points", point, "set"] => self.set(at, device, point, &message.body),
                    ["$roost", "commands", "cancel"] => self.cancel(at, &message.body),
                    _ => {}
                }
            }
        }
    }

    fn hear(&mut self, device: &str, said: Said) {
        let now = self.now();
        match said {
            Said::Answered { id, point, answer } => {
                self.machine
                    .answered(device, id.as_deref(), point.as_deref(), answer, &now);
            }
            Said::Observed {
                point,
                value,
                said_ms,
            } => self.machine.observed(device, (&point, &value, said_ms), &now),
            Said::Removed => self.machine.remove(device, &now),
        }
        self.advance(device, &now);
    }

    /// Says that the request at this place of the round is none.
    fn reject(&self, at: usize, error: &serde_json::Value) {
        self.ears.round.reject(at, &self.parts.bus, error);
    }

    fn set(&mut self, at: usize, device: &str, point: &str, body: &[u8]) {
        if self.parts.commands.running(device).is_none() {
            let error = json!({ "error": format!("{device} is not running"), "not_running": true });
            return self.reject(at, &error);
        }
        let request = match SetRequest::parse(point, body) {
            Ok(request) => request,
            Err(error) => return self.reject(at, &error.answer()),
        };
        let now = self.now();
        if let Some(key) = &request.key {
            if let Some(id) = self.keys.get(device, point, key, &now) {
                let about = About {
                    id: id.to_owned(),
                    repeated: Some(request.value),
                };
                return self.ears.round.is_about(at, about);
            }
            if !self.keys.have_room(&now) {
                let error = format!("{MAX_KEYS} keys were used within a day: send this command without one");
                return self.reject(at, &json!({ "error": error }));
            }
        }
        // A flood is turned away before it costs anything. What is superseded makes room.
        if request.key.is_none() && !request.supersede && self.machine.is_full(device) {
            return self.reject(at, &json!({ "error": machine::too_many(), "too_many": true }));
        }
        let id = self.names.next(now.wall_ms());
        let new = NewCommand::of(&id, device, request, self.parts.command_within_ms);
        self.born.insert(id.clone());
        if !new.may_wait {
            self.ears.round.must_not_wait(&id);
        }
        let about = About { id, repeated: None };
        self.ears.round.is_about(at, about);
        let Self { machine, road, .. } = self;
        machine.ask(new, &now, &mut |command| road.reach(command));
    }

    fn cancel(&mut self, at: usize, body: &[u8]) {
        let request: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(id) = request.get("id").and_then(serde_json::Value::as_str) else {
            return self.reject(at, &json!({ "error": "`id` is missing" }));
        };
        let now = self.now();
        // One that was sent already stays as it is: the answer shows it.
        if let Some(device) = self.machine.cancel(id, &now) {
            self.advance(&device, &now);
        }
        let about = About {
            id: id.to_owned(),
            repeated: None,
        };
        self.ears.round.is_about(at, about);
    }

    /// What was acknowledged to those who asked is written down before the end.
    async fn finish(&mut self) -> Result<(), BoxError> {
        for _ in 0..REQUESTS.messages {
            let Some(request) = self.ears.requests.try_recv() else {
                break;
            };
            self.asked(request);
        }
        self.commit().await
    }
}

/// Where those who don't wait for an answer hear what became of their request to set a point.
fn result_of(set: &Topic) -> Option<Topic> {
    let point = set.as_str().strip_suffix("/set")?;
    Topic::new(format!("{point}/result")).ok()
}
