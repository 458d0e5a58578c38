//! docs/limits.md says what the code does: every limit is there with its default, and so is what they add up to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use roost::config::Config;
use roost_live::endpoint::{HTTP_CONNECTIONS, Limits as LiveLimits};
use roost_live::view::upload::{ENTRIES, EXPECTED, FILES, NAME_BYTES, SHARE, UPLOAD_BYTES};
use roost_live::{channel, flash, form, frame, presence, render, routes, session, sign, socket, view};
use roost_mqtt::Limits;
use roost_runtime::BusLimits;

const PAGE: &str = include_str!("../docs/limits.md");

fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn count(value: usize) -> String {
    number(value as u64)
}

fn bytes(value: usize) -> String {
    let (mebi, kibi) = (1 << 20, 1 << 10);
    if value >= mebi && value.is_multiple_of(mebi) {
        format!("{} MiB", value / mebi)
    } else if value >= kibi && value.is_multiple_of(kibi) {
        format!("{} KiB", value / kibi)
    } else {
        format!("{} bytes", count(value))
    }
}

fn time(value: Duration) -> String {
    format!("{} s", number(value.as_secs()))
}

/// Every limit of the broker by its name. A new field does not compile until it is here.
fn of_broker(limits: &Limits) -> Vec<(&'static str, String)> {
    let Limits {
        connections,
        packet_bytes,
        connect_bytes,
        connect_within,
        queue_messages,
        queue_bytes,
        in_flight,
        receive_maximum,
        topic_aliases,
        slow_within,
        sessions,
        sessions_each,
        session_messages,
        session_bytes,
        sessions_bytes,
        session_expiry,
        keep_alive_max,
        subscriptions,
        filter_bytes,
        buffer_bytes,
        takeover_within,
        connects_waiting,
        connects_waiting_per_address,
        connects_per_s,
        publishes_per_s,
        kept_bytes,
        alias_bytes,
        filter_changes,
        receive_maximum_v4,
        connections_each,
    } = *limits;
    vec![
        ("[mqtt] max_connections", count(connections)),
        ("[mqtt] max_packet_bytes", bytes(packet_bytes)),
        ("connect_bytes", bytes(connect_bytes)),
        ("[mqtt] connect_within_s", time(connect_within)),
        ("[mqtt] queue_messages", count(queue_messages)),
        ("[mqtt] queue_bytes", bytes(queue_bytes)),
        ("[mqtt] max_in_flight", count(in_flight.into())),
        ("receive_maximum", count(receive_maximum.into())),
        ("topic_aliases", count(topic_aliases.into())),
        ("slow_within", time(slow_within)),
        ("[mqtt] max_sessions", count(sessions)),
        ("[mqtt] max_sessions_per_client", count(sessions_each)),
        ("[mqtt] session_messages", count(session_messages)),
        ("[mqtt] session_bytes", bytes(session_bytes)),
        ("[mqtt] max_sessions_bytes", bytes(sessions_bytes)),
        ("[mqtt] max_session_expiry_s", time(session_expiry)),
        ("keep_alive_max", time(keep_alive_max)),
        ("[mqtt] max_subscriptions", count(subscriptions)),
        ("filter_bytes", bytes(filter_bytes)),
        ("[mqtt] max_buffer_bytes", bytes(buffer_bytes)),
        ("takeover_within", time(takeover_within)),
        ("[mqtt] max_connects_waiting", count(connects_waiting)),
        (
            "[mqtt] max_connects_waiting_per_address",
            count(connects_waiting_per_address),
        ),
        ("[mqtt] connects_per_s", number(connects_per_s.into())),
        ("[mqtt] publishes_per_s", number(publishes_per_s.into())),
        ("kept_bytes", bytes(kept_bytes)),
        ("alias_bytes", bytes(alias_bytes)),
        ("filter_changes", number(filter_changes.into())),
        ("receive_maximum_v4", count(receive_maximum_v4.into())),
        ("[mqtt] max_connections_per_client", count(connections_each)),
    ]
}

fn of_bus(limits: &BusLimits) -> Vec<(&'static str, String)> {
    let BusLimits {
        retained_messages,
        retained_bytes,
        queued_bytes,
    } = *limits;
    vec![
        ("[mqtt] max_retained_messages", count(retained_messages)),
        ("[mqtt] max_retained_bytes", bytes(retained_bytes)),
        ("[mqtt] max_queued_bytes", bytes(queued_bytes)),
    ]
}

fn of_the_rest(config: &Config) -> Vec<(&'static str, String)> {
    let size = |value: u64| bytes(usize::try_from(value).unwrap());
    vec![
        (
            "[devices] inbox_messages",
            number(config.devices.inbox_messages.get()),
        ),
        ("[web] max_connections", number(config.web.max_connections.get())),
        ("[store] cache_bytes", size(config.store.cache_bytes.get())),
        ("MAX_TOPIC_BYTES", bytes(roost_model::MAX_TOPIC_BYTES)),
        ("MAX_TOPIC_LEVELS", count(roost_model::MAX_TOPIC_LEVELS)),
        (
            "MAX_SAMPLES_PER_MESSAGE",
            count(roost_drivers::MAX_SAMPLES_PER_MESSAGE),
        ),
        ("MAX_DESCRIBED_POINTS", count(roost_drivers::MAX_DESCRIBED_POINTS)),
        (
            "MAX_DESCRIPTION_BYTES",
            bytes(roost_drivers::MAX_DESCRIPTION_BYTES),
        ),
    ]
}

fn of_an_endpoint(limits: &LiveLimits) -> Vec<(&'static str, String)> {
    let LiveLimits {
        connections,
        connects_per_s,
        topics,
        message_bytes,
        idle,
        poll_window,
        outbound_messages,
        outbound_bytes,
        waiting_bytes,
        drain_batch,
    } = *limits;
    vec![
        ("Limits::connections", count(connections)),
        ("Limits::connects_per_s", number(connects_per_s.into())),
        ("Limits::topics", count(topics)),
        ("Limits::message_bytes", bytes(message_bytes)),
        ("Limits::idle", time(idle)),
        ("Limits::poll_window", time(poll_window)),
        ("Limits::outbound_messages", count(outbound_messages)),
        ("Limits::outbound_bytes", bytes(outbound_bytes)),
        ("Limits::waiting_bytes", bytes(waiting_bytes)),
        ("Limits::drain_batch", count(drain_batch)),
    ]
}

fn of_live_views() -> Vec<(&'static str, String)> {
    vec![
        ("HTTP_CONNECTIONS", count(HTTP_CONNECTIONS)),
        ("MAX_QUERY", bytes(socket::MAX_QUERY)),
        ("TOPIC_BYTES", bytes(socket::TOPIC_BYTES)),
        ("EVENT_BYTES", bytes(frame::EVENT_BYTES)),
        ("REF_BYTES", bytes(frame::REF_BYTES)),
        ("MAX_DEPTH", count(frame::MAX_DEPTH)),
        ("INBOX_MESSAGES", count(channel::INBOX_MESSAGES)),
        ("INBOX_BYTES", bytes(channel::INBOX_BYTES)),
        ("ADDRESS_BYTES", bytes(view::ADDRESS_BYTES)),
        ("ASSETS", count(view::ASSETS)),
        ("ASSET_BYTES", bytes(view::ASSET_BYTES)),
        ("CONNECT_BYTES", bytes(view::CONNECT_BYTES)),
        ("EVENTS", count(view::EVENTS)),
        ("SUBSCRIPTIONS", count(view::SUBSCRIPTIONS)),
        ("PUBLISHED", count(view::PUBLISHED)),
        ("TIMERS", count(view::TIMERS)),
        ("PRESENCES", count(view::PRESENCES)),
        ("PRESENCE_KEY_BYTES", bytes(presence::PRESENCE_KEY_BYTES)),
        ("PRESENCE_META_BYTES", bytes(presence::PRESENCE_META_BYTES)),
        ("COMPONENTS", count(view::COMPONENTS)),
        ("PATCHES", count(view::PATCHES)),
        ("NESTED", count(view::NESTED.into())),
        ("PENDING", count(render::PENDING)),
        ("ENTRIES", count(ENTRIES)),
        ("NAME_BYTES", bytes(NAME_BYTES)),
        ("FILES", count(FILES)),
        ("EXPECTED", count(EXPECTED)),
        ("UPLOAD_BYTES", bytes(usize::try_from(UPLOAD_BYTES).unwrap())),
        ("SHARE", count(SHARE)),
        ("TOKEN_BYTES", bytes(sign::TOKEN_BYTES)),
        ("SESSION_BYTES", bytes(session::SESSION_BYTES)),
        ("FLASH_ENTRIES", count(flash::FLASH_ENTRIES)),
        ("FLASH_BYTES", bytes(flash::FLASH_BYTES)),
        ("SEGMENTS", count(routes::SEGMENTS)),
        ("form::BYTES", bytes(form::BYTES)),
        ("form::FIELDS", count(form::FIELDS)),
        ("form::DEPTH", count(form::DEPTH)),
    ]
}

/// Name and default of each row of the page's tables.
fn rows() -> BTreeMap<String, String> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert!(!cells[3].is_empty(), "what happens at it: {line}");
        (cells[1].trim_matches('`').to_owned(), cells[2].to_owned())
    })
    .collect()
}

#[test]
fn every_limit_is_on_the_page_with_its_default() {
    let config = Config::default();
    let mut expected = of_broker(&config.mqtt.limits());
    expected.extend(of_bus(&config.mqtt.bus_limits()));
    expected.extend(of_the_rest(&config));
    expected.extend(of_an_endpoint(&LiveLimits::default()));
    expected.extend(of_live_views());
    let expected: BTreeMap<String, String> = expected
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    assert_eq!(rows(), expected);
}

#[test]
fn the_bound_of_memory_on_the_page_is_what_the_limits_add_up_to() {
    let limits = Config::default().mqtt.limits();
    let few = Limits {
        connections: 1000,
        ..limits
    };
    let bus = BusLimits::default().most_bytes();
    for limits in [limits, few] {
        let line = format!(
            "| {} clients | {} MiB |",
            count(limits.connections),
            number((limits.most_bytes() + bus) >> 20)
        );
        assert!(PAGE.contains(&line), "not on the page: {line}");
    }
    let small = PAGE
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let small = roost::config::parse(small, "docs/limits.md").unwrap();
    let line = format!(
        "| the settings below | {} MiB |",
        number(small.mqtt.most_bytes() >> 20)
    );
    assert!(PAGE.contains(&line), "not on the page: {line}");
}

#[test]
fn the_bound_of_an_endpoint_on_the_page_is_what_its_limits_add_up_to() {
    let all = LiveLimits::default();
    let few = LiveLimits {
        connections: 300,
        topics: 20,
        waiting_bytes: 16 << 20,
        ..all
    };
    let mib = |limits: &LiveLimits| count(limits.most_bytes() >> 20);
    for line in [
        format!(
            "| {} connections, {} topics each | {} MiB |",
            count(all.connections),
            all.topics,
            mib(&all)
        ),
        format!(
            "| {} connections, {} topics each, {} of waiting_bytes | {} MiB |",
            few.connections,
            few.topics,
            bytes(few.waiting_bytes),
            mib(&few)
        ),
    ] {
        assert!(PAGE.contains(&line), "not on the page: {line}");
    }
}
