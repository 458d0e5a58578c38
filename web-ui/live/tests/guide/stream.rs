//! A log that grows while it is looked at: the rows live in the browser, not in the server.

use roost_live::render::Insert;
use roost_live::{Context, Handle, LiveView, Params, Refusal, Rendered, Session, Stream, html};

/// Most rows that a page shows.
const ROWS: i64 = 3;

pub(crate) struct Log {
    lines: Stream<String>,
    count: u64,
}

/// Whoever has something to say.
pub(crate) type Writer = std::sync::Mutex<Vec<Handle<String>>>;

impl LiveView for Log {
    type Message = String;

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        // The page of the first load takes no messages.
        if context.is_connected()
            && let Some(Ok(mut views)) = context.app::<Writer>().map(Writer::lock)
        {
            views.push(context.handle());
        }
        let lines = Stream::new();
        Ok(Self { lines, count: 0 })
    }

    fn handle_message(&mut self, line: String, _: &mut Context) {
        self.count += 1;
        let newest_first = Insert::new().at(0).limit(ROWS);
        self.lines
            .insert_with(format!("line-{}", self.count), line, newest_first);
    }

    fn render(&self, _: &Context) -> Rendered {
        html! {
            <ul id="log" phx-update="stream">
                {stream (id, line) in &self.lines { <li id={id}>{line}</li> }}
            </ul>
        }
    }
}
