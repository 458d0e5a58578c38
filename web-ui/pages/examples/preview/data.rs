//! What the preview shows: devices, readings of every age, points that are described, commands in each state.

use std::time::Duration;

use roost_model::{
    ClockQuality, Command, Device, Freshness, NoData, Profile, Reading, Timestamp, Topic, Unit, Value,
};
use roost_runtime::{BoxError, Bus, Message};
use roost_store::{Changeset, Record, Store, Valid};
use serde_json::json;

use crate::now_ms;

const LABELS: [&str; 6] = [
    "Boiler, cellar",
    "Pump house",
    "Küche",
    "",
    "Cold store 2",
    "Roof, west side",
];

/// One of the made-up devices.
pub(crate) fn device(number: usize) -> Device {
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

type Point = (&'static str, Result<Value, NoData>, &'static str, i64);

/// Points with value, unit and age in milliseconds.
fn readings(number: usize) -> Vec<Point> {
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
        all.extend([
            (
                "firmware",
                Ok(Value::Text("tele-4.2.1 (release)".to_owned())),
                "",
                900,
            ),
            ("mode", Ok(Value::Text("comfort".to_owned())), "", 4000),
            ("target", Ok(Value::Float(21.5)), "°C", 4000),
            ("flow", Ok(Value::Float(3.25)), "l/min", 101_000),
            ("return_temperature", Ok(Value::Float(34.875)), "°C", 260_000),
            ("energy.total", Ok(Value::Float(18_442.125)), "kWh", 4000),
        ]);
    }
    all
}

/// What the first device says of its points.
fn descriptions() -> Vec<serde_json::Value> {
    vec![
        json!({ "point": "relay", "label": "Circulation pump", "access": "read_write", "class": "switch" }),
        json!({ "point": "mode", "label": "Heating mode", "access": "read_write", "class": "climate",
            "options": ["comfort", "eco", "frost protection", "off"] }),
        json!({ "point": "target", "label": "Target temperature", "unit": "°C", "access": "read_write",
            "class": "climate", "min": 5, "max": 30 }),
        json!({ "point": "flow", "label": "Flow in the first circuit of the underfloor heating", "unit": "l/min" }),
        json!({ "point": "boost", "label": "Hot water now", "unit": "min", "access": "read_write",
            "min": 0, "max": 60 }),
    ]
}

fn publish(bus: &Bus, topic: &str, body: String) -> Result<(), BoxError> {
    bus.publish(Message::new(Topic::new(topic)?, body).retained());
    Ok(())
}

fn valid<R: Record>(record: R) -> Result<Valid<R>, BoxError> {
    Changeset::change_of(record)
        .finish()
        .map_err(|errors| errors.to_string().into())
}

fn publish_readings(bus: &Bus, number: usize) -> Result<(), BoxError> {
    let id = device(number).id;
    for (seq, (point, value, unit, age_ms)) in readings(number).into_iter().enumerate() {
        let reading = Reading {
            seq: (number * 4 + seq) as u64,
            at: Timestamp::from_unix_ms(now_ms() - age_ms, ClockQuality::Synced),
            value,
            unit: Unit::new(unit),
            cadence: Some(Duration::from_secs(if point == "relay" { 300 } else { 60 })),
        };
        let topic = format!("devices/{id}/points/{point}");
        publish(bus, &topic, serde_json::to_string(&reading)?)?;
        let age = Duration::from_millis(age_ms.unsigned_abs());
        let freshness = Freshness::of(age, reading.cadence);
        if freshness != Freshness::Fresh {
            let said = json!({ "freshness": freshness.word(), "at_ms": 0 });
            publish(bus, &format!("{topic}/freshness"), said.to_string())?;
        }
    }
    Ok(())
}

/// Fills a gateway with `count` devices.
pub(crate) fn fill(bus: &Bus, store: &Store, count: usize) -> Result<(), BoxError> {
    let devices: Result<Vec<_>, _> = (0..count).map(|number| valid(device(number))).collect();
    store.table().insert_all(devices?)?;
    for (id, label) in [
        ("native", "Roost's own way"),
        ("plant-meter", "Meters of the plant room"),
        ("shelly", "Shelly Gen2+"),
        ("tasmota", "Tasmota"),
    ] {
        store.table().put(valid(Profile {
            id: id.to_owned(),
            label: label.to_owned(),
            publishes: vec!["devices/{device}/telemetry/#".to_owned()],
            subscribes: vec!["devices/{device}/commands/#".to_owned()],
            ..Profile::default()
        })?)?;
    }
    for number in 0..count {
        let id = device(number).id;
        publish_readings(bus, number)?;
        if device(number).driver.is_empty() {
            let status = json!({ "connected": number % 31 != 5, "since_ms": now_ms() - 8_000_000 });
            publish(bus, &format!("devices/{id}/status"), status.to_string())?;
        }
        if number % 23 == 4 {
            let said = json!({ "freshness": "silent", "at_ms": 0 });
            publish(bus, &format!("devices/{id}/freshness"), said.to_string())?;
        }
    }
    if count > 0 {
        first_device(bus, store)?;
    }
    Ok(())
}

/// The first device has everything: descriptions, a fault, commands in each state.
fn first_device(bus: &Bus, store: &Store) -> Result<(), BoxError> {
    let id = device(0).id;
    for about in descriptions() {
        let point = about["point"].as_str().unwrap_or_default();
        publish(
            bus,
            &format!("devices/{id}/points/{point}/about"),
            about.to_string(),
        )?;
    }
    let fault = json!({ "at_ms": now_ms() - 95_000,
        "reason": "devices/sim-00000/telemetry/temperature: {point} expects a unit that is text" });
    publish(bus, &format!("devices/{id}/fault"), fault.to_string())?;
    let states = [
        (
            "queued",
            "boost",
            json!(30),
            "not connected, queued until 14:25:10 UTC",
        ),
        ("sent", "target", json!(21.5), ""),
        ("acknowledged", "mode", json!("eco"), ""),
        ("verified", "relay", json!(true), ""),
        (
            "refused",
            "relay",
            json!(false),
            "the relay is locked by a local switch",
        ),
        (
            "expired",
            "target",
            json!(19),
            "no answer of the device within 10 s",
        ),
        ("cancelled", "mode", json!("off"), "taken back"),
    ];
    let count = i64::try_from(states.len())?;
    for (number, (state, point, value, reason)) in (0..).zip(states) {
        let issued_ms = now_ms() - 40_000 - 60_000 * number * number;
        let mut steps = vec![json!({ "state": "queued", "at_ms": issued_ms })];
        if !["queued", "cancelled"].contains(&state) {
            steps.push(json!({ "state": "sent", "at_ms": issued_ms + 4 }));
        }
        if !["queued", "sent"].contains(&state) {
            steps.push(json!({ "state": state, "at_ms": issued_ms + 42 * (number + 1) }));
        }
        let mut command: Command = serde_json::from_value(json!({
            "id": format!("c{:013}-0000", count - number), "device": id, "point": point, "value": value, "state": state,
            "final": number > 2, "issued_ms": issued_ms, "deadline_ms": issued_ms + 10_000, "changed_ms": now_ms(),
            "steps": steps,
        }))?;
        command.reason = (!reason.is_empty()).then(|| reason.to_owned());
        store.table().put(valid(command)?)?;
    }
    Ok(())
}
