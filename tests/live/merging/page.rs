//! A page as people write them, with a state that changes at random.

use std::collections::BTreeMap;

use fastrand::Rng;
use roost_live::render::Insert;
use roost_live::{Cid, Rendered, Stream, html};

use crate::walk::{Screen, Subject};

/// An item of a list, with a list in it.
#[derive(Debug, Clone)]
struct Item {
    key: u32,
    value: String,
    tags: Vec<u32>,
    open: Option<String>,
    place: Option<Cid>,
}

/// The state of the page.
#[derive(Debug)]
pub(crate) struct Page {
    title: String,
    mode: u32,
    on: bool,
    items: Vec<Item>,
    plain: Vec<String>,
    rows: Stream<String>,
    counters: BTreeMap<Cid, u32>,
    next: u32,
}

const WORDS: [&str; 8] = [
    "",
    "a",
    "<b>",
    "\"q\" & 'p'",
    "é\u{2028}\\",
    "0",
    "null",
    "a\nb\u{1}",
];

fn word(rng: &mut Rng) -> String {
    WORDS[rng.usize(..WORDS.len())].to_owned()
}

fn card(title: &str, inside: &Rendered) -> Rendered {
    html! { <section class="card"><h2>{title}</h2>{inside}</section> }
}

impl Page {
    pub(crate) fn new() -> Self {
        Self {
            title: String::new(),
            mode: 0,
            on: false,
            items: Vec::new(),
            plain: Vec::new(),
            rows: Stream::new(),
            counters: (1..4).map(|cid| (Cid(cid), 0)).collect(),
            next: 0,
        }
    }

    fn item(&mut self, rng: &mut Rng) -> Item {
        self.next += 1;
        Item {
            // Now and then a key that was there before.
            key: if rng.u8(..) < 16 {
                rng.u32(..=self.next)
            } else {
                self.next
            },
            value: word(rng),
            tags: (0..rng.u32(..4)).collect(),
            open: rng.bool().then(|| word(rng)),
            place: None,
        }
    }

    fn change_items(&mut self, rng: &mut Rng) {
        let length = self.items.len();
        match rng.u8(..9) {
            0 => self.items.clear(),
            1 => self.items.reverse(),
            2 => rng.shuffle(&mut self.items),
            3 if length > 0 => {
                self.items.remove(rng.usize(..length));
            }
            4 if length > 1 => self.items.swap(rng.usize(..length), rng.usize(..length)),
            5 if length > 0 => self.items[rng.usize(..length)].value = word(rng),
            6 if length > 0 => {
                let at = rng.usize(..length);
                rng.shuffle(&mut self.items[at].tags);
            }
            7 if length > 0 => {
                let (at, opened) = (rng.usize(..length), rng.bool().then(|| word(rng)));
                self.items[at].open = opened;
            }
            _ => {
                let item = self.item(rng);
                self.items.insert(rng.usize(..=length), item);
            }
        }
    }

    /// A component stands in one place at a time.
    fn place(&mut self, rng: &mut Rng) {
        let cid = Cid(rng.u32(2..4));
        for item in &mut self.items {
            item.place.take_if(|placed| *placed == cid);
        }
        if let Some(item) = rng.choice(&mut self.items) {
            item.place = Some(cid);
        }
    }

    fn change_rows(&mut self, rng: &mut Rng) {
        let id = format!("row-{}", rng.u32(..6));
        match rng.u8(..8) {
            0 => self.rows.delete(id),
            1 => self.rows.reset(),
            2 => self.rows.insert_with(id, word(rng), Insert::new().at(0).limit(3)),
            3 => self.rows.insert_with(id, word(rng), Insert::new().update_only()),
            _ => self.rows.insert(id, word(rng)),
        }
    }

    fn item_markup(&self) -> Rendered {
        html! {
            {for item in &self.items; key = item.key {
                <li id="li-{item.key}" data-v={&item.value} hidden={item.tags.is_empty()}>
                    {&item.value}
                    {for tag in &item.tags; key = tag { <b>{tag}</b> }}
                    {if let Some(text) = &item.open {
                        <p>{text}{if item.tags.len() > 1 { <i>{item.tags.len()}</i> }}</p>
                    }}
                    {item.place}
                </li>
            }}
        }
    }
}

impl Subject for Page {
    fn change(&mut self, rng: &mut Rng) {
        for _ in 0..rng.u8(..4) {
            match rng.u8(..10) {
                0 => self.title = word(rng),
                1 => self.mode = rng.u32(..5),
                2 => self.on = !self.on,
                3 => {
                    let counter = self.counters.entry(Cid(rng.u32(1..4))).or_default();
                    *counter += 1;
                }
                4 => self.place(rng),
                5 => self.change_rows(rng),
                6 => self.plain = (0..rng.usize(..4)).map(|_| word(rng)).collect(),
                _ => self.change_items(rng),
            }
        }
    }

    fn screen(&self) -> Screen {
        let root = html! {
            <h1 class={&self.title} data-on={self.on}>{&self.title}</h1>
            {match self.mode {
                0 => {}
                1 => { "one" }
                2 => { <p>{&self.title}</p> }
                3 if self.on => { <ul>{self.item_markup()}</ul> }
                _ => { {card(&self.title, &html! { <u>{self.on}</u>{self.mode} })} }
            }}
            <ol>{if self.mode != 3 { {self.item_markup()} }}</ol>
            {for text in &self.plain { {text} }}
            <div>{if self.on { {Cid(1)} } else { <hr> }}</div>
            <table><tbody id="rows" phx-update="stream">
                {stream (id, row) in &self.rows {
                    <tr id={id}><td>{row}</td>{if row.is_empty() { <td>"none"</td> }}</tr>
                }}
            </tbody></table>
        };
        let components = self.counters.iter().map(|(cid, n)| {
            let inside = html! {
                <div class="counter" id="c-{cid}" phx-target={*cid}>
                    {n}
                    {for i in 0..n % 4; key = (i * 7 + n) % 5 {
                        <em>{i}</em>{if i > 0 { <s>{n}</s> } else { "first" }}
                    }}
                </div>
            };
            (*cid, inside)
        });
        Screen {
            root,
            components: components.collect(),
        }
    }
}
