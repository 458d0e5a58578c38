//! The page of a gateway without devices: the next step, ready to be copied.

use maud::{Markup, html};

/// What to do first. `host` is the name that this gateway was reached by.
pub(crate) fn first_steps(host: &str, mqtt_port: u16) -> Markup {
    html! {
        section.empty {
            h2 { "No devices yet" }
            p.lead { "Two commands, and the first value is on this page." }
            ol.steps {
                li {
                    h3 { "Add a device" }
                    p { "On this gateway. It prints the secret of the device, once." }
                    pre tabindex="0" { code { "roost device add boiler --profile native" } }
                }
                li {
                    h3 { "Let it publish a value" }
                    p {
                        "From anywhere that reaches this gateway, its secret for " code { "SECRET" } "."
                    }
                    pre tabindex="0" { code {
                        "mosquitto_pub -h " (host) " -p " (mqtt_port) " -i boiler -u boiler -P SECRET \\\n  "
                        "-t devices/boiler/telemetry/temperature \\\n  -m '{\"value\": 21.5, \"unit\": \"°C\"}'"
                    } }
                }
            }
            p {
                "Programs add devices with " code { "POST /api/v1/devices" } "; "
                code { "/api/v1/openapi.json" } " describes the whole interface."
            }
        }
    }
}
