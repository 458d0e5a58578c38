//! `roost sim`: registers simulated devices through the API, then lets them talk real MQTT.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use super::api::Api;
use super::print;
use crate::config::Config;
use crate::sim::{Fleet, Login, Plan};

/// Devices that are added in one call of the API.
const BATCH: usize = 500;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many devices
    #[arg(long, default_value_t = 25)]
    devices: usize,
    /// Time between two reports of a device, in milliseconds
    #[arg(long, default_value_t = 1000, value_name = "MS")]
    interval: u64,
    /// Stop after this many seconds [default: only when told to]
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,
    /// Begin of the devices' ids
    #[arg(long, default_value = "sim")]
    prefix: String,
    /// Also add a device for every chip on a simulated bus of the configuration
    #[arg(long)]
    wired: bool,
}

pub(super) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let api = Api::new(config);
    api.required(api.get("/api/v1/health")?)?.ok()?;
    if arguments.wired {
        add_wired(config, &api)?;
    }
    let logins = register(&api, arguments)?;
    print(&format!(
        "{} simulated devices registered, connecting\n",
        logins.len()
    ));
    let mut broker = config.mqtt.listen;
    if broker.ip().is_unspecified() {
        broker = SocketAddr::from(([127, 0, 0, 1], broker.port()));
    }
    let plan = Plan {
        broker,
        interval: Duration::from_millis(arguments.interval.max(1)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let fleet = Fleet::start(plan, logins);
        let limit = arguments.seconds.map(Duration::from_secs);
        let ended = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let mut every = tokio::time::interval(Duration::from_secs(10));
        every.tick().await;
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => break,
                result = tokio::signal::ctrl_c() => {
                    result.context("can't listen for the signal")?;
                    break;
                }
                () = terminated() => break,
                _ = every.tick() => print(&format!("{}\n", fleet.counts())),
            }
        }
        let counts = fleet.stop().await;
        print(&format!("{counts}\n"));
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

fn label(index: usize) -> String {
    const PLACES: [&str; 8] = [
        "Boiler room",
        "Cold store",
        "Paint shop",
        "Loading bay",
        "Greenhouse",
        "Pump house",
        "Server room",
        "Workshop",
    ];
    format!("{} {}", PLACES[index % PLACES.len()], index / PLACES.len() + 1)
}

/// Adds the devices that are missing; those that are there get a new secret.
fn register(api: &Api, arguments: &Arguments) -> anyhow::Result<Vec<Login>> {
    let ids: Vec<String> = (1..=arguments.devices)
        .map(|index| format!("{}-{index:05}", arguments.prefix))
        .collect();
    let mut logins = Vec::with_capacity(ids.len());
    for (batch, ids) in ids.chunks(BATCH).enumerate() {
        let devices: Vec<Value> = ids
            .iter()
            .enumerate()
            .map(|(at, id)| json!({ "id": id, "label": label(batch * BATCH + at), "profile": "native" }))
            .collect();
        let answer = api.required(api.post("/api/v1/devices/batch", &json!({ "devices": devices }))?)?;
        if answer.status < 400 {
            let added = answer
                .body
                .get("added")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            logins.extend(added.iter().filter_map(login));
        } else {
            for (id, device) in ids.iter().zip(&devices) {
                logins.push(one(api, id, device)?);
            }
        }
        if ids.len() == BATCH {
            print(&format!("{} of {} registered\n", logins.len(), arguments.devices));
        }
    }
    Ok(logins)
}

fn login(added: &Value) -> Option<Login> {
    let text = |name: &str| added.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Login {
        user: text("id")?,
        password: text("secret")?,
    })
}

fn one(api: &Api, id: &str, device: &Value) -> anyhow::Result<Login> {
    let renewed = api.required(api.post(&format!("/api/v1/devices/{id}/secret"), &json!({}))?)?;
    let answer = if renewed.status == 404 {
        api.required(api.post("/api/v1/devices", device)?)?.ok()?
    } else {
        renewed.ok()?
    };
    let secret = answer
        .get("secret")
        .and_then(Value::as_str)
        .context("the gateway gave no secret")?;
    Ok(Login {
        user: id.to_owned(),
        password: secret.to_owned(),
    })
}

/// Adds a device for each chip on a simulated bus, named after chip and address.
fn add_wired(config: &Config, api: &Api) -> anyhow::Result<()> {
    for bus in config.buses.iter().filter(|bus| bus.board == "simulated") {
        for chip in &bus.chips {
            let Some((driver, address)) = chip.split_once('@') else {
                continue;
            };
            let device = json!({
                "id": format!("{driver}-{}", address.trim_start_matches("0x")),
                "label": format!("{} on {}", driver.to_uppercase(), bus.name),
                "driver": driver, "bus": bus.name, "address": address, "cadence_ms": 1000,
            });
            let answer = api.required(api.post("/api/v1/devices", &device)?)?;
            // It is there already from an earlier demonstration: that is as good.
            if answer.status != 422 {
                answer.ok()?;
            }
        }
    }
    Ok(())
}
