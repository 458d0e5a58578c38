//! The page `/pictures`: files that are dropped on it, shown before they are sent, and followed on their way.

use roost_live::view::upload::{Upload, UploadOptions};
use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::Value;

const PICTURES: &str = "pictures";
/// Small, so that a small file has a way to go.
const CHUNK: u32 = 100;

/// Keeps pictures, and how far they were.
#[derive(Default)]
pub(crate) struct Pictures {
    progress: Vec<String>,
    kept: String,
}

impl LiveView for Pictures {
    type Message = ();

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        let options = UploadOptions {
            accept: vec![".png".to_owned()],
            max_entries: 3,
            chunk_size: CHUNK,
            ..UploadOptions::default()
        };
        context.allow_upload(PICTURES, options);
        Ok(Self::default())
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        match event {
            "keep" => {
                let kept = context.consume_upload(PICTURES, |file, path| {
                    let bytes = std::fs::metadata(path).map(|data| data.len()).unwrap_or(0);
                    format!("{} {bytes}", file.name())
                });
                self.kept = kept.join(", ");
            }
            "cancel" => {
                context.cancel_upload(PICTURES, value["ref"].as_str().unwrap_or_default());
            }
            _ => {}
        }
    }

    fn handle_progress(&mut self, upload: &str, entry: &str, context: &mut Context) {
        let entries = context.upload(upload).map_or(&[][..], Upload::entries);
        let file = entries.iter().find(|file| file.reference() == entry);
        self.progress
            .extend(file.map(|file| format!("{} {} %", file.name(), file.progress())));
    }

    fn render(&self, context: &Context) -> Rendered {
        html! { {context.upload(PICTURES).map(|upload| self.page(upload))} }
    }
}

impl Pictures {
    fn page(&self, upload: &Upload) -> Rendered {
        html! {
            <form id="pictures" phx-change="chosen" phx-submit="keep">
                <div id="drop" phx-drop-target={upload.reference()}>
                    <p id="hint"><label for={upload.reference()}>"Drop pictures here, or choose them:"</label></p>
                    {upload.input()}
                </div>
                <ul id="chosen">
                    {for file in upload.entries(); key = file.reference() {
                        <li id="picture-{file.reference()}">
                            {upload.preview(file)} <b>{file.name()}</b>
                            {file.error().map(|error| format!(" {error:?}"))}
                            <button type="button" phx-click="cancel" phx-value-ref={file.reference()}>"×"</button>
                        </li>
                    }}
                </ul>
                {if upload.has_too_many() { <p id="many">too many</p> }}
                <button id="keep">keep</button>
            </form>
            <ol id="progress">{for line in &self.progress { <li>{line}</li> }}</ol>
            <p id="kept">{&self.kept}</p>
        }
    }
}
