//! The supervision tree, on one screen.

use std::sync::Arc;
use std::time::Duration;

use roost_mqtt::WebSocketDoor;
use roost_runtime::{BoxError, ChildSpec, Context, Strategy, Supervisor, SupervisorHandle};
use roost_web::{Bound, Upgrade, Upgraded, Web, WebOptions};

use crate::clients::clients;
use crate::devices::{commands, freshness, onboarding, profiles, recorder, registrar};
use crate::gateway::Gateway;
use crate::{memory, metrics, watchdog};

/// The tree of a gateway, with the handles that others ask it through.
pub struct Tree {
    /// The root, not running yet.
    pub root: Supervisor,
    /// The page and the API, which know the address that they got.
    pub web: Arc<Web>,
}

/// How often each device's task is asked for a sign of life: one that hangs is ended after 15 to 23 s.
const DEVICES_LOOK_EVERY: Duration = Duration::from_millis(7500);

/// ```text
/// roost            rest_for_one, 3 restarts in 60 s, then the program ends and systemd starts it anew
/// ├─ store         commits last values
/// ├─ buses         a child per bus of the board
/// ├─ devices       a child per device, which waits 100 ms … 60 s between restarts, for ever
/// ├─ registrar     starts the devices, adds and removes them
/// ├─ clients       lets dashboards and programs in, adds and removes them
/// ├─ desks         the flight recorder, profiles, onboarding
/// ├─ broker        connections, and the listener: after the devices, so that no message finds nobody
/// ├─ web           requests, and the listener
/// ├─ commands      takes, sends and follows commands; after the connections, which its failure must not end
/// ├─ freshness     says when values grow late and devices fall silent
/// ├─ memory        gives back what a rush has left
/// └─ watchdog      tells systemd "alive" only while the others answer
/// ```
#[must_use]
pub fn tree(gateway: &Arc<Gateway>) -> Tree {
    let events = &gateway.events;
    let parts = Arc::clone(&gateway.parts);
    let devices = Supervisor::dynamic("devices")
        .no_intensity()
        .run_queue()
        // A device that hangs loses what its inbox has no room for.
        .look_every(DEVICES_LOOK_EVERY)
        .events(events)
        .on_failure(move |device, exit| parts.recorder.note_failure(device, &parts.intake, exit));
    let (broker, connections) = gateway.broker.supervisor(gateway.listen.clone(), events);
    let root = Supervisor::new("roost", Strategy::RestForOne)
        .intensity(3, Duration::from_secs(60))
        .events(events);
    let web = Arc::new(web(
        gateway,
        root.handle(),
        devices.handle(),
        mqtt(gateway, connections),
    ));
    let watched = vec![root.handle(), devices.handle(), broker.handle()];
    let registrar = registrar(gateway, devices.handle());
    let root = root
        .child(store(gateway))
        .child(gateway.buses.supervisor(events))
        .child(devices)
        .child(registrar)
        .child(clients(gateway))
        .child(desks(gateway))
        .child(broker)
        .child(roost_web::supervisor(Arc::clone(&web), events))
        .child(commands(&gateway.parts))
        .child(freshness(&gateway.parts, &gateway.broker))
        .child(memory::child())
        .child(watchdog::child(watched));
    Tree { root, web }
}

/// MQTT for browsers and for networks that let nothing through but HTTP.
fn mqtt(gateway: &Arc<Gateway>, connections: SupervisorHandle) -> Upgrade {
    let door = WebSocketDoor::new(Arc::clone(&gateway.broker), connections);
    Upgrade {
        path: "/mqtt",
        protocol: "mqtt",
        serve: Arc::new(move |Upgraded { peer, socket }| {
            let door = door.clone();
            Box::pin(async move { door.admit(peer, socket).await })
        }),
    }
}

fn web(gateway: &Arc<Gateway>, tree: SupervisorHandle, devices: SupervisorHandle, mqtt: Upgrade) -> Web {
    let config = &gateway.config.web;
    let options = WebOptions {
        address: config.listen,
        connections: config.max_connections.size(),
        hosts: config.hosts.clone(),
    };
    let (for_metrics, for_facts) = (Arc::clone(gateway), Arc::clone(gateway));
    let (devices_of_metrics, tree_of_metrics) = (devices.clone(), tree.clone());
    let rate = metrics::Rate::default();
    Web {
        store: gateway.store.clone(),
        secrets: gateway.book.secrets().clone(),
        token_hash: gateway.token.hash.clone(),
        bus: gateway.bus.clone(),
        presence: gateway.presence.clone(),
        tree,
        devices,
        metrics: Arc::new(move || metrics::text(&for_metrics, &devices_of_metrics, &tree_of_metrics)),
        facts: Arc::new(move || metrics::facts(&for_facts, &rate)),
        upgrades: vec![mqtt],
        options,
        bound: Bound::default(),
    }
}

/// Those who answer requests about devices and hear what happens to them.
fn desks(gateway: &Arc<Gateway>) -> Supervisor {
    Supervisor::new("desks", Strategy::OneForOne)
        .events(&gateway.events)
        .child(recorder::desk::child(&gateway.parts))
        .child(profiles::desk::child(&gateway.profiles, &gateway.parts))
        .child(onboarding::desk::child(gateway))
}

/// Commits the last values every few seconds, and once more when it stops.
fn store(gateway: &Arc<Gateway>) -> ChildSpec {
    let gateway = Arc::clone(gateway);
    ChildSpec::new("store", move |context| commit(Arc::clone(&gateway), context))
}

async fn commit(gateway: Arc<Gateway>, context: Context) -> Result<(), BoxError> {
    let every = Duration::from_secs(gateway.config.store.commit_every_s.get());
    loop {
        let stopping = tokio::select! {
            () = context.shutdown.requested() => true,
            () = tokio::time::sleep(every) => false,
        };
        let last_values = Arc::clone(&gateway.last_values);
        gateway.store.run(move |_| last_values.commit()).await?;
        if stopping {
            return Ok(());
        }
    }
}
