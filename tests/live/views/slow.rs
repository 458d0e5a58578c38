//! Clients that do not read.

use roost_live_tests::Visit;

use super::Place;

/// Longer than what the operating system keeps of a connection, many times over.
const CHANGES: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_late_gets_few_differences_and_the_last_state() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    let mut neighbour = Visit::of(&place.base).await;
    let long = "x".repeat(4_000);
    for change in 0..CHANGES {
        place.publish("value", &format!("{change} {long}"));
        if change % 1_000 == 0 {
            assert_eq!(neighbour.click("noop").await["status"], "ok");
        }
    }
    place.publish("value", "last");
    let mut differences = 0_usize;
    loop {
        let frame = visit.hear().await;
        assert_eq!(frame[3], "diff");
        differences += 1;
        if frame[4]["1"] == "last" {
            break;
        }
    }
    assert!(
        differences < CHANGES / 2,
        "{differences} differences for {CHANGES} changes"
    );
    assert_eq!(visit.click("up").await["response"]["diff"]["0"], "1");
}
