//! CSS selectors, as far as tests need them: `form#f > input[name="a"].wide, li`.

use super::document::{Document, Index, Tag};

/// A parsed selector: any of its paths may lead to an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    paths: Vec<Path>,
}

/// Steps from the outside to the element itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Path {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Step {
    /// The element must be a child of what the step before has found, not only somewhere in it.
    child: bool,
    name: Option<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Class(String),
    Has(String),
    Is(String, String),
    Starts(String, String),
    Ends(String, String),
    Contains(String, String),
}

impl Condition {
    fn holds(&self, tag: &Tag) -> bool {
        let value = |name: &str| tag.attribute(name);
        match self {
            Self::Class(class) => {
                value("class").is_some_and(|all| all.split_ascii_whitespace().any(|one| one == class))
            }
            Self::Has(name) => value(name).is_some(),
            Self::Is(name, wanted) => value(name) == Some(wanted),
            Self::Starts(name, wanted) => value(name).is_some_and(|text| text.starts_with(wanted.as_str())),
            Self::Ends(name, wanted) => value(name).is_some_and(|text| text.ends_with(wanted.as_str())),
            Self::Contains(name, wanted) => value(name).is_some_and(|text| text.contains(wanted.as_str())),
        }
    }
}

impl Step {
    fn holds(&self, tag: &Tag) -> bool {
        self.name.as_ref().is_none_or(|name| *name == tag.name)
            && self.conditions.iter().all(|condition| condition.holds(tag))
    }
}

/// Cuts at separators that don't stand in brackets or quotes; what is cut at `>` has it as a part of its own.
fn split(text: &str, separators: &[char]) -> Vec<String> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0_usize, false);
    for character in text.chars() {
        match character {
            '"' | '\'' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !quoted && separators.contains(&character) {
            if character == '>' {
                parts.push(character.to_string());
            }
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(character);
        }
    }
    parts
}

fn step(text: &str, child: bool) -> Result<Step, String> {
    let mut step = Step {
        child,
        ..Step::default()
    };
    let name_ends = text.find(['#', '.', '[', ':']).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(name_ends);
    if !name.is_empty() && name != "*" {
        step.name = Some(name.to_ascii_lowercase());
    }
    while let Some(kind) = rest.chars().next() {
        let body = &rest[1..];
        if kind == '[' {
            let end = closing(body).ok_or("] is missing")?;
            step.conditions.push(attribute(&body[..end])?);
            rest = &body[end + 1..];
            continue;
        }
        let end = body.find(['#', '.', '[', ':']).unwrap_or(body.len());
        let (word, tail) = body.split_at(end);
        if word.is_empty() {
            return Err(format!("nothing follows {kind}"));
        }
        step.conditions.push(match kind {
            '#' => Condition::Is("id".to_owned(), word.to_owned()),
            '.' => Condition::Class(word.to_owned()),
            _ => {
                return Err(format!(
                    "{kind}{word} is not understood; there are #id, .class, [attribute]"
                ));
            }
        });
        rest = tail;
    }
    Ok(step)
}

/// Where the bracket closes that was opened before: not within quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None if character == ']' => return Some(at),
            None => quote = Some(character).filter(|character| ['"', '\''].contains(character)),
        }
    }
    None
}

fn attribute(text: &str) -> Result<Condition, String> {
    let Some((name, value)) = text.split_once('=') else {
        return Ok(Condition::Has(text.to_owned()));
    };
    let value = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .or_else(|| {
            value
                .strip_prefix('\'')
                .and_then(|value| value.strip_suffix('\''))
        })
        .unwrap_or(value)
        .to_owned();
    let (name, kind) = match name.strip_suffix(['^', '$', '*', '~', '|']) {
        Some(bare) => (bare, name.chars().last()),
        None => (name, None),
    };
    let name = name.to_owned();
    match kind {
        None => Ok(Condition::Is(name, value)),
        Some('^') => Ok(Condition::Starts(name, value)),
        Some('$') => Ok(Condition::Ends(name, value)),
        Some('*') => Ok(Condition::Contains(name, value)),
        Some(other) => Err(format!("{other}= is not understood")),
    }
}

impl Selector {
    /// Parses a selector: names, `#id`, `.class`, `[attribute]` with `=`, `^=`, `$=`, `*=`, descendants, `>` and `,`.
    ///
    /// # Errors
    /// What is not understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut paths = Vec::new();
        for alternative in split(text, &[',']) {
            let mut path = Path::default();
            let mut child = false;
            let words = split(&alternative, &['>', ' ', '\n', '\t']);
            for word in words.iter().filter(|word| !word.is_empty()) {
                if word == ">" {
                    child = true;
                } else {
                    path.steps.push(step(word, child)?);
                    child = false;
                }
            }
            if path.steps.is_empty() || child {
                return Err("a selector is missing".to_owned());
            }
            paths.push(path);
        }
        Ok(Self { paths })
    }

    /// The elements that match, in the order of the source.
    pub(super) fn all(&self, document: &Document) -> Vec<Index> {
        let matches = |index: &Index| self.matches(document, *index);
        document.elements().into_iter().filter(matches).collect()
    }

    /// Whether this element matches.
    pub(super) fn matches(&self, document: &Document, index: Index) -> bool {
        self.paths.iter().any(|path| leads(document, index, &path.steps))
    }
}

fn leads(document: &Document, index: Index, steps: &[Step]) -> bool {
    let Some((last, before)) = steps.split_last() else {
        return true;
    };
    if !document.tag(index).is_some_and(|tag| last.holds(tag)) {
        return false;
    }
    if before.is_empty() {
        return true;
    }
    let mut parent = document.node(index).parent;
    while let Some(outer) = parent {
        if leads(document, outer, before) {
            return true;
        }
        if last.child {
            return false;
        }
        parent = document.node(outer).parent;
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::{Document, Selector};

    const PAGE: &str = "<form id=\"f\"><p class=\"a b\"><input name=\"user[name]\"></p></form>\
        <ul><li class=\"a\" data-v=\"x y\">1</li><li>2</li></ul>";

    fn found(selector: &str) -> usize {
        let document = Document::parse(PAGE).unwrap();
        Selector::parse(selector).unwrap().all(&document).len()
    }

    #[test]
    fn elements_are_found_by_name_id_class_attribute_and_place() {
        let cases = [
            ("li", 2),
            ("*", 6),
            ("#f", 1),
            (".a", 2),
            ("p.a.b", 1),
            ("p.a.c", 0),
            ("[name=\"user[name]\"]", 1),
            ("[name='user[name]']", 1),
            ("li[data-v=\"x y\"]", 1),
            ("[data-v^=x][data-v$=y][data-v*=\" \"]", 1),
            ("#f input", 1),
            ("#f > input", 0),
            ("form > p > input", 1),
            ("form>p>input, li", 3),
            ("[data-v=\"a>b, c\"]", 0),
            ("ul input", 0),
        ];
        for (selector, count) in cases {
            assert_eq!(found(selector), count, "{selector}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for selector in ["", "li:hover", "a >", "#", "[a|=b]", "a,"] {
            assert!(Selector::parse(selector).is_err(), "{selector}");
        }
    }
}
