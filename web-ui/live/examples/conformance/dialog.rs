//! The page `/dialog`: a dialog that stands elsewhere in the document and keeps the focus, and a hook whose script is a
//! part of the page.

use roost_live::components::{FocusWrap, Link, Portal};
use roost_live::js::Js;
use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::Value;

/// Asks for a name.
pub(crate) struct Dialog {
    name: String,
    saved: String,
    is_there: bool,
}

impl LiveView for Dialog {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self {
            name: "pump".to_owned(),
            saved: String::new(),
            is_there: true,
        })
    }

    fn handle_event(&mut self, event: &str, form: &Value, _: &mut Context) {
        match event {
            "check" | "save" => self.name = form["name"].as_str().unwrap_or_default().to_owned(),
            "remove" => self.is_there = false,
            _ => {}
        }
        if event == "save" {
            self.saved.clone_from(&self.name);
        }
    }

    fn render(&self, _: &Context) -> Rendered {
        html! {
            <p><span id="checked">{&self.name}</span>", saved: "<span id="saved">{&self.saved}</span></p>
            <button id="open" phx-click={open()}>rename</button>
            <button id="remove" phx-click="remove">no dialog</button>
            <Link href="/two" id="leave" {..}>"another page"</Link>
            <output id="length" phx-hook="Length" data-text={&self.name}></output>
            <script data-phx-runtime-hook="Length">
                "window.phx_hook_Length = () => ({
                    mounted() { this.count(); },
                    updated() { this.count(); },
                    count() { this.js().setAttribute(this.el, 'title', `${this.el.dataset.text.length} letters`); },
                });"
            </script>
            {if self.is_there {
                <Portal id="over" {..}>
                    <div id="dialog" style="display:none" role="dialog" aria-modal="true"
                        phx-window-keydown={close()} phx-key="Escape">
                        <FocusWrap id="round" {..}>
                            <div phx-click-away={close()}>
                                <form id="rename" phx-change="check" phx-submit={close().push("save")}>
                                    <label>"Name "<input id="name" name="name" value={&self.name}></label>
                                    <button id="ok">OK</button>
                                    <button id="cancel" type="button" phx-click={close()}>Cancel</button>
                                </form>
                            </div>
                        </FocusWrap>
                    </div>
                </Portal>
            }}
        }
    }
}

fn open() -> Js {
    Js::new()
        .push_focus()
        .show("#dialog")
        .transition("fade-in")
        .time_ms(10)
        .focus_first()
        .to("#rename")
}

/// Whoever opened it has the focus again.
fn close() -> Js {
    Js::new()
        .hide("#dialog")
        .transition("fade-out")
        .time_ms(10)
        .pop_focus()
}
