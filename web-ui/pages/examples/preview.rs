//! The pages with made-up devices, to look at while designing:
//! `cargo run -p roost-web --example preview -- 3 8099`, with the number of devices and the port;
//! a third number lets it listen on all addresses, so that it asks for the token, `preview`.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use roost_model::{
    ClockQuality, Command, CommandState, Device, NoData, Reading, Timestamp, Topic, Unit, Value,
};
use roost_runtime::{
    BoxError, Bus, ChildSpec, Events, Message, Presence, Shutdown, Strategy, Supervisor, SupervisorHandle,
};
use roost_store::{Changeset, Secrets, Store, StoreOptions};
use roost_web::{Bound, Facts, Web, WebOptions};

const LABELS: [&str; 6] = [
    "Boiler, cellar",
    "Pump house",
    "Küche",
    "",
    "Cold store 2",
    "Roof, west side",
];

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(0)
}

fn device(number: usize) -> Device {
    let wired = number % 7 == 2;
    Device {
        id: format!("sim-{number:05}"),
        label: LABELS[number % LABELS.len()].to_owned(),
        enabled: number % 50 != 49,
        profile: if wired { "" } else { "native" }.to_owned(),
        driver: if wired { "bme280" } else { "" }.to_owned(),
        bus: if wired { "i2c-1" } else { "" }.to_owned(),
        address: if wired { 0x76 } else { 0 },
        ..Device::default()
    }
}

fn readings(number: usize) -> Vec<(&'static str, Result<Value, NoData>, &'static str, i64)> {
    let wave = (number % 40) as f64;
    let silent = if number % 23 == 4 { 47_000_000 } else { 0 };
    let mut all = vec![
        (
            "temperature",
            Ok(Value::Float(18.4 + wave * 0.31)),
            "°C",
            3000 + silent,
        ),
        ("humidity", Ok(Value::Float(41.0 + wave)), "%", 4000),
    ];
    match number % 3 {
        0 => all.push(("relay", Ok(Value::Bool(number.is_multiple_of(2))), "", 61_000)),
        1 => all.push(("pressure", Ok(Value::Float(1003.25 + wave / 8.0)), "hPa", 18_000)),
        _ => all.push(("co2", Err(NoData::Timeout), "ppm", 2000)),
    }
    if number == 0 {
        all.push((
            "firmware",
            Ok(Value::Text("tele-4.2.1 (release)".to_owned())),
            "",
            900,
        ));
    }
    all
}

fn publish(bus: &Bus, topic: &str, body: String) -> Result<(), BoxError> {
    bus.publish(Message::new(Topic::new(topic)?, body).retained());
    Ok(())
}

fn fill(bus: &Bus, store: &Store, count: usize) -> Result<(), BoxError> {
    let devices: Result<Vec<_>, _> = (0..count)
        .map(|number| Changeset::change_of(device(number)).finish())
        .collect();
    store
        .table()
        .insert_all(devices.map_err(|errors| errors.to_string())?)?;
    for number in 0..count {
        let id = device(number).id;
        for (seq, (point, value, unit, age_ms)) in readings(number).into_iter().enumerate() {
            let reading = Reading {
                seq: (number * 4 + seq) as u64,
                at: Timestamp::from_unix_ms(now_ms() - age_ms, ClockQuality::Synced),
                value,
                unit: Unit::new(unit),
                cadence: Some(Duration::from_secs(if point == "relay" { 300 } else { 60 })),
            };
            publish(
                bus,
                &format!("devices/{id}/points/{point}"),
                serde_json::to_string(&reading)?,
            )?;
            let age = Duration::from_millis(age_ms.unsigned_abs());
            let freshness = roost_model::Freshness::of(age, reading.cadence);
            if freshness != roost_model::Freshness::Fresh {
                let said = format!(r#"{{"freshness":"{}","at_ms":0}}"#, freshness.word());
                publish(bus, &format!("devices/{id}/points/{point}/freshness"), said)?;
            }
        }
        if device(number).driver.is_empty() {
            let status = format!(
                r#"{{"connected":{},"since_ms":{}}}"#,
                number % 31 != 5,
                now_ms() - 8_000_000
            );
            publish(bus, &format!("devices/{id}/status"), status)?;
        }
    }
    let states = [CommandState::Verified, CommandState::Sent, CommandState::Refused];
    for (number, state) in states.into_iter().enumerate().take(if count > 0 { 3 } else { 0 }) {
        let command = Command {
            id: format!("c{number}"),
            device: device(0).id,
            point: "relay".to_owned(),
            value: Value::Bool(number != 1),
            state,
            reason: (state == CommandState::Refused)
                .then(|| "the relay is locked by a local switch".to_owned()),
            is_final: state.is_end(),
            priority: roost_model::Priority::Normal,
            key: None,
            confirm_point: None,
            verify_within_ms: 10_000,
            issued_ms: now_ms() - 40_000 * (number as i64 + 1),
            deadline_ms: now_ms() + 10_000,
            changed_ms: now_ms(),
            steps: Vec::new(),
            due: None,
        };
        store.table().put(
            Changeset::change_of(command)
                .finish()
                .map_err(|errors| errors.to_string())?,
        )?;
    }
    Ok(())
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
    fill(&bus, &store, count)?;
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
            readings_per_s: Some(count as f64 / 20.0),
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
    let root = root.child(idle("store")).child(devices).child(uplinks);
    let root = root.child(roost_web::supervisor(web, &events));
    tokio::try_join!(async { Ok(root.run(Shutdown::new()).await?) }, async {
        while handle.ping().await.is_err() {
            tokio::task::yield_now().await;
        }
        start_devices(&handle, count).await
    })?;
    Ok(())
}
