//! MQTT.js, the client of browsers and of Node: `peers/mqttjs_features.js` holds the conversations.

use roost_tests::{Door, Program, Settings, Transport, mqttjs};

fn holds(scenario: &str) {
    let program = Program::start(Settings::default());
    let _ = mqttjs(
        &Door::of(&program, Transport::Tcp),
        "mqttjs_features.js",
        &[scenario],
    );
}

#[test]
fn every_qos_goes_and_comes_in_both_versions_over_every_transport() {
    let program = Door::all();
    for transport in Transport::ALL {
        let _ = mqttjs(
            &Door::of(&program, transport),
            "mqttjs_features.js",
            &["round_trip"],
        );
    }
}

#[test]
fn properties_of_version_5_go_and_come() {
    holds("properties");
}

#[test]
fn aliases_that_the_client_gives_by_itself_are_understood() {
    holds("aliases");
}

#[test]
fn a_session_is_resumed_after_a_goodbye_and_after_a_cut() {
    holds("resume");
}
