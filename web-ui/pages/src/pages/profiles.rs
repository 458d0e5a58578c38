//! The page of all profiles: where each comes from, how many devices speak it, what is wrong with its file.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use roost_model::{Profile, check_name};
use serde::Deserialize;

use super::layout::{Frame, Refresh};
use super::marks::{self, Tone};
use super::{Failure, Lenient, words};
use crate::profiles::{self, ProfileSource};
use crate::site::Site;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProfilesQuery {
    /// A profile to go to: what the form for a new one sends.
    id: String,
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Lenient(query): Lenient<ProfilesQuery>,
) -> Result<Response, Failure> {
    let wanted = query.id.trim();
    if check_name(wanted).is_ok() {
        return Ok(Redirect::to(&format!("/profiles/{wanted}")).into_response());
    }
    let sources = profiles::list(&site).await?;
    let records = site.web.store.run(|store| store.table::<Profile>().all()).await?;
    let labels: HashMap<String, String> = records
        .into_iter()
        .map(|profile| (profile.id, profile.label))
        .collect();
    let mut speakers: HashMap<&str, usize> = HashMap::new();
    let roster = site.roster().await?;
    for device in roster.iter().filter(|device| device.driver.is_empty()) {
        *speakers.entry(&device.profile).or_default() += 1;
    }
    let toggle = "/profiles".to_owned();
    let frame = Frame::full(&site, "Profiles", "/profiles", Refresh { on: false, toggle }).still();
    let row = |source: &ProfileSource| {
        let label = labels.get(&source.id).map(String::as_str);
        row(
            source,
            label,
            speakers.get(source.id.as_str()).copied().unwrap_or(0),
        )
    };
    let body = html! {
        h1 { "Profiles" }
        p { "A profile says how a family of MQTT devices speaks. Saving one lets its devices go on with it at once." }
        div.scroll {
            table.profiles {
                thead {
                    tr {
                        th scope="col" { "Profile" }
                        th scope="col" { "From" }
                        th.num scope="col" { "Devices" }
                        th scope="col" { "State" }
                    }
                }
                tbody { @for source in &sources { (row(source)) } }
            }
        }
        (new_form(wanted))
    };
    Ok(super::page(&frame, &body).into_response())
}

/// A row; `label` is that of the version in use, if there is one.
fn row(source: &ProfileSource, label: Option<&str>, devices: usize) -> Markup {
    html! {
        tr {
            th scope="row" {
                a.id href={ "/profiles/" (source.id) } { (source.id) }
                @if let Some(label) = label { span.sub { (label) } }
            }
            td.origin { (origin(&source.origin)) }
            td.num { (words::count(devices)) span.word { " devices" } }
            td.state {
                @if let Some(fault) = source.faults.first() {
                    @if label.is_some() { (marks::mark(Tone::Bad, "file is broken, the version before is in use")) }
                    @else { (marks::mark(Tone::Bad, "file is broken")) }
                    span.sub.why {
                        @if let Some(line) = fault.line { "line " (line) ": " }
                        (fault.field) " " (fault.message)
                    }
                } @else { (marks::mark(Tone::Good, "in use")) }
            }
        }
    }
}

/// Where a profile comes from, in words.
pub(super) fn origin(origin: &str) -> &'static str {
    match origin {
        "built_in" => "built in",
        "overridden" => "a file, overrides the built-in one",
        _ => "a file",
    }
}

fn new_form(tried: &str) -> Markup {
    html! {
        section aria-labelledby="new" {
            h2 #new { "A new profile" }
            form.inline method="get" action="/profiles" {
                label for="id" { "Its id" }
                input #id name="id" required maxlength="64" value=(tried) placeholder="acme-meter";
                button type="submit" { "Begin" }
            }
            @if !tried.is_empty() {
                p.why role="alert" { "An id has letters, digits, - _ . and begins with a letter or a digit." }
            }
        }
    }
}
