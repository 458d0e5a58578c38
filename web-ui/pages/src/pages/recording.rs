//! The page of what a device last said: its messages, those to it, and what befell it, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use roost_model::{Timestamp, check_name};
use serde::Deserialize;

use super::layout::{Frame, Refresh};
use super::marks::{self, Tone};
use super::{Failure, Lenient, Page, words};
use crate::api::{JSON_LINES, Path};
use crate::live;
use crate::problem::Problem;
use crate::recordings::{self, Entry, Outcome};
use crate::site::Site;

/// Characters of a payload that are shown.
const SHOWN: usize = 600;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RecordingQuery {
    refresh: String,
}

async fn file(site: &Site, id: &str) -> Result<String, Problem> {
    match check_name(id) {
        Ok(()) => recordings::file(site, id).await,
        Err(_) => Err(Problem::not_found("device", id)),
    }
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    path: Result<Path<String>, Problem>,
    Lenient(query): Lenient<RecordingQuery>,
) -> Page {
    let Path(id) = path?;
    let (entries, lost) = recordings::entries(&file(&site, &id).await?);
    let on = query.refresh == "on";
    let toggle = format!("/devices/{id}/recording{}", if on { "" } else { "?refresh=on" });
    let title = format!("What {id} last said");
    let frame = Frame::full(&site, &title, "", Refresh { on, toggle });
    let body = html! {
        p.crumbs { a href={ "/devices/" (id) } { "← " (id) } }
        h1 { (title) }
        p {
            "Messages of the device and to it, and what befell it, newest first. "
            a href={ "/devices/" (id) "/recording.jsonl" } download={ (id) ".jsonl" } { "Download" }
            " and run " code { "roost replay " (id) ".jsonl" } " on any computer: it takes the messages apart again as "
            "the gateway did."
        }
        @if entries.is_empty() {
            p.nothing { "Nothing yet since the gateway was started." }
        } @else {
            (table(&entries, live::now()))
            @if lost > 0 {
                p.sub { (words::counted(lost, "older entry", "older entries"))
                    " had to make room." }
            }
        }
    };
    Ok(super::page(&frame, &body))
}

pub(crate) async fn download(
    State(site): State<Arc<Site>>,
    path: Result<Path<String>, Problem>,
) -> Result<Response, Failure> {
    let Path(id) = path?;
    let file = file(&site, &id).await?;
    Ok(([(header::CONTENT_TYPE, JSON_LINES)], file).into_response())
}

fn table(entries: &[Entry], now: Timestamp) -> Markup {
    html! {
        div.scroll {
            table.recording {
                caption.unseen { "What was recorded, newest first" }
                thead {
                    tr {
                        th.age scope="col" { "Age" }
                        th scope="col" { "What" }
                        th scope="col" { "Topic and payload" }
                        th scope="col" { "Became" }
                    }
                }
                tbody {
                    @for entry in entries.iter().rev() {
                        tr {
                            td.age { (words::ago(Timestamp::from_unix_ms(entry.at_ms, now.clock).until(now))) }
                            td.what { (kind(entry)) }
                            td.payload {
                                @if !entry.topic.is_empty() { code.topic { (entry.topic) } }
                                (payload(entry))
                            }
                            td.became { @if entry.kind == "in" { (became(entry.outcome)) } }
                        }
                    }
                }
            }
        }
    }
}

fn kind(entry: &Entry) -> Markup {
    match entry.kind.as_str() {
        "in" => html! { "← said" },
        "out" => html! { "→ was told" },
        "status" => html! { "connection" },
        "restart" => marks::mark(Tone::Bad, "restart"),
        other => html! { (other) },
    }
}

fn payload(entry: &Entry) -> Markup {
    let shown = match (&entry.text, &entry.hex) {
        (Some(text), _) => words::shortened(text, SHOWN),
        (None, Some(hex)) => format!("hex {}", words::shortened(hex, SHOWN)),
        (None, None) => String::new(),
    };
    html! {
        span.said { (shown) }
        @if let Some(length) = entry.length {
            span.sub { "the beginning of " (words::counted(length, "byte", "bytes")) }
        }
    }
}

fn became(outcome: Option<Outcome>) -> Markup {
    let Some(outcome) = outcome else {
        return marks::mark(Tone::Bad, "no answer of the codec");
    };
    let answers = || words::counted(outcome.acks, "answer", "answers");
    html! {
        @if outcome.faults > 0 {
            div { (marks::mark(Tone::Bad, if outcome.samples > 0 { "partly understood" } else { "not understood" })) }
        }
        @if outcome.samples > 0 { (words::counted(outcome.samples, "reading", "readings")) " " }
        @if outcome.acks > 0 { (answers()) }
        @if outcome.samples + outcome.acks + outcome.faults == 0 { span.sub { "nothing" } }
    }
}
