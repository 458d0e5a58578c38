//! The page `/effects`: what the browser does by itself. Transitions, attributes that it keeps, commands for elements
//! around and within, the focus, fields that are patched or not.

use roost_live::js::{Js, To, Transition};
use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::Value;

/// Long enough that something else can happen meanwhile, on a slow machine too.
const TRANSITION_MS: u32 = 2_000;

/// Counts, so that there is something to patch.
#[derive(Default)]
pub(crate) struct Effects {
    n: u32,
    heard: Vec<String>,
}

impl LiveView for Effects {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn handle_event(&mut self, event: &str, _: &Value, _: &mut Context) {
        match event {
            "more" => self.n += 1,
            "fields" => {}
            other => self.heard.push(other.to_owned()),
        }
    }

    fn render(&self, _: &Context) -> Rendered {
        html! {
            <p id="n">{self.n}</p>
            <button id="more" phx-click="more">more</button>
            <ol id="heard" phx-window-focus="window-focus" phx-window-blur="window-blur">
                {for line in &self.heard { <li>{line}</li> }}
            </ol>
            <section id="transitions">
                <button id="shake" phx-click={Js::new().play("shake").to("#card").time_ms(TRANSITION_MS)}>shake</button>
                <button id="fold" phx-click={fold()}>fold</button>
                <div id="card">card</div>
            </section>
            <section id="kept">
                <details id="loyal" data-n={self.n} phx-mounted={Js::new().ignore_attrs(&["open"])}>
                    <summary>stays open</summary>"as one left it"
                </details>
                <details id="forgetful" data-n={self.n}>
                    <summary>is closed</summary>"as the template says"
                </details>
            </section>
            <section id="places">
                {for name in ["one", "two"] {
                    <article id={name}>
                        <button phx-click={mark(To::Closest("article"))}>mark</button>
                    </article>
                }}
                <div id="group" phx-click={mark(To::Inner("b"))}>
                    <b>these</b> <i>not these</i> <b>these</b>
                </div>
            </section>
            <section id="focus">
                <label>"First "<input id="first"></label> <label>"Second "<input id="second"></label>
                <button id="remember" phx-click={Js::new().push_focus().to("#first").push_focus().to("#second")}>
                    remember
                </button>
                <button id="return" phx-click={Js::new().pop_focus()}>return</button>
            </section>
            <section id="fields">
                <label>"Kept "<input id="guarded" value={self.n} phx-keydown="more" phx-key="ArrowUp"></label>
                <label>
                    "Patched "<input id="patched" value={self.n} phx-keydown="more" phx-key="ArrowUp" phx-patch-focused>
                </label>
                <form id="some" phx-change="fields">
                    <label>"A "<input name="a"></label> <label>"B "<input name="b" phx-no-unused-field></label>
                    <label>"C "<input name="c"></label>
                </form>
                <form id="none" phx-change="fields" phx-no-unused-field>
                    <label>"A "<input name="a"></label> <label>"C "<input name="c"></label>
                </form>
            </section>
        }
    }
}

fn mark(to: To<'_>) -> Js {
    Js::new().set_attr("data-marked", "yes").to(to)
}

fn fold() -> Js {
    let ins = Transition {
        classes: "in",
        start: "in-start",
        end: "in-end",
    };
    let outs = Transition {
        classes: "out",
        start: "out-start",
        end: "out-end",
    };
    Js::new()
        .toggle("#card")
        .ins(ins)
        .outs(outs)
        .time_ms(TRANSITION_MS)
}
