//! The first page: all devices with their values, and the supervision tree below.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use maud::{Markup, html};
use roost_model::Device;
use roost_runtime::State as ChildState;

use super::devices_query::{DevicesQuery, Show};
use super::layout::{Frame, Refresh};
use super::marks::{self, Tone};
use super::{Lenient, Page, empty, host_of, points, tree, words};
use crate::api::Wanted;
use crate::live;
use crate::site::Site;
use crate::survey::Survey;
use crate::view::DeviceView;

/// Devices of one page.
const PER_PAGE: usize = 100;
/// Points of one device that are shown in the list.
const POINTS: usize = 8;
/// Children of one supervisor that are shown below the list.
const CHILDREN: usize = 20;

/// The devices of one page of the list.
struct Found {
    views: Vec<DeviceView>,
    /// All that fit, on whatever page.
    total: usize,
    page: usize,
    pages: usize,
}

impl Found {
    /// Finds the devices of the page that was asked for; only their readings are decoded.
    fn find(site: &Site, roster: &[Device], survey: &Survey, query: &DevicesQuery) -> Self {
        let wanted = Wanted::new(&query.q);
        let fitting: Vec<&Device> = roster
            .iter()
            .filter(|device| query.show.includes(survey, device) && wanted.fits(device))
            .collect();
        let pages = fitting.len().div_ceil(PER_PAGE).max(1);
        let page = query.page.clamp(1, pages);
        let now = live::now();
        let on_page = fitting.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE);
        Self {
            views: on_page
                .map(|device| DeviceView::of(&site.web, (*device).clone(), now))
                .collect(),
            total: fitting.len(),
            page,
            pages,
        }
    }
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Lenient(query): Lenient<DevicesQuery>,
    headers: HeaderMap,
) -> Page {
    let (roster, survey) = (site.roster().await?, site.survey().await?);
    let refresh = Refresh {
        on: query.refreshes(),
        toggle: query.toggling_refresh(),
    };
    let frame = Frame::full(&site, "Devices", "/", refresh);
    let body = if roster.is_empty() {
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        empty::first_steps(&host_of(host), (site.web.facts)().mqtt_port)
    } else {
        let found = Found::find(&site, &roster, &survey, &query);
        list(&roster, &survey, &query, &found)
    };
    let body = html! {
        h1 { "Devices" }
        (body)
        (tree::section(&site, &survey, CHILDREN))
    };
    Ok(super::page(&frame, &body))
}

fn list(roster: &[Device], survey: &Survey, query: &DevicesQuery, found: &Found) -> Markup {
    html! {
        div.tools {
            (chips(roster, survey, query))
            (search(query))
        }
        @if found.total == 0 {
            p.nothing { "No device fits. " a href="/" { "Show all" } }
        } @else {
            (table(query, found))
            (pager(query, found))
        }
    }
}

fn chips(roster: &[Device], survey: &Survey, query: &DevicesQuery) -> Markup {
    let of = |show| match show {
        Show::All => (roster.len(), "devices", Tone::Quiet),
        Show::Connected => (survey.connected.len(), "connected", Tone::Good),
        Show::Stale => (survey.stale.len(), "stale", Tone::Bad),
        Show::Silent => (survey.silent.len(), "silent", Tone::Bad),
        Show::Backoff => (survey.backoff.len(), "in backoff", Tone::Bad),
    };
    html! {
        nav.chips aria-label="Which devices" {
            @for show in Show::EVERY {
                @let (count, word, tone) = of(show);
                @let tone = if count == 0 { Tone::Quiet } else { tone };
                a href=(query.showing(show)) aria-current=[(show == query.show).then_some("true")] {
                    strong.num { (words::count(count)) } " "
                    @if show == Show::All { (if count == 1 { "device" } else { word }) }
                    @else { (marks::mark(tone, word)) }
                }
            }
        }
    }
}

fn search(query: &DevicesQuery) -> Markup {
    html! {
        form.search role="search" method="get" action="/" {
            label for="q" { "Search" }
            input #q type="search" name="q" value=(query.q) placeholder="id, label, profile, driver";
            @if let Some(show) = query.show_word() { input type="hidden" name="show" value=(show); }
            @if !query.refreshes() { input type="hidden" name="refresh" value="off"; }
            button type="submit" { "Find" }
        }
    }
}

fn table(query: &DevicesQuery, found: &Found) -> Markup {
    let first = (found.page - 1) * PER_PAGE + 1;
    let last = first + found.views.len() - 1;
    html! {
        div.scroll {
            table.devices {
                caption {
                    @if found.pages > 1 {
                        (words::count(first)) " to " (words::count(last)) " of " (words::count(found.total))
                    } @else {
                        (words::counted(found.total, "device", "devices"))
                    }
                    @if !query.q.trim().is_empty() { " with “" (query.q.trim()) "”" }
                }
                thead {
                    tr {
                        th scope="col" { "Device" }
                        th scope="col" { "State" }
                        th scope="col" { "Point" }
                        th.num scope="col" { "Value" }
                        th.unit scope="col" { "Unit" }
                        th.age scope="col" { "Age" }
                        th scope="col" { "Freshness" }
                    }
                }
                @for view in &found.views { (rows(view)) }
            }
        }
    }
}

/// One device: a row for each point, with its own cells beside the first.
fn rows(view: &DeviceView) -> Markup {
    let shown = view.points.len().min(POINTS);
    let hidden = view.points.len() - shown;
    let height = shown.max(1) + usize::from(hidden > 0);
    html! {
        tbody {
            tr.first {
                (name_cell(view, height))
                (state_cell(view, height))
                @match view.points.first() {
                    Some(point) => { (points::name(point)) (points::cells(point, view.now)) },
                    None => (points::none_yet()),
                }
            }
            @for point in view.points.iter().take(shown).skip(1) {
                tr { (points::name(point)) (points::cells(point, view.now)) }
            }
            @if hidden > 0 {
                tr { td.more colspan="5" {
                    a href={ "/devices/" (view.device.id) } {
                        "and " (words::counted(hidden, "more point", "more points"))
                    }
                } }
            }
        }
    }
}

fn name_cell(view: &DeviceView, height: usize) -> Markup {
    let device = &view.device;
    html! {
        th.device scope="rowgroup" rowspan=(height) {
            a href={ "/devices/" (device.id) } {
                @if device.label.is_empty() { (device.id) } @else { (device.label) }
            }
            span.sub {
                @if !device.label.is_empty() { span.id { (device.id) } " · " }
                (super::device::link_kind(device))
            }
        }
    }
}

fn state_cell(view: &DeviceView, height: usize) -> Markup {
    html! {
        td.state rowspan=(height) {
            (marks::device(view))
            @if let Some(child) = view.child.as_ref().filter(|child| child.state == ChildState::Backoff) {
                span.sub { (tree::since(child)) }
                @if let Some(reason) = &child.last_reason { span.sub.why { (words::shortened(reason, 90)) } }
            }
        }
    }
}

fn pager(query: &DevicesQuery, found: &Found) -> Markup {
    html! {
        @if found.pages > 1 {
            nav.pager aria-label="Pages of devices" {
                @if found.page > 1 { a rel="prev" href=(query.on_page(found.page - 1)) { "← Before" } }
                span { "Page " (words::count(found.page)) " of " (words::count(found.pages)) }
                @if found.page < found.pages {
                    a rel="next" href=(query.on_page(found.page + 1)) { "Next →" }
                }
            }
        }
    }
}
