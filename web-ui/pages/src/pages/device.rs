//! The page of one device: all its points, its last commands, why it last restarted, the topics it uses.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use roost_model::{ClockQuality, Device, Link, Profile, Timestamp, check_name};
use serde::Deserialize;
use serde_json::json;

use super::layout::{Frame, Refresh};
use super::{Failure, Lenient, Page, commands, control, marks, points, tree, words};
use crate::api::Path;
use crate::commands as orders;
use crate::live::{self, About, Fault, Point};
use crate::problem::Problem;
use crate::site::Site;
use crate::view::DeviceView;

/// Commands that are shown.
const COMMANDS: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeviceQuery {
    refresh: String,
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    path: Result<Path<String>, Problem>,
    Lenient(query): Lenient<DeviceQuery>,
) -> Page {
    let Path(id) = path?;
    let view = match check_name(&id) {
        Ok(()) => site.device_view(&id).await?,
        Err(_) => None,
    };
    let view = view.ok_or_else(|| Problem::not_found("device", &id))?;
    let commands = site.commands(Some(id.clone()), None, COMMANDS).await?;
    let profile = match view.device.link() {
        Link::Mqtt { profile } => site.profile(profile).await?,
        Link::Wired { .. } => None,
    };
    let on = query.refresh != "off";
    let toggle = format!("/devices/{id}{}", if on { "?refresh=off" } else { "" });
    let title = title_of(&view.device);
    let frame = Frame::full(&site, title, "", Refresh { on, toggle });
    let body = html! {
        p.crumbs { a href="/" { "← Devices" } }
        (head(&view, live::fault(&site.web.bus, &id).as_ref()))
        (points_table(&view, &live::unreported(&site.web.bus, &id)))
        (commands::table(&id, &commands, view.now))
        (topics(&view.device, profile.as_ref()))
        p { a href={ "/devices/" (id) "/recording" } { "What it last said, message by message" } }
    };
    Ok(super::page(&frame, &body))
}

/// What the forms of the page send.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    /// `send` or `cancel`.
    action: String,
    point: String,
    value: String,
    command: String,
}

/// Sends a command, or takes one back; what became of it stands in the table of commands.
pub(crate) async fn change(
    State(site): State<Arc<Site>>,
    path: Result<Path<String>, Problem>,
    change: Result<Form<Change>, FormRejection>,
) -> Result<Response, Failure> {
    let Path(id) = path?;
    let Form(change) = change.map_err(|_| Problem::bad_request("The form was not complete."))?;
    let known = check_name(&id).is_ok() && check_name(&change.point).is_ok() || change.action == "cancel";
    if !known || site.device(&id).await?.is_none() {
        return Err(Problem::not_found("device", &id).into());
    }
    let bus = &site.web.bus;
    match change.action.as_str() {
        "send" => {
            let before =
                live::point(bus, &id, &change.point, true).and_then(|point| point.reading.value.ok());
            let about = live::about(bus, &id, &change.point).unwrap_or_default();
            let value = control::typed(&change.value, &about, before.as_ref()).map_err(|expected| {
                let detail = format!("{} takes {expected}, not {:?}.", change.point, change.value);
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
            })?;
            orders::send(bus, &id, &change.point, json!({ "value": value })).await?;
        }
        "cancel" => drop(orders::cancel(bus, &change.command).await?),
        _ => return Err(Problem::bad_request("There is no such button.").into()),
    }
    Ok(Redirect::to(&format!("/devices/{id}#commands")).into_response())
}

/// What a device is called: its label, or else its id.
pub(super) fn title_of(device: &Device) -> &str {
    if device.label.is_empty() {
        &device.id
    } else {
        &device.label
    }
}

/// How a device is linked, in a few words.
pub(crate) fn link_kind(device: &Device) -> String {
    match device.link() {
        Link::Mqtt { profile } => format!("MQTT {profile}"),
        Link::Wired { driver, bus, address } => format!("{driver} on {bus} at 0x{address:02x}"),
    }
}

fn head(view: &DeviceView, fault: Option<&Fault>) -> Markup {
    let device = &view.device;
    let wait = |since_ms: i64| Timestamp::from_unix_ms(since_ms, view.now.clock).until(view.now);
    html! {
        h1 { (title_of(device)) }
        dl.record {
            div { dt { "State" } dd { (marks::device(view)) } }
            div { dt { "Id" } dd.id { (device.id) } }
            div { dt { "Link" } dd { (link_kind(device)) } }
            @if let Some(since_ms) = view.since_ms {
                div {
                    dt { @if view.connected { "Connected for" } @else { "Gone for" } }
                    dd { (words::span(wait(since_ms))) }
                }
            }
            @if device.cadence_ms > 0 {
                div { dt { "Cadence" } dd { (cadence(Duration::from_millis(device.cadence_ms))) } }
            }
            @if let Some(child) = &view.child {
                div { dt { "Task" } dd { (marks::child(child.state)) span.sub { (tree::since(child)) } } }
                div { dt { "Restarts" } dd.num { (words::count(child.restarts)) } }
                @if let Some(reason) = &child.last_reason {
                    div.wide { dt { "Last reason" } dd.reason { (reason) } }
                }
            }
            @if let Some(fault) = fault {
                div.wide {
                    dt { "Trouble with its messages, " (words::span(wait(fault.at_ms))) " ago" }
                    dd.reason { (fault.reason) }
                }
            }
        }
    }
}

fn cadence(cadence: Duration) -> String {
    if cadence.as_secs() == 0 {
        format!("every {} ms", cadence.as_millis())
    } else {
        format!("every {}", words::span(cadence))
    }
}

fn points_table(view: &DeviceView, unreported: &[(String, About)]) -> Markup {
    let device = &view.device.id;
    html! {
        section aria-labelledby="points" {
            h2 #points { "Points" }
            @if view.points.is_empty() && unreported.is_empty() {
                p.nothing { "No reading yet. What it publishes to the topics below appears here." }
            } @else {
                div.scroll {
                    table.points {
                        caption.unseen { "Points with their last values" }
                        thead {
                            tr {
                                th scope="col" { "Point" }
                                th.num scope="col" { "Value" }
                                th.unit scope="col" { "Unit" }
                                th.age scope="col" { "Age" }
                                th scope="col" { "Freshness" }
                                th.expected scope="col" { "Expected" }
                                th.clock scope="col" { "Clock" }
                                th.num.seq scope="col" { "Reading no." }
                                th.set scope="col" { "Command" }
                            }
                        }
                        tbody {
                            @for point in &view.points { (point_row(device, point, view.now)) }
                            @for (point, about) in unreported {
                                tr {
                                    (points::linked_name(device, point, about))
                                    td.none colspan="4" { "No reading yet" }
                                    td.expected {} td.clock {} td.seq {}
                                    td.set { (control::in_row(device, point, about, None)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn point_row(device: &str, point: &Point, now: Timestamp) -> Markup {
    let reading = &point.reading;
    html! {
        tr {
            (points::linked_name(device, &point.name, &point.about))
            (points::cells(point, now))
            td.expected { (reading.cadence.map_or_else(|| "learning".to_owned(), cadence)) }
            td.clock {
                @match reading.at.clock {
                    ClockQuality::Synced => "synced",
                    ClockQuality::Unknown => "unknown",
                }
            }
            td.num.seq { (words::count(reading.seq)) }
            td.set { (control::in_row(device, &point.name, &point.about, reading.value.as_ref().ok())) }
        }
    }
}

fn topics(device: &Device, profile: Option<&Profile>) -> Markup {
    let own = |template: &String| template.replace("{device}", &device.id);
    html! {
        section aria-labelledby="topics" {
            h2 #topics { "MQTT topics" }
            dl.topics {
                @if let Some(profile) = profile {
                    div {
                        dt { "It publishes to" }
                        @for filter in &profile.publishes { dd { code { (own(filter)) } } }
                    }
                    div {
                        dt { "It listens to" }
                        @for filter in &profile.subscribes { dd { code { (own(filter)) } } }
                    }
                }
                div {
                    dt { "The gateway publishes" }
                    dd { code { "devices/" (device.id) "/points/+" } }
                    dd { code { "devices/" (device.id) "/status" } }
                }
            }
        }
    }
}
