//! The page of the gateway itself: its supervision tree in full.

use std::sync::Arc;

use axum::extract::State;
use maud::html;
use serde::Deserialize;

use super::layout::{Frame, Refresh};
use super::marks::{self, Tone};
use super::{Lenient, Page, tree, words};
use crate::site::Site;

/// Children of one supervisor that are shown.
const CHILDREN: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SystemQuery {
    refresh: String,
}

pub(crate) async fn show(State(site): State<Arc<Site>>, Lenient(query): Lenient<SystemQuery>) -> Page {
    let survey = site.survey().await?;
    let on = query.refresh != "off";
    let toggle = if on { "/system?refresh=off" } else { "/system" }.to_owned();
    let frame = Frame::full(&site, "System", "/system", Refresh { on, toggle });
    let services = site.services();
    let running = services
        .iter()
        .filter(|(_, state)| *state == roost_runtime::State::Running)
        .count();
    let bus = site.web.bus.stats();
    let body = html! {
        h1 { "System" }
        dl.record {
            div {
                dt { "Services" }
                dd {
                    @if running == services.len() { (marks::mark(Tone::Good, "all running")) }
                    @else { (marks::mark(Tone::Bad, &format!("{running} of {} running", services.len()))) }
                }
            }
            div { dt { "Restarts of devices" } dd.num { (words::count(site.web.devices.restarts())) } }
            div { dt { "Messages published" } dd.num { (words::count(bus.published)) } }
            div { dt { "Messages dropped" } dd.num { (words::count(bus.dropped)) } }
            div { dt { "Messages retained" } dd.num { (words::count(bus.retained)) } }
        }
        (tree::section(&site, &survey, CHILDREN))
    };
    Ok(super::page(&frame, &body))
}
