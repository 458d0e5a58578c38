//! `roost device`: through the API of the running gateway, or in its store while it does not run.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::api::{Api, credentials, secret_in, unknown};
use super::{print, table};
use crate::config::Config;
use crate::devices::DeviceBook;
use crate::devices::profiles::seed;
use crate::gateway::{open_book, open_store};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a device; its secret is shown this once
    Add(Add),
    /// List the devices
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a device, its last values included
    Remove {
        /// The device's id
        id: String,
    },
    /// Give an MQTT device a new secret; the old one stops working
    Secret {
        /// The device's id
        id: String,
    },
    /// Print what a device last said and what befell it, for `roost replay`
    Recording {
        /// The device's id
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Unique name: letters, digits, - _ .
    id: String,
    /// What people call it
    #[arg(long)]
    label: Option<String>,
    /// How an MQTT device speaks: native, tasmota
    #[arg(long, default_value = "native", conflicts_with = "driver")]
    profile: String,
    /// Driver of a wired device, such as tmp117
    #[arg(long, requires = "bus", requires = "address")]
    driver: Option<String>,
    /// Bus of a wired device, by its name in the configuration
    #[arg(long, requires = "driver")]
    bus: Option<String>,
    /// Address of a wired device on its bus, such as 0x48
    #[arg(long, requires = "driver")]
    address: Option<String>,
    /// How often a wired device is read, or an MQTT device is expected to report, in milliseconds
    #[arg(long, value_name = "MS")]
    cadence: Option<u64>,
}

impl Add {
    fn params(&self) -> Map<String, Value> {
        let mut params = Map::from_iter([("id".to_owned(), json!(self.id))]);
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                params.insert(name.to_owned(), value);
            }
        };
        put("label", self.label.as_ref().map(|label| json!(label)));
        put("cadence_ms", self.cadence.map(|cadence| json!(cadence)));
        if let Some(driver) = &self.driver {
            put("driver", Some(json!(driver)));
            put("bus", self.bus.as_ref().map(|bus| json!(bus)));
            put("address", self.address.as_ref().map(|address| json!(address)));
        } else {
            put("profile", Some(json!(self.profile)));
        }
        params
    }
}

pub(super) fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let api = Api::new(config);
    match command {
        Command::Add(add) => self::add(config, &api, &add),
        Command::List { json } => list(config, &api, json),
        Command::Remove { id } => remove(config, &api, &id),
        Command::Secret { id } => secret(config, &api, &id),
        Command::Recording { id } => recording(&api, &id),
    }
}

/// The book of a gateway that does not run.
fn offline(config: &Config) -> anyhow::Result<DeviceBook> {
    let store = open_store(config)?;
    seed(&store, &config.profiles_dir())?;
    open_book(config, &store)
}

fn add(config: &Config, api: &Api, add: &Add) -> anyhow::Result<ExitCode> {
    let secret = match api.post("/api/v1/devices", &Value::Object(add.params()))? {
        Some(answer) => secret_in(&answer.ok()?),
        None => offline(config)?
            .add(&[add.params()])?
            .into_iter()
            .next()
            .and_then(|added| added.secret),
    };
    let mut text = format!("{} added\n", add.id);
    if let Some(secret) = secret {
        text.push_str(&credentials(&add.id, &secret));
        if add.profile == "native" {
            text.push_str(&first_reading(config, &add.id, &secret));
        }
    }
    print(&text);
    Ok(ExitCode::SUCCESS)
}

/// A line to try a new native device with.
fn first_reading(config: &Config, id: &str, secret: &str) -> String {
    let port = config.mqtt.listen.port();
    let topic = format!("devices/{id}/telemetry/temperature");
    format!("  try it  mosquitto_pub -p {port} -u {id} -P {secret} -t {topic} -m 21.5\n")
}

fn list(config: &Config, api: &Api, as_json: bool) -> anyhow::Result<ExitCode> {
    let devices = match all(api)? {
        Some(devices) => devices,
        None => offline(config)?
            .list()?
            .into_iter()
            .map(|device| {
                json!({
                    "id": device.id, "label": device.label, "enabled": device.enabled, "state": "not running",
                    "profile": device.profile, "driver": device.driver, "bus": device.bus,
                })
            })
            .collect(),
    };
    if as_json {
        print(&format!("{}\n", Value::Array(devices)));
        return Ok(ExitCode::SUCCESS);
    }
    if devices.is_empty() {
        print("no devices yet: add one with `roost device add <id>`\n");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = devices.iter().map(columns).collect();
    print(&table(&["ID", "SPEAKS", "STATE", "POINTS", "LABEL"], &rows));
    Ok(ExitCode::SUCCESS)
}

fn columns(device: &Value) -> Vec<String> {
    let text = |name: &str| {
        device
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let speaks = if text("driver").is_empty() {
        text("profile")
    } else {
        format!("{}@{}", text("driver"), text("bus"))
    };
    let points = device.get("points").and_then(Value::as_array).map_or(0, Vec::len);
    let state = match device.get("connected").and_then(Value::as_bool) {
        Some(true) => format!("{}, connected", text("state")),
        _ => text("state"),
    };
    vec![text("id"), speaks, state, points.to_string(), text("label")]
}

/// All devices of a running gateway, page by page; `None` if none runs.
fn all(api: &Api) -> anyhow::Result<Option<Vec<Value>>> {
    let mut devices = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/v1/devices?limit=1000{after}");
        let Some(answer) = api.get(&path)? else {
            return Ok(None);
        };
        let mut page = answer.ok()?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            devices.extend(items);
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(Some(devices)),
        }
    }
}

fn remove(config: &Config, api: &Api, id: &str) -> anyhow::Result<ExitCode> {
    match api.delete(&format!("/api/v1/devices/{id}"))? {
        Some(answer) => drop(answer.found("device", id)?),
        None if offline(config)?.remove(id)? => {}
        None => return unknown("device", id),
    }
    print(&format!("{id} removed\n"));
    Ok(ExitCode::SUCCESS)
}

fn secret(config: &Config, api: &Api, id: &str) -> anyhow::Result<ExitCode> {
    let secret = match api.post(&format!("/api/v1/devices/{id}/secret"), &json!({}))? {
        Some(answer) => secret_in(&answer.found("device", id)?),
        None => offline(config)?.renew_secret(id)?.map(|(_, secret)| secret),
    };
    let Some(secret) = secret else {
        bail!("there is no MQTT device {id}: `roost device list` shows them")
    };
    print(&credentials(id, &secret));
    Ok(ExitCode::SUCCESS)
}

/// What a device said is in the memory of the running gateway and nowhere else.
fn recording(api: &Api, id: &str) -> anyhow::Result<ExitCode> {
    let answer = api.required(api.get(&format!("/api/v1/devices/{id}/recording"))?)?;
    if answer.status == 200 {
        print(&answer.text);
        return Ok(ExitCode::SUCCESS);
    }
    answer.found("device", id)?;
    Ok(ExitCode::FAILURE)
}
