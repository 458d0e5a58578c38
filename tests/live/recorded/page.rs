//! The pages of the recording, written for this engine: the same elements, the same places for values.

use roost_live::js::Js;
use roost_live::render::Insert;
use roost_live::view::upload::{Upload, UploadOptions};
use roost_live::{
    Cid, Context, Group, LiveComponent, LiveView, Page, Params, Raw, Refusal, Rendered, Routes, Session,
    Stream, html,
};
use roost_runtime::Message;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where the pages hear what else happens to them.
pub(crate) const ORDERS: &str = "orders";

/// A row of the keyed list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Item(String, String, Vec<String>);

/// What happens to a page from outside.
#[derive(Debug, Deserialize)]
pub(crate) enum Order {
    Tick,
    Items(Vec<Item>),
    /// A row's id and text, its place, how many rows stay (0: all), whether it is never added.
    Row(String, String, i64, i64, bool),
    Delete(String),
    Replace(String, String),
    Show(bool),
}

struct Home {
    n: i64,
    tick: u64,
    name: String,
    error: &'static str,
    target: String,
    items: Vec<Item>,
    rows: Stream<String>,
    shown: bool,
    /// How often the component was hidden: it comes back as another.
    life: u32,
    query: String,
}

/// Parameters as Elixir shows a map.
fn shown(params: &Params) -> String {
    let params = json!(params);
    let pairs = params.as_object().unwrap().iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("\"{name}\" => {value}"))
        .collect();
    format!("%{{{}}}", pairs.join(", "))
}

impl LiveView for Home {
    type Message = ();

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        context.subscribe(ORDERS).unwrap();
        context.allow_upload("fw", UploadOptions::default());
        let mut rows = Stream::new();
        for row in 1..=3 {
            rows.insert(format!("rows-{row}"), format!("r{row}"));
        }
        let item = |(k, v): (&str, &str)| Item(k.to_owned(), v.to_owned(), Vec::new());
        Ok(Self {
            n: 0,
            tick: 0,
            name: String::new(),
            error: "",
            target: String::new(),
            items: [("a", "A"), ("b", "B"), ("c", "C")].map(item).to_vec(),
            rows,
            shown: true,
            life: 0,
            query: String::new(),
        })
    }

    fn handle_params(&mut self, params: &Params, _: &mut Context) {
        self.query = shown(params);
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        let name = value["user"]["name"].as_str().unwrap_or_default();
        match event {
            "inc" => self.n += value["by"].as_str().unwrap().parse::<i64>().unwrap(),
            "validate" => {
                self.name = name.to_owned();
                self.error = if name.len() < 3 { "too short" } else { "" };
                // As Elixir shows a list.
                self.target = value["_target"].to_string().replace("\",\"", "\", \"");
            }
            "save" => match name {
                "redir" => context.redirect("/two?from=save"),
                "lredir" => {
                    context.put_flash("info", "hello");
                    context.push_navigate("/two?from=lr");
                }
                "pp" => context.push_patch("/?pp=1"),
                _ => {
                    context.put_flash("info", format!("saved {name}"));
                    self.name.clear();
                }
            },
            "usave" => {
                let kept = context.consume_upload("fw", |file, path| {
                    let bytes = std::fs::metadata(path).unwrap().len();
                    format!("[\"{} {bytes}\"]", file.name())
                });
                context.put_flash("info", kept.join(""));
            }
            "hook-mounted" => context.reply(json!({"got": value, "pong": 1})),
            "crash" => panic!("as it was told"),
            _ => {}
        }
    }

    fn handle_published(&mut self, message: &Message, context: &mut Context) {
        match serde_json::from_slice(&message.body).unwrap() {
            Order::Tick => {
                self.tick += 1;
                context.title(format!("tick {}", self.tick));
                context.push_event("pt", json!({"y": self.tick}));
            }
            Order::Items(items) => self.items = items,
            Order::Row(id, text, at, limit, update_only) => {
                let insert = Insert::new().at(at).limit(limit);
                let insert = if update_only { insert.update_only() } else { insert };
                self.rows.insert_with(id, text, insert);
            }
            Order::Delete(id) => self.rows.delete(id),
            Order::Replace(id, text) => {
                self.rows.reset();
                self.rows.insert(id, text);
            }
            Order::Show(shown) => {
                self.shown = shown;
                self.life += u32::from(!shown);
            }
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            {if let Some(text) = context.flash("info") {
                <p id="fl" phx-click="lv:clear-flash" phx-value-key="info">{text}</p>
            }}
            <section id="cnt">
                <span id="n">{self.n}</span>" "<span id="tick">{self.tick}</span>
                <button id="inc" phx-click="inc" phx-value-by="2">"+"</button>
                <button id="js" phx-click={Js::new().toggle("#panel")}>js</button>
                <div id="panel" style="display:none">panel</div>
                <button id="crash" phx-click="crash">x</button>
                <button id="noop" phx-click="noop">noop</button>
            </section>
            <form id="f" phx-change="validate" phx-submit="save">
                <input id="name" name="user[name]" value={&self.name} phx-debounce="20">
                <input name="user[mail]" value="">
                <span id="err">{self.error}</span>
                <span id="target">{&self.target}</span>
                <button id="save" name="act" value="go" phx-disable-with="Saving">Save</button>
            </form>
            <ul id="list">
                {for item in &self.items; key = item.0 {
                    <li id="li-{item.0}" data-v={&item.1}>{&item.1}{for sub in &item.2 { <b>{sub}</b> }}</li>
                }}
            </ul>
            <table><tbody id="rows" phx-update="stream">
                {stream (id, text) in &self.rows { <tr id={id}><td>{text}</td></tr> }}
            </tbody></table>
            <div id="chart" phx-hook="Chart" phx-update="ignore" data-points={self.n}></div>
            <nav>
                {link("patch", "/?tab=x", "patch", html! { patch })}
                {link("redirect", "/two?z=1", "redir", html! { go })}
            </nav>
            <div id="comps">
                {if self.shown { {context.component::<Counter>(&self.life.to_string(), ())} }}
            </div>
            <form id="uf" phx-change="uv" phx-submit="usave">
                {context.upload("fw").map(Upload::input)}
                <button id="usave">up</button>
            </form>
            <p id="q">{&self.query}</p>
        }
    }
}

/// A link as Phoenix's own component makes it.
fn link(kind: &'static str, to: &str, id: &str, inner: Rendered) -> Rendered {
    let state = "push";
    match kind {
        "patch" => {
            html! { <a href={to} data-phx-link="patch" data-phx-link-state={state} id={id}>{inner}</a> }
        }
        _ => html! { <a href={to} data-phx-link="redirect" data-phx-link-state={state} id={id}>{inner}</a> },
    }
}

struct Counter {
    n: u32,
}

impl LiveComponent for Counter {
    type Props = ();

    fn mount((): (), _: &mut Context) -> Self {
        Self { n: 0 }
    }

    fn update(&mut self, (): (), _: &mut Context) {}

    fn handle_event(&mut self, _: &str, _: &Value, _: &mut Context) {
        self.n += 1;
    }

    fn render(&self, cid: Cid, _: &Context) -> Rendered {
        let key = "one";
        html! {
            <div class="comp" id="comp-{key}">
                "comp n="{self.n}<button class="cbtn" phx-click="cinc" phx-target={cid}>c+</button>
            </div>
        }
    }
}

struct Two {
    query: String,
}

impl LiveView for Two {
    type Message = ();

    fn mount(params: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self { query: shown(params) })
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <h1 id="two">"Page two "{&self.query}</h1>
            <p id="fl">{context.flash("info")}</p>
            {link("redirect", "/", "back", html! { back })}
        }
    }
}

fn layout(page: &Page) -> Rendered {
    html! {
        <html>
            <head><meta name="csrf-token" content={&page.csrf_token}></head>
            <body>{Raw(&page.content)}</body>
        </html>
    }
}

pub(crate) fn routes() -> Routes {
    Routes::new().group(
        Group::new("default", layout)
            .view::<Home>("/")
            .view::<Two>("/two"),
    )
}
