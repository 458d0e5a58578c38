//! What MQTT 5 promises to a client, plain, inside TLS and over WebSocket, asserted by paho-mqtt:
//! `peers/paho_features.py` holds the conversations.

use roost_tests::{Door, Transport, paho};

#[expect(clippy::print_stdout, reason = "a test that fails says over which transport")]
/// Each over every transport, with a gateway that has heard of nothing yet.
fn holds(scenario: &str) {
    for transport in Transport::ALL {
        println!("over {transport:?}");
        let program = Door::all();
        let _ = paho(&Door::of(&program, transport), "paho_features.py", &[scenario]);
    }
}

#[test]
fn every_qos_goes_and_comes_in_both_versions() {
    holds("round_trip");
}

#[test]
fn a_welcome_names_what_the_gateway_has_decided() {
    holds("welcome");
}

#[test]
fn a_client_whose_place_is_taken_is_told_so() {
    holds("take_over");
}

#[test]
fn a_will_waits_for_its_delay_and_for_no_longer_than_its_session_lives() {
    holds("will_delay");
}

#[test]
fn the_lifetime_of_a_message_is_counted_down_and_then_it_is_not_delivered() {
    holds("message_expiry");
}

#[test]
fn an_answer_finds_the_request_that_it_belongs_to() {
    holds("request_response");
}

#[test]
fn properties_arrive_as_they_were_sent_and_in_order() {
    holds("properties_pass");
}

#[test]
fn a_message_comes_once_and_names_all_subscriptions_that_it_belongs_to() {
    holds("subscription_identifiers");
}

#[test]
fn a_client_that_asks_for_it_does_not_hear_itself() {
    holds("no_local");
}

#[test]
fn the_retain_flag_is_kept_for_those_who_ask_for_it() {
    holds("retain_as_published");
}

#[test]
fn what_is_retained_comes_when_the_client_wants_it() {
    holds("retain_handling");
}

#[test]
fn each_message_goes_to_one_member_of_a_shared_subscription() {
    holds("shared_subscriptions");
}

#[test]
fn topic_aliases_work_both_ways() {
    holds("topic_aliases");
}

#[test]
fn a_client_that_takes_one_message_at_a_time_is_sent_one_at_a_time() {
    holds("receive_maximum");
}

#[test]
fn packets_beyond_the_maximum_of_either_side_are_not_passed_on() {
    holds("maximum_packet");
}

#[test]
fn a_session_lives_as_long_as_it_was_asked_to() {
    holds("session_expiry");
}

#[test]
fn unsubscribing_names_filters_that_were_not_there() {
    holds("unsubscribing");
}

#[test]
fn every_pair_of_versions_agrees_on_qos_sessions_wills_and_what_is_retained() {
    holds("both_versions");
}

#[test]
fn a_client_of_the_old_version_may_send_all_that_it_holds_at_once() {
    holds("all_at_once");
}

#[test]
fn a_client_of_the_old_version_hears_one_of_the_new_and_the_other_way_round() {
    holds("old_properties");
}
