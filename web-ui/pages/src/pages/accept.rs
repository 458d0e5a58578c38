//! The page of one discovered client: what it said, what it seems to be, and the form that makes a device of it.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use roost_model::{Timestamp, name_from};
use serde::Deserialize;

use super::discovered::name_of;
use super::layout::{Frame, Refresh};
use super::{Failure, Page, host_of, words};
use crate::api::Path;
use crate::live;
use crate::onboarding::{self, Acceptance, Accepted, Discovered, FieldErrors, Sample};
use crate::problem::Problem;
use crate::site::Site;

/// Characters of a payload that are shown.
const SHOWN: usize = 400;
/// Messages that are shown.
const MESSAGES: usize = 50;

/// What the form sends. A box that is not ticked sends nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filled {
    id: String,
    label: String,
    profile: String,
    keep: Option<String>,
}

fn frame<'a>(site: &Site, title: &'a str) -> Frame<'a> {
    let toggle = "/discovered".to_owned();
    Frame::full(site, title, "/discovered", Refresh { on: false, toggle }).still()
}

pub(crate) async fn show(State(site): State<Arc<Site>>, path: Result<Path<String>, Problem>) -> Page {
    let Path(client) = path?;
    let client = onboarding::get(&site, &client).await?;
    let acceptance = suggestion(&client);
    let body = page(&client, &acceptance, &FieldErrors::new());
    Ok(super::page(&frame(&site, name_of(&client)), &body))
}

/// What the form holds at first.
fn suggestion(client: &Discovered) -> Acceptance {
    let guess = client.guess.as_ref();
    let named = guess.map(|guess| guess.spoken_as.clone());
    Acceptance {
        id: named.or_else(|| name_from(name_of(client))).unwrap_or_default(),
        profile: guess.map(|guess| guess.profile.clone()).unwrap_or_default(),
        ..Acceptance::default()
    }
}

pub(crate) async fn accept(
    State(site): State<Arc<Site>>,
    path: Result<Path<String>, Problem>,
    headers: HeaderMap,
    filled: Result<Form<Filled>, FormRejection>,
) -> Result<Response, Failure> {
    let Path(name) = path?;
    let Form(filled) = filled.map_err(|_| Problem::bad_request("The form was not complete."))?;
    let client = onboarding::get(&site, &name).await?;
    let acceptance = Acceptance {
        id: filled.id.trim().to_owned(),
        label: filled.label.trim().to_owned(),
        profile: filled.profile,
        keep: filled.keep.is_some(),
    };
    let host = host_of(headers.get(header::HOST).and_then(|value| value.to_str().ok()));
    let body = match onboarding::accept(&site, &name, &acceptance).await? {
        Ok(accepted) => welcome(&accepted, &host, (site.web.facts)().mqtt_port),
        Err(errors) => page(&client, &acceptance, &errors),
    };
    Ok(super::page(&frame(&site, name_of(&client)), &body).into_response())
}

fn page(client: &Discovered, acceptance: &Acceptance, errors: &FieldErrors) -> Markup {
    html! {
        p.crumbs { a href="/discovered" { "← Discovered" } }
        h1 { (name_of(client)) }
        p {
            "From " span.id { (client.address) } ". "
            @match &client.guess {
                Some(guess) => { "It seems to speak " strong { (guess.profile) } ": " (guess.reason) "." }
                None => "No profile fits what it said so far.",
            }
        }
        (form(client, acceptance, errors))
        (samples(&client.sample))
    }
}

fn complaint(errors: &FieldErrors, field: &str) -> Markup {
    html! {
        @if let Some(messages) = errors.get(field) {
            span.why id={ "error-" (field) } role="alert" { (field) " " (messages.join("; ")) }
        }
    }
}

fn form(client: &Discovered, acceptance: &Acceptance, errors: &FieldErrors) -> Markup {
    let wrong = |field: &str| errors.contains_key(field).then_some("true");
    html! {
        form.empty.fields method="post" action={ "/discovered/" (client.client) } {
            h2 { "Make a device of it" }
            label for="id" { "Id" }
            input #id name="id" required maxlength="64" value=(acceptance.id) aria-invalid=[wrong("id")]
                aria-describedby=[wrong("id").map(|_| "error-id")];
            (complaint(errors, "id"))
            label for="label" { "Label, as people call it" }
            input #label name="label" maxlength="120" value=(acceptance.label) aria-invalid=[wrong("label")];
            (complaint(errors, "label"))
            label for="profile" { "Profile" }
            select #profile name="profile" {
                @for profile in &client.profiles {
                    option value=(profile) selected[*profile == acceptance.profile] { (profile) }
                }
            }
            (complaint(errors, "profile"))
            label.tick {
                input type="checkbox" name="keep" value="yes" checked[acceptance.keep];
                " Its settings can’t be changed: let it go on with the onboarding secret"
            }
            p.sub {
                "Less safe: whoever has that secret and takes the client id “" (name_of(client)) "” is seen as "
                "this device, and can command it and forge its readings. A secret of its own is for it alone."
            }
            div.inline {
                button type="submit" { "Accept" }
                button.quiet type="submit" formaction="/discovered" name="action" value="ignore" formnovalidate {
                    "Ignore it"
                }
                input type="hidden" name="client" value=(client.client);
            }
        }
    }
}

fn samples(samples: &[Sample]) -> Markup {
    let now = live::now();
    html! {
        section aria-labelledby="said" {
            h2 #said { "What it said, newest first" }
            @if samples.is_empty() { p.nothing { "Nothing yet." } }
            @else {
                ol.trial {
                    @for sample in samples.iter().rev().take(MESSAGES) {
                        li {
                            p {
                                code { (sample.topic) } " "
                                span.sub { (words::ago(Timestamp::from_unix_ms(sample.at_ms, now.clock).until(now))) }
                            }
                            pre { code { (words::shortened(&sample.payload, SHOWN)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The device is there: what has to be put into it, this once.
fn welcome(accepted: &Accepted, host: &str, port: u16) -> Markup {
    html! {
        p.crumbs { a href="/discovered" { "← Discovered" } }
        h1 { (accepted.id) " is a device now" }
        section.empty {
            p.lead {
                (words::counted(accepted.messages, "message", "messages"))
                " from before became readings. " a href={ "/devices/" (accepted.id) } { "See it" }
            }
            @match &accepted.secret {
                Some(secret) => {
                    p { "Now put these into its MQTT settings. The password is shown this once." }
                    dl.record {
                        div { dt { "Host" } dd.id { (host) } }
                        div { dt { "Port" } dd.num { (port) } }
                        div { dt { "User" } dd.id { (accepted.id) } }
                        div { dt { "Password" } dd.id { (secret) } }
                        @if accepted.spoken_as != accepted.id {
                            div.wide {
                                dt { "Name in its topics" }
                                dd { span.id { (accepted.id) } " instead of " span.id { (accepted.spoken_as) } }
                            }
                        }
                    }
                }
                None => p { "It goes on with the settings it has." },
            }
        }
    }
}
