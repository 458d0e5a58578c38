//! A device: the record of one thing that is connected to the gateway.

use serde::{Deserialize, Serialize};

/// The name of a device: valid by [`crate::check_name`], unique on a gateway.
pub type DeviceId = String;

/// How a device reaches the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link<'a> {
    /// It connects by MQTT and speaks as this profile says.
    Mqtt {
        /// Name of a [`crate::Profile`].
        profile: &'a str,
    },
    /// It is wired to a bus of the board.
    Wired {
        /// Name of the driver in the list of drivers.
        driver: &'a str,
        /// Name of the bus in the configuration.
        bus: &'a str,
        /// Address on that bus (I²C: 7 bit).
        address: u16,
    },
}

/// One device as it is kept in the store. Flat, so that a form can cast it field by field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Device {
    /// Unique name; stands in topics and URLs.
    pub id: DeviceId,
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// Whether it is run at all.
    pub enabled: bool,
    /// For an MQTT device: the profile it speaks. Empty for a wired one.
    #[serde(default)]
    pub profile: String,
    /// For an MQTT device: hash of its secret, keyed in hexadecimal, or argon2id in PHC string form. Never leaves the
    /// gateway.
    #[serde(default)]
    pub secret_hash: String,
    /// For a wired device: the driver. Empty for an MQTT one.
    #[serde(default)]
    pub driver: String,
    /// For a wired device: the bus.
    #[serde(default)]
    pub bus: String,
    /// For a wired device: the address on the bus.
    #[serde(default)]
    pub address: u16,
    /// How often a wired device is read, or an MQTT device is expected to report, in milliseconds; 0 leaves it to
    /// the driver or the profile.
    #[serde(default)]
    pub cadence_ms: u64,
    /// For an MQTT device: filters that it may publish to beyond those of its profile. A level `{device}` or `%u`
    /// stands for its id, `%c` for its client identifier.
    #[serde(default)]
    pub publishes: Vec<String>,
    /// For an MQTT device: filters that it may subscribe to beyond those of its profile.
    #[serde(default)]
    pub subscribes: Vec<String>,
}

impl Device {
    /// How the device reaches the gateway. Validation has made sure that it is exactly one way.
    #[must_use]
    pub fn link(&self) -> Link<'_> {
        if self.driver.is_empty() {
            Link::Mqtt {
                profile: &self.profile,
            }
        } else {
            Link::Wired {
                driver: &self.driver,
                bus: &self.bus,
                address: self.address,
            }
        }
    }
}
