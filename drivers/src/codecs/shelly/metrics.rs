//! What the components of a Shelly device say and take: a table, after the "Status" section of each component's page.

use roost_model::Value;
use serde_json::{Value as Json, json};

/// One thing that a component says.
pub(super) struct Metric {
    /// The components that say it.
    pub(super) kinds: &'static [&'static str],
    /// Where it stands in their status.
    pub(super) pointer: &'static str,
    /// What is put behind the component's name.
    pub(super) suffix: &'static str,
    pub(super) unit: &'static str,
    pub(super) kind: Kind,
    /// The method that sets it, if it can be set.
    pub(super) command: Option<Call>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Number,
    Text,
    Any,
}

/// A method with its parameters, for a component's number and a value; or what it takes.
type Call = fn(u16, &Value) -> Result<(&'static str, Json), &'static str>;

/// Components that measure what flows through them.
const POWERED: &[&str] = &["switch", "cover", "light", "rgb", "rgbw", "cct", "pm1"];
/// Components that raise an alarm.
const ALARMS: &[&str] = &["smoke", "flood", "presence"];

const fn read(
    kinds: &'static [&'static str],
    pointer: &'static str,
    suffix: &'static str,
    unit: &'static str,
    kind: Kind,
) -> Metric {
    Metric {
        kinds,
        pointer,
        suffix,
        unit,
        kind,
        command: None,
    }
}

const fn number(
    kinds: &'static [&'static str],
    pointer: &'static str,
    suffix: &'static str,
    unit: &'static str,
) -> Metric {
    read(kinds, pointer, suffix, unit, Kind::Number)
}

const fn set(metric: Metric, command: Call) -> Metric {
    Metric {
        command: Some(command),
        ..metric
    }
}

/// All that is read. What is not here, such as the address in the network, stays unread.
pub(super) static METRICS: &[Metric] = &[
    set(read(&["switch"], "/output", "", "", Kind::Bool), |id, value| {
        Ok(("Switch.Set", on(id, value)?))
    }),
    set(read(&["light"], "/output", "", "", Kind::Bool), |id, value| {
        Ok(("Light.Set", on(id, value)?))
    }),
    set(read(&["rgb"], "/output", "", "", Kind::Bool), |id, value| {
        Ok(("RGB.Set", on(id, value)?))
    }),
    set(read(&["rgbw"], "/output", "", "", Kind::Bool), |id, value| {
        Ok(("RGBW.Set", on(id, value)?))
    }),
    set(read(&["cct"], "/output", "", "", Kind::Bool), |id, value| {
        Ok(("CCT.Set", on(id, value)?))
    }),
    set(
        number(&["light"], "/brightness", ".brightness", "%"),
        |id, value| Ok(("Light.Set", brightness(id, value)?)),
    ),
    set(
        number(&["rgb"], "/brightness", ".brightness", "%"),
        |id, value| Ok(("RGB.Set", brightness(id, value)?)),
    ),
    set(
        number(&["rgbw"], "/brightness", ".brightness", "%"),
        |id, value| Ok(("RGBW.Set", brightness(id, value)?)),
    ),
    set(
        number(&["cct"], "/brightness", ".brightness", "%"),
        |id, value| Ok(("CCT.Set", brightness(id, value)?)),
    ),
    set(number(&["cct"], "/ct", ".color_temp", "K"), |id, value| {
        Ok((
            "CCT.Set",
            json!({ "id": id, "ct": within(value, 2700.0, 6500.0).ok_or("a number from 2700 to 6500")? }),
        ))
    }),
    read(&["rgb", "rgbw"], "/rgb", ".rgb", "", Kind::Any),
    number(&["rgbw"], "/white", ".white", ""),
    // A cover: open, opening, closed, closing, stopped, calibrating.
    set(read(&["cover"], "/state", "", "", Kind::Text), |id, value| {
        Ok((movement(value)?, json!({ "id": id })))
    }),
    set(
        number(&["cover"], "/current_pos", ".position", "%"),
        |id, value| {
            let position = within(value, 0.0, 100.0).ok_or("a number from 0 to 100")?;
            Ok(("Cover.GoToPosition", json!({ "id": id, "pos": position })))
        },
    ),
    // An input: a switch, a button that only has events, an analogue value, a counter.
    read(&["input"], "/state", "", "", Kind::Bool),
    number(&["input"], "/percent", ".percent", "%"),
    number(&["input"], "/counts/total", ".count", ""),
    number(&["input"], "/freq", ".frequency", "Hz"),
    // What flows.
    number(POWERED, "/apower", ".power", "W"),
    number(POWERED, "/voltage", ".voltage", "V"),
    number(POWERED, "/current", ".current", "A"),
    number(POWERED, "/pf", ".power_factor", ""),
    number(POWERED, "/freq", ".frequency", "Hz"),
    number(POWERED, "/aenergy/total", ".energy", "Wh"),
    number(POWERED, "/ret_aenergy/total", ".returned_energy", "Wh"),
    number(POWERED, "/temperature/tC", ".temperature", "°C"),
    // Meters: of one phase, and of three.
    number(&["em1"], "/act_power", ".power", "W"),
    number(&["em1"], "/aprt_power", ".apparent_power", "VA"),
    number(&["em1"], "/voltage", ".voltage", "V"),
    number(&["em1"], "/current", ".current", "A"),
    number(&["em1"], "/pf", ".power_factor", ""),
    number(&["em1"], "/freq", ".frequency", "Hz"),
    number(&["em1data", "emdata"], "/total_act_energy", ".energy", "Wh"),
    number(
        &["em1data", "emdata"],
        "/total_act_ret_energy",
        ".returned_energy",
        "Wh",
    ),
    number(&["emdata"], "/total_act", ".energy", "Wh"),
    number(&["emdata"], "/total_act_ret", ".returned_energy", "Wh"),
    number(&["em"], "/total_act_power", ".power", "W"),
    number(&["em"], "/total_aprt_power", ".apparent_power", "VA"),
    number(&["em"], "/total_current", ".current", "A"),
    number(&["em"], "/n_current", ".n.current", "A"),
    number(&["em"], "/a_act_power", ".a.power", "W"),
    number(&["em"], "/b_act_power", ".b.power", "W"),
    number(&["em"], "/c_act_power", ".c.power", "W"),
    number(&["em"], "/a_voltage", ".a.voltage", "V"),
    number(&["em"], "/b_voltage", ".b.voltage", "V"),
    number(&["em"], "/c_voltage", ".c.voltage", "V"),
    number(&["em"], "/a_current", ".a.current", "A"),
    number(&["em"], "/b_current", ".b.current", "A"),
    number(&["em"], "/c_current", ".c.current", "A"),
    number(&["em"], "/a_pf", ".a.power_factor", ""),
    number(&["em"], "/b_pf", ".b.power_factor", ""),
    number(&["em"], "/c_pf", ".c.power_factor", ""),
    number(&["em"], "/a_freq", ".a.frequency", "Hz"),
    // Sensors.
    number(&["temperature"], "/tC", "", "°C"),
    number(&["humidity"], "/rh", "", "%"),
    number(&["illuminance"], "/lux", "", "lx"),
    number(&["voltmeter"], "/voltage", "", "V"),
    number(&["devicepower"], "/battery/percent", ".battery", "%"),
    number(&["devicepower"], "/battery/V", ".voltage", "V"),
    read(&["devicepower"], "/external/present", ".external", "", Kind::Bool),
    read(ALARMS, "/alarm", "", "", Kind::Bool),
    // A thermostat.
    number(&["thermostat"], "/current_C", ".current_temperature", "°C"),
    set(
        number(&["thermostat"], "/target_C", ".temperature", "°C"),
        |id, value| {
            let degrees = within(value, 5.0, 35.0).ok_or("a number from 5 to 35")?;
            Ok((
                "Thermostat.SetConfig",
                json!({ "config": { "id": id, "target_C": degrees } }),
            ))
        },
    ),
    read(&["thermostat"], "/output", ".output", "", Kind::Bool),
    // Values that the owner has defined.
    set(
        read(&["boolean"], "/value", "", "", Kind::Bool),
        |id, value| match value {
            Value::Bool(on) => Ok(("Boolean.Set", json!({ "id": id, "value": on }))),
            _ => Err("true or false"),
        },
    ),
    set(number(&["number"], "/value", "", ""), |id, value| {
        let number = value
            .as_f64()
            .filter(|number| number.is_finite())
            .ok_or("a number")?;
        Ok(("Number.Set", json!({ "id": id, "value": number })))
    }),
    set(read(&["text"], "/value", "", "", Kind::Text), |id, value| {
        Ok(("Text.Set", word(id, value)?))
    }),
    set(read(&["enum"], "/value", "", "", Kind::Text), |id, value| {
        Ok(("Enum.Set", word(id, value)?))
    }),
    // The device itself.
    number(&["sys"], "/uptime", ".uptime", "s"),
    number(&["wifi"], "/rssi", ".signal", "dBm"),
];

fn on(id: u16, value: &Value) -> Result<Json, &'static str> {
    match value {
        Value::Bool(on) => Ok(json!({ "id": id, "on": on })),
        _ => Err("true or false"),
    }
}

fn brightness(id: u16, value: &Value) -> Result<Json, &'static str> {
    let percent = within(value, 0.0, 100.0).ok_or("a number from 0 to 100")?;
    Ok(json!({ "id": id, "on": true, "brightness": percent }))
}

fn word(id: u16, value: &Value) -> Result<Json, &'static str> {
    match value {
        Value::Text(text) => Ok(json!({ "id": id, "value": text })),
        _ => Err("text"),
    }
}

fn movement(value: &Value) -> Result<&'static str, &'static str> {
    match value {
        Value::Text(word) if word == "open" => Ok("Cover.Open"),
        Value::Text(word) if word == "closed" => Ok("Cover.Close"),
        Value::Text(word) if word == "stopped" => Ok("Cover.Stop"),
        _ => Err("open, closed or stopped"),
    }
}

/// A number within bounds, as JSON of its own kind.
fn within(value: &Value, min: f64, max: f64) -> Option<Json> {
    let number = value.as_f64()?;
    (min..=max).contains(&number).then(|| value.to_json())
}
