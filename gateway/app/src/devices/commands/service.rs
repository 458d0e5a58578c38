//! The task that follows all commands: takes what happened, writes it down with one sync, then says and sends it.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use roost_model::{Command, CommandState, Filter, Topic};
use roost_runtime::{BoxError, ChildSpec, Context, Delivery, Message, Policy, QoS, Subscription};
use serde_json::json;
use tracing::info;

use super::keys::{Keys, MAX_KEYS};
use super::machine::{self, Machine, Output};
use super::moment::Moment;
use super::names::Names;
use super::records;
use super::replies::{Asker, Reply};
use super::road::Road;
use super::wanted::NewCommand;
use super::{Answer, Said};
use crate::devices::DeviceParts;
use crate::devices::requests::SetRequest;

/// Requests that wait; one more is told that the gateway is busy.
const REQUESTS: usize = 1024;
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
}

/// The child that follows all commands.
#[must_use]
pub(crate) fn child(parts: &Arc<DeviceParts>) -> ChildSpec {
    let mut requests = parts.bus.subscriber(REQUESTS, Policy::DropNewest);
    for filter in ["devices/+/points/+/set", CANCEL] {
        if let Ok(filter) = Filter::new(filter) {
            requests.serve(filter);
        }
    }
    let mut news = parts.bus.subscriber(NEWS, Policy::DropOldest);
    if let Ok(filter) = Filter::new("devices/+/status") {
        news.add(filter, QoS::AtLeastOnce);
    }
    let (parts, ears) = (Arc::clone(parts), Arc::new(Ears { requests, news }));
    ChildSpec::new("commands", move |context| {
        run(Arc::clone(&parts), Arc::clone(&ears), context)
    })
}

struct Service {
    parts: Arc<DeviceParts>,
    machine: Machine,
    keys: Keys,
    names: Names,
    road: Road,
    replies: Vec<Reply>,
    /// Commands that came in this round.
    born: HashSet<String>,
    news_lost: u64,
    /// Commands that have ended since old ones were forgotten.
    ended: usize,
}

async fn run(parts: Arc<DeviceParts>, ears: Arc<Ears>, context: Context) -> Result<(), BoxError> {
    let commands = Arc::clone(&parts.commands);
    let mut said = commands.said.lock().await;
    let mut service = Service::resume(parts).await?;
    context.ready();
    loop {
        service.commit().await?;
        let next = service.next_due();
        let mut round = ROUND;
        tokio::select! {
            biased;
            () = context.shutdown.requested() => return Ok(()),
            () = until(next), if next.is_some() => {}
            () = commands.wake.notified() => {}
            Some(news) = ears.news.recv() => service.heard_of(&news),
            Some((device, said)) = said.recv() => service.said(&device, said),
            Some(request) = ears.requests.recv() => service.asked(request),
        }
        // Whatever else has come meanwhile is written down with it.
        while round > 0 {
            round -= 1;
            if let Ok((device, said)) = said.try_recv() {
                service.said(&device, said);
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
    /// Goes on with what an earlier run has left.
    async fn resume(parts: Arc<DeviceParts>) -> Result<Self, BoxError> {
        let left = parts.store.run(records::left).await?;
        let now = Moment::of(parts.intake.clock());
        let mut service = Self {
            road: Road::new(Arc::clone(&parts)),
            names: Names::after(left.last.as_deref()),
            parts,
            machine: Machine::default(),
            keys: Keys::default(),
            replies: Vec::new(),
            born: HashSet::new(),
            news_lost: 0,
            ended: 0,
        };
        for command in &left.keyed {
            service.keys.learn(command, &now);
        }
        let count = left.pending.len();
        for command in left.pending {
            let due_ms = now.due_of(&command);
            service.machine.restore(command, due_ms, &now);
        }
        if count > 0 {
            info!(commands = count, "commands of an earlier run are followed on");
        }
        let devices: Vec<String> = service.machine.devices().map(str::to_owned).collect();
        for device in &devices {
            service.note_awaited(device);
        }
        service.expire(&now);
        for device in &devices {
            service.advance(device, &now);
        }
        Ok(service)
    }

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

    fn said(&mut self, device: &str, said: Said) {
        let now = self.now();
        match said {
            Said::Answered { id, point, answer } => {
                self.machine
                    .answered(device, id.as_deref(), point.as_deref(), answer, &now);
            }
            Said::Observed { point, value } => self.machine.observed(device, &point, &value, &now),
            Said::Removed => self.machine.remove(device, &now),
        }
        self.advance(device, &now);
    }

    fn asked(&mut self, delivery: Delivery) {
        let Delivery { message, reply, .. } = delivery;
        let levels: Vec<&str> = message.topic.levels().collect();
        match (levels.as_slice(), reply) {
            (["devices", device, "points", point, "set"], Some(reply)) => {
                self.set(device, point, &message.body, Asker::Waits(reply));
            }
            (["devices", device, "points", point, "set"], None) => {
                if let Ok(topic) = Topic::new(format!("devices/{device}/points/{point}/result")) {
                    self.set(device, point, &message.body, Asker::Listens(topic));
                }
            }
            (["$roost", "commands", "cancel"], Some(reply)) => {
                self.cancel(&message.body, Asker::Waits(reply))
            }
            _ => {}
        }
    }

    fn set(&mut self, device: &str, point: &str, body: &[u8], asker: Asker) {
        let bus = &self.parts.bus;
        if self.parts.commands.running(device).is_none() {
            let error = json!({ "error": format!("{device} is not running"), "not_running": true });
            return asker.reject(bus, &error);
        }
        let request = match SetRequest::parse(point, body) {
            Ok(request) => request,
            Err(error) => return asker.reject(bus, &error.answer()),
        };
        let now = self.now();
        if let Some(key) = &request.key {
            if let Some(id) = self.keys.get(device, point, key, &now) {
                return self.replies.push(Reply {
                    id: id.to_owned(),
                    asker,
                    repeated: Some(request.value),
                });
            }
            if !self.keys.have_room(&now) {
                let error = format!("{MAX_KEYS} keys were used within a day: send this command without one");
                return asker.reject(bus, &json!({ "error": error }));
            }
        }
        // A flood is turned away before it costs anything. What is superseded makes room.
        if request.key.is_none() && !request.supersede && self.machine.is_full(device) {
            return asker.reject(bus, &json!({ "error": machine::too_many(), "too_many": true }));
        }
        let id = self.names.next(now.wall_ms());
        let new = NewCommand::of(&id, device, request, self.parts.command_within_ms);
        self.born.insert(id.clone());
        let Self { machine, road, .. } = self;
        machine.ask(new, &now, &mut |command| road.reach(command));
        self.replies.push(Reply {
            id,
            asker,
            repeated: None,
        });
    }

    fn cancel(&mut self, body: &[u8], asker: Asker) {
        let request: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(id) = request.get("id").and_then(serde_json::Value::as_str) else {
            return asker.reject(&self.parts.bus, &json!({ "error": "`id` is missing" }));
        };
        let now = self.now();
        // One that was sent already stays as it is: the answer shows it.
        if let Some(device) = self.machine.cancel(id, &now) {
            self.advance(&device, &now);
        }
        self.replies.push(Reply {
            id: id.to_owned(),
            asker,
            repeated: None,
        });
    }

    /// Writes down what has changed, with one sync; then says it, sends what is to be sent, and answers.
    async fn commit(&mut self) -> Result<(), BoxError> {
        let mut last = HashMap::new();
        loop {
            let outputs = self.machine.take_outputs();
            if outputs.is_empty() {
                break;
            }
            let changed = records::changed(&outputs)?;
            self.ended += changed.iter().filter(|command| command.is_final).count();
            let store = &self.parts.store;
            store
                .run(move |store| store.table::<Command>().put_all(&changed))
                .await?;
            if self.ended >= records::FORGET_AFTER {
                store.run(records::forget_old).await?;
                self.ended = 0;
            }
            let steps = outputs.iter().filter_map(|output| match output {
                Output::Step(command) => Some((command.id.clone(), command.clone())),
                Output::Transmit(_) => None,
            });
            last.extend(steps);
            self.learn(&last);
            self.perform(&outputs, &last);
        }
        self.reply(&last).await?;
        self.born.clear();
        Ok(())
    }

    /// What is on disk now is known: keys, and which devices are listened to. Before anything is sent, because an
    /// answer may be faster than this task.
    fn learn(&mut self, last: &HashMap<String, Command>) {
        let now = self.now();
        for command in last.values() {
            if self.born.contains(&command.id) {
                self.keys.learn(command, &now);
            }
            self.note_awaited(&command.device);
        }
    }

    fn note_awaited(&self, device: &str) {
        let count = self.machine.awaited(device);
        self.parts.commands.set_awaited(device, count);
    }

    fn perform(&mut self, outputs: &[Output], last: &HashMap<String, Command>) {
        for output in outputs {
            match output {
                Output::Step(command) => {
                    // What was refused at once is nobody's state: it is not kept for those who come later.
                    let refused = last.get(&command.id).is_some_and(|last| {
                        last.state == CommandState::Refused && last.at_ms(CommandState::Sent).is_none()
                    });
                    self.say(command, !(refused && self.born.contains(&command.id)));
                    if command.is_final {
                        self.road.forget(&command.id);
                    }
                }
                Output::Transmit(command) => self.transmit(command),
            }
        }
    }

    fn transmit(&mut self, command: &Command) {
        if !self.road.transmit(command) {
            let reason = "the device had gone before it was sent".to_owned();
            let now = self.now();
            self.machine.answered(
                &command.device,
                Some(&command.id),
                None,
                Answer::Refused(reason),
                &now,
            );
        }
    }

    fn say(&self, command: &Command, retained: bool) {
        let topic = format!("devices/{}/points/{}/result", command.device, command.point);
        if let (Ok(topic), Ok(body)) = (Topic::new(topic), serde_json::to_vec(command)) {
            let message = Message::new(topic, body).at_least_once();
            self.parts
                .bus
                .publish(if retained { message.retained() } else { message });
        }
    }

    async fn reply(&mut self, last: &HashMap<String, Command>) -> Result<(), BoxError> {
        for reply in std::mem::take(&mut self.replies) {
            let known = last
                .get(&reply.id)
                .or_else(|| self.machine.get(&reply.id))
                .cloned();
            let command = match known {
                Some(command) => Some(command),
                None => {
                    let id = reply.id.clone();
                    self.parts
                        .store
                        .run(move |store| store.table::<Command>().get(&id))
                        .await?
                }
            };
            reply.give(&self.parts.bus, command.as_ref());
        }
        Ok(())
    }
}
