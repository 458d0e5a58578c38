//! Who may join, and what the join is answered.

use serde_json::json;

use super::pages::{Counter, pages};
use super::{ID, Visit, kept};
use crate::flash::Flash;
use crate::session::Session;
use crate::sign::{Purpose, SigningKey, unix_s};
use crate::view::join::{CONNECT_BYTES, NotJoined, join};
use crate::view::token::{StaticToken, ViewToken};

fn visit() -> Visit {
    Visit::of(pages(), std::any::type_name::<Counter>())
}

#[test]
fn a_join_is_answered_with_the_whole_page() {
    let (_, response) = visit().join("/?tab=x");
    assert_eq!(response["liveview_version"], "1.2.12");
    assert_eq!(response["rendered"]["1"], "0");
    assert_eq!(response["rendered"]["2"], "{&quot;tab&quot;:&quot;x&quot;}");
    assert_eq!(response["rendered"]["t"], "Counter");
    assert!(response["rendered"]["s"].is_array() || response["rendered"]["s"].is_number());
    assert_eq!(response.get("container"), None);
}

#[test]
fn a_forged_an_old_and_a_foreign_token_are_stale() {
    let visit = visit();
    let stale = json!({"reason": "stale"});
    let mut payload = visit.payload("/");
    payload["session"] = json!("forged");
    assert_eq!(visit.refusal(payload.clone()), stale);
    payload["session"] = json!(null);
    assert_eq!(visit.refusal(payload.clone()), stale);
    let token = ViewToken::main(ID, std::any::type_name::<Counter>(), "default");
    let lasts_s = Purpose::View.lasts().as_secs();
    payload["session"] = json!(token.sign(visit.site.key(), unix_s() - lasts_s - 1));
    assert_eq!(visit.refusal(payload.clone()), stale);
    payload["session"] = json!(token.sign(&SigningKey::new(&[8; 32]).unwrap(), unix_s()));
    assert_eq!(visit.refusal(payload.clone()), stale);
    let other = ViewToken::main("phx-other", std::any::type_name::<Counter>(), "default");
    payload["session"] = json!(other.sign(visit.site.key(), unix_s()));
    assert_eq!(visit.refusal(payload), stale);
}

#[test]
fn without_a_session_every_view_is_stale() {
    let visit = visit();
    let payload = serde_json::from_value(visit.payload("/")).unwrap();
    let refused = join(&visit.site, ID, payload, None, 1, kept().0).unwrap_err();
    assert_eq!(refused, NotJoined::Refused(json!({"reason": "stale"})));
}

#[test]
fn an_address_of_another_view_or_of_none_is_unauthorized() {
    let visit = visit();
    let unauthorized = json!({"reason": "unauthorized"});
    for url in ["/two", "/nowhere", "/other"] {
        assert_eq!(visit.refusal(visit.payload(url)), unauthorized, "{url}");
    }
    let mut nowhere = visit.payload("/");
    nowhere["url"] = json!(null);
    assert_eq!(visit.refusal(nowhere), unauthorized);
}

#[test]
fn another_view_of_the_group_comes_into_the_element_and_one_of_another_group_does_not() {
    let visit = visit();
    let mut payload = visit.payload("/");
    payload["url"] = json!(null);
    payload["redirect"] = json!("http://box/two?z=1");
    let joined = visit.join_with(payload.clone()).unwrap();
    let response: serde_json::Value = serde_json::from_str(&joined.response).unwrap();
    assert_eq!(response["container"], json!(["div", {}]));
    payload["redirect"] = json!("http://box/other");
    assert_eq!(visit.refusal(payload), json!({"reason": "unauthorized"}));
}

#[test]
fn a_guard_sends_away_whoever_it_does_not_know() {
    let mut visit = visit();
    visit.token = ViewToken::main(ID, std::any::type_name::<super::pages::Two>(), "guarded")
        .sign(visit.site.key(), unix_s());
    let payload = visit.payload("/guarded");
    assert_eq!(
        visit.refusal(payload.clone()),
        json!({"redirect": {"to": "/sign-in"}})
    );
    visit.session = Session::begin().unwrap();
    visit.session.put("user", "ada");
    assert!(visit.join_with(payload).is_ok());
}

#[test]
fn a_view_may_be_elsewhere_or_nowhere() {
    let visit = visit();
    let at = |how: &str| visit.refusal(visit.payload(&format!("/?at_mount={how}")));
    assert_eq!(at("redirect"), json!({"redirect": {"to": "/two"}}));
    let moved = at("navigate");
    assert_eq!(
        (&moved["live_redirect"]["to"], &moved["live_redirect"]["kind"]),
        (&json!("/two"), &json!("push"))
    );
    assert_eq!(moved["events"], json!([["moved", {"n": 1}]]));
    let token = moved["live_redirect"]["flash"].as_str().unwrap();
    assert_eq!(
        Flash::from_token(token, visit.site.key()).get("info"),
        Some("moved")
    );
    let gone = at("status");
    assert_eq!(
        (&gone["reason"], &gone["status"]),
        (&json!("reload"), &json!(404))
    );
    let token = gone["token"].as_str().unwrap();
    assert_eq!(
        visit.site.key().verify(Purpose::Reload, token),
        Ok(b"404".to_vec())
    );
}

#[test]
fn a_view_that_patches_itself_at_mount_says_where_it_is() {
    let visit = visit();
    let (_, response) = visit.join("/?at_mount=patch");
    assert_eq!(
        response["live_patch"],
        json!({"kind": "push", "to": "/?patched=1"})
    );
    assert_eq!(response["rendered"]["2"], "{&quot;patched&quot;:&quot;1&quot;}");
}

#[test]
fn a_loop_of_patches_at_mount_ends_in_a_crash() {
    let visit = visit();
    let crashed = visit.join_with(visit.payload("/?at_mount=loop"));
    assert!(matches!(crashed, Err(NotJoined::Crashed(_))), "{crashed:?}");
}

#[test]
fn the_flash_of_the_dead_render_is_shown_at_the_first_join_only() {
    let visit = visit();
    let mut flash = Flash::default();
    flash.put("info", "hello");
    let mut payload = visit.payload("/");
    payload["static"] = json!(StaticToken::sign(ID, &flash, visit.site.key()));
    let shown = |payload: &serde_json::Value| {
        let joined = visit.join_with(payload.clone()).unwrap();
        let response: serde_json::Value = serde_json::from_str(&joined.response).unwrap();
        response["rendered"]["0"].clone()
    };
    assert_eq!(shown(&payload), "hello");
    payload["params"]["_mounts"] = json!(1);
    assert_eq!(shown(&payload), "");
    let mut other = Flash::default();
    other.put("info", "carried");
    payload["flash"] = json!(other.to_token(visit.site.key()));
    assert_eq!(shown(&payload), "carried");
    payload["static"] = json!("forged");
    assert_eq!(visit.refusal(payload), json!({"reason": "stale"}));
}

#[test]
fn a_nested_view_joins_without_an_address_and_is_told_what_its_parent_says() {
    let mut visit = visit();
    let values = json!({"from": 5}).as_object().unwrap().clone();
    let token = ViewToken::nested(ID, std::any::type_name::<Counter>(), "default", values, 1);
    visit.token = token.sign(visit.site.key(), unix_s());
    let mut payload = visit.payload("/");
    payload["url"] = json!(null);
    let joined = visit.join_with(payload).unwrap();
    let response: serde_json::Value = serde_json::from_str(&joined.response).unwrap();
    assert_eq!(response["rendered"]["1"], "5");
}

#[test]
fn a_view_knows_whether_its_page_was_loaded_with_other_scripts() {
    let visit = visit();
    let mut payload = visit.payload("/");
    payload["params"]["_track_static"] = json!(["http://box/js/app-1.js", "http://box/js/phoenix.min.js"]);
    let joined = visit.join_with(payload.clone()).unwrap();
    let context = &joined.running.context;
    assert!(!context.static_changed(&["/js/app-1.js", "/js/phoenix.min.js"]));
    assert!(context.static_changed(&["/js/app-2.js", "/js/phoenix.min.js"]));
    payload["params"]["_track_static"] = json!(vec!["x".repeat(1000); 1000]);
    assert!(
        visit
            .join_with(payload)
            .unwrap()
            .running
            .context
            .assets
            .is_empty()
    );
}

#[test]
fn a_view_is_told_what_the_script_of_its_page_says_and_not_what_the_client_does() {
    let visit = visit();
    let mut payload = visit.payload("/");
    payload["params"] =
        json!({"_mounts": 0, "_csrf_token": "secret", "zone": "Europe/Berlin", "screen": {"width": 800}});
    let joined = visit.join_with(payload.clone()).unwrap();
    let params = joined.running.context.connect_params();
    assert_eq!(params.get("zone"), Some("Europe/Berlin"));
    assert_eq!(params.value("screen"), Some(&json!({"width": 800})));
    assert_eq!(params.iter().count(), 2);
    payload["params"]["more"] = json!("x".repeat(CONNECT_BYTES));
    let joined = visit.join_with(payload).unwrap();
    assert!(joined.running.context.connect_params().is_empty());
}

#[test]
fn an_address_without_end_is_nowhere() {
    let visit = visit();
    let payload = visit.payload(&format!("/?{}", "a".repeat(100_000)));
    assert_eq!(visit.refusal(payload), json!({"reason": "unauthorized"}));
}
