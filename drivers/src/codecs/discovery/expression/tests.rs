//! Tests of templates: the patterns that devices publish, and what is refused.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn made(template: &str, payload: &str) -> Made {
    let document = serde_json::from_str(payload).ok();
    let payload = Payload {
        value: payload.into(),
        document: document.as_ref(),
    };
    Template::parse(template).unwrap().fill(&payload).unwrap()
}

#[test]
fn the_templates_that_devices_publish_are_filled() {
    let payload =
        r#"{"temperature":21.456,"ENERGY":{"Power":[49,50]},"state":"on","0x17":{"rssi":-70},"door":true}"#;
    for (template, expected) in [
        ("{{ value_json.temperature }}", json!(21.456)),
        ("{{value_json.temperature|round(1)}}", json!(21.5)),
        ("{{ value_json.temperature | float | round(2) }}", json!(21.46)),
        ("{{ value_json['temperature'] | int }}", json!(21)),
        ("{{ value_json[\"0x17\"].rssi }}", json!(-70)),
        ("{{ value_json.ENERGY.Power[1] }}", json!(50)),
        ("{{ value_json.ENERGY['Power'].0 * 2 }}", json!(98)),
        (
            "{{ (value_json.temperature * 1.8 + 32) | round(1) }}",
            json!(70.6),
        ),
        ("{{ 'ON' if value_json.door else 'OFF' }}", json!("ON")),
        ("{{ 'ON' if value_json.state == 'on' else 'OFF' }}", json!("ON")),
        (
            "{% if value_json.state == 'off' %}0{% elif value_json.door is defined %}1{% else %}2{% endif %}",
            json!("1"),
        ),
        (
            "{%- if value_json.door -%} open {%- else -%} closed {%- endif -%}",
            json!("open"),
        ),
        ("{{ value_json.missing | default('none') }}", json!("none")),
        ("{{ value_json.get('missing', 7) }}", json!(7)),
        ("{{ value_json.missing | default(0) | float / 10 }}", json!(0)),
        ("{{ value_json.state | upper }}", json!("ON")),
        ("{{ value_json.state in ['on', 'auto'] }}", json!(true)),
        ("{{ value_json.state not in ['on'] }}", json!(false)),
        ("{{ not value_json.door }}", json!(false)),
        ("{{ value_json.door and value_json.state != 'off' }}", json!(true)),
        (
            "{{ value_json.state ~ '/' ~ value_json.temperature }}",
            json!("on/21.456"),
        ),
        ("{{ iif(value_json.door, 'open', 'closed') }}", json!("open")),
        ("{{ value_json.ENERGY | tojson }}", json!("{\"Power\":[49,50]}")),
        ("{{ value_json.ENERGY.Power | length }}", json!(2)),
        ("{{ 7 // 2 }}{{ -7 % 4 }}", json!("31")),
        (
            "{\"t\": {{ value_json.temperature | round }}}",
            json!("{\"t\": 21}"),
        ),
        ("{# a remark #}x", json!("x")),
    ] {
        assert_eq!(made(template, payload), Some(expected), "{template}");
    }
    assert_eq!(made("{{ value }}", "ON"), Some(json!("ON")));
    assert_eq!(made("{{ value | float }}", " 7.5 "), Some(json!(7.5)));
    assert_eq!(made("{{ value | lower }}", "ON"), Some(json!("on")));
    assert_eq!(made("{{ value_json.a.b.c | round(1) }}", "{}"), None);
    assert_eq!(made("{{ value_json.a }}", "no json"), None);
    assert_eq!(
        made(
            "{% if value_json.a is defined %}{{ value_json.a }}{% endif %}",
            "{}"
        ),
        None
    );
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (template, named) in [
        ("{{ states('sensor.x') }}", "\"states\""),
        ("{{ now() }}", "\"now\""),
        ("{{ value_json.t | timestamp_local }}", "\"timestamp_local\""),
        ("{{ trigger.x }}", "\"trigger\""),
        ("{% for x in value_json %}{% endfor %}", "for x in value_json"),
        ("{% set x = 1 %}", "set x = 1"),
        ("{{ value", "without"),
        ("{% if value %}x", "endif"),
        ("{% endif %}", "without its if"),
        ("{{ value is odd }}", "\"odd\""),
        ("{{ value ? 1 }}", "'?'"),
        ("{{ value[1:2] }}", "needs"),
    ] {
        let error = Template::parse(template).unwrap_err();
        assert!(error.contains(named), "{template}: {error}");
    }
    assert!(Template::parse(&"x".repeat(MAX_TEMPLATE_BYTES + 1)).is_err());
    let deep = format!("{{{{ {}value{} }}}}", "(".repeat(200), ")".repeat(200));
    assert!(Template::parse(&deep).is_err());
    assert!(Template::parse(&format!("{{{{ {}value }}}}", "not ".repeat(500))).is_err());
    assert!(Template::parse(&"{% if value %}".repeat(100)).is_err());
}

#[test]
fn what_cannot_be_computed_says_what_it_needs() {
    let payload = Payload {
        value: "abc".into(),
        document: None,
    };
    for template in [
        "{{ value | float }}",
        "{{ value * 2 }}",
        "{{ value < 3 }}",
        "{{ 1 / 0 }}",
    ] {
        assert_eq!(
            Template::parse(template).unwrap().fill(&payload),
            Err("a number to compute with")
        );
    }
    let long = format!("{{{{ value{} }}}}", "~value".repeat(100));
    let payload = Payload {
        value: "x".repeat(1000).into(),
        document: None,
    };
    assert_eq!(
        Template::parse(&long).unwrap().fill(&payload),
        Err("a shorter payload")
    );
}

proptest! {
    #[test]
    fn arbitrary_templates_never_panic(template in ".{0,200}", payload in ".{0,50}") {
        check(&template, &payload);
    }

    #[test]
    fn templates_of_known_words_never_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "{{", "}}", "{%", "%}", "if", "else", "elif", "endif", "value", "value_json", ".a", "['a']", "|",
                "float", "round(1)", "default(0)", "is", "not", "defined", "(", ")", "[", "]", "==", "+", "-", "*",
                "/", "~", "1",
                "'x'", "in", ",", "and", "replace('a','b')", "get('a')",
            ]),
            0..30,
        ),
    ) {
        check(&words.join(" "), r#"{"a":{"a":1}}"#);
    }
}

fn check(template: &str, payload: &str) {
    if let Ok(template) = Template::parse(template) {
        let document = serde_json::from_str(payload).ok();
        let payload = Payload {
            value: payload.into(),
            document: document.as_ref(),
        };
        let _ = template.fill(&payload);
    }
}
