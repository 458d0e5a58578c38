//! A broker without sockets, and the one device that may use it: `d`, with the password `s`, for everything below `t`.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use roost_model::{Device, Profile};
use roost_mqtt::rehearsal::broker_of_records;
use roost_mqtt::{Access, Broker, Limits};
use roost_runtime::{Bus, BusLimits};
use roost_store::{Secrets, Store, StoreOptions};

/// Small limits, so that a short input reaches them.
pub fn limits() -> Limits {
    Limits {
        packet_bytes: 4096,
        connect_bytes: 1024,
        queue_messages: 8,
        queue_bytes: 4096,
        in_flight: 4,
        receive_maximum: 3,
        topic_aliases: 2,
        sessions: 3,
        session_messages: 6,
        session_bytes: 4096,
        sessions_bytes: 6000,
        subscriptions: 3,
        takeover_within: Duration::ZERO,
        ..Limits::default()
    }
}

fn access() -> Arc<Access> {
    static ACCESS: OnceLock<Arc<Access>> = OnceLock::new();
    Arc::clone(ACCESS.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open(directory.path(), StoreOptions::default()).expect("a store");
        let secrets = Secrets::open(&store).expect("secrets");
        let access = Access::new(secrets.clone());
        access.set_profile(&Profile {
            id: "native".into(),
            publishes: vec!["t/#".into()],
            subscribes: vec!["t/#".into()],
            ..Profile::default()
        });
        access.set_device(&Device {
            id: "d".into(),
            enabled: true,
            profile: "native".into(),
            secret_hash: secrets.hash("s"),
            ..Device::default()
        });
        Arc::new(access)
    }))
}

/// A broker that has found these records.
pub fn broker(records: &[&[u8]]) -> Arc<Broker> {
    let bus = Bus::new(BusLimits {
        retained_messages: 5,
        retained_bytes: 4096,
        queued_bytes: 8192,
    });
    broker_of_records(&bus, access(), limits(), records)
}

/// Runs what is asynchronous only where somebody has to give way, which nobody does here.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime")
    });
    runtime.block_on(future)
}
