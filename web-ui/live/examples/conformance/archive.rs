//! The page `/archive`: thousands of rows, of which the browser has a window that moves as somebody scrolls. With
//! `?frame=1` the room around them is that of an element around the list.

use std::ops::Range;

use roost_live::render::Insert;
use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, Stream, html};
use serde_json::Value;

/// All rows, from 1.
const ROWS: u32 = 3_000;
/// Rows that are added at one end.
const PAGE: u32 = 150;
/// Rows that the browser keeps. More than fit on a screen, with a page to spare at either end.
const WINDOW: u32 = 3 * PAGE;

/// Knows which rows the browser has, and none of the rows.
pub(crate) struct Archive {
    rows: Stream<u32>,
    there: Range<u32>,
    framed: bool,
}

impl LiveView for Archive {
    type Message = ();

    fn mount(params: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        let mut archive = Self {
            rows: Stream::new(),
            there: 1..1,
            framed: params.get("frame").is_some(),
        };
        archive.later();
        Ok(archive)
    }

    fn handle_event(&mut self, event: &str, value: &Value, _: &mut Context) {
        match event {
            "later" => self.later(),
            // Somebody is above all rows at once, as by the key Home.
            "earlier" if value["_overran"] == true => self.begin_anew(),
            "earlier" => self.earlier(),
            _ => {}
        }
    }

    fn render(&self, _: &Context) -> Rendered {
        // Room to scroll into where there are more rows. Above, the first row is seen before the end of the room; who
        // sees that has leapt. Below, the last row stays on the screen, however far one has leapt.
        let above = if self.there.start > 1 { "200vh" } else { "0" };
        let below = if self.there.end <= ROWS { "50vh" } else { "0" };
        let room = format!("padding-top: {above}; padding-bottom: {below}");
        let (around, inside) = if self.framed { (&*room, "") } else { ("", &*room) };
        // Without room of its own the list begins with its first row: whether somebody is above all rows, the element
        // with the room says.
        let target = self.framed.then_some("frame");
        html! {
            <p id="there">{self.there.start}" to "{self.there.end - 1}</p>
            <div id="frame" style={around}>
                <ol id="archive" phx-update="stream" phx-viewport-top="earlier" phx-viewport-bottom="later"
                    phx-viewport-overrun-target={target} style={inside}>
                    {stream (id, row) in &self.rows { <li id={id}>"entry "{row}</li> }}
                </ol>
            </div>
        }
    }
}

fn id(row: u32) -> String {
    format!("entry-{row}")
}

impl Archive {
    /// A page at the end; the browser drops rows from the beginning.
    fn later(&mut self) {
        let more = self.there.end..(self.there.end + PAGE).min(ROWS + 1);
        let insert = Insert::new().limit(-i64::from(WINDOW));
        for row in more.clone() {
            self.rows.insert_with(id(row), row, insert);
        }
        self.there.end = more.end;
        self.there.start = self.there.start.max(more.end.saturating_sub(WINDOW));
    }

    /// A page at the beginning; the browser drops rows from the end.
    fn earlier(&mut self) {
        let more = self.there.start.saturating_sub(PAGE).max(1)..self.there.start;
        let insert = Insert::new().at(0).limit(i64::from(WINDOW));
        for row in more.clone().rev() {
            self.rows.insert_with(id(row), row, insert);
        }
        self.there.start = more.start;
        self.there.end = self.there.end.min(more.start + WINDOW);
    }

    fn begin_anew(&mut self) {
        self.rows.reset();
        self.there = 1..1;
        self.later();
    }
}
