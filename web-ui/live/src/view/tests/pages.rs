//! The pages of these tests.

use serde_json::{Value, json};

use super::site;
use crate::html;
use crate::params::Params;
use crate::render::{Cid, Raw, Rendered, Stream};
use crate::routes::{Group, Page, Routes};
use crate::session::Session;
use crate::site::Site;
use crate::view::{Context, LiveComponent, LiveView, Refusal};

pub(super) struct Counter {
    n: i64,
    query: String,
}

fn words(params: &Params) -> String {
    serde_json::to_string(params).unwrap()
}

impl LiveView for Counter {
    type Message = i64;

    fn mount(params: &Params, session: &Session, context: &mut Context) -> Result<Self, Refusal> {
        match params.get("at_mount") {
            Some("redirect") => return Err(Refusal::redirect("/two")),
            Some("navigate") => {
                context.put_flash("info", "moved");
                context.push_event("moved", serde_json::json!({"n": 1}));
                return Err(Refusal::navigate("/two"));
            }
            Some("status") => return Err(Refusal::Status(404)),
            Some("patch") => context.push_patch("/?patched=1"),
            Some("loop") => context.push_patch("/?loop=1"),
            Some("panic") => panic!("as it was told"),
            _ => context.title("Counter"),
        }
        let n = session.get("from").and_then(Value::as_i64).unwrap_or(0);
        Ok(Self {
            n,
            query: String::new(),
        })
    }

    fn handle_params(&mut self, params: &Params, context: &mut Context) {
        self.query = words(params);
        if params.get("loop").is_some() {
            context.push_patch("/?loop=1");
        }
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        match event {
            "inc" => self.n += value["by"].as_str().unwrap_or("1").parse::<i64>().unwrap(),
            "flash" => context.put_flash("info", "saved"),
            "ask" => {
                context.reply(json!({"got": value}));
                context.push_event("asked", json!({"y": 1}));
            }
            "form" => self.query = value.to_string(),
            "go" => match value["how"].as_str().unwrap() {
                "patch" => context.push_patch("/?pp=1"),
                "loop" => context.push_patch("/?loop=1"),
                "foreign" => context.push_patch("/two"),
                "redirect" => context.redirect("/two?from=save"),
                _ => {
                    context.put_flash("info", "hello");
                    context.push_event("going", serde_json::json!({"to": 2}));
                    context.push_navigate("/two?from=lr");
                }
            },
            _ => {}
        }
    }

    fn handle_message(&mut self, message: i64, _: &mut Context) {
        self.n = message;
    }

    fn render(&self, context: &Context) -> Rendered {
        html! { <p id="fl">{context.flash("info")}</p><b id="n">{self.n}</b><i>{&self.query}</i> }
    }
}

pub(super) struct Two;

impl LiveView for Two {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn render(&self, context: &Context) -> Rendered {
        html! { <h1>{context.flash("info")}</h1> }
    }
}

/// Shows a component, or two, or none.
pub(super) struct Parts {
    shown: Vec<String>,
}

impl LiveView for Parts {
    type Message = Vec<String>;

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self {
            shown: vec!["one".to_owned()],
        })
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        match event {
            "show" => self.shown = serde_json::from_value(value.clone()).unwrap(),
            "tell" => assert!(context.update::<Part>("one", "told".to_owned())),
            _ => {}
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <div>{for id in &self.shown { <u>{context.component::<Part>(id, id.clone())}</u> }}</div>
            <p>{context.flash("info")}</p>
        }
    }
}

pub(super) struct Part {
    label: String,
    n: i64,
}

impl LiveComponent for Part {
    type Props = String;

    fn mount(label: String, _: &mut Context) -> Self {
        Self { label, n: 0 }
    }

    fn update(&mut self, label: String, _: &mut Context) {
        self.label = label;
    }

    fn handle_event(&mut self, event: &str, _: &Value, context: &mut Context) {
        match event {
            "flash" => context.put_flash("info", "from the part"),
            _ => self.n += 1,
        }
    }

    fn render(&self, cid: Cid, _: &Context) -> Rendered {
        html! { <button phx-click="cinc" phx-target={cid}>{&self.label}{self.n}</button> }
    }
}

/// Shows parts in the rows of a stream.
pub(super) struct Rows(Stream<String>);

impl LiveView for Rows {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self(Stream::new()))
    }

    fn handle_event(&mut self, event: &str, value: &Value, _: &mut Context) {
        let label = value.as_str().unwrap();
        match event {
            "insert" => self.0.insert(format!("row-{label}"), label.to_owned()),
            _ => self.0.delete(format!("row-{label}")),
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <ul id="rows" phx-update="stream">{
                stream (id, label) in &self.0 { <li id={id}>{context.component::<Part>(label, label.clone())}</li> }
            }</ul>
        }
    }
}

/// Shows a part that is two elements, or one if somebody has said so.
pub(super) struct Halved(bool);

impl LiveView for Halved {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self(false))
    }

    fn handle_event(&mut self, _: &str, _: &Value, _: &mut Context) {
        self.0 = true;
    }

    fn render(&self, context: &Context) -> Rendered {
        html! { <main>{context.component::<Halves>("halves", self.0)}</main> }
    }
}

struct Halves(bool);

impl LiveComponent for Halves {
    type Props = bool;

    fn mount(whole: bool, _: &mut Context) -> Self {
        Self(whole)
    }

    fn update(&mut self, whole: bool, _: &mut Context) {
        self.0 = whole;
    }

    fn render(&self, _: Cid, _: &Context) -> Rendered {
        if self.0 {
            html! { <p></p> }
        } else {
            html! { <p></p><p></p> }
        }
    }
}

/// Holds another view.
pub(super) struct Holder;

impl LiveView for Holder {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn render(&self, context: &Context) -> Rendered {
        html! { <p>{context.flash("info")}</p>{context.child::<Counter>("child", json!({"from": 5}))}
        {context.sticky::<Counter>("player", json!({"from": 6}))} }
    }
}

/// Holds a view that holds others, by a name that somebody has chosen.
pub(super) struct Outer;

impl LiveView for Outer {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn render(&self, context: &Context) -> Rendered {
        html! { <main>{context.child::<Holder>("\"><script>", json!({}))}</main> }
    }
}

pub(super) fn layout(page: &Page) -> Rendered {
    html! {
        <html>
            <head><title>{page.title.as_deref()}</title><meta name="csrf-token" content={&page.csrf_token}/></head>
            <body>{page.child::<Counter>("clock", json!({"from": 8}))}{Raw(&page.content)}</body>
        </html>
    }
}

pub(super) fn pages() -> Site {
    let other = Group::new("other", layout).view::<Two>("/other");
    let guarded = Group::new("guarded", layout)
        .guard(|_, session, _| match session.get("user") {
            Some(_) => Ok(()),
            None => Err(Refusal::redirect("/sign-in")),
        })
        .view::<Two>("/guarded");
    let default = Group::new("default", layout)
        .view::<Counter>("/")
        .view::<Two>("/two")
        .view::<Holder>("/holder")
        .view::<Outer>("/outer")
        .view::<Parts>("/parts")
        .view::<Rows>("/rows")
        .view::<Halved>("/halved");
    site(
        Routes::new()
            .group(default)
            .group(other)
            .group(guarded)
            .nested::<Counter>()
            .nested::<Holder>(),
    )
}
