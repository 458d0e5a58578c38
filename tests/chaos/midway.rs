//! Struck midway: a service that ends between two steps of what it was asked leaves nothing half done.

use std::collections::BTreeSet;

use roost_tests::wait_for;
use serde_json::{Value, json};

use crate::packets::{self, Hello};
use crate::peer::Peer;
use crate::stage::{Stage, at_work};

/// Restarts of its services that the root takes in a minute.
const RESTARTS: u32 = 3;
/// More than a service waits on its way through a request.
const WAITS: u32 = 9;

/// The tree, once this service was restarted so often and everything is at work.
fn restarted(stage: &Stage, service: &str, times: u32) -> Value {
    wait_for("the restart", || {
        // It may have come through: then it fails over this.
        let _ = stage
            .program
            .api()
            .try_post(&format!("/api/v1/{service}"), &json!({ "id": "no name" }));
        let tree = stage.tree();
        let children = tree["children"].as_array().unwrap();
        let name = if service == "devices" {
            "registrar"
        } else {
            service
        };
        let struck = children.iter().find(|child| child["name"] == name).unwrap();
        let is_restarted = struck["restarts"].as_u64() == Some(times.into());
        (is_restarted && children.iter().all(at_work)).then_some(tree)
    })
}

/// The names of the devices' tasks.
fn tasks(tree: &Value) -> BTreeSet<&str> {
    let parts = tree["children"].as_array().unwrap();
    let devices = parts.iter().find(|part| part["name"] == "devices").unwrap();
    let children = devices["children"].as_array().unwrap().iter();
    children.map(|child| child["name"].as_str().unwrap()).collect()
}

/// Whether somebody is let in.
fn may_enter(stage: &Stage, name: &str, secret: &str) -> bool {
    let hello = Hello {
        version: 5,
        id: name,
        login: (name, secret),
        clean: true,
        ..Hello::default()
    };
    Peer::hello(&stage.program, &hello).1[3] == 0
}

/// What is retained of a device.
fn left_by(stage: &Stage, device: &str) -> Vec<String> {
    stage.retained(&format!("devices/{device}/#"))
}

/// Lets the service behind `/api/v1/<service>` fail at each of its waits in turn while `act` asks something of it about
/// a subject of its own, which `begin` makes; then `judge` looks whether the subject is whole.
fn at_every_wait(
    service: &str,
    begin: impl Fn(&Stage, &str) -> String,
    act: impl Fn(&Stage, &str),
    judge: impl Fn(&Stage, &Value, &str, &str),
) {
    let task = if service == "devices" {
        "roost/registrar"
    } else {
        "roost/clients"
    };
    let mut waits = 1..=WAITS;
    while !waits.is_empty() {
        let stage = Stage::set(None, "");
        for (times, wait) in (1..=RESTARTS).zip(&mut waits) {
            let subject = format!("subject{wait}");
            let secret = begin(&stage, &subject);
            stage.strike_later(task, wait);
            act(&stage, &subject);
            let tree = restarted(&stage, service, times);
            judge(&stage, &tree, &subject, &secret);
        }
    }
}

/// A device that has said something.
fn a_device(stage: &Stage, id: &str) -> String {
    let secret = stage.program.add_device(id);
    let mut peer = Peer::enter_as(&stage.program, 5, (id, &secret), id);
    let topic = format!("devices/{id}/telemetry/n");
    peer.send(&packets::publish(5, &topic, 0x03, 1, b"1"));
    peer.packet_of(0x40);
    let api = stage.program.api();
    wait_for("its value", || api.point(id, "n"));
    secret
}

#[test]
fn a_registrar_that_ends_while_it_removes_a_device_leaves_all_of_it_or_nothing() {
    at_every_wait(
        "devices",
        a_device,
        |stage, device| {
            let _ = stage
                .program
                .api()
                .try_delete(&format!("/api/v1/devices/{device}"));
        },
        |stage, tree, device, secret| {
            let path = format!("/api/v1/devices/{device}");
            let is_there = stage.program.api().get(&path).status == 200;
            assert_eq!(tasks(tree).contains(device), is_there, "{device}: its task");
            assert_eq!(may_enter(stage, device, secret), is_there, "{device}: its login");
            let left = left_by(stage, device);
            assert_eq!(!left.is_empty(), is_there, "{left:?}");
            assert_eq!(stage.program.api().delete(&path).status == 204, is_there);
            let left = left_by(stage, device);
            assert!(left.is_empty(), "{left:?}");
        },
    );
}

#[test]
fn a_registrar_that_ends_while_it_changes_a_device_has_its_task_agree_with_its_record() {
    at_every_wait(
        "devices",
        a_device,
        |stage, device| {
            let path = format!("/api/v1/devices/{device}");
            let _ = stage.program.api().try_patch(&path, &json!({ "enabled": false }));
        },
        |stage, tree, device, secret| {
            let shown = stage.program.api().get(&format!("/api/v1/devices/{device}"));
            let is_enabled = shown.body["enabled"] == true;
            assert_eq!(tasks(tree).contains(device), is_enabled, "{}", shown.text);
            assert_eq!(may_enter(stage, device, secret), is_enabled, "{}", shown.text);
        },
    );
}

#[test]
fn those_who_let_clients_in_know_no_client_without_a_record() {
    at_every_wait(
        "clients",
        |stage, client| {
            let body = json!({ "id": client, "secret": "a long secret", "subscribes": ["devices/#"] });
            let answer = stage.program.api().post("/api/v1/clients", &body);
            assert_eq!(answer.status, 201, "{}", answer.text);
            "a long secret".to_owned()
        },
        |stage, client| {
            let _ = stage
                .program
                .api()
                .try_delete(&format!("/api/v1/clients/{client}"));
        },
        |stage, _, client, secret| {
            let path = format!("/api/v1/clients/{client}");
            let is_there = stage.program.api().get(&path).status == 200;
            assert_eq!(may_enter(stage, client, secret), is_there);
        },
    );
}
