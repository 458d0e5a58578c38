//! Whatever a client says: an answer or a refusal, never the end of the view.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::pages::{Two, pages};
use super::{ID, Visit, kept};
use crate::view::client::{self, Mistake};
use crate::view::join::{JoinPayload, NotJoined, join};

/// JSON of any shape, with the names that the protocol has for its fields.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("phx-main-fw".to_owned()),
        Just("lv:clear-flash".to_owned()),
        Just("user[name]".to_owned()),
        Just("http://box/two?a[b]=%41".to_owned()),
        "[a-z%\\[\\]&=:/._]{0,20}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "type",
        "event",
        "value",
        "cid",
        "cids",
        "meta",
        "_target",
        "uploads",
        "phx-main-fw",
        "url",
        "redirect",
        "ref",
        "entries",
        "entry_ref",
        "progress",
        "name",
        "size",
        "session",
        "static",
        "flash",
        "params",
        "_mounts",
        "_track_static",
        "key",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let field = (name.clone().prop_map(str::to_owned), inner.clone());
        let map =
            prop::collection::vec(field, 0..6).prop_map(|fields| fields.into_iter().collect::<Map<_, _>>());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            map.prop_map(Value::from)
        ]
    })
}

proptest! {
    #[test]
    fn a_view_takes_anything_that_a_client_says(
        event in prop::sample::select(vec![
            "event", "live_patch", "cids_will_destroy", "cids_destroyed", "allow_upload", "progress", "chunk",
        ]),
        payload in any_json(),
    ) {
        let visit = Visit::of(pages(), std::any::type_name::<Two>());
        let (mut running, _) = visit.join("/two");
        let answered = client::take(&mut running, event, payload);
        prop_assert!(!matches!(answered, Err(Mistake::Crash(_))), "{answered:?}");
        if let Ok(answer) = answered {
            prop_assert!(serde_json::from_str::<Map<String, Value>>(&answer.response()).is_ok());
        }
    }

    #[test]
    fn a_well_formed_event_takes_any_value(
        value in any_json(),
        kind in "click|form|hook|keydown",
        cid in any::<Option<u32>>(),
    ) {
        let visit = Visit::of(pages(), std::any::type_name::<Two>());
        let (mut running, _) = visit.join("/two");
        let said = json!({"type": kind, "event": "e", "value": value, "cid": cid});
        let answered = client::take(&mut running, "event", said);
        prop_assert!(!matches!(answered, Err(Mistake::Crash(_))), "{answered:?}");
    }

    #[test]
    fn a_join_may_say_anything(said in any_json()) {
        let visit = Visit::of(pages(), std::any::type_name::<Two>());
        if let Ok(payload) = serde_json::from_value::<JoinPayload>(said) {
            let joined = join(&visit.site, ID, payload, Some(&visit.session), 1, kept().0);
            prop_assert!(matches!(joined, Err(NotJoined::Refused(_))), "{joined:?}");
        }
    }
}
