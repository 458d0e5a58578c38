//! The page of one point: what is known of it, the form that commands it, its last commands. It holds still, because
//! somebody types in it.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};
use roost_model::{Command, Device, Timestamp, check_name};

use super::layout::{Frame, Refresh};
use super::{Page, commands, control, device, marks, words};
use crate::api::Path;
use crate::live::{self, About, Point};
use crate::problem::Problem;
use crate::site::Site;

/// Commands of the device that are looked through for those of the point.
const COMMANDS: usize = 200;
/// Commands that are shown.
const SHOWN: usize = 20;

/// A point, as far as anything is known of it.
struct Known {
    name: String,
    about: About,
    reported: Option<Point>,
}

impl Known {
    fn of(site: &Site, device: &str, name: &str) -> Option<Self> {
        let watched = site.web.devices.child(device).is_some();
        let reported = live::point(&site.web.bus, device, name, watched);
        let about = live::about(&site.web.bus, device, name);
        (reported.is_some() || about.is_some()).then(|| Self {
            name: name.to_owned(),
            about: about.unwrap_or_default(),
            reported,
        })
    }

    fn title(&self) -> &str {
        match self.about.label.as_str() {
            "" => &self.name,
            label => label,
        }
    }
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    path: Result<Path<(String, String)>, Problem>,
) -> Page {
    let Path((id, name)) = path?;
    let device = match (check_name(&id), check_name(&name)) {
        (Ok(()), Ok(())) => site.device(&id).await?,
        _ => None,
    };
    let device = device.ok_or_else(|| Problem::not_found("device", &id))?;
    let known = Known::of(&site, &id, &name).ok_or_else(|| Problem::not_found("point", &name))?;
    let mut commands = site.commands(Some(id.clone()), None, COMMANDS).await?;
    commands.retain(|command| command.point == name);
    commands.truncate(SHOWN);
    let toggle = format!("/devices/{id}");
    let frame = Frame::full(&site, known.title(), "", Refresh { on: false, toggle }).still();
    let body = body(&device, &known, &commands, live::now());
    Ok(super::page(&frame, &body))
}

fn body(of: &Device, known: &Known, commands: &[Command], now: Timestamp) -> Markup {
    let value = known
        .reported
        .as_ref()
        .and_then(|point| point.reading.value.as_ref().ok());
    html! {
        p.crumbs { a href={ "/devices/" (of.id) } { "← " (device::title_of(of)) } }
        h1 { (known.title()) }
        (facts(known, now))
        section aria-labelledby="command" {
            h2 #command { "Command" }
            @if !known.about.is_settable() {
                p.sub { "Nothing says that this point takes commands; the device may refuse." }
            }
            (control::form(&of.id, &known.name, &known.about, value))
        }
        (commands::table(&of.id, commands, now))
    }
}

fn facts(known: &Known, now: Timestamp) -> Markup {
    let about = &known.about;
    html! {
        dl.record {
            @match &known.reported {
                Some(point) => {
                    div {
                        dt { "Value" }
                        dd {
                            @match &point.reading.value {
                                Ok(value) => {
                                    (words::shortened(&words::value(value, point.unit()), 200))
                                    " " span.unit { (point.unit()) }
                                }
                                Err(reason) => { (reason) }
                            }
                        }
                    }
                    div { dt { "Age" } dd { (words::ago(point.reading.at.until(now))) } }
                    div { dt { "Freshness" } dd { (marks::freshness(point.freshness)) } }
                }
                None => { div { dt { "Value" } dd { "no reading yet" } } }
            }
            div { dt { "Point" } dd.id { (known.name) } }
            @if !about.class.is_empty() { div { dt { "Kind" } dd { (about.class) } } }
            @if let Some(range) = control::range(about) { div { dt { "Range" } dd { (range) } } }
            @if !about.options.is_empty() { div.wide { dt { "Takes" } dd { (about.options.join(", ")) } } }
        }
    }
}
