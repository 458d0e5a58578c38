//! The pages of these tests.

use std::path::Path;
use std::time::Duration;

use roost_live::view::upload::{Entry, Upload, UploadOptions};
use roost_live::{Context, Group, LiveView, Page, Params, Raw, Refusal, Rendered, Routes, Session, html};
use roost_runtime::Message;
use serde_json::{Value, json};

/// Most bytes of a file here.
pub(crate) const BIGGEST_FILE: u64 = 100_000_000;

/// Shows what is published under `value`, counts clicks, takes a file, holds another view.
struct Board {
    n: u64,
    value: String,
    kept: String,
}

impl LiveView for Board {
    type Message = String;

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        context.subscribe("value").unwrap();
        let options = UploadOptions {
            max_file_size: BIGGEST_FILE,
            ..UploadOptions::default()
        };
        context.allow_upload("fw", options);
        let (value, kept) = (String::new(), String::new());
        Ok(Self { n: 0, value, kept })
    }

    fn handle_event(&mut self, event: &str, _: &Value, context: &mut Context) {
        match event {
            "up" => self.n += 1,
            "later" => context.send_after(Duration::from_millis(1), "it is later".to_owned()),
            "boom" => panic!("as it was told"),
            "keep" => {
                let kept = context.consume_upload("fw", |file, path| {
                    format!("{} {}", file.name(), std::fs::metadata(path).unwrap().len())
                });
                self.kept = kept.join(",");
            }
            "cancel" => drop(context.cancel_upload("fw", "0")),
            _ => {}
        }
    }

    fn handle_message(&mut self, message: String, _: &mut Context) {
        self.value = message;
    }

    fn handle_published(&mut self, message: &Message, _: &mut Context) {
        self.value = String::from_utf8_lossy(&message.body).into_owned();
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <button id="up" phx-click="up">{self.n}</button>
            <button id="boom" phx-click="boom">boom</button>
            <p id="value">{&self.value}</p>
            <p id="kept">{&self.kept}</p>
            <a id="go" href="/other" data-phx-link="redirect" data-phx-link-state="push">other</a>
            <form id="uf" phx-change="changed" phx-submit="keep">{context.upload("fw").map(Upload::input)}</form>
            {context.child::<Lamp>("lamp", json!({"from": 10}))}
            {context.sticky::<Lamp>("sticky", json!({"from": 100}))}
        }
    }
}

/// A text with nothing in its first line.
const SECOND_LINE: &str = "\nsecond line";

/// Another page of the group.
struct Other;

impl LiveView for Other {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <h1 id="other">other</h1>
            <textarea id="text">{SECOND_LINE}</textarea>
            <pre id="pre">{SECOND_LINE}</pre>
            {context.sticky::<Lamp>("sticky", json!({"from": 100}))}
            <a id="back" href="/" data-phx-link="redirect" data-phx-link-state="push">back</a>
        }
    }
}

/// Takes several files, as soon as they are chosen; each can be taken back.
struct Files {
    kept: Vec<String>,
}

impl LiveView for Files {
    type Message = ();

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        let options = UploadOptions {
            accept: vec![".bin".to_owned()],
            max_entries: 3,
            max_file_size: 20_000_000,
            auto_upload: true,
            ..UploadOptions::default()
        };
        context.allow_upload("files", options);
        Ok(Self { kept: Vec::new() })
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        match event {
            "back" => drop(context.cancel_upload("files", value["ref"].as_str().unwrap())),
            "keep" => {
                let kept = |file: &Entry, path: &Path| {
                    format!("{} {}", file.name(), std::fs::metadata(path).unwrap().len())
                };
                self.kept = context.consume_upload("files", kept);
            }
            _ => {}
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        let upload = context.upload("files");
        let entries = upload.map(Upload::entries).unwrap_or_default();
        html! {
            <form id="uf" phx-change="changed" phx-submit="keep">
                {upload.map(Upload::input)}
                <button id="keep">keep</button>
            </form>
            <ul>
                {for entry in entries; key = entry.reference() {
                    <li id="entry-{entry.reference()}">
                        <span class="name">{entry.name()}</span>
                        <span class="state">{state(entry)}</span>
                        <button class="back" phx-click="back" phx-value-ref={entry.reference()}>back</button>
                    </li>
                }}
            </ul>
            <p id="kept">{self.kept.join(", ")}</p>
        }
    }
}

/// Where a file stands: its error, or how much of it is here.
fn state(entry: &Entry) -> String {
    match entry.error() {
        Some(error) => error.word().to_owned(),
        None => format!("{} %", entry.progress()),
    }
}

/// Stands within others: counts from what it was told.
struct Lamp {
    n: u64,
}

impl LiveView for Lamp {
    type Message = ();

    fn mount(_: &Params, session: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self {
            n: session.get("from").and_then(Value::as_u64).unwrap_or(0),
        })
    }

    fn handle_event(&mut self, event: &str, _: &Value, _: &mut Context) {
        assert_ne!(event, "boom", "as it was told");
        self.n += 1;
    }

    fn render(&self, context: &Context) -> Rendered {
        let (click, boom) = (
            format!("{}-click", context.id()),
            format!("{}-boom", context.id()),
        );
        html! { <button id={click} phx-click="on">{self.n}</button><button id={boom} phx-click="boom">boom</button> }
    }
}

fn layout(page: &Page) -> Rendered {
    html! {
        <html>
            <head>
                <meta name="csrf-token" content={&page.csrf_token}/>
                <title>views</title>
                <script defer src="/js/phoenix.min.js"></script>
                <script defer src="/js/phoenix_live_view.min.js"></script>
                <script defer src="/app.js"></script>
            </head>
            <body>{page.child::<Lamp>("beside", json!({"from": 1000}))}{Raw(&page.content)}</body>
        </html>
    }
}

pub(crate) fn routes() -> Routes {
    let group = Group::new("default", layout)
        .view::<Board>("/")
        .view::<Other>("/other")
        .view::<Files>("/files");
    Routes::new().group(group).nested::<Lamp>()
}
