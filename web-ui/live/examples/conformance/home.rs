//! The page `/`: one of everything that a live view can do.

use roost_live::js::Js;
use roost_live::render::Insert;
use roost_live::view::upload::{Upload, UploadOptions};
use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, Stream, html};
use serde_json::{Value, json};

use crate::clicker::Clicker;
use crate::desk::{Components, Desk, Item, Order, Rows};
use crate::layout::TITLE;

/// Fewer letters are no name.
const SHORT: usize = 3;
/// Bytes of the biggest file.
const BIGGEST_FILE: u64 = 8_000_000;

/// What one reader's page shows.
pub(crate) struct Home {
    n: i64,
    tick: u64,
    name: String,
    error: &'static str,
    target: String,
    items: Vec<Item>,
    rows: Stream<String>,
    components: Vec<String>,
    hidden: Vec<String>,
    saved: String,
    query: String,
}

impl LiveView for Home {
    type Message = Order;

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        context.title(TITLE);
        let options = UploadOptions {
            max_file_size: BIGGEST_FILE,
            ..UploadOptions::default()
        };
        context.allow_upload("fw", options);
        if context.is_connected()
            && let Some(desk) = context.app::<Desk>()
        {
            desk.enter(context.handle());
        }
        let mut rows = Stream::new();
        for row in 1..=3 {
            rows.insert(format!("row-{row}"), format!("r{row}"));
        }
        Ok(Self {
            n: 0,
            tick: 0,
            name: String::new(),
            error: "",
            target: String::new(),
            items: Item::first(),
            rows,
            components: vec!["1".to_owned()],
            hidden: Vec::new(),
            saved: String::new(),
            query: String::new(),
        })
    }

    fn handle_params(&mut self, params: &Params, _: &mut Context) {
        self.query = json!(params).to_string();
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        match event {
            "inc" | "jsinc" => self.n += number(&value["by"]),
            "key" => self.n += 100,
            "validate" => self.validate(value),
            "save" => self.save(value, context),
            "usave" => self.keep(context),
            "hook-mounted" => context.reply(json!({"got": value, "pong": 1})),
            // The form of the upload has nothing to check.
            "noop" | "uv" => {}
            other => panic!("{other} is no event of this page"),
        }
    }

    fn handle_message(&mut self, order: Order, context: &mut Context) {
        match order {
            Order::Tick => {
                self.tick += 1;
                context.title(format!("tick {}", self.tick));
                context.push_event("pt", json!({"y": self.tick}));
            }
            Order::List(items) => self.items = items,
            Order::Stream(rows) => self.change(rows),
            Order::Components(Components::Add(key)) => self.components.push(key),
            Order::Components(Components::Show(true)) => self.components.append(&mut self.hidden),
            Order::Components(Components::Show(false)) => self.hidden.append(&mut self.components),
            Order::Push { event, payload } => context.push_raw(&event, &payload),
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            {if let Some(text) = context.flash("info") {
                <p id="fl" phx-click="lv:clear-flash" phx-value-key="info">{text}</p>
            }}
            <section id="cnt">
                <span id="n">{self.n}</span> <span id="tick">{self.tick}</span>
                <button id="inc" phx-click="inc" phx-value-by="2">"+"</button>
                <button id="js" phx-click={several_at_once()}>js</button>
                <label>"Key "<input id="key" phx-keydown="key" phx-key="Enter"></label>
                <div id="panel" style="display:none">panel</div>
                <button id="crash" phx-click="crash">crash</button>
                <button id="noop" phx-click="noop">noop</button>
            </section>
            <form id="f" phx-change="validate" phx-submit="save">
                <label>"Name "<input id="name" name="user[name]" value={&self.name} phx-debounce="20"></label>
                <label>"Mail "<input name="user[mail]" value=""></label>
                <span id="err">{self.error}</span>
                <span id="target">{&self.target}</span>
                <button id="save" name="act" value="go" phx-disable-with="Saving">Save</button>
            </form>
            <ul id="list">
                {for item in &self.items; key = item.k {
                    <li id="li-{item.k}" data-v={&item.v}>{&item.v}{for sub in &item.sub { <b>{sub}</b> }}</li>
                }}
            </ul>
            <table><tbody id="rows" phx-update="stream">
                {stream (id, text) in &self.rows { <tr id={id}><td>{text}</td></tr> }}
            </tbody></table>
            <div id="chart" phx-hook="Chart" phx-update="ignore" data-points={self.n}></div>
            <nav>
                <a id="patch" href="/?tab=x" data-phx-link="patch" data-phx-link-state="push">patch</a>
                <a id="redir" href="/two?z=1" data-phx-link="redirect" data-phx-link-state="push">go</a>
            </nav>
            <div id="comps">
                {for key in &self.components; key = key {
                    {context.component::<Clicker>(key, key.clone())}
                }}
            </div>
            <form id="uf" phx-change="uv" phx-submit="usave">
                <label>"File "{context.upload("fw").map(Upload::input)}</label>
                <button id="usave">up</button>
                <span id="prog">{progress(context)}</span>
                <span id="ures">{&self.saved}</span>
            </form>
            <p id="q">{&self.query}</p>
        }
    }
}

/// Opens or closes the panel, tells the view, and marks the section, all from one click.
fn several_at_once() -> Js {
    Js::new()
        .toggle("#panel")
        .push("jsinc")
        .value("by", 5)
        .add_class("pushed")
        .to("#cnt")
}

/// Percent of the file on its way.
fn progress(context: &Context) -> Option<u8> {
    let file = context.upload("fw")?.entries().first()?;
    Some(file.progress())
}

/// What events and orders do.
impl Home {
    fn validate(&mut self, form: &Value) {
        self.name = text(&form["user"]["name"]);
        self.error = if self.name.chars().count() < SHORT {
            "too short"
        } else {
            ""
        };
        let path: Vec<&str> = form["_target"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.target = json!(as_field(&path)).to_string();
    }

    fn save(&mut self, form: &Value, context: &mut Context) {
        let name = text(&form["user"]["name"]);
        match name.as_str() {
            "redir" => context.redirect("/two?from=save"),
            "lredir" => {
                context.put_flash("info", "hello");
                context.push_navigate("/two?from=lr");
            }
            "pp" => context.push_patch("/?pp=1"),
            _ => {
                context.put_flash("info", format!("saved {name} {}", text(&form["act"])));
                self.name.clear();
            }
        }
    }

    fn keep(&mut self, context: &mut Context) {
        let kept = context.consume_upload("fw", |file, path| {
            let bytes = std::fs::metadata(path).map(|data| data.len()).unwrap_or(0);
            format!("saved {} {bytes}", file.name())
        });
        self.saved = kept.join(", ");
    }

    fn change(&mut self, rows: Rows) {
        if rows.reset {
            self.rows.reset();
        }
        for id in rows.del {
            self.rows.delete(id);
        }
        for row in rows.ins {
            let mut insert = Insert::new().at(row.at).limit(row.limit);
            if row.upd {
                insert = insert.update_only();
            }
            self.rows.insert_with(row.id, row.v, insert);
        }
    }
}

/// A value that came as text, as values of elements do, or as a number, as those of JS commands may.
fn number(value: &Value) -> i64 {
    value
        .as_i64()
        .or_else(|| value.as_str()?.parse().ok())
        .unwrap_or(0)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// `["user", "name"]` as the name of its field, `user[name]`.
fn as_field(path: &[&str]) -> String {
    let (first, rest) = path.split_first().unwrap_or((&"", &[]));
    rest.iter()
        .fold((*first).to_owned(), |name, part| format!("{name}[{part}]"))
}
