//! What makes a device valid: a name, and exactly one way to reach it.

use roost_model::{Device, check_name};

use super::client::check_filters;
use super::{check_cadence, check_hash, check_label, check_name_if_given};
use crate::{FieldErrors, Record};

/// Addresses of I²C that a device can have: 7 bit, without those that the specification reserves at the low
/// end.
const ADDRESSES: std::ops::RangeInclusive<u16> = 0x03..=0x77;

impl Record for Device {
    const TABLE: &'static str = "devices";
    /// Not the hash of the secret: it is made of a secret that the program has generated.
    const FIELDS: &'static [&'static str] = &[
        "id",
        "label",
        "enabled",
        "profile",
        "driver",
        "bus",
        "address",
        "cadence_ms",
        "publishes",
        "subscribes",
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("id", check_name(&self.id));
        check_label(&self.label, errors);
        errors.check("cadence_ms", check_cadence(self.cadence_ms));
        errors.check("profile", check_name_if_given(&self.profile));
        errors.check("driver", check_name_if_given(&self.driver));
        match (self.profile.is_empty(), self.driver.is_empty()) {
            (true, true) => errors.add(
                "profile",
                "is needed for an MQTT device, a driver for a wired one",
            ),
            (false, false) => errors.add("driver", "can't be given together with a profile"),
            (false, true) => {}
            (true, false) => {
                errors.check("bus", check_name(&self.bus));
                if !ADDRESSES.contains(&self.address) {
                    errors.add(
                        "address",
                        "must be from 3 to 119 (0x03 to 0x77), a 7-bit bus address",
                    );
                }
            }
        }
        check_hash(&self.secret_hash, errors);
        check_filters("publishes", &self.publishes, errors);
        check_filters("subscribes", &self.subscribes, errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Changeset;
    use serde_json::{Value, json};

    fn errors_of(params: Value) -> String {
        let Value::Object(params) = params else {
            panic!("an object")
        };
        Changeset::cast(Device::default(), &params)
            .finish()
            .map_or_else(|errors| errors.to_string(), |_| String::new())
    }

    #[test]
    fn a_device_is_reached_by_mqtt_or_by_wire_and_not_by_both() {
        assert_eq!(errors_of(json!({"id": "a", "profile": "tasmota"})), "");
        assert_eq!(
            errors_of(json!({"id": "a", "driver": "sht3x", "bus": "i2c-1", "address": 0x44})),
            ""
        );
        assert_eq!(
            errors_of(json!({"id": "a"})),
            "profile is needed for an MQTT device, a driver for a wired one"
        );
        assert_eq!(
            errors_of(json!({"id": "a", "profile": "p", "driver": "d"})),
            "driver can't be given together with a profile"
        );
    }

    #[test]
    fn a_wired_device_has_a_bus_and_a_seven_bit_address() {
        for address in [0, 2, 0x78, 0x3ff] {
            let text = errors_of(json!({"id": "a", "driver": "d", "bus": "i2c-1", "address": address}));
            assert!(text.starts_with("address must be from 3 to 119"), "{text}");
        }
        assert_eq!(
            errors_of(json!({"id": "a", "driver": "d", "address": 3})),
            "bus can't be empty"
        );
    }

    #[test]
    fn label_and_cadence_have_limits() {
        let device = |label: String, cadence_ms: u64| {
            errors_of(json!({"id": "a", "profile": "p", "label": label, "cadence_ms": cadence_ms}))
        };
        assert_eq!(device("é".repeat(120), 100), "");
        assert_eq!(device("é".repeat(121), 0), "label has at most 120 characters");
        for cadence_ms in [1, 99, 86_400_001] {
            assert_eq!(
                device(String::new(), cadence_ms),
                "cadence_ms must be 0 or from 100 to 86400000 milliseconds"
            );
        }
    }

    #[test]
    fn the_hash_of_a_secret_does_not_come_from_outside() {
        assert_eq!(
            errors_of(json!({"id": "a", "profile": "p", "secret_hash": "00"})),
            "secret_hash is not a field"
        );
    }
}
