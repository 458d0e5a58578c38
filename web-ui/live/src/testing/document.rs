//! A page as a tree of elements: parsed strictly, for tests.

use std::borrow::Cow;

/// Elements that have no content, after the HTML standard's list of void elements.
const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
];
/// Elements whose content is text, whatever it looks like.
const RAW: [&str; 2] = ["script", "style"];

/// Place of an element or a text in its document.
pub(super) type Index = usize;

/// A parsed page or a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    nodes: Vec<Node>,
    /// What stands at the top, in order.
    pub(super) roots: Vec<Index>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) parent: Option<Index>,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Text(String),
    Element(Tag),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    /// In the order of the source; a name without a value has an empty one.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Index>,
}

impl Tag {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Text as it stands for a reader: `&lt;` is `<`.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let entity = after.split_once(';').filter(|(name, _)| name.len() <= 8);
        match entity.and_then(|(name, tail)| Some((character(name)?, tail))) {
            Some((character, tail)) => {
                out.push(character);
                rest = tail;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// What a parser has yet to read, and the elements that are open.
struct Parser<'a> {
    rest: &'a str,
    open: Vec<Index>,
    document: Document,
}

impl<'a> Parser<'a> {
    fn error(&self, what: &str) -> String {
        let near: String = self.rest.chars().take(60).collect();
        format!("{what}, near {near:?}")
    }

    fn add(&mut self, content: Content) -> Index {
        let index = self.document.nodes.len();
        let parent = self.open.last().copied();
        self.document.nodes.push(Node { parent, content });
        match parent {
            Some(parent) => self.document.children_mut(parent).push(index),
            None => self.document.roots.push(index),
        }
        index
    }

    fn take_until(&mut self, end: &str) -> Result<&'a str, String> {
        let (before, after) = self
            .rest
            .split_once(end)
            .ok_or_else(|| self.error(&format!("{end} is missing")))?;
        self.rest = after;
        Ok(before)
    }

    fn step(&mut self) -> Result<(), String> {
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            self.rest = rest;
            self.take_until("-->")?;
        } else if let Some(rest) = self.rest.strip_prefix("<!") {
            self.rest = rest;
            self.take_until(">")?;
        } else if let Some(rest) = self.rest.strip_prefix("</") {
            self.rest = rest;
            let name = self.take_until(">")?.trim().to_ascii_lowercase();
            self.close(&name)?;
        } else if self.rest.starts_with('<') && self.rest[1..].starts_with(|c: char| c.is_ascii_alphabetic())
        {
            self.rest = &self.rest[1..];
            self.element()?;
        } else {
            let end = self.rest[1..].find('<').map_or(self.rest.len(), |at| at + 1);
            let (text, rest) = self.rest.split_at(end);
            self.rest = rest;
            self.add(Content::Text(decoded(text)));
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        let open = self
            .open
            .pop()
            .ok_or_else(|| self.error(&format!("</{name}> closes nothing")))?;
        match &self.document.nodes[open].content {
            Content::Element(tag) if tag.name == name => Ok(()),
            Content::Element(tag) => Err(self.error(&format!("</{name}> closes <{}>", tag.name))),
            Content::Text(_) => Err(self.error("a text is open")),
        }
    }

    fn word(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn element(&mut self) -> Result<(), String> {
        let name = self.word(|c| c.is_ascii_whitespace() || c == '>' || c == '/');
        let name = name.to_ascii_lowercase();
        let mut attributes: Vec<(String, String)> = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self
                .rest
                .strip_prefix("/>")
                .or_else(|| self.rest.strip_prefix('>'))
            {
                let closed = self.rest.starts_with('/');
                self.rest = rest;
                let tag = Tag {
                    name: name.clone(),
                    attributes,
                    children: Vec::new(),
                };
                let index = self.add(Content::Element(tag));
                if !closed && !VOID.contains(&name.as_str()) {
                    self.open.push(index);
                    self.raw(&name)?;
                }
                return Ok(());
            }
            let (key, value) = self.attribute()?;
            if attributes.iter().any(|(known, _)| *known == key) {
                return Err(self.error(&format!("<{name}> has {key} twice")));
            }
            attributes.push((key, value));
        }
    }

    fn attribute(&mut self) -> Result<(String, String), String> {
        let key = self.word(|c| c.is_ascii_whitespace() || "=>/\"'<".contains(c));
        if key.is_empty() {
            return Err(self.error("an attribute or > is missing"));
        }
        let value = match self.rest.strip_prefix('=') {
            None => "",
            Some(rest) => {
                let quote = rest.chars().next().filter(|c| "\"'".contains(*c));
                let quote = quote.ok_or_else(|| self.error("an attribute without quotes"))?;
                self.rest = &rest[1..];
                self.take_until(if quote == '"' { "\"" } else { "'" })?
            }
        };
        Ok((key.to_owned(), decoded(value)))
    }

    fn raw(&mut self, name: &str) -> Result<(), String> {
        if RAW.contains(&name) {
            let text = self.take_until(&format!("</{name}>"))?;
            self.add(Content::Text(text.to_owned()));
            self.open.pop();
        }
        Ok(())
    }
}

impl Document {
    /// Parses HTML as `html!` writes it: every element is closed, every value has quotes.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn parse(html: &str) -> Result<Self, String> {
        let mut parser = Parser {
            rest: html,
            open: Vec::new(),
            document: Self::default(),
        };
        while !parser.rest.is_empty() {
            parser.step()?;
        }
        match parser.open.last() {
            Some(open) => match &parser.document.nodes[*open].content {
                Content::Element(tag) => Err(format!("<{}> is not closed", tag.name)),
                Content::Text(text) => Err(format!("{text:?} is open")),
            },
            None => Ok(parser.document),
        }
    }

    fn children_mut(&mut self, index: Index) -> &mut Vec<Index> {
        match &mut self.nodes[index].content {
            Content::Element(tag) => &mut tag.children,
            Content::Text(_) => &mut self.roots,
        }
    }

    pub(super) fn node(&self, index: Index) -> &Node {
        &self.nodes[index]
    }

    /// The element there; `None` if it is a text.
    pub(super) fn tag(&self, index: Index) -> Option<&Tag> {
        match &self.nodes[index].content {
            Content::Element(tag) => Some(tag),
            Content::Text(_) => None,
        }
    }

    pub(super) fn tag_mut(&mut self, index: Index) -> Option<&mut Tag> {
        match &mut self.nodes[index].content {
            Content::Element(tag) => Some(tag),
            Content::Text(_) => None,
        }
    }

    /// Every element, in the order of the source.
    pub(super) fn elements(&self) -> Vec<Index> {
        let mut found = Vec::new();
        let mut next: Vec<Index> = self.roots.iter().rev().copied().collect();
        while let Some(index) = next.pop() {
            if let Some(tag) = self.tag(index) {
                found.push(index);
                next.extend(tag.children.iter().rev());
            }
        }
        found
    }

    /// The element that carries this id.
    #[cfg(test)]
    fn by_id(&self, id: &str) -> Option<Index> {
        let has = |index: &Index| self.tag(*index).and_then(|tag| tag.attribute("id")) == Some(id);
        self.elements().into_iter().find(has)
    }

    /// The text in and below, with runs of white space as one blank.
    pub(super) fn text(&self, index: Index) -> String {
        let mut all = String::new();
        self.gather(index, &mut all);
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn gather(&self, index: Index, all: &mut String) {
        match &self.nodes[index].content {
            Content::Text(text) => all.push_str(text),
            Content::Element(tag) => {
                for child in &tag.children {
                    self.gather(*child, all);
                }
            }
        }
    }

    /// The element and what is in it, as HTML.
    pub(super) fn html(&self, index: Index) -> String {
        let tag = match &self.nodes[index].content {
            Content::Text(text) => return escaped(text).into_owned(),
            Content::Element(tag) => tag,
        };
        let attributes: String = tag
            .attributes
            .iter()
            .map(|(name, value)| format!(" {name}=\"{}\"", escaped(value)))
            .collect();
        let start = format!("<{}{attributes}>", tag.name);
        if VOID.contains(&tag.name.as_str()) {
            return start;
        }
        let inside: String = tag.children.iter().map(|child| self.html(*child)).collect();
        format!("{start}{inside}</{}>", tag.name)
    }

    /// Copies an element of another document to the end of this one's nodes, without a place in the tree yet.
    pub(super) fn adopt(&mut self, from: &Self, index: Index, parent: Option<Index>) -> Index {
        let own = self.nodes.len();
        let mut node = from.nodes[index].clone();
        node.parent = parent;
        let children = match &mut node.content {
            Content::Element(tag) => std::mem::take(&mut tag.children),
            Content::Text(_) => Vec::new(),
        };
        self.nodes.push(node);
        let adopted: Vec<Index> = children
            .into_iter()
            .map(|child| self.adopt(from, child, Some(own)))
            .collect();
        if let Some(tag) = self.tag_mut(own) {
            tag.children = adopted;
        }
        own
    }
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return Cow::Borrowed(text);
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    Cow::Owned(text.replace('>', "&gt;").replace('"', "&quot;"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::Document;

    #[test]
    fn a_page_is_taken_apart_and_put_together() {
        let html = "<p id=\"a\">1 &lt; 2 <b class=\"x y\">bold</b><br></p><input disabled=\"\">";
        let document = Document::parse(html).unwrap();
        let all: String = document.roots.iter().map(|root| document.html(*root)).collect();
        assert_eq!(all, html);
        assert_eq!(document.text(document.by_id("a").unwrap()), "1 < 2 bold");
    }

    #[test]
    fn what_is_not_closed_is_an_error() {
        for html in [
            "<p>",
            "</p>",
            "<p></b>",
            "<p a=1></p>",
            "<p a=\"1\" a=\"2\"></p>",
            "<!-- x",
            "<p ",
        ] {
            assert!(Document::parse(html).is_err(), "{html}");
        }
    }

    #[test]
    fn the_text_of_a_script_is_not_markup() {
        let document = Document::parse("<script>if (a < b) x(\"</p>\")</script>").unwrap();
        assert_eq!(document.text(document.roots[0]), "if (a < b) x(\"</p>\")");
    }
}
