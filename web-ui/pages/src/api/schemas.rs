//! Schemas of the API that exist for its document, because the types themselves belong to other crates.
#![expect(dead_code, reason = "these types are written down, never made")]

use serde::Serialize;
use utoipa::ToSchema;

/// What a new device may say. Exactly one of `profile` (MQTT) and `driver` (wired) is given.
#[derive(ToSchema)]
pub(crate) struct NewDevice {
    /// Unique name; stands in topics and URLs.
    #[schema(example = "boiler", max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    id: String,
    /// What people call it.
    #[schema(max_length = 120)]
    label: Option<String>,
    /// Whether it is run at all.
    enabled: Option<bool>,
    /// For an MQTT device: the profile it speaks.
    #[schema(example = "native")]
    profile: Option<String>,
    /// For a wired device: the driver.
    driver: Option<String>,
    /// For a wired device: the bus.
    bus: Option<String>,
    /// For a wired device: the address on the bus.
    address: Option<u16>,
    /// How often a value is expected, in milliseconds; 0 leaves it to the driver or the profile.
    cadence_ms: Option<u64>,
    /// For an MQTT device: filters that it may publish to beyond its profile's. A level `%u` stands for its id, `%c`
    /// for its client identifier.
    publishes: Option<Vec<String>>,
    /// For an MQTT device: filters that it may subscribe to beyond its profile's.
    subscribes: Option<Vec<String>>,
    /// For an MQTT device: a secret of your own. Left out, a good one is made, which is checked faster too.
    #[schema(min_length = 8, max_length = 128)]
    secret: Option<String>,
}

/// What may be changed about a device. Members that are left out stay as they are.
#[derive(ToSchema)]
pub(crate) struct DeviceChange {
    /// What people call it.
    label: Option<String>,
    /// Whether it is run at all.
    enabled: Option<bool>,
    /// For an MQTT device: the profile it speaks.
    profile: Option<String>,
    /// For a wired device: the driver.
    driver: Option<String>,
    /// For a wired device: the bus.
    bus: Option<String>,
    /// For a wired device: the address on the bus.
    address: Option<u16>,
    /// How often a value is expected, in milliseconds.
    cadence_ms: Option<u64>,
    /// For an MQTT device: filters that it may publish to beyond its profile's. A level `%u` stands for its id, `%c`
    /// for its client identifier.
    publishes: Option<Vec<String>>,
    /// For an MQTT device: filters that it may subscribe to beyond its profile's.
    subscribes: Option<Vec<String>>,
}

/// What a new client may say.
#[derive(ToSchema)]
pub(crate) struct NewClient {
    /// Unique name, its user name; no device has the same.
    #[schema(example = "panel", max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    id: String,
    /// What people call it.
    #[schema(max_length = 120)]
    label: Option<String>,
    /// Whether it may connect.
    enabled: Option<bool>,
    /// Filters that it may publish to. A level `%u` stands for its user name, `%c` for its client identifier.
    #[schema(example = json!(["devices/+/points/+/set"]), max_items = 64)]
    publishes: Option<Vec<String>>,
    /// Filters that it may subscribe to.
    #[schema(example = json!(["devices/+/points/#"]), max_items = 64)]
    subscribes: Option<Vec<String>>,
    /// A secret of your own. Left out, a good one is made, which is checked faster too.
    #[schema(min_length = 8, max_length = 128)]
    secret: Option<String>,
}

/// What may be changed about a client. Members that are left out stay as they are.
#[derive(ToSchema)]
pub(crate) struct ClientChange {
    /// What people call it.
    label: Option<String>,
    /// Whether it may connect.
    enabled: Option<bool>,
    /// Filters that it may publish to.
    publishes: Option<Vec<String>>,
    /// Filters that it may subscribe to.
    subscribes: Option<Vec<String>>,
}

/// A command and how far it has come.
#[derive(Serialize, ToSchema)]
pub(crate) struct Command {
    /// Its name.
    id: String,
    /// The device it is for.
    device: String,
    /// The point it is for.
    point: String,
    /// The value asked for: any JSON but `null`.
    #[schema(value_type = Value)]
    value: serde_json::Value,
    /// `queued`, `sent`, `acknowledged`, `verified`, `refused`, `expired` or `cancelled`.
    state: String,
    /// Why it is where it is, where that needs a word.
    reason: Option<String>,
    /// Whether nothing more will happen to it.
    r#final: bool,
    /// `low`, `normal` or `high`.
    priority: String,
    /// What makes a repeated request the same request.
    key: Option<String>,
    /// The point whose reading verifies it, if that is another one.
    confirm_point: Option<String>,
    /// How long after its acknowledgement a reading is waited for, in milliseconds.
    verify_within_ms: u64,
    /// When it was taken, in milliseconds since the Unix epoch.
    issued_ms: i64,
    /// When it expires, in milliseconds since the Unix epoch.
    deadline_ms: i64,
    /// When its state last changed, in milliseconds since the Unix epoch.
    changed_ms: i64,
    /// Its states so far, oldest first.
    steps: Vec<Step>,
    /// When it expires or is waited for no longer, on the clock that runs since the board's start; only while it is
    /// not final.
    due: Option<serde_json::Value>,
}

/// A state that a command came into, and when.
#[derive(Serialize, ToSchema)]
pub(crate) struct Step {
    /// The state.
    state: String,
    /// When, in milliseconds since the Unix epoch.
    at_ms: i64,
}

/// A supervised child and those below it.
#[derive(ToSchema)]
pub(crate) struct Tree {
    /// Its name.
    name: String,
    /// `worker` or `supervisor`.
    kind: String,
    /// `starting`, `running`, `backoff`, `stopping` or `stopped`.
    state: String,
    /// How often it was restarted since it was added.
    restarts: u64,
    /// How it last ended, if it ever ended abnormally.
    last_reason: Option<String>,
    /// How long it has been up; 0 while it is not.
    uptime_ms: u64,
    /// Time until its next start, while it waits for one.
    restart_in_ms: Option<u64>,
    /// How many children it has.
    child_count: usize,
    /// The first of them.
    #[schema(no_recursion)]
    children: Vec<Tree>,
}

/// A profile: how a family of MQTT devices speaks. Its members are those of the profile's file.
#[derive(ToSchema)]
pub(crate) struct Profile {
    /// Unique name.
    id: String,
    /// What people call it.
    label: String,
    /// The codec that reads it; empty for the one of the profile's own name, or else for the rules below.
    codec: String,
    /// Settings of that codec, by name.
    options: serde_json::Value,
    /// `own`, or `bridge` for a device that another client speaks for.
    via: String,
    /// Filters that such a device may publish to.
    publishes: Vec<String>,
    /// Filters that such a device may subscribe to.
    subscribes: Vec<String>,
    /// Topics that all such devices may hear.
    hears: Vec<String>,
    /// What stands between and within pairs of names and values.
    pairs: serde_json::Value,
    /// How points are found in what it publishes.
    points: Vec<serde_json::Value>,
    /// How it is commanded.
    commands: Vec<serde_json::Value>,
}
