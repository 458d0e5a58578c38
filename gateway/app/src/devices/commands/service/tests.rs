//! The task's own steps, one by one: what happens between the decision to send and the sending.

use std::sync::Arc;

use roost_model::{Command, CommandState, Device, Filter, Topic};
use roost_runtime::{ChildSpec, Message, Policy, PresenceGuard, Subscription};
use serde_json::{Map, Value, json};

use super::{Ears, Service};
use crate::config::Config;
use crate::devices::commands::machine;
use crate::gateway::Gateway;

/// A gateway that does not run, with a device that has a task to be, and whoever follows commands.
struct Site {
    gateway: Arc<Gateway>,
    ears: Arc<Ears>,
    service: Service,
    /// What is sent to the device.
    sent: Subscription,
    _boiler: ChildSpec,
    _directory: tempfile::TempDir,
}

impl Site {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: directory.path().into(),
            ..Config::default()
        };
        let gateway = Gateway::open(config, &[]).unwrap();
        let device = Device {
            id: "boiler".into(),
            profile: "native".into(),
            ..Device::default()
        };
        let boiler = crate::devices::child(&gateway.parts, "boiler".into(), device, None);
        let ears = Ears::new(&gateway.bus);
        let service = Service::resume(Arc::clone(&gateway.parts), &ears).await.unwrap();
        let commands = Filter::new("devices/boiler/commands/#").unwrap();
        let mut sent = gateway
            .bus
            .client_subscriber(&"boiler".into(), 0, 16, Policy::DropOldest);
        sent.listen(commands, roost_runtime::QoS::AtLeastOnce);
        Self {
            sent,
            gateway,
            ears,
            service,
            _boiler: boiler,
            _directory: directory,
        }
    }

    /// The device is connected until what is returned is dropped.
    fn connect(&self) -> PresenceGuard {
        let presence = &self.gateway.presence;
        presence.track(roost_mqtt::PRESENCE, "boiler", Arc::new(Map::new()))
    }

    /// Takes a request in and decides about it. Nothing is written down or sent yet.
    fn ask(&mut self, request: &Value) -> String {
        let topic = Topic::new("devices/boiler/points/relay/set").unwrap();
        let message = Message::new(topic, request.to_string()).at_least_once();
        self.gateway.bus.publish(message);
        let delivery = self.ears.requests.try_recv().unwrap();
        self.service.asked(delivery);
        let id = self.service.born.iter().next().unwrap();
        id.clone()
    }

    fn advance(&mut self) {
        let now = self.service.now();
        self.service.advance("boiler", &now);
    }

    /// The command as it is written down, once everything is.
    async fn settled(&mut self, id: &str) -> Command {
        self.service.commit().await.unwrap();
        self.service.written(id).await.unwrap().unwrap()
    }

    /// The task has written down what is sent and gets no further.
    async fn ends_before_sending(&mut self) {
        let outputs = self.service.machine.take_outputs();
        let changed = crate::devices::commands::records::changed(&outputs).unwrap();
        let due = outputs.into_iter().map(|output| (output, true));
        self.ears.round.will_do(due);
        let store = &self.gateway.store;
        let write = store.run(move |store| store.table::<Command>().put_all(&changed));
        write.await.unwrap();
    }

    /// Another task takes over.
    async fn resume(&mut self) {
        let parts = Arc::clone(&self.gateway.parts);
        self.service = Service::resume(parts, &self.ears).await.unwrap();
    }

    /// Commands that have reached the device.
    fn arrived(&self) -> Vec<String> {
        let deliveries = std::iter::from_fn(|| self.sent.try_recv());
        let body = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
        deliveries
            .map(|delivery| body(&delivery.message.body)["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn states(command: &Command) -> Vec<&'static str> {
    command.steps.iter().map(|step| step.state.word()).collect()
}

#[tokio::test]
async fn a_command_whose_device_goes_while_it_is_written_down_waits_again_and_is_delivered_once() {
    let mut site = Site::new().await;
    let here = site.connect();
    let id = site.ask(&json!({ "value": true, "within_ms": 600_000 }));
    assert_eq!(
        site.service.machine.get(&id).unwrap().state,
        CommandState::Sent,
        "about to be sent"
    );
    drop(here);
    let waiting = site.settled(&id).await;
    assert_eq!(states(&waiting), ["queued", "sent", "queued"]);
    let reason = waiting.reason.as_deref().unwrap();
    assert!(reason.starts_with("not connected, queued until "), "{reason}");
    assert_eq!(site.arrived(), [""; 0]);
    let result = Topic::new("devices/boiler/points/relay/result").unwrap();
    let said = site.gateway.bus.retained_at(&result).unwrap();
    let said: Command = serde_json::from_slice(&said.body).unwrap();
    assert_eq!(said.state, CommandState::Queued);

    let _here = site.connect();
    site.advance();
    let sent = site.settled(&id).await;
    assert_eq!(states(&sent), ["queued", "sent", "queued", "sent"]);
    site.advance();
    site.settled(&id).await;
    assert_eq!(site.arrived(), [id]);
}

#[tokio::test]
async fn a_device_that_is_back_before_anybody_noticed_gets_its_command_at_once() {
    let mut site = Site::new().await;
    let here = site.connect();
    let id = site.ask(&json!({ "value": true, "within_ms": 600_000 }));
    // Its subscription comes a moment after the device.
    let filter = Filter::new("devices/boiler/commands/#").unwrap();
    site.sent.remove(&filter, None);
    drop(here);
    let _here = site.connect();
    let waiting = site.settled(&id).await;
    assert_eq!(states(&waiting), ["queued", "sent", "queued"]);
    assert!(waiting.reason.as_deref().unwrap().contains("does not listen"));
    site.sent.add(filter, roost_runtime::QoS::AtLeastOnce);
    site.service.look_again(0);
    let sent = site.settled(&id).await;
    assert_eq!(sent.state, CommandState::Sent);
    assert_eq!(site.arrived(), [id]);
}

#[tokio::test]
async fn a_dashboard_and_the_gateway_itself_do_not_listen_in_the_place_of_a_device() {
    let mut site = Site::new().await;
    let everything = || Filter::new("#").unwrap();
    let bus = site.gateway.bus.clone();
    let mut dashboard = bus.client_subscriber(&"dashboard".into(), 0, 16, Policy::DropOldest);
    dashboard.listen(everything(), roost_runtime::QoS::AtLeastOnce);
    let _own = bus.subscribe(everything(), 16, Policy::DropOldest);
    let filter = Filter::new("devices/boiler/commands/#").unwrap();
    site.sent.remove(&filter, None);
    let _here = site.connect();
    let id = site.ask(&json!({ "value": true, "within_ms": 600_000 }));
    let waiting = site.settled(&id).await;
    assert_eq!(states(&waiting), ["queued"]);
    assert!(waiting.reason.as_deref().unwrap().contains("does not listen"));
    site.sent.add(filter, roost_runtime::QoS::AtLeastOnce);
    site.service.look_again(0);
    site.settled(&id).await;
    assert_eq!(site.arrived(), [id]);
}

#[tokio::test]
async fn a_command_that_may_not_wait_is_refused_when_its_device_has_just_gone() {
    let mut site = Site::new().await;
    let here = site.connect();
    let id = site.ask(&json!({ "value": true, "queue": "never" }));
    drop(here);
    let refused = site.settled(&id).await;
    assert_eq!(
        (refused.state, refused.reason),
        (CommandState::Refused, Some(machine::had_gone()))
    );
    assert_eq!(site.arrived(), [""; 0]);
}

#[tokio::test]
async fn a_task_that_ends_between_the_deciding_and_the_sending_leaves_a_command_that_waits_again() {
    let mut site = Site::new().await;
    let here = site.connect();
    let id = site.ask(&json!({ "value": true, "within_ms": 600_000 }));
    site.ends_before_sending().await;
    drop(here);
    site.resume().await;
    let waiting = site.settled(&id).await;
    assert_eq!(states(&waiting), ["queued", "sent", "queued"]);
    let _here = site.connect();
    site.advance();
    site.settled(&id).await;
    assert_eq!(site.arrived(), [id]);
}

#[tokio::test]
async fn a_task_that_ends_between_the_deciding_and_the_sending_does_not_let_a_command_wait_that_must_not() {
    let mut site = Site::new().await;
    let here = site.connect();
    let id = site.ask(&json!({ "value": true, "queue": "never" }));
    site.ends_before_sending().await;
    drop(here);
    site.resume().await;
    let refused = site.settled(&id).await;
    assert_eq!(states(&refused), ["queued", "sent", "refused"]);
    assert_eq!(site.arrived(), [""; 0]);
}
