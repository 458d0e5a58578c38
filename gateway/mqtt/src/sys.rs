//! The broker's own figures under `$SYS/broker`, under the names that other brokers have made usual.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use roost_model::Topic;
use roost_runtime::{BoxError, Context, Message};
use tokio::time::Instant;

use crate::broker::Broker;
use crate::stats::BrokerStats;

/// How often figures that have changed are published.
const EVERY: Duration = Duration::from_secs(10);

/// Publishes until it is told to stop.
pub(crate) async fn run(broker: Arc<Broker>, context: Context) -> Result<(), BoxError> {
    context.ready();
    let begin = Instant::now();
    let mut said = HashMap::new();
    loop {
        for (name, value) in figures(&broker, begin.elapsed()) {
            if said.get(name) != Some(&value) {
                say(&broker, name, &value);
                said.insert(name, value);
            }
        }
        tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn say(broker: &Broker, name: &str, value: &str) {
    if let Ok(topic) = Topic::new(format!("$SYS/broker/{name}")) {
        broker
            .bus()
            .publish(Message::new(topic, value.to_owned()).retained());
    }
}

fn figures(broker: &Broker, up: Duration) -> Vec<(&'static str, String)> {
    let (stats, bus) = (broker.stats(), broker.bus().stats());
    let (sessions, waiting) = broker.kept();
    let connected = BrokerStats::get(&stats.connected);
    let number = |value: u64| value.to_string();
    vec![
        ("version", format!("roost {}", env!("CARGO_PKG_VERSION"))),
        ("uptime", format!("{} seconds", up.as_secs())),
        ("clients/connected", number(connected)),
        ("clients/accepted", number(BrokerStats::get(&stats.accepted))),
        ("clients/refused", number(BrokerStats::get(&stats.refused))),
        ("sessions/kept", number(sessions as u64)),
        ("store/messages/count", number(waiting as u64)),
        (
            "publish/messages/received",
            number(BrokerStats::get(&stats.received)),
        ),
        ("publish/messages/sent", number(BrokerStats::get(&stats.sent))),
        ("publish/messages/dropped", number(bus.dropped)),
        ("bytes/received", number(BrokerStats::get(&stats.bytes_in))),
        ("bytes/sent", number(BrokerStats::get(&stats.bytes_out))),
        ("retained messages/count", number(bus.retained)),
        ("subscriptions/count", number(bus.filters)),
        ("queued/bytes", number(bus.queued_bytes)),
    ]
}
