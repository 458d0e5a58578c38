//! Controls: what commands a point from a page. A switch has its button in the table; everything else is typed or
//! chosen on the point's own page, which holds still.

use maud::{Markup, html};
use roost_model::Value;

use super::words;
use crate::live::About;

/// Longest text that is sent from a page, in characters.
const MAX_TEXT: usize = 255;

/// Where the forms of a device go.
pub(crate) fn action(device: &str) -> String {
    format!("/devices/{device}")
}

/// The control in a row of a table; nothing for a point that takes no commands.
pub(crate) fn in_row(device: &str, point: &str, about: &About, value: Option<&Value>) -> Markup {
    html! {
        @if about.is_settable() {
            @match value {
                Some(Value::Bool(on)) => { (switch(device, point, !on, "quiet")) }
                _ => { a.button href={ "/devices/" (device) "/points/" (point) } { "Set…" } }
            }
        }
    }
}

/// The form that sends one state of a switch.
fn switch(device: &str, point: &str, on: bool, class: &str) -> Markup {
    let word = if on { "Turn on" } else { "Turn off" };
    html! {
        form method="post" action=(action(device)) {
            input type="hidden" name="point" value=(point);
            input type="hidden" name="value" value=(on);
            button class=(class) type="submit" name="action" value="send" {
                (word) span.unseen { " " (point) }
            }
        }
    }
}

/// The form of a point's own page.
pub(crate) fn form(device: &str, point: &str, about: &About, value: Option<&Value>) -> Markup {
    if about.options.is_empty() && matches!(value, Some(Value::Bool(_))) {
        return html! {
            div.inline { (switch(device, point, true, "")) (switch(device, point, false, "")) }
        };
    }
    html! {
        form.inline method="post" action=(action(device)) {
            input type="hidden" name="point" value=(point);
            label for="value" { "New value" }
            (field(about, value))
            @if !about.unit.is_none() { span.unit { (about.unit) } }
            button type="submit" name="action" value="send" { "Send" }
        }
    }
}

fn field(about: &About, value: Option<&Value>) -> Markup {
    let shown = value.map(Value::to_string).unwrap_or_default();
    let counts = about.min.is_some() || about.max.is_some();
    let is_number = matches!(value, Some(Value::Int(_) | Value::Float(_))) || (value.is_none() && counts);
    html! {
        @if !about.options.is_empty() {
            select #value name="value" {
                @for option in &about.options { option value=(option) selected[*option == shown] { (option) } }
            }
        } @else if is_number {
            input #value .number type="number" name="value" step="any" required inputmode="decimal" value=(shown)
                min=[about.min] max=[about.max];
        } @else {
            input #value name="value" required maxlength=(MAX_TEXT) value=(words::shortened(&shown, MAX_TEXT));
        }
    }
}

/// The range of a point in words.
pub(crate) fn range(about: &About) -> Option<String> {
    let unit = match about.unit.as_str() {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    match (about.min, about.max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}{unit}")),
        (Some(min), None) => Some(format!("{min}{unit} and more")),
        (None, Some(max)) => Some(format!("up to {max}{unit}")),
        (None, None) => None,
    }
}

/// What was typed or chosen, as a value of the point's kind; or what it should have been.
pub(crate) fn typed(text: &str, about: &About, before: Option<&Value>) -> Result<Value, &'static str> {
    let text = text.trim();
    match before {
        Some(Value::Bool(_)) if about.options.is_empty() => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("true or false"),
        },
        Some(Value::Int(_) | Value::Float(_)) => {
            let number = serde_json::from_str(text).ok().map(Value::from_json);
            number
                .filter(|value| value.as_f64().is_some_and(f64::is_finite))
                .ok_or("a number")
        }
        // The device has not said yet what its values look like: what reads as a number or a switch is one.
        None if about.options.is_empty() => match serde_json::from_str(text) {
            Ok(serde_json::Value::Null) | Err(_) => Ok(Value::Text(text.to_owned())),
            Ok(json) => Ok(Value::from_json(json)),
        },
        Some(Value::Json(_)) => serde_json::from_str(text)
            .map(Value::Json)
            .map_err(|_| "a JSON document"),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_a_value_of_the_kind_that_the_point_has() {
        let about = About::default();
        let of = |text: &str, before: Option<Value>| typed(text, &about, before.as_ref());
        assert_eq!(of("true", Some(Value::Bool(false))), Ok(Value::Bool(true)));
        assert_eq!(of("maybe", Some(Value::Bool(false))), Err("true or false"));
        assert_eq!(of(" 21.5 ", Some(Value::Int(3))), Ok(Value::Float(21.5)));
        assert_eq!(of("warm", Some(Value::Float(3.0))), Err("a number"));
        assert_eq!(of("NaN", Some(Value::Float(3.0))), Err("a number"));
        assert_eq!(
            of("12", Some(Value::Text("a".into()))),
            Ok(Value::Text("12".into()))
        );
        assert_eq!(
            of("{", Some(Value::Json(serde_json::json!({})))),
            Err("a JSON document")
        );
        assert_eq!(of("12", None), Ok(Value::Int(12)));
        assert_eq!(of("auto", None), Ok(Value::Text("auto".into())));
    }

    #[test]
    fn a_point_with_options_takes_one_of_them_as_text() {
        let about = About {
            options: vec!["1".into(), "2".into()],
            ..About::default()
        };
        assert_eq!(typed("1", &about, None), Ok(Value::Text("1".into())));
    }
}
