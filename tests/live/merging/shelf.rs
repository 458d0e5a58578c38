//! A real view whose components come, change by themselves, go and come back, and a model of what it has to show.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard};

use roost_live::{
    Cid, Context, Group, Handle, LiveComponent, LiveView, Page, Params, Raw, Refusal, Rendered, Routes,
    Session, html,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the view shows itself: a text, components in a list, one beside it. None stands twice.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Places {
    pub(crate) text: u32,
    pub(crate) items: Vec<u8>,
    pub(crate) spot: Option<u8>,
}

impl Places {
    fn all(&self) -> impl Iterator<Item = u8> {
        self.items.iter().copied().chain(self.spot)
    }
}

/// What the program says to the view.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) places: Places,
    /// A component that is told something, if there is one.
    pub(crate) label: Option<(u8, u32)>,
}

/// Where the open view is to be found.
#[derive(Debug, Default)]
pub(crate) struct Hall(Mutex<Option<Handle<Said>>>);

impl Hall {
    fn lock(&self) -> MutexGuard<'_, Option<Handle<Said>>> {
        self.0.lock().unwrap()
    }

    pub(crate) fn say(&self, said: Said) {
        self.lock().as_ref().unwrap().send(said).unwrap();
    }
}

struct Shelf(Places);

impl LiveView for Shelf {
    type Message = Said;

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        if context.is_connected() {
            *context.app::<Hall>().unwrap().lock() = Some(context.handle());
        }
        Ok(Self(Places::default()))
    }

    fn handle_event(&mut self, _: &str, value: &Value, _: &mut Context) {
        self.0 = serde_json::from_value(value.clone()).unwrap();
    }

    fn handle_message(&mut self, said: Said, context: &mut Context) {
        if let Some((part, label)) = said.label {
            context.update::<Part>(&part.to_string(), (part, Some(label)));
        }
        self.0 = said.places;
    }

    fn render(&self, context: &Context) -> Rendered {
        let part = |id: u8| context.component::<Part>(&id.to_string(), (id, None));
        let places = &self.0;
        html! {
            <main><p>{places.text}</p><ul>{for id in &places.items; key = id { <li>{part(*id)}</li> }}</ul><div>{
                if let Some(id) = places.spot { <b>{part(id)}</b> }
            }</div></main>
        }
    }
}

/// Counts, is told a label, and shows a component of its own or not.
struct Part {
    id: u8,
    label: u32,
    n: u32,
    open: bool,
}

impl LiveComponent for Part {
    type Props = (u8, Option<u32>);

    fn mount((id, label): Self::Props, _: &mut Context) -> Self {
        let (label, n, open) = (label.unwrap_or(0), 0, false);
        Self { id, label, n, open }
    }

    fn update(&mut self, (_, label): Self::Props, _: &mut Context) {
        self.label = label.unwrap_or(self.label);
    }

    fn handle_event(&mut self, event: &str, _: &Value, _: &mut Context) {
        match event {
            "fold" => self.open = !self.open,
            _ => self.n += 1,
        }
    }

    fn render(&self, _: Cid, context: &Context) -> Rendered {
        html! {
            <div id="part-{self.id}"><i>{self.label}</i><u>{self.n}</u>{
                if self.open { <em>{context.component::<Leaf>(&self.id.to_string(), self.id)}</em> }
            }</div>
        }
    }
}

/// Counts.
struct Leaf {
    id: u8,
    n: u32,
}

impl LiveComponent for Leaf {
    type Props = u8;

    fn mount(id: u8, _: &mut Context) -> Self {
        Self { id, n: 0 }
    }

    fn update(&mut self, _: u8, _: &mut Context) {}

    fn handle_event(&mut self, _: &str, _: &Value, _: &mut Context) {
        self.n += 1;
    }

    fn render(&self, _: Cid, _: &Context) -> Rendered {
        html! { <a id="leaf-{self.id}">{self.n}</a> }
    }
}

fn layout(page: &Page) -> Rendered {
    html! {
        <html><head><meta name="csrf-token" content={&page.csrf_token}/></head><body>{Raw(&page.content)}</body></html>
    }
}

pub(crate) fn routes() -> Routes {
    Routes::new().group(Group::new("shelf", layout).view::<Shelf>("/"))
}

/// What stands in a part.
#[derive(Debug, Clone, Default)]
struct InPart {
    label: u32,
    n: u32,
    open: bool,
}

/// What the view has to show: the same, without a view.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) places: Places,
    parts: BTreeMap<u8, InPart>,
    leaves: BTreeMap<u8, u32>,
}

/// The kind of component and the number in an element's id.
fn named(id: &str) -> (bool, u8) {
    let (kind, number) = id.split_once('-').unwrap();
    (kind == "part", number.parse().unwrap())
}

impl Model {
    /// Makes the components that are placed for the first time.
    fn make(&mut self) {
        for id in self.places.all() {
            if self.parts.entry(id).or_default().open {
                self.leaves.entry(id).or_default();
            }
        }
    }

    pub(crate) fn place(&mut self, places: Places) {
        self.places = places;
        self.make();
    }

    pub(crate) fn said(&mut self, said: Said) {
        if let Some((id, label)) = said.label
            && let Some(part) = self.parts.get_mut(&id)
        {
            part.label = label;
        }
        self.place(said.places);
    }

    /// An event of the component whose element has this id.
    pub(crate) fn event(&mut self, id: &str, event: &str) {
        let (is_part, id) = named(id);
        if !is_part {
            if let Some(n) = self.leaves.get_mut(&id) {
                *n += 1;
            }
        } else if let Some(part) = self.parts.get_mut(&id) {
            match event {
                "fold" => part.open = !part.open,
                _ => part.n += 1,
            }
        }
        self.make();
    }

    /// The state of a component is gone.
    pub(crate) fn remove(&mut self, id: &str) {
        let (is_part, id) = named(id);
        if is_part {
            self.parts.remove(&id);
        } else {
            self.leaves.remove(&id);
        }
    }

    pub(crate) fn html(&self) -> String {
        let mut html = format!("<main><p>{}</p><ul>", self.places.text);
        for id in &self.places.items {
            let _ = write!(html, "<li>{}</li>", self.part(*id));
        }
        html.push_str("</ul><div>");
        if let Some(id) = self.places.spot {
            let _ = write!(html, "<b>{}</b>", self.part(id));
        }
        html.push_str("</div></main>");
        html
    }

    fn part(&self, id: u8) -> String {
        let InPart { label, n, open } = &self.parts[&id];
        let leaf = if *open {
            format!("<em><a id=\"leaf-{id}\">{}</a></em>", self.leaves[&id])
        } else {
            String::new()
        };
        format!("<div id=\"part-{id}\"><i>{label}</i><u>{n}</u>{leaf}</div>")
    }
}
