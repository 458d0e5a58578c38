//! Who is told what of those who come and go.

use super::*;
use crate::bus::Policy;
use roost_model::Filter;

fn meta(via: &str) -> Map<String, Value> {
    [("via".to_owned(), via.into())].into_iter().collect()
}

#[test]
fn a_key_is_present_until_its_last_guard_is_dropped() {
    let presence = Presence::new(Bus::default());
    let first = presence.track("devices", "boiler", meta("mqtt"));
    let second = presence.track("devices", "boiler", meta("mqtt"));
    drop(first);
    assert!(presence.contains("devices", "boiler"));
    drop(second);
    assert_eq!(
        (presence.contains("devices", "boiler"), presence.count("devices")),
        (false, 0)
    );
}

#[test]
fn state_and_diffs_have_the_shape_of_phoenix_presence() {
    let bus = Bus::default();
    let listener = bus.subscribe(Filter::new("$presence/#").unwrap(), 10, Policy::DropOldest);
    let presence = Presence::new(bus);
    let guard = presence.track("devices", "boiler", meta("mqtt"));
    let expected = presence.list("devices");
    let reference = expected["boiler"]["metas"][0]["phx_ref"].clone();
    assert!(reference.is_string());
    assert_eq!(
        expected,
        json!({"boiler": {"metas": [{"via": "mqtt", "phx_ref": reference}]}})
    );
    drop(guard);
    let diffs: Vec<Value> = std::iter::from_fn(|| listener.try_recv())
        .map(|delivery| serde_json::from_slice(&delivery.message.body).unwrap())
        .collect();
    assert_eq!(
        diffs,
        [
            json!({"joins": expected, "leaves": {}}),
            json!({"joins": {}, "leaves": expected})
        ]
    );
}

fn refs(entries: &Value, key: &str) -> Vec<String> {
    let metas = entries[key]["metas"].as_array().cloned().unwrap_or_default();
    metas
        .iter()
        .map(|meta| meta["phx_ref"].as_str().unwrap().to_owned())
        .collect()
}

fn collected() -> (Presence, Arc<Mutex<Vec<Arc<str>>>>) {
    let told: Arc<Mutex<Vec<Arc<str>>>> = Arc::default();
    let teller = Arc::clone(&told);
    (
        Presence::collected(move |topic| lock(&teller).push(Arc::clone(topic))),
        told,
    )
}

#[test]
fn a_change_is_one_diff_with_a_new_reference_that_knows_the_old_one() {
    let (presence, _) = collected();
    let mut guard = presence.track("room", "u1", meta("x"));
    let before = presence.take_diff("room").unwrap();
    guard.update(meta("y"));
    let diff = presence.take_diff("room").unwrap();
    assert_eq!(diff["leaves"], before["joins"]);
    assert_ne!(refs(&diff["joins"], "u1"), refs(&diff["leaves"], "u1"));
    let joined = &diff["joins"]["u1"]["metas"][0];
    assert_eq!(
        joined["phx_ref_prev"],
        before["joins"]["u1"]["metas"][0]["phx_ref"]
    );
    assert_eq!(joined["via"], "y");
    assert_eq!(presence.list("room"), diff["joins"]);
}

#[test]
fn changes_come_together_in_one_diff_of_which_the_collector_is_told_once() {
    let (presence, told) = collected();
    let _stays: Vec<_> = (0..3)
        .map(|n| presence.track("room", format!("u{n}"), meta("x")))
        .collect();
    let second = presence.track("room", "u0", meta("z"));
    drop(presence.track("room", "gone", meta("x")));
    assert_eq!(lock(&told).len(), 1);
    let diff = presence.take_diff("room").unwrap();
    assert_eq!(
        diff["joins"].as_object().unwrap().len(),
        3,
        "who came and left is not told of"
    );
    assert_eq!(refs(&diff["joins"], "u0").len(), 2);
    assert_eq!((&diff["leaves"], presence.take_diff("room")), (&json!({}), None));
    drop(second);
    assert_eq!(lock(&told).len(), 2);
    let diff = presence.take_diff("room").unwrap();
    assert_eq!(
        (refs(&diff["leaves"], "u0").len(), &diff["joins"]),
        (1, &json!({}))
    );
}

#[test]
fn keys_that_mean_something_to_browsers_pass_unharmed() {
    let (presence, _) = collected();
    let _guard = presence.track("room", "__proto__", meta("x"));
    assert_eq!(
        refs(&presence.take_diff("room").unwrap()["joins"], "__proto__").len(),
        1
    );
}

#[test]
fn a_task_that_panics_does_not_stay_present() {
    let presence = Presence::new(Bus::default());
    let tracked = presence.clone();
    let panicked = std::thread::spawn(move || {
        let _guard = tracked.track("devices", "boiler", meta("mqtt"));
        std::panic::resume_unwind(Box::new("gone"));
    });
    assert!(panicked.join().is_err());
    assert!(!presence.contains("devices", "boiler"));
}

#[test]
fn who_left_at_once_is_told_of_if_a_list_has_shown_it_meanwhile() {
    let (presence, _) = collected();
    let seen = presence.track("room", "seen", meta("x"));
    let shown = presence.list("room");
    let unseen = presence.track("room", "unseen", meta("x"));
    drop((seen, unseen));
    assert_eq!(
        presence.take_diff("room"),
        Some(json!({"joins": {}, "leaves": shown}))
    );
    assert_eq!(presence.list("room"), json!({}));
    // The list of an empty topic is no list of those who come later.
    drop(presence.track("room", "late", meta("x")));
    assert_eq!(presence.take_diff("room"), None);
}

#[test]
fn what_was_said_of_somebody_and_shown_is_taken_back_when_something_else_is_said() {
    let (presence, _) = collected();
    let mut guard = presence.track("room", "u1", meta("x"));
    let shown = presence.list("room");
    guard.update(meta("y"));
    guard.update(meta("z"));
    let diff = presence.take_diff("room").unwrap();
    assert_eq!(
        (&diff["joins"], &diff["leaves"]),
        (&presence.list("room"), &shown)
    );
}
