//! The page of clients that wait to become devices, with how to let one come.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use roost_model::Timestamp;
use serde::Deserialize;

use super::layout::{Frame, Refresh};
use super::marks::{self, Tone};
use super::{Failure, Lenient, Page, host_of, words};
use crate::live;
use crate::onboarding::{self, Discovered, Onboarding};
use crate::problem::Problem;
use crate::site::Site;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DiscoveredQuery {
    refresh: String,
}

/// What the buttons of this page send.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    /// `renew`, `off`, `ignore` or `undo`.
    action: String,
    client: String,
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Lenient(query): Lenient<DiscoveredQuery>,
    headers: HeaderMap,
) -> Page {
    let state = onboarding::list(&site).await?;
    let on = query.refresh != "off";
    let toggle = if on {
        "/discovered?refresh=off"
    } else {
        "/discovered"
    }
    .to_owned();
    let frame = Frame::full(&site, "Discovered", "/discovered", Refresh { on, toggle });
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let body = html! {
        h1 { "Discovered" }
        @if state.clients.is_empty() {
            p.nothing {
                @if state.enabled { "Nothing yet. A device that is set up as below appears here." }
                @else { "Onboarding is off: only devices that are known are let in." }
            }
        } @else { (table(&state.clients)) }
        (settings(&state, &host_of(host), (site.web.facts)().mqtt_port))
        (ignored(&state.ignored))
    };
    Ok(super::page(&frame, &body))
}

pub(crate) async fn change(
    State(site): State<Arc<Site>>,
    change: Result<Form<Change>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(change) = change.map_err(|_| Problem::bad_request("The form was not complete."))?;
    match change.action.as_str() {
        "ignore" => onboarding::ignore(&site, &change.client).await?,
        "undo" => onboarding::undo(&site, &change.client).await?,
        "renew" | "off" => onboarding::credential(&site, &change.action).await.map(drop)?,
        _ => return Err(Problem::bad_request("There is no such button.").into()),
    }
    Ok(Redirect::to("/discovered").into_response())
}

fn ago(at_ms: i64) -> String {
    let now = live::now();
    words::ago(Timestamp::from_unix_ms(at_ms, now.clock).until(now))
}

fn table(clients: &[Discovered]) -> Markup {
    html! {
        div.scroll {
            table.discovered {
                caption { (words::counted(clients.len(), "client waits", "clients wait")) }
                thead {
                    tr {
                        th scope="col" { "Client" }
                        th scope="col" { "State" }
                        th.num scope="col" { "Messages" }
                        th scope="col" { "Seems to be" }
                        th scope="col" { "Heard" }
                    }
                }
                tbody { @for client in clients { (row(client)) } }
            }
        }
    }
}

fn row(client: &Discovered) -> Markup {
    html! {
        tr {
            th scope="row" {
                a.id href={ "/discovered/" (client.client) } { (name_of(client)) }
                span.sub { (client.address) }
            }
            td.state {
                @if client.connected { (marks::mark(Tone::Good, "connected")) }
                @else { (marks::mark(Tone::Wait, "gone")) }
                @if let Some(device) = &client.accepted_as {
                    span.sub { "accepted as " (device) ", comes with the onboarding secret still" }
                }
            }
            td.num {
                (words::count(client.messages)) span.word { " messages" }
                @if client.lost > 0 { span.sub { (words::count(client.lost)) " older ones lost" } }
            }
            td.guess {
                @match &client.guess {
                    Some(guess) => { strong { (guess.profile) } span.sub { (guess.reason) } }
                    None => span.sub { "no profile fits what it said" },
                }
            }
            td.age { (ago(client.heard_ms)) }
        }
    }
}

/// What a client is called: its identifier, or the address of one that has none.
pub(super) fn name_of(client: &Discovered) -> &str {
    if client.client_id.is_empty() {
        &client.client
    } else {
        &client.client_id
    }
}

fn settings(state: &Onboarding, host: &str, port: u16) -> Markup {
    html! {
        section.empty aria-labelledby="how" {
            h2 #how { "How a new device gets here" }
            @match &state.secret {
                Some(secret) => {
                    p { "Put these into the device’s MQTT settings, the same for all of them:" }
                    dl.record {
                        div { dt { "Host" } dd.id { (host) } }
                        div { dt { "Port" } dd.num { (port) } }
                        div { dt { "User" } dd.id { (state.user) } }
                        div { dt { "Password" } dd.id { (secret) } }
                    }
                    p.sub {
                        "It then appears above, and reaches nobody until you accept it. What it says meanwhile is kept "
                        "and becomes readings. Each device needs a client id of its own."
                    }
                }
                None => p { "Onboarding is off. Make a secret to let new devices in." },
            }
            form.inline method="post" action="/discovered" {
                @if state.enabled {
                    button.quiet type="submit" name="action" value="renew" { "Make a new secret" }
                    button.quiet type="submit" name="action" value="off" { "Switch onboarding off" }
                } @else {
                    button type="submit" name="action" value="renew" { "Switch onboarding on" }
                }
            }
        }
    }
}

fn ignored(ignored: &[String]) -> Markup {
    html! {
        @if !ignored.is_empty() {
            section aria-labelledby="ignored" {
                h2 #ignored { "Ignored" }
                ul.versions {
                    @for client in ignored {
                        li {
                            form.inline method="post" action="/discovered" {
                                span.id { (client) }
                                input type="hidden" name="client" value=(client);
                                button.quiet type="submit" name="action" value="undo" { "Show it again" }
                            }
                        }
                    }
                }
            }
        }
    }
}
