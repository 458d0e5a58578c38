//! The pages of these tests.

use std::sync::Arc;

use axum::Router;
use serde_json::{Value, json};

use super::channels::{self, Echo};
use crate::endpoint::Endpoint;
use crate::html;
use crate::js::Js;
use crate::params::Params;
use crate::render::{Cid, Raw, Rendered};
use crate::routes::{Group, Page, Routes};
use crate::session::Session;
use crate::sign::SigningKey;
use crate::site::Site;
use crate::view::upload::{Upload, UploadOptions};
use crate::view::{Context, Handle, LiveComponent, LiveView, Refusal};

/// What the view is told.
pub(super) struct Shown(pub(super) String);

/// What it knows nothing of.
pub(super) struct Unknown;

/// Has everything that something can be done with.
struct Desk {
    said: String,
    did: String,
    own: Handle<Shown>,
}

impl LiveView for Desk {
    type Message = Shown;

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        context.allow_upload("files", UploadOptions::default());
        let said = context
            .connect_params()
            .get("zone")
            .unwrap_or_default()
            .to_owned();
        let did = String::new();
        let own = context.handle();
        Ok(Self { said, did, own })
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        self.did = match event {
            "say" => {
                let said = format!("said {}", value["n"]);
                self.own.send(Shown(said)).unwrap();
                return;
            }
            "files" => return,
            "count" => "count of the view".to_owned(),
            "focus" | "blur" => format!("{event} of {}", text("id")),
            "keep" => context
                .consume_upload("files", |file, path| {
                    format!("{} {}", file.name(), std::fs::metadata(path).unwrap().len())
                })
                .join(","),
            key => format!("{key} {}", text("key")),
        };
    }

    fn handle_message(&mut self, Shown(said): Shown, _: &mut Context) {
        assert_ne!(said, "boom", "as it was told");
        self.said = said;
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <p id="said">{&self.said}</p>
            <p id="did">{&self.did}</p>
            <input id="field" phx-keydown="down" phx-keyup="up" phx-focus="focus" phx-blur="blur" phx-value-id="field">
            <input id="other">
            <i phx-window-keydown="window" phx-key="Escape"></i>
            <i phx-window-keyup="window up"></i>
            {context.component::<Part>("1", 1)}
            {context.component::<Part>("2", 2)}
            <button id="by-selector" phx-click="count" phx-target="#part-1">1</button>
            <button id="by-command" phx-click={Js::new().push("count").target("#part-1 .count")}>1</button>
            <form id="by-form" phx-submit="count" phx-target="#part-1"></form>
            <button id="to-all" phx-click="count" phx-target=".count">all</button>
            <button id="to-view" phx-click="count" phx-target="#did">view</button>
            <button id="to-nobody" phx-click="count" phx-target="#gone">none</button>
            <button id="to-a-number" phx-click="count" phx-target={Cid(99)}>none</button>
            <button id="to-another-view" phx-click="count" phx-target="#lamp">none</button>
            <form id="files" phx-change="files" phx-submit="keep">{context.upload("files").map(Upload::input)}</form>
            {context.child::<Lamp>("lamp", json!({"from": 10}))}
            {context.sticky::<Lamp>("sticky", json!({"from": 100}))}
        }
    }
}

/// Counts for itself, and answers.
pub(super) struct Part {
    number: u32,
    n: u32,
}

impl LiveComponent for Part {
    type Props = u32;

    fn mount(number: u32, _: &mut Context) -> Self {
        Self { number, n: 0 }
    }

    fn update(&mut self, number: u32, _: &mut Context) {
        self.number = number;
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        match event {
            "ask" => context.reply(json!({"part": self.number, "got": value})),
            _ => self.n += 1,
        }
    }

    fn render(&self, cid: Cid, _: &Context) -> Rendered {
        html! {
            <div id="part-{self.number}">
                <button class="count" phx-click="count" phx-target={cid}>{self.n}</button>
            </div>
        }
    }
}

/// Stands within others.
struct Lamp(u64);

impl LiveView for Lamp {
    type Message = u64;

    fn mount(_: &Params, session: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self(session.get("from").and_then(Value::as_u64).unwrap_or(0)))
    }

    fn handle_event(&mut self, event: &str, _: &Value, context: &mut Context) {
        match event {
            "leave" => context.push_navigate("/"),
            _ => self.0 += 1,
        }
    }

    fn handle_message(&mut self, n: u64, _: &mut Context) {
        self.0 = n;
    }

    fn render(&self, _: &Context) -> Rendered {
        html! { <button phx-click="on">{self.0}</button> }
    }
}

fn layout(page: &Page) -> Rendered {
    html! {
        <html>
            <head><meta name="csrf-token" content={&page.csrf_token}/></head>
            <body>{page.child::<Lamp>("beside", json!({"from": 1000}))}{Raw(&page.content)}</body>
        </html>
    }
}

pub(super) fn router(endpoint: &Endpoint) -> Router {
    let routes = Routes::new()
        .group(Group::new("pages", layout).view::<Desk>("/"))
        .nested::<Lamp>();
    let site = Site::builder(SigningKey::new(&[7; 32]).unwrap(), routes)
        .build()
        .unwrap();
    site.pages()
        .merge(endpoint.mount("/live", site.mount()))
        .merge(endpoint.mount(
            "/socket",
            channels::mount().channel::<Echo>("box:*", Arc::new(())),
        ))
}
