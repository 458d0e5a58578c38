//! The page `/more`: what the first page has no room for. JS commands, focus and keys of the window, every kind of
//! field, uploads with limits.

use std::time::Duration;

use roost_live::js::{Js, To};
use roost_live::view::Container;
use roost_live::view::upload::{Entry, Upload, UploadOptions};
use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::{Value, json};

use crate::login::TOKEN;

/// Bytes of the biggest file, and files at once, that this page takes.
const BIGGEST_FILE: u64 = 1_000;
const FILES: usize = 2;
/// How long a chunk of the impatient upload may be on its way.
const IMPATIENT: Duration = Duration::from_secs(10);
/// The scripts of these pages.
const SCRIPTS: [&str; 3] = ["/js/phoenix.min.js", "/js/phoenix_live_view.min.js", "/js/app.js"];

/// Writes down what it hears.
#[derive(Default)]
pub(crate) struct More {
    query: String,
    heard: Vec<String>,
    form: String,
    gone: bool,
    posts: bool,
    token: String,
    away: bool,
}

impl LiveView for More {
    type Message = ();

    fn mount(_: &Params, session: &Session, context: &mut Context) -> Result<Self, Refusal> {
        let options = UploadOptions {
            accept: vec![".txt".to_owned()],
            max_entries: FILES,
            max_file_size: BIGGEST_FILE,
            auto_upload: true,
            ..UploadOptions::default()
        };
        context.allow_upload("notes", options);
        let options = UploadOptions {
            chunk_timeout: IMPATIENT,
            auto_upload: true,
            ..UploadOptions::default()
        };
        context.allow_upload("impatient", options);
        let token = context.csrf_token(session);
        Ok(Self {
            token,
            ..Self::default()
        })
    }

    fn handle_params(&mut self, params: &Params, _: &mut Context) {
        self.query = json!(params).to_string();
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        match event {
            "fields" => {
                let mut form = value.clone();
                if let Some(form) = form.as_object_mut() {
                    form.remove("_target");
                }
                self.form = form.to_string();
            }
            "remove" => self.gone = true,
            "away" => self.away = true,
            "post" => self.posts = true,
            "keep" => {
                let names = context.consume_upload("notes", |file, _| file.name().to_owned());
                self.heard.push(format!("kept {}", names.join(" ")));
            }
            "cancel" => {
                context.cancel_upload("notes", value["ref"].as_str().unwrap_or_default());
            }
            "leave" => {
                context.put_flash("info", "good-bye");
                context.redirect("/two?from=more");
            }
            "chosen" => {}
            other => {
                let key = value["key"].as_str().unwrap_or_default();
                self.heard.push(format!("{other} {key}").trim().to_owned());
            }
        }
    }

    fn container() -> Container {
        Container {
            tag: "div",
            attributes: &[("class", "more")],
        }
    }

    fn render(&self, context: &Context) -> Rendered {
        html! {
            <p id="q">{&self.query}</p>
            {if context.static_changed(&SCRIPTS) { <p id="newer">there are newer scripts</p> }}
            {if let Some(trouble) = context.flash("error") { <p id="trouble">{trouble}</p> }}
            <ol id="heard">{for line in &self.heard { <li>{line}</li> }}</ol>
            {commands()}
            <nav>
                <a id="other" href="/other" data-phx-link="redirect" data-phx-link-state="push">another group</a>
                <a id="wrong" href="/two?by=patch" data-phx-link="patch" data-phx-link-state="push">no patch</a>
                <button id="leave" phx-click="leave">leave</button>
            </nav>
            <div id="window" phx-window-keyup="up" phx-key="Escape" phx-window-focus="window-focus"></div>
            <label>"Focus "<input id="field" phx-focus="in" phx-blur="out"></label>
            <div id="away" phx-click-away="away">{if self.away { "closed" } else { "menu" }}</div>
            <button id="throttled" phx-click="once" phx-throttle="60000">once a minute</button>
            <div id="mounted" phx-mounted={Js::new().add_class("seen")}></div>
            <div id="lost" style="display:none" phx-disconnected={Js::new().show("#lost")}
                phx-connected={Js::new().hide("#lost")}>connection lost</div>
            {if !self.gone { <div id="leaving" phx-remove={Js::new().add_class("left").to("#q")}>here</div> }}
            <button id="remove" phx-click="remove">remove</button>
            {fields()}
            <p id="form">{&self.form}</p>
            <form id="draft" phx-change="draft" phx-auto-recover="recovered">
                <label>"Recovered "<input name="text"></label>
            </form>
            <form id="left" phx-change="left" phx-auto-recover="ignore"><label>"Left "<input name="text"></label></form>
            <form id="post" action="/posted" method="post" phx-submit="post" phx-trigger-action={self.posts}>
                <input type="hidden" name={TOKEN} value={&self.token}>
                <label>"Who "<input name="who" value="me"></label><button id="send">post</button>
            </form>
            {uploads(context)}
            <form id="impatient" phx-change="chosen">
                <label>"File "{context.upload("impatient").map(Upload::input)}</label>
            </form>
            <ul id="impatient-files">{files(context, "impatient")}</ul>
        }
    }
}

fn commands() -> Rendered {
    html! {
        <section id="commands">
            <div id="box" class="calm" style="display:none" data-do={Js::new().set_attr("data-done", "yes").to("#box")}>
                <label>"Inside "<input id="inside"></label>
            </div>
            <button id="show" phx-click={Js::new().show("#box").transition("fade").time_ms(10)}>show</button>
            <button id="hide" phx-click={Js::new().hide("#box")}>hide</button>
            <button id="classes" phx-click={
                Js::new().add_class("a b").to("#box").remove_class("calm").to("#box").toggle_class("on").to("#box")
            }>classes</button>
            <button id="attrs" phx-click={
                Js::new().set_attr("title", "x").to("#box").toggle_attr_between("data-v", "1", "2").to("#box")
            }>attributes</button>
            <button id="unset" phx-click={Js::new().remove_attr("title").to("#box")}>unset</button>
            <button id="dispatch" phx-click={
                Js::new().dispatch("roost:said").to(To::Closest("section")).detail(json!({"n": 7}))
            }>say</button>
            <button id="exec" phx-click={Js::new().exec("data-do").to("#box")}>exec</button>
            <button id="focus" phx-click={Js::new().push_focus().show("#box").focus_first().to("#box")}>focus</button>
            <button id="unfocus" phx-click={Js::new().pop_focus()}>back</button>
            <button id="go" phx-click={Js::new().navigate("/two?by=js")}>navigate</button>
            <button id="stay" phx-click={Js::new().patch("/more?by=js")}>patch</button>
            <button id="twice" phx-click={Js::new().push("first").push("second")}>both</button>
        </section>
    }
}

fn fields() -> Rendered {
    html! {
        <form id="fields" phx-change="fields">
            <label><input name="on" type="checkbox" value="yes">" on"</label>
            <label><input name="size" type="radio" value="s">" small"</label>
            <label><input name="size" type="radio" value="m">" medium"</label>
            <label>
                "Colour "
                <select name="colour"><option value="r">red</option><option value="g">green</option></select>
            </label>
            <label>
                "Days "
                <select name="days[]" multiple><option>mon</option><option>tue</option><option>wed</option></select>
            </label>
            <label>"Note "<textarea name="note"></textarea></label>
            <label>"From "<input name="at[from]" type="date"></label>
            <label>"To "<input name="at[to]" type="number"></label>
        </form>
    }
}

fn uploads(context: &Context) -> Rendered {
    html! {
        <form id="uploads" phx-change="chosen" phx-submit="keep">
            <label>"Notes "{context.upload("notes").map(Upload::input)}</label>
            <ul id="files">{files(context, "notes")}</ul>
            <button id="keep">keep</button>
        </form>
    }
}

/// The files of an upload: how far they are, or what went wrong.
fn files(context: &Context, upload: &str) -> Rendered {
    let files: &[Entry] = context.upload(upload).map_or(&[], Upload::entries);
    html! {
        {for file in files; key = file.reference() {
            <li id="{upload}-{file.reference()}">
                {file.name()}" "{file.progress()}" "{file.error().map(|error| format!("{error:?}"))}
                <button type="button" phx-click="cancel" phx-value-ref={file.reference()}>"×"</button>
            </li>
        }}
    }
}
