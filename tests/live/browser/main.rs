//! The stock client in headless Chromium against the conformance program: each file of scenarios is a test.

use roost_live_tests::{Conformance, run_script};

/// Runs a file of scenarios against a program of its own.
fn holds(scenarios: &str) {
    let program = Conformance::start(env!("CARGO_BIN_EXE_conformance"));
    let file = format!("{}/browser/{scenarios}.js", env!("CARGO_MANIFEST_DIR"));
    let modules = ("ROOST_BROWSER_MODULES", "browser/node_modules");
    // All scenarios; those that need a program of their own start this one.
    let all = ["", env!("CARGO_BIN_EXE_conformance")];
    run_script(
        "browser/runner.js",
        modules,
        &[&[&file, program.base()], all.as_slice()].concat(),
    );
}

#[test]
fn pages_join_and_change() {
    holds("pages");
}

#[test]
fn forms_are_validated_and_sent() {
    holds("forms");
}

#[test]
fn lists_and_streams_stand_as_the_view_says() {
    holds("lists");
}

#[test]
fn people_get_from_page_to_page() {
    holds("navigation");
}

#[test]
fn components_and_hooks_live_in_their_page() {
    holds("parts");
}

#[test]
fn long_lists_are_scrolled_through() {
    holds("scrolling");
}

#[test]
fn commands_play_transitions_and_reach_other_elements() {
    holds("effects");
}

#[test]
fn dialogs_keep_the_focus_wherever_they_stand() {
    holds("dialogs");
}

#[test]
fn pictures_are_dropped_and_shown_before_they_are_sent() {
    holds("pictures");
}

#[test]
fn commands_fields_and_limits_of_uploads_work() {
    holds("more");
}

#[test]
fn who_signs_in_has_another_session_and_forged_forms_are_refused() {
    holds("signing");
}

#[test]
fn people_see_each_other_come_and_go() {
    holds("people");
}

#[test]
fn failures_are_survived() {
    holds("failures");
}

#[test]
fn refused_joins_lead_where_the_refusal_says() {
    holds("joins");
}

#[test]
fn what_was_interrupted_is_taken_up_again() {
    holds("recovery");
}

#[test]
fn silence_is_noticed_and_ended() {
    holds("silence");
}

#[test]
fn files_are_uploaded() {
    holds("uploads");
}

#[test]
fn long_poll_carries_a_page() {
    holds("longpoll");
}

#[test]
fn sockets_are_opened_by_those_who_may() {
    holds("transports");
}

#[test]
fn no_more_is_sent_than_phoenix_sends() {
    holds("golden");
}

#[test]
fn what_developers_change_shows_at_once() {
    holds("reload");
}
