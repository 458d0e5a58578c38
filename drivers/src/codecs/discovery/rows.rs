//! The aspects of each component, and the names of the members that describe them: a table.

/// How the members of an aspect are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A measurement: its unit and class tell what it is.
    Reading,
    Switch,
    /// A number, with the members that say its smallest and largest value.
    Number(&'static str, &'static str),
    /// Words, with the member that lists them.
    Words(&'static str),
    Text,
    Opening,
    Lock,
    Oscillation,
    Press(&'static str),
    Vacuum,
}

/// An aspect: what is put behind the entity's name, what stands before its members' names, and how they are read.
pub(super) type Row = (&'static str, &'static str, Shape);

const TEMPERATURE: Shape = Shape::Number("min_temp", "max_temp");
const NUMBER: Shape = Shape::Number("", "");

const LIGHT: &[Row] = &[
    ("", "", Shape::Switch),
    (".brightness", "brightness", Shape::Number("", "brightness_scale")),
    (
        ".color_temp",
        "color_temp",
        Shape::Number("min_mireds", "max_mireds"),
    ),
    (".effect", "effect", Shape::Words("effect_list")),
    (".rgb", "rgb", Shape::Text),
    (".hs", "hs", Shape::Text),
];
const FAN: &[Row] = &[
    ("", "", Shape::Switch),
    (".percentage", "percentage", Shape::Number("", "speed_range_max")),
    (".preset_mode", "preset_mode", Shape::Words("preset_modes")),
    (".oscillation", "oscillation", Shape::Oscillation),
    (".direction", "direction", Shape::Words("")),
];
const OPENING: &[Row] = &[
    ("", "", Shape::Opening),
    (
        ".position",
        "position",
        Shape::Number("position_closed", "position_open"),
    ),
    (".tilt", "tilt", Shape::Number("tilt_min", "tilt_max")),
];
const CLIMATE: &[Row] = &[
    (".mode", "mode", Shape::Words("modes")),
    (".temperature", "temperature", TEMPERATURE),
    (".temperature_high", "temperature_high", TEMPERATURE),
    (".temperature_low", "temperature_low", TEMPERATURE),
    (".current_temperature", "current_temperature", NUMBER),
    (".current_humidity", "current_humidity", NUMBER),
    (
        ".target_humidity",
        "target_humidity",
        Shape::Number("min_humidity", "max_humidity"),
    ),
    (".action", "action", Shape::Words("")),
    (".fan_mode", "fan_mode", Shape::Words("fan_modes")),
    (".swing_mode", "swing_mode", Shape::Words("swing_modes")),
    (".preset_mode", "preset_mode", Shape::Words("preset_modes")),
    (".power", "power", Shape::Switch),
];
const HUMIDIFIER: &[Row] = &[
    ("", "", Shape::Switch),
    (
        ".target_humidity",
        "target_humidity",
        Shape::Number("min_humidity", "max_humidity"),
    ),
    (".current_humidity", "current_humidity", NUMBER),
    (".mode", "mode", Shape::Words("modes")),
    (".action", "action", Shape::Words("")),
];

/// The aspects of a component; `None` for one that is not read.
pub(super) fn rows(component: &str) -> Option<&'static [Row]> {
    Some(match component {
        "sensor" | "update" | "device_tracker" | "alarm_control_panel" | "lawn_mower" => {
            &[("", "", Shape::Reading)]
        }
        "binary_sensor" | "switch" | "siren" => &[("", "", Shape::Switch)],
        "light" => LIGHT,
        "fan" => FAN,
        "cover" | "valve" => OPENING,
        "climate" | "water_heater" => CLIMATE,
        "humidifier" => HUMIDIFIER,
        "lock" => &[("", "", Shape::Lock)],
        "number" => &[("", "", Shape::Number("min", "max"))],
        "select" => &[("", "", Shape::Words("options"))],
        "text" => &[("", "", Shape::Text)],
        "event" => &[("", "", Shape::Words("event_types"))],
        "button" => &[("", "", Shape::Press("payload_press"))],
        "scene" => &[("", "", Shape::Press("payload_on"))],
        "vacuum" => &[("", "", Shape::Vacuum)],
        _ => return None,
    })
}

/// The names under which an aspect's topics and templates are found.
pub(super) struct Keys {
    pub(super) state: Vec<String>,
    pub(super) state_template: Vec<String>,
    pub(super) command: Vec<String>,
    pub(super) command_template: Vec<String>,
}

impl Keys {
    pub(super) fn of(prefix: &str) -> Self {
        let named = |endings: &[&str]| {
            let with = |ending: &&str| match prefix {
                "" => (*ending).to_owned(),
                _ => format!("{prefix}_{ending}"),
            };
            endings.iter().map(with).collect::<Vec<_>>()
        };
        let mut keys = Self {
            state: named(&["state_topic", "status_topic", "topic"]),
            state_template: named(&[
                "value_template",
                "state_value_template",
                "state_template",
                "status_template",
                "template",
            ]),
            command: named(&["command_topic"]),
            command_template: named(&["command_template"]),
        };
        keys.command.push(format!("set_{prefix}_topic"));
        keys.command_template.push(format!("set_{prefix}_template"));
        keys
    }
}
