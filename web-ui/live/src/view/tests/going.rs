//! Events, and where they lead.

use serde_json::json;

use super::pages::{Counter, pages};
use super::{Visit, event, mistake, say};
use crate::flash::Flash;
use crate::view::client::{self, Mistake};
use crate::view::running::{Part, Running};

fn counter() -> (Visit, Running) {
    let visit = Visit::of(pages(), std::any::type_name::<Counter>());
    let (running, _) = visit.join("/");
    (visit, running)
}

#[test]
fn only_what_has_changed_is_answered() {
    let (_, mut running) = counter();
    let by = json!({"by": "2", "value": ""});
    assert_eq!(
        event(&mut running, "click", "inc", by),
        json!({"diff": {"1": "2"}})
    );
    assert_eq!(event(&mut running, "click", "noop", json!({})), json!({}));
}

#[test]
fn a_message_changes_the_page() {
    let (_, mut running) = counter();
    running.handle_letter(Box::new(9_i64));
    running.handle_letter(Box::new("of another type"));
    let turn = running.settle(Part::Whole).unwrap();
    assert_eq!(turn.diff.as_deref(), Some("{\"1\":\"9\"}"));
}

#[test]
fn a_hook_gets_its_reply_and_the_page_its_events() {
    let (_, mut running) = counter();
    let answer = event(&mut running, "hook", "ask", json!({"x": 1}));
    assert_eq!(
        answer,
        json!({"diff": {"e": [["asked", {"y": 1}]], "r": {"got": {"x": 1}}}})
    );
}

#[test]
fn a_form_is_decoded_with_the_path_of_its_target() {
    let (_, mut running) = counter();
    let said = json!({
        "type": "form", "event": "form", "value": "user%5Bname%5D=ab&user%5B_unused_mail%5D=",
        "meta": {"_target": "user[name]", "by": "5"}, "uploads": {},
    });
    let (_, answer) = say(&mut running, "event", said);
    let shown = answer["diff"]["2"].as_str().unwrap().replace("&quot;", "\"");
    let seen: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let expected =
        json!({"user": {"name": "ab", "_unused_mail": ""}, "_target": ["user", "name"], "by": "5"});
    assert_eq!(seen, expected);
}

#[test]
fn a_flash_is_shown_until_it_is_cleared() {
    let (_, mut running) = counter();
    assert_eq!(
        event(&mut running, "click", "flash", json!({})),
        json!({"diff": {"0": "saved"}})
    );
    let key = json!({"key": "info"});
    assert_eq!(
        event(&mut running, "click", "lv:clear-flash", key),
        json!({"diff": {"0": ""}})
    );
}

#[test]
fn an_event_of_commands_that_a_script_executes_has_no_type() {
    let (_, mut running) = counter();
    let said = json!({"type": null, "event": "flash", "value": {"value": ""}});
    assert_eq!(
        say(&mut running, "event", said).1,
        json!({"diff": {"0": "saved"}})
    );
}

#[test]
fn a_form_that_is_too_large_is_no_event_and_its_reader_is_told() {
    let (_, mut running) = counter();
    for (form, problem) in [
        ("a&".repeat(1_001), "a form has at most 1000 fields"),
        ("a".repeat((1 << 20) + 1), "a form has at most 1048576 bytes"),
        (
            "a[b][c][d][e][f][g][h][i]=1".to_owned(),
            "a field's name has at most 8 parts",
        ),
    ] {
        let said = json!({"type": "form", "event": "form", "value": form});
        say(&mut running, "event", said);
        assert_eq!(running.context.flash("error"), Some(problem));
    }
    let said = json!({"type": "form", "event": "form", "value": "%ff"});
    assert!(matches!(mistake(&mut running, "event", said), Mistake::Client(_)));
}

#[test]
fn names_of_the_engine_are_no_events_of_a_page() {
    let (_, mut running) = counter();
    let said = json!({"type": "click", "event": "lv:other", "value": {}});
    assert!(matches!(mistake(&mut running, "event", said), Mistake::Client(_)));
    assert!(matches!(
        mistake(&mut running, "event", json!([1])),
        Mistake::Client(_)
    ));
    assert!(matches!(
        mistake(&mut running, "nonsense", json!({})),
        Mistake::Client(_)
    ));
}

#[test]
fn a_patch_link_changes_the_parameters() {
    let (_, mut running) = counter();
    event(&mut running, "click", "flash", json!({}));
    let (_, answer) = say(&mut running, "live_patch", json!({"url": "http://box/?tab=x"}));
    let expected = json!({"diff": {"0": "", "2": "{&quot;tab&quot;:&quot;x&quot;}"}});
    assert_eq!(answer, expected);
    assert_eq!(running.context.address(), "/?tab=x");
}

#[test]
fn an_address_of_another_view_is_left_to_the_client() {
    let (_, mut running) = counter();
    for url in ["http://box/two", "http://box/nowhere"] {
        let (_, answer) = say(&mut running, "live_patch", json!({ "url": url }));
        assert_eq!(answer, json!({"link_redirect": true}));
    }
}

#[test]
fn a_patch_of_the_view_is_told_before_the_answer() {
    let (_, mut running) = counter();
    let said = json!({"type": "click", "event": "go", "value": {"how": "patch"}});
    let (pushes, answer) = say(&mut running, "event", said);
    assert_eq!(
        pushes,
        [("live_patch".to_owned(), json!({"kind": "push", "to": "/?pp=1"}))]
    );
    assert_eq!(answer, json!({"diff": {"2": "{&quot;pp&quot;:&quot;1&quot;}"}}));
}

#[test]
fn a_loop_of_patches_and_a_patch_to_another_view_end_the_view() {
    for how in ["loop", "foreign"] {
        let (_, mut running) = counter();
        let said = json!({"type": "click", "event": "go", "value": {"how": how}});
        assert!(
            matches!(mistake(&mut running, "event", said), Mistake::Crash(_)),
            "{how}"
        );
    }
}

#[test]
fn a_view_leaves_with_what_the_next_page_tells() {
    let (visit, mut running) = counter();
    let answer = event(&mut running, "click", "go", json!({"how": "redirect"}));
    assert_eq!(answer, json!({"redirect": {"to": "/two?from=save"}}));
    let said = json!({"type": "click", "event": "go", "value": {"how": "navigate"}});
    let answer = client::take(&mut running, "event", said).unwrap();
    let last = (
        "diff".to_owned(),
        json!({"e": [["going", {"to": 2}]]}).to_string(),
    );
    assert_eq!(answer.turn.pushes, [last]);
    let (name, said) = answer.turn.leave.unwrap();
    assert_eq!(
        (name, &said["to"], &said["kind"]),
        ("live_redirect", &json!("/two?from=lr"), &json!("push"))
    );
    let flash = Flash::from_token(said["flash"].as_str().unwrap(), visit.site.key());
    assert_eq!(flash.get("info"), Some("hello"));
}
