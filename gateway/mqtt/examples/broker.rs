//! The MQTT side on its own, to be measured: `broker ADDRESS [DIRECTORY]` lets the user `load` with the password `load`
//! publish and subscribe to everything. With a directory it keeps sessions there.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use roost_model::{Device, Profile};
use roost_mqtt::{Access, Broker, Limits};
use roost_runtime::{BoxError, Bus, Events, Presence, Shutdown};
use roost_store::{Secrets, Store, StoreOptions};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments
        .next()
        .ok_or("usage: broker ADDRESS [DIRECTORY]")?
        .parse()?;
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path(), StoreOptions::default())?;
    let secrets = Secrets::open(&store)?;
    let access = Arc::new(Access::new(secrets.clone()));
    access.set_profile(&Profile {
        id: "open".into(),
        publishes: vec!["#".into()],
        subscribes: vec!["#".into()],
        ..Profile::default()
    });
    access.set_device(&Device {
        id: "load".into(),
        enabled: true,
        profile: "open".into(),
        secret_hash: secrets.hash("load"),
        ..Device::default()
    });
    let bus = Bus::default();
    let presence = Presence::new(bus.clone());
    let broker = match arguments.next() {
        Some(kept) => Broker::open(bus, presence, access, Limits::default(), Path::new(&kept))?,
        None => Broker::new(bus, presence, access, Limits::default()),
    };
    let (supervisor, _) = broker.supervisor(address, &Events::new(8));
    supervisor.run(Shutdown::new()).await?;
    Ok(())
}
