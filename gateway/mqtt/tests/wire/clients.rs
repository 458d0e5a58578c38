//! Clients that are no devices: their filters, and secrets that people have chosen.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use roost_model::Client as Record;
use roost_mqtt::Limits;
use roost_store::hash_chosen;

use crate::gateway::Gateway;
use crate::packets::{V4, V5};

const SECRET: &str = "correct horse";

/// A dashboard whose secret was chosen by somebody.
fn panel() -> Record {
    Record {
        id: "panel".into(),
        enabled: true,
        secret_hash: hash_chosen(SECRET).unwrap(),
        publishes: vec!["devices/+/points/+/set".into(), "panels/%u/%c/#".into()],
        subscribes: vec!["devices/+/points/#".into(), "panels/%u/%c/#".into()],
        ..Record::default()
    }
}

#[tokio::test]
async fn a_client_with_a_chosen_secret_touches_what_it_was_given_and_nothing_else() {
    let gateway = Gateway::start(Limits::default()).await;
    gateway.access().set_client(&panel());
    for (id, code) in [("wall", 1), ("wall/+", 0x87), ("#", 0x87)] {
        let mut client = gateway.connect().await;
        let answer = client.say_connect(V5, id, Some(("panel", SECRET))).await;
        assert_eq!((answer[0], answer[3]), (0x20, 0), "{answer:x?}");
        assert_eq!(client.subscribe_code("devices/+/points/#", 1).await, 1);
        assert_eq!(
            client.subscribe_code("panels/panel/wall/#", 1).await,
            code,
            "{id}"
        );
        for foreign in [
            "#",
            "devices/#",
            "panels/panel/other/#",
            "panels/panel/+/x",
            "$SYS/#",
        ] {
            assert_eq!(client.subscribe_code(foreign, 1).await, 0x87, "{foreign}");
        }
        client.publish("devices/boiler/telemetry/x", b"forged", 1).await;
        assert_eq!(client.puback().await, 0x87);
        client.publish("devices/boiler/points/x/set", b"1", 1).await;
        assert_ne!(client.puback().await, 0x87);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn guessing_at_a_chosen_secret_is_refused_and_soon_not_listened_to() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut panel = panel();
    gateway.access().set_client(&panel);
    let wrong = Some(("panel", "wrong horse"));
    let began = Instant::now();
    assert_eq!(gateway.knock(V4, "c", wrong).await, [0x20, 2, 0, 4]);
    let mut checked = 1;
    let mut answers = Vec::new();
    for _ in 0..30 {
        let answer = gateway.knock(V4, "c", wrong).await[3];
        assert!(matches!(answer, 3 | 4), "{answer}");
        checked += u64::from(answer == 4);
        answers.push(answer);
    }
    // Five at once, and one a second: a machine that is slow to check has never had enough.
    let took = began.elapsed();
    assert!(
        checked <= 6 + took.as_secs(),
        "{checked} within {took:?}: {answers:?}"
    );
    // A generated secret of another is checked as fast as ever.
    let secret = gateway.add_device("boiler", true);
    assert_eq!(gateway.knock(V4, "c", Some(("boiler", &secret))).await[3], 0);
    panel.enabled = false;
    gateway.access().set_client(&panel);
    assert_ne!(gateway.knock(V4, "c", Some(("panel", SECRET))).await[3], 0);
    gateway.access().remove_client("panel");
    assert_eq!(gateway.knock(V4, "c", Some(("panel", SECRET))).await[3], 4);
    gateway.stop().await;
}
