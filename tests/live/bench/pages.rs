//! The pages that are measured: fifty values that all change once a second, and a table of three thousand rows.

use std::sync::{Arc, Mutex, PoisonError};

use roost_live::sign::SigningKey;
use roost_live::{
    Context, Group, Handle, LiveView, Page, Params, Raw, Refusal, Rendered, Routes, Session, Site, Stream,
    html,
};

/// Values on the page `/values`, each from 0.0 to 99.99.
const VALUES: usize = 50;
/// Rows on the page `/table`.
pub(crate) const ROWS: usize = 3_000;

/// The open pages that want to be told once a second.
#[derive(Default)]
pub(crate) struct Clock(Mutex<Vec<Handle<()>>>);

impl Clock {
    /// A second has passed.
    pub(crate) fn strike(&self) {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        views.retain(|view| view.send(()).is_ok());
    }
}

struct Values {
    values: Vec<f64>,
}

impl Values {
    fn dice() -> Vec<f64> {
        let value = |_| f64::from(fastrand::u32(0..10_000)) / 100.0;
        (0..VALUES).map(value).collect()
    }
}

impl LiveView for Values {
    type Message = ();

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        let view = context.handle();
        if context.is_connected()
            && let Some(clock) = context.app::<Clock>()
        {
            clock.0.lock().unwrap_or_else(PoisonError::into_inner).push(view);
        }
        Ok(Self { values: Self::dice() })
    }

    fn handle_message(&mut self, (): (), _: &mut Context) {
        self.values = Self::dice();
    }

    fn render(&self, _: &Context) -> Rendered {
        html! {
            <ul>
                {for (at, value) in self.values.iter().enumerate() {
                    <li id="v{at}">{format_args!("{value:?}")}</li>
                }}
            </ul>
        }
    }
}

struct Table {
    rows: Stream<f64>,
}

impl LiveView for Table {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        let mut rows = Stream::new();
        for row in 0..ROWS {
            rows.insert(format!("row-{row}"), fastrand::f64() * 1000.0);
        }
        Ok(Self { rows })
    }

    fn render(&self, _: &Context) -> Rendered {
        html! {
            <table><tbody id="rows" phx-update="stream">
                {stream (id, value) in &self.rows {
                    <tr id={id}><td>{id}</td><td>{format_args!("{value:.1}")}</td><td>"°C"</td></tr>
                }}
            </tbody></table>
        }
    }
}

fn layout(page: &Page) -> Rendered {
    html! {
        <!DOCTYPE html>
        <html>
            <head><meta name="csrf-token" content={&page.csrf_token}></head>
            <body>{Raw(&page.content)}</body>
        </html>
    }
}

/// The site of these pages.
pub(crate) fn site(clock: Arc<Clock>) -> anyhow::Result<Site> {
    let pages = Group::new("pages", layout)
        .view::<Values>("/values")
        .view::<Table>("/table");
    let routes = Routes::new().group(pages);
    Ok(Site::builder(SigningKey::random()?, routes).app(clock).build()?)
}
