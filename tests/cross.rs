//! The cross-built program under an emulator: it starts, serves the page and takes a publish.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use roost_tests::{Program, Settings, mosquitto_pub, wait_for};

#[test]
#[ignore = "needs the cross-built program and an emulator: ./dev test sets them up and runs it"]
fn the_arm_program_serves_the_page_and_takes_a_publish_under_an_emulator() {
    let program = std::env::var("ROOST_CROSS_BIN").expect("ROOST_CROSS_BIN names the cross-built program");
    let emulator = std::env::var("ROOST_QEMU").expect("ROOST_QEMU is the emulator with its arguments");
    let runner = emulator.split_whitespace().map(str::to_owned).collect();
    let settings = Settings {
        program: Some(program.into()),
        runner,
        ..Settings::default()
    };
    let mut program = Program::start(settings);
    let secret = program.add_device("boiler");
    let topic = [
        "-q",
        "1",
        "-t",
        "devices/boiler/telemetry/temperature",
        "-m",
        "21.5",
    ];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", &secret), &topic)
            .status
            .success()
    );
    let point = wait_for("the reading", || program.api().point("boiler", "temperature"));
    assert_eq!(point["value"], 21.5);
    let page = program.api().get("/");
    assert_eq!(
        (page.status, page.kind.split(';').next().unwrap()),
        (200, "text/html")
    );
    assert!(
        page.text.contains("boiler") && page.text.contains("21.5"),
        "{}",
        page.text
    );
    program.kill();
    program.boot();
    assert_eq!(
        program.api().point("boiler", "temperature").unwrap()["value"],
        21.5
    );
    assert_eq!(program.stop(), Some(0));
}
