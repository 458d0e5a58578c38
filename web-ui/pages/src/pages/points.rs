//! Points as cells of a table: value, unit, age and freshness, so that numbers stand under numbers.

use maud::{Markup, html};
use roost_model::{Freshness, Timestamp, Value};

use super::marks::{self, Tone};
use super::words;
use crate::live::{About, Point};

/// Longest text value that is shown, in characters.
const MAX_TEXT: usize = 80;

/// The cell of a point's name, in the list of devices: what people call it.
pub(crate) fn name(point: &Point) -> Markup {
    html! { th.point scope="row" { (called(&point.name, &point.about)) } }
}

/// The same on the device's page: with the name that programs use, and a way to the point's page.
pub(crate) fn linked_name(device: &str, point: &str, about: &About) -> Markup {
    html! {
        th.point scope="row" {
            a href={ "/devices/" (device) "/points/" (point) } { (called(point, about)) }
            @if !about.label.is_empty() { span.sub.id { (point) } }
        }
    }
}

fn called(point: &str, about: &About) -> String {
    match about.label.as_str() {
        "" => point.to_owned(),
        label => words::shortened(label, MAX_TEXT),
    }
}

/// The cells of a point's value: value, unit, age, freshness.
pub(crate) fn cells(point: &Point, now: Timestamp) -> Markup {
    let reading = &point.reading;
    let freshness = point.freshness;
    html! {
        @match &reading.value {
            Ok(value) => {
                td class=(class_of(value, freshness)) {
                    (words::shortened(&words::value(value, point.unit()), MAX_TEXT))
                }
            }
            Err(reason) => { td.v.none { span aria-hidden="true" { "— " } (reason) } }
        }
        td.unit { (point.unit()) }
        td.age { (words::ago(reading.at.until(now))) }
        td.freshness {
            @if reading.value.is_ok() { (marks::freshness(freshness)) }
            @else { (marks::mark(Tone::Bad, "no data")) }
        }
    }
}

fn class_of(value: &Value, freshness: Freshness) -> String {
    let kind = match value {
        Value::Int(_) | Value::Float(_) => "num",
        Value::Bool(_) | Value::Text(_) | Value::Json(_) => "text",
    };
    format!("v {kind} {}", freshness.word())
}

/// The same number of cells for a device without points.
pub(crate) fn none_yet() -> Markup {
    html! { td.none colspan="5" { "No reading yet" } }
}
