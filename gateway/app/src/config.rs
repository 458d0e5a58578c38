//! The configuration: what `roost.toml` may say, with the defaults that `roost.toml` in this crate documents.

mod load;
mod mqtt;
mod range;
mod tls;

pub use load::{ConfigError, load, parse};
pub use mqtt::MqttConfig;
pub use range::Within;
pub use tls::{Shown, TlsConfig};

use std::net::SocketAddr;
use std::path::PathBuf;

use roost_drivers::BusSpec;
use serde::Deserialize;

/// Every setting with its default, as a file.
pub const DEFAULTS: &str = include_str!("../roost.toml");

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Records and last values.
    pub store: StoreConfig,
    /// The MQTT side.
    pub mqtt: MqttConfig,
    /// The page and the API.
    pub web: WebConfig,
    /// Device tasks.
    pub devices: DevicesConfig,
    /// Buses that chips are wired to.
    #[serde(rename = "bus")]
    pub buses: Vec<BusConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "/var/lib/roost".into(),
            log: LogConfig::default(),
            store: StoreConfig::default(),
            mqtt: MqttConfig::default(),
            web: WebConfig::default(),
            devices: DevicesConfig::default(),
            buses: Vec::new(),
        }
    }
}

impl Config {
    /// Where profiles have their files.
    #[must_use]
    pub fn profiles_dir(&self) -> PathBuf {
        if self.devices.profiles.as_os_str().is_empty() {
            self.data_dir.join("profiles")
        } else {
            self.devices.profiles.clone()
        }
    }
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// A level or a filter.
    pub level: String,
    /// For people or for collectors.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// Memory for records that were read, in bytes.
    pub cache_bytes: Within<1_048_576, 1_073_741_824>,
    /// Seconds of last values that a power cut may cost.
    pub commit_every_s: Within<1, 3600>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            cache_bytes: Within::new(1 << 20),
            commit_every_s: Within::new(5),
        }
    }
}

/// `[web]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Connections at a time.
    pub max_connections: Within<1, 100_000>,
    /// Names under which the page may be called.
    pub hosts: Vec<String>,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8080).into(),
            max_connections: Within::new(1000),
            hosts: Vec::new(),
        }
    }
}

/// `[devices]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DevicesConfig {
    /// Messages that wait for a device's task.
    pub inbox_messages: Within<1, 100_000>,
    /// Seconds for a command without a deadline.
    pub command_within_s: Within<1, 86_400>,
    /// Bytes of what all devices last said; 0 to keep nothing of it.
    pub recorder_bytes: Within<0, 1_073_741_824>,
    /// Bytes of what one device last said.
    pub recorder_device_bytes: Within<1024, 1_048_576>,
    /// Where profiles have their files; `profiles` in the data directory if it is empty.
    pub profiles: PathBuf,
}

impl Default for DevicesConfig {
    fn default() -> Self {
        Self {
            inbox_messages: Within::new(256),
            command_within_s: Within::new(10),
            recorder_bytes: Within::new(16 << 20),
            recorder_device_bytes: Within::new(16 << 10),
            profiles: PathBuf::new(),
        }
    }
}

/// `[[bus]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusConfig {
    /// Name that devices refer to.
    pub name: String,
    /// A board of `roost_drivers::BOARDS`.
    pub board: String,
    /// The kernel's device file, for a real board.
    pub path: Option<String>,
    /// Chips on a simulated bus.
    #[serde(default)]
    pub chips: Vec<String>,
}

impl BusConfig {
    /// The bus in the words of the drivers.
    #[must_use]
    pub fn spec(&self) -> BusSpec {
        let default = BusSpec::default();
        BusSpec {
            path: self.path.clone().unwrap_or(default.path),
            chips: self.chips.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        assert_eq!(parse(DEFAULTS, "roost.toml").unwrap(), Config::default());
        assert_eq!(parse("", "roost.toml").unwrap(), Config::default());
    }

    #[test]
    fn every_default_is_written_down() {
        let table: toml::Table = DEFAULTS.parse().unwrap();
        let mut keys = 0;
        for (name, value) in &table {
            keys += value.as_table().map_or(1, toml::Table::len);
            assert!(!name.is_empty());
        }
        assert_eq!(
            keys, 37,
            "a new setting is documented in roost.toml, and this number grows with it"
        );
    }
}
