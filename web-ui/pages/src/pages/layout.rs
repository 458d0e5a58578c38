//! The frame of every page: head, header with the gateway's facts, navigation, footer.

use maud::{DOCTYPE, Markup, html};

use super::words;
use crate::guard;
use crate::site::Site;
use crate::web::Facts;
use crate::{assets, develop};

/// Seconds until a page loads itself again.
const REFRESH_S: u32 = 5;

/// Pages that every page leads to.
const PAGES: [(&str, &str); 4] = [
    ("/", "Devices"),
    ("/discovered", "Discovered"),
    ("/profiles", "Profiles"),
    ("/system", "System"),
];

/// What stands around a page.
pub(crate) struct Frame<'a> {
    title: &'a str,
    /// Path of the entry of the navigation that this page belongs to.
    at: &'static str,
    facts: Option<Facts>,
    refresh: Option<Refresh>,
    sign_out: bool,
}

/// Whether a page loads itself again, and the link that changes that.
pub(crate) struct Refresh {
    pub(crate) on: bool,
    pub(crate) toggle: String,
}

impl<'a> Frame<'a> {
    /// A frame with everything.
    pub(crate) fn full(site: &Site, title: &'a str, at: &'static str, refresh: Refresh) -> Self {
        Self {
            title,
            at,
            facts: Some((site.web.facts)()),
            refresh: Some(refresh),
            sign_out: !guard::is_open(&site.web),
        }
    }

    /// The same for a page that never loads itself again, because somebody types in it.
    pub(crate) fn still(mut self) -> Self {
        self.refresh = None;
        self
    }

    /// A frame for somebody who may not know anything about this gateway.
    pub(crate) fn bare(title: &'a str) -> Self {
        Self {
            title,
            at: "",
            facts: None,
            refresh: None,
            sign_out: false,
        }
    }
}

/// The whole document.
pub(crate) fn document(frame: &Frame<'_>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if frame.refresh.as_ref().is_some_and(|refresh| refresh.on) {
                    meta http-equiv="refresh" content=(REFRESH_S);
                }
                title { (frame.title) " · Roost" }
                link rel="icon" type="image/svg+xml" href=(assets::ICON_PATH);
                link rel="stylesheet" href=(assets::stylesheet_link());
                @if let Some(following) = develop::following() {
                    script defer src=(following.script) {}
                }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                (header(frame))
                main #content tabindex="-1" { (body) }
                (footer(frame))
            }
        }
    }
}

fn header(frame: &Frame<'_>) -> Markup {
    html! {
        header.top {
            a.brand href="/" { img src=(assets::ICON_PATH) alt="" width="28" height="28"; "Roost" }
            @if let Some(facts) = &frame.facts {
                nav aria-label="Pages" {
                    @for (path, name) in PAGES {
                        a href=(path) aria-current=[(path == frame.at).then_some("page")] { (name) }
                    }
                }
                dl.facts {
                    @if let Some(rate) = facts.readings_per_s {
                        div { dt { "Intake" } dd { (words::rate(rate)) span.word { " readings" } "/s" } }
                    }
                    div { dt { "Up" } dd { (words::span(facts.uptime)) } }
                    div { dt { "Version" } dd { (facts.version) } }
                }
                @if frame.sign_out {
                    form.sign-out method="post" action="/sign-out" {
                        button.quiet type="submit" { "Sign out" }
                    }
                }
            }
        }
    }
}

fn footer(frame: &Frame<'_>) -> Markup {
    html! {
        @if let Some(refresh) = &frame.refresh {
            footer.bottom {
                @if refresh.on {
                    span { "Loads again every " (REFRESH_S) " s." }
                    a href=(refresh.toggle) { "Hold still" }
                } @else {
                    span { "This page holds still." }
                    a href=(refresh.toggle) { "Load again every " (REFRESH_S) " s" }
                }
            }
        }
    }
}
