//! The pages with made-up devices, to look at while designing:
//! `cargo run -p roost-web --example preview -- 3 8099`, with the number of devices and the port;
//! a third number lets it listen on all addresses, so that it asks for the token, `preview`.

mod data;
mod desks;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use roost_runtime::{
    BoxError, Bus, ChildSpec, Events, Presence, Shutdown, Strategy, Supervisor, SupervisorHandle,
};
use roost_store::{Secrets, Store, StoreOptions};
use roost_web::{Bound, Facts, Web, WebOptions};

use data::device;

/// The time of day in milliseconds.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(0)
}

async fn start_devices(devices: &SupervisorHandle, count: usize) -> Result<(), BoxError> {
    for number in (0..count).filter(|number| device(*number).enabled) {
        let spec = ChildSpec::new(device(number).id, move |context| async move {
            if number % 2500 == 1 && number > 1 || number == 2 {
                return Err("nothing answers at address 0x76 of i2c-1: is the sensor wired?".into());
            }
            context.ready();
            context.shutdown.requested().await;
            Ok(())
        });
        devices.start_child(spec).await?;
    }
    Ok(())
}

fn idle(name: &'static str) -> ChildSpec {
    ChildSpec::new(name, |context| async move {
        context.shutdown.requested().await;
        Ok(())
    })
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut args = std::env::args()
        .skip(1)
        .filter_map(|arg| arg.parse::<usize>().ok());
    let count = args.next().unwrap_or(3);
    let port = u16::try_from(args.next().unwrap_or(8099))?;
    let ip = if args.next().is_some() {
        [0, 0, 0, 0]
    } else {
        [127, 0, 0, 1]
    };
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path(), StoreOptions::default())?;
    let (bus, events, began) = (Bus::default(), Events::new(100), Instant::now());
    data::fill(&bus, &store, count)?;
    let desks = desks::child(bus.clone(), count == 0);
    let devices = Supervisor::dynamic("devices").no_intensity();
    let root = Supervisor::new("roost", Strategy::RestForOne);
    let secrets = Secrets::open(&store)?;
    let handle = devices.handle();
    let web = Arc::new(Web {
        token_hash: secrets.hash("preview"),
        secrets,
        store,
        presence: Presence::new(bus.clone()),
        bus,
        tree: root.handle(),
        devices: handle.clone(),
        metrics: Arc::new(String::new),
        facts: Arc::new(move || Facts {
            version: "0.1.0".to_owned(),
            uptime: began.elapsed() + Duration::from_secs(273_900),
            readings_per_s: Some(count as f64 * 2.8916),
            ..Facts::default()
        }),
        upgrades: Vec::new(),
        options: WebOptions {
            address: (ip, port).into(),
            ..WebOptions::default()
        },
        bound: Bound::default(),
    });
    let uplinks = Supervisor::new("uplinks", Strategy::OneForOne).child(idle("example.org"));
    let root = root
        .child(idle("store"))
        .child(devices)
        .child(desks)
        .child(uplinks);
    let root = root.child(roost_web::supervisor(web, &events));
    tokio::try_join!(async { Ok(root.run(Shutdown::new()).await?) }, async {
        while handle.ping().await.is_err() {
            tokio::task::yield_now().await;
        }
        start_devices(&handle, count).await
    })?;
    Ok(())
}
