//! Components: their own events, and how they come and go.

use serde_json::{Value, json};

use super::pages::{Parts, Rows, pages};
use super::{Visit, event, say};
use crate::view::running::Running;

fn parts() -> Running {
    Visit::of(pages(), std::any::type_name::<Parts>())
        .join("/parts")
        .0
}

fn click(running: &mut Running, name: &str, cid: u32) -> Value {
    say(
        running,
        "event",
        json!({"type": "click", "event": name, "value": {}, "cid": cid}),
    )
    .1
}

#[test]
fn a_component_is_a_root_of_its_own_in_the_answer_to_the_join() {
    let (_, response) = Visit::of(pages(), std::any::type_name::<Parts>()).join("/parts");
    let component = &response["rendered"]["c"]["1"];
    assert_eq!(
        (&component["1"], &component["2"], &component["r"]),
        (&json!("one"), &json!("0"), &json!(1))
    );
}

#[test]
fn a_component_answers_its_own_events_alone() {
    let mut running = parts();
    assert_eq!(
        click(&mut running, "cinc", 1),
        json!({"diff": {"c": {"1": {"2": "1"}}}})
    );
    assert_eq!(click(&mut running, "cinc", 7), json!({}), "one that is gone");
}

#[test]
fn what_a_component_says_to_the_page_is_shown() {
    let mut running = parts();
    assert_eq!(
        click(&mut running, "flash", 1),
        json!({"diff": {"1": "from the part"}})
    );
}

#[test]
fn a_component_is_told_what_the_view_says() {
    let mut running = parts();
    let answer = event(&mut running, "click", "show", json!(["one", "two"]));
    assert_eq!(answer["diff"]["c"]["2"]["1"], "two");
    assert_eq!(answer["diff"]["c"].get("1"), None);
}

#[test]
fn a_component_is_gone_when_the_client_has_removed_it() {
    let mut running = parts();
    click(&mut running, "cinc", 1);
    event(&mut running, "click", "show", json!([]));
    assert_eq!(
        say(&mut running, "cids_will_destroy", json!({"cids": [1]})).1,
        json!({})
    );
    assert_eq!(
        say(&mut running, "cids_destroyed", json!({"cids": [1, 9]})).1,
        json!({"cids": [1]})
    );
    let again = event(&mut running, "click", "show", json!(["one"]));
    assert_eq!(
        again["diff"]["c"]["2"]["2"], "0",
        "it begins anew, with a number of its own"
    );
}

#[test]
fn a_component_that_comes_back_meanwhile_stays_and_is_sent_in_full() {
    let mut running = parts();
    click(&mut running, "cinc", 1);
    event(&mut running, "click", "show", json!([]));
    say(&mut running, "cids_will_destroy", json!({"cids": [1]}));
    let again = event(&mut running, "click", "show", json!(["one"]));
    assert_eq!(again["diff"]["c"]["1"]["2"], "1");
    assert!(again["diff"]["c"]["1"]["s"].is_array());
    assert_eq!(
        say(&mut running, "cids_destroyed", json!({"cids": [1]})).1,
        json!({"cids": []})
    );
}

fn destroy(running: &mut Running, cids: &[u32]) -> Value {
    say(running, "cids_destroyed", json!({ "cids": cids })).1
}

#[test]
fn all_components_of_a_page_may_be_removed_at_once_and_others_take_their_places() {
    let mut running = parts();
    let mut cids: Vec<u32> = vec![1];
    for round in 0..8_u32 {
        let shown: Vec<String> = (0..1500).map(|n| format!("{round}.{n}")).collect();
        event(&mut running, "click", "show", json!(shown));
        assert_eq!(
            say(&mut running, "cids_will_destroy", json!({ "cids": cids })).1,
            json!({})
        );
        assert_eq!(destroy(&mut running, &cids), json!({ "cids": cids }));
        let first = cids.last().unwrap() + 1;
        cids = (first..first + 1500).collect();
    }
    assert_eq!(
        click(&mut running, "cinc", cids[0]),
        json!({"diff": {"c": {cids[0].to_string(): {"2": "1"}}}})
    );
}

/// A view with a part in a row of a stream, which is then deleted.
fn row_deleted() -> Running {
    let visit = Visit::of(pages(), std::any::type_name::<Rows>());
    let mut running = visit.join("/rows").0;
    let inserted = event(&mut running, "click", "insert", json!("one"));
    assert_eq!(inserted["diff"]["c"]["1"]["1"], "one");
    click(&mut running, "cinc", 1);
    event(&mut running, "click", "delete", json!("one"));
    running
}

#[test]
fn a_component_whose_row_comes_back_before_the_client_has_said_that_it_is_gone_goes_on_changing() {
    let mut running = row_deleted();
    event(&mut running, "click", "insert", json!("one"));
    // The client finds it on its page, and says nothing more.
    say(&mut running, "cids_will_destroy", json!({"cids": [1]}));
    let counted = click(&mut running, "cinc", 1);
    assert_eq!(counted["diff"]["c"]["1"]["2"], "2");
    assert_eq!(
        click(&mut running, "cinc", 1),
        json!({"diff": {"c": {"1": {"2": "3"}}}})
    );
    // Until its row is deleted again.
    event(&mut running, "click", "delete", json!("one"));
    say(&mut running, "cids_will_destroy", json!({"cids": [1]}));
    assert_eq!(destroy(&mut running, &[1]), json!({"cids": [1]}));
}

#[test]
fn a_component_whose_row_comes_back_while_the_client_removes_it_stays() {
    let mut running = row_deleted();
    say(&mut running, "cids_will_destroy", json!({"cids": [1]}));
    let again = event(&mut running, "click", "insert", json!("one"));
    assert_eq!(again["diff"]["c"]["1"]["2"], "1");
    assert!(again["diff"]["c"]["1"]["s"].is_array());
    assert_eq!(destroy(&mut running, &[1]), json!({"cids": []}));
    assert_eq!(
        click(&mut running, "cinc", 1),
        json!({"diff": {"c": {"1": {"2": "2"}}}})
    );
}
