//! The page of one profile: its text in an editor, tried on what a device really said before it is saved.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use roost_model::{Timestamp, check_name};
use serde::Deserialize;

use super::layout::{Frame, Refresh};
use super::marks::{self, Tone};
use super::profiles::origin;
use super::{Failure, words};
use crate::api::Path;
use crate::live;
use crate::problem::Problem;
use crate::profiles::{self, ProfileFault, ProfileText, TrialFrame};
use crate::site::Site;

/// Devices that are offered to try a profile on.
const OFFERED: usize = 200;
/// Characters of a payload that are shown.
const SHOWN: usize = 400;

/// What the editor sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Edit {
    text: String,
    device: String,
    /// `try`, `save`, `remove`, or `restore 2`.
    action: String,
}

/// What the page shows besides the text.
#[derive(Default)]
struct Outcome {
    faults: Vec<ProfileFault>,
    frames: Option<Vec<TrialFrame>>,
    device: String,
}

fn named(path: Result<Path<String>, Problem>) -> Result<String, Problem> {
    let Path(id) = path?;
    check_name(&id).map_err(|_| Problem::not_found("profile", &id))?;
    Ok(id)
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    path: Result<Path<String>, Problem>,
) -> Result<Response, Failure> {
    let id = named(path)?;
    let mut profile = profiles::get(&site, &id).await?;
    if profile.not_found {
        profile.text = beginning(&id);
    }
    let outcome = Outcome {
        faults: profile.faults.clone(),
        ..Outcome::default()
    };
    page(&site, &id, &profile, &outcome).await
}

pub(crate) async fn edit(
    State(site): State<Arc<Site>>,
    path: Result<Path<String>, Problem>,
    edit: Result<Form<Edit>, FormRejection>,
) -> Result<Response, Failure> {
    let id = named(path)?;
    let Form(edit) = edit.map_err(|_| Problem::bad_request("The form was not complete."))?;
    let mut outcome = Outcome {
        device: edit.device.clone(),
        ..Outcome::default()
    };
    match edit.action.split_once(' ') {
        None if edit.action == "remove" => {
            profiles::remove(&site, &id).await?;
            return Ok(Redirect::to("/profiles").into_response());
        }
        None if edit.action == "save" => outcome.faults = profiles::save(&site, &id, &edit.text).await?,
        Some(("restore", version)) => {
            let version = version
                .parse()
                .map_err(|_| Problem::bad_request("No such version."))?;
            outcome.faults = profiles::restore(&site, &id, version).await?;
        }
        _ => match profiles::try_on(&site, &id, &edit.text, &edit.device).await? {
            Ok(frames) => outcome.frames = Some(frames),
            Err(faults) => outcome.faults = faults,
        },
    }
    if outcome.faults.is_empty() && outcome.frames.is_none() {
        return Ok(Redirect::to(&format!("/profiles/{id}")).into_response());
    }
    let profile = ProfileText {
        text: edit.text,
        ..profiles::get(&site, &id).await?
    };
    page(&site, &id, &profile, &outcome).await
}

/// What a new profile begins with: enough to be good, and to show how it goes on.
fn beginning(id: &str) -> String {
    format!(
        "id = \"{id}\"\nlabel = \"\"\npublishes = [\"{id}/{{device}}/#\"]\nsubscribes = []\n\npoints = [\n    \
         {{ topic = \"{id}/{{device}}/state\", pointer = \"/temperature\", point = \"temperature\", kind = \"number\", \
         unit = \"°C\" }},\n]\n"
    )
}

async fn page(site: &Site, id: &str, profile: &ProfileText, outcome: &Outcome) -> Result<Response, Failure> {
    let roster = site.roster().await?;
    let own = |device: &&roost_model::Device| device.driver.is_empty();
    let mut devices: Vec<(bool, &str)> = roster
        .iter()
        .filter(own)
        .map(|device| (device.profile != id, device.id.as_str()))
        .collect();
    devices.sort_unstable();
    devices.truncate(OFFERED);
    let toggle = format!("/profiles/{id}");
    let frame = Frame::full(site, id, "/profiles", Refresh { on: false, toggle }).still();
    let body = html! {
        p.crumbs { a href="/profiles" { "← Profiles" } }
        h1 { (id) }
        p.sub {
            @if profile.not_found { "New: nothing is saved yet." } @else { "From " (origin(&profile.origin)) "." }
        }
        (faults(&outcome.faults, &profile.text))
        form.editor method="post" action={ "/profiles/" (id) } {
            label for="text" { "The profile, as TOML" }
            textarea #text name="text" rows="24" spellcheck="false" autocapitalize="off"
                aria-invalid=[(!outcome.faults.is_empty()).then_some("true")] { "\n" (profile.text) }
            div.tools {
                @if !devices.is_empty() {
                    label for="device" { "What this device last said" }
                    select #device name="device" {
                        @for (_, device) in &devices {
                            option value=(device) selected[*device == outcome.device] { (device) }
                        }
                    }
                    button.quiet type="submit" name="action" value="try" { "Try it, save nothing" }
                }
                button type="submit" name="action" value="save" { "Save and use" }
                @if !profile.not_found && profile.origin != "built_in" {
                    button.quiet type="submit" name="action" value="remove" { "Remove the file" }
                }
            }
        }
        @if let Some(frames) = &outcome.frames { (trial(frames, &outcome.device)) }
        (versions(id, &profile.versions))
    };
    Ok(super::page(&frame, &body).into_response())
}

fn faults(faults: &[ProfileFault], text: &str) -> Markup {
    html! {
        @if !faults.is_empty() {
            section.faults role="alert" aria-labelledby="faults" {
                h2 #faults { (marks::mark(Tone::Bad, "This can't be used as it is")) }
                ul {
                    @for fault in faults {
                        li {
                            @if let Some(line) = fault.line { strong { "Line " (line) ": " } }
                            @if !fault.field.is_empty() { code { (fault.field) } " " }
                            (fault.message)
                            @if let Some(line) = fault.line.and_then(|line| text.lines().nth(line - 1)) {
                                pre { code { (words::shortened(line.trim(), 160)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn trial(frames: &[TrialFrame], device: &str) -> Markup {
    let changed = frames.iter().filter(|frame| frame.before != frame.after).count();
    html! {
        section aria-labelledby="trial" {
            h2 #trial { "Tried on what " (device) " last said" }
            @if frames.is_empty() {
                p.nothing { "This device has said nothing since the gateway was started." }
            } @else {
                p {
                    (words::counted(frames.len(), "message", "messages")) ", "
                    @if changed == 0 { "all become what they became before." }
                    @else { (words::count(changed)) " would become something else. Nothing was saved." }
                }
                ol.trial { @for frame in frames.iter().rev() { (tried(frame)) } }
            }
        }
    }
}

fn tried(frame: &TrialFrame) -> Markup {
    let now = live::now();
    let age = Timestamp::from_unix_ms(frame.at_ms, now.clock).until(now);
    html! {
        li {
            p { code { (frame.topic) } " " span.sub { (words::ago(age)) } }
            pre { code { (words::shortened(&frame.payload, SHOWN)) } }
            @if frame.cut { p.sub { "Only the beginning of this message was kept." } }
            ul {
                @for line in frame.before.iter().filter(|line| !frame.after.contains(line)) {
                    li.gone { "− " del { (line) } }
                }
                @for line in &frame.after {
                    @if frame.before.contains(line) { li.same { (line) } } @else { li.new { "+ " ins { (line) } } }
                }
                @if frame.after.is_empty() { li.same { "nothing" } }
            }
        }
    }
}

fn versions(id: &str, versions: &[i64]) -> Markup {
    let now = live::now();
    html! {
        @if !versions.is_empty() {
            section aria-labelledby="versions" {
                h2 #versions { "Previous versions" }
                form method="post" action={ "/profiles/" (id) } {
                    ul.versions {
                        @for (index, at_ms) in versions.iter().enumerate() {
                            li {
                                "replaced " (words::ago(Timestamp::from_unix_ms(*at_ms, now.clock).until(now))) " "
                                button.quiet type="submit" name="action" value={ "restore " (index + 1) } {
                                    "Take it again"
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
