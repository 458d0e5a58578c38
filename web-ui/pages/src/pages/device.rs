//! The page of one device: all its points, its last commands, why it last restarted, the topics it uses.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use maud::{Markup, html};
use roost_model::{ClockQuality, Device, Link, Profile, Timestamp, check_name};
use serde::Deserialize;

use super::layout::{Frame, Refresh};
use super::{Lenient, Page, commands, marks, points, tree, words};
use crate::api::Path;
use crate::live::{self, Fault};
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
        (points_table(&view))
        (commands::table(&commands, view.now))
        (topics(&view.device, profile.as_ref()))
        p { a href={ "/devices/" (id) "/recording" } { "What it last said, message by message" } }
    };
    Ok(super::page(&frame, &body))
}

fn title_of(device: &Device) -> &str {
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
                div { dt { "Task" } dd { (marks::child(child.state)) " " (tree::since(child)) } }
                div { dt { "Restarts" } dd.num { (child.restarts) } }
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

fn points_table(view: &DeviceView) -> Markup {
    html! {
        section aria-labelledby="points" {
            h2 #points { "Points" }
            @if view.points.is_empty() {
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
                                th scope="col" { "Expected" }
                                th scope="col" { "Clock" }
                                th.num scope="col" { "Reading no." }
                            }
                        }
                        tbody {
                            @for point in &view.points {
                                tr {
                                    (points::cells(point, view.now))
                                    td.expected {
                                        (point.reading.cadence.map_or_else(|| "learning".to_owned(), cadence))
                                    }
                                    td.clock {
                                        @match point.reading.at.clock {
                                            ClockQuality::Synced => "synced",
                                            ClockQuality::Unknown => "unknown",
                                        }
                                    }
                                    td.num.seq {
                                        (point.reading.seq)
                                    }
                                }
                            }
                        }
                    }
                }
            }
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
