//! Trees of templates without a sense, as no person would write them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fastrand::Rng;
use roost_live::render::{Sheet, Template};
use roost_live::{Cid, Rendered};

use crate::walk::{Screen, Subject};

const DEPTH: usize = 5;
const COMPONENTS: u32 = 4;

/// Templates with up to four values; every other is a single element.
static TEMPLATES: LazyLock<Vec<&'static Template>> = LazyLock::new(|| {
    (0..20_u64)
        .map(|number| {
            let values = usize::try_from(number % 5).expect("small");
            let root = number % 2 == 0;
            let mut texts = vec![format!("<t{number}>"); values + 1];
            texts[0] = if root {
                format!("<p id=\"x\" c='{number}'>")
            } else {
                format!("{number}-")
            };
            texts[values].push_str(if root { "</p>" } else { "." });
            let texts: Vec<&'static str> = texts.into_iter().map(|text| &*text.leak()).collect();
            &*Box::leak(Box::new(Template::new(texts.leak(), number << 2, root)))
        })
        .collect()
});

#[derive(Debug, Clone)]
enum Node {
    Text(u32),
    Tree(&'static Template, Vec<Node>),
    List(&'static Template, Vec<(u32, Vec<Node>)>),
    Component(Cid),
}

/// A page and its components.
#[derive(Debug)]
pub(crate) struct Forest {
    root: Node,
    components: BTreeMap<Cid, Node>,
}

impl Forest {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let components = (1..=COMPONENTS).map(|cid| (Cid(cid), component(cid, rng)));
        Self {
            components: components.collect(),
            root: tree(template(rng, false), 0, DEPTH, rng),
        }
    }
}

fn component(cid: u32, rng: &mut Rng) -> Node {
    tree(template(rng, true), cid, 3, rng)
}

fn template(rng: &mut Rng, root: bool) -> &'static Template {
    let fitting: Vec<_> = TEMPLATES
        .iter()
        .filter(|template| !root || template.is_root())
        .collect();
    fitting[rng.usize(..fitting.len())]
}

fn tree(template: &'static Template, above: u32, depth: usize, rng: &mut Rng) -> Node {
    Node::Tree(template, values(template, above, depth, rng))
}

fn values(template: &Template, above: u32, depth: usize, rng: &mut Rng) -> Vec<Node> {
    (0..template.values())
        .map(|_| node(above, depth - 1, rng))
        .collect()
}

/// Anything. A component holds components with greater numbers only, so that none holds itself.
fn node(above: u32, depth: usize, rng: &mut Rng) -> Node {
    match rng.u8(..8) {
        0 | 1 if depth > 0 => tree(template(rng, false), above, depth, rng),
        2 | 3 if depth > 0 => {
            let template = template(rng, false);
            let entry = |key| (key, values(template, above, depth, rng));
            Node::List(template, (0..u32::from(depth > 1) * 3).map(entry).collect())
        }
        4 if above < COMPONENTS => Node::Component(Cid(rng.u32(above + 1..=COMPONENTS))),
        _ => Node::Text(rng.u32(..3)),
    }
}

fn change(node_here: &mut Node, above: u32, depth: usize, rng: &mut Rng) {
    match node_here {
        Node::Tree(_, values) if !values.is_empty() && rng.u8(..8) > 0 => {
            let at = rng.usize(..values.len());
            change(&mut values[at], above, depth.saturating_sub(1), rng);
        }
        Node::List(template, entries) if rng.u8(..8) > 0 => {
            let length = entries.len();
            match rng.u8(..8) {
                0 => entries.clear(),
                1 => entries.reverse(),
                2 => rng.shuffle(entries),
                3 if length > 0 => {
                    entries.remove(rng.usize(..length));
                }
                4 if depth > 0 => {
                    // Keys that were there before, and now and then one that is there twice.
                    let entry = (rng.u32(..12), values(template, above, depth, rng));
                    entries.insert(rng.usize(..=length), entry);
                }
                _ if length > 0 => {
                    let (_, values) = &mut entries[rng.usize(..length)];
                    if let Some(value) = rng.choice(values) {
                        change(value, above, depth.saturating_sub(1), rng);
                    }
                }
                _ => {}
            }
        }
        other => *other = node(above, depth, rng),
    }
}

fn put(node: &Node, sheet: &mut Sheet) {
    match node {
        // Short texts, and the empty one.
        Node::Text(number) => sheet.content(&"x".repeat(*number as usize)),
        Node::Tree(template, values) => {
            sheet.open(template);
            values.iter().for_each(|value| put(value, sheet));
        }
        Node::List(template, entries) => {
            let mut list = sheet.list(template);
            for (key, values) in entries {
                sheet.entry(&mut list, key);
                values.iter().for_each(|value| put(value, sheet));
            }
            sheet.end(&list);
        }
        Node::Component(cid) => sheet.content(cid),
    }
}

fn render(node: &Node) -> Rendered {
    let Node::Tree(template, values) = node else {
        panic!("a page begins with a template")
    };
    let mut sheet = Sheet::new(template);
    values.iter().for_each(|value| put(value, &mut sheet));
    sheet.finish()
}

impl Subject for Forest {
    fn change(&mut self, rng: &mut Rng) {
        for _ in 0..rng.u8(..4) {
            if rng.u8(..4) == 0 {
                let cid = rng.u32(1..=COMPONENTS);
                let replaced = component(cid, rng);
                let Some(place) = self.components.get_mut(&Cid(cid)) else {
                    continue;
                };
                match place {
                    Node::Tree(_, values) if !values.is_empty() && rng.u8(..8) > 0 => {
                        let at = rng.usize(..values.len());
                        change(&mut values[at], cid, 2, rng);
                    }
                    _ => *place = replaced,
                }
            } else if rng.u8(..64) == 0 {
                self.root = tree(template(rng, false), 0, DEPTH, rng);
            } else if let Node::Tree(_, values) = &mut self.root
                && let Some(value) = rng.choice(values)
            {
                change(value, 0, DEPTH - 1, rng);
            }
        }
    }

    fn screen(&self) -> Screen {
        let components = self.components.iter().map(|(cid, node)| (*cid, render(node)));
        Screen {
            root: render(&self.root),
            components: components.collect(),
        }
    }
}
