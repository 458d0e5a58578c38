//! What the log may hold of what a client says: the names of its parameters, and none of their values.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::IgnoredAny;

use super::payload::Payload;

/// Most names that are written, and most characters of each: they are the client's, too.
const NAMES: usize = 16;
const CHARACTERS: usize = 32;

/// The names in a payload, as `{password, user}`. Values stay out: nobody knows which of them is a secret.
pub(crate) struct Names<'a>(pub(crate) &'a Payload);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(bytes) = self.0.bytes() {
            return write!(f, "{} bytes", bytes.len());
        }
        let Ok(named) = self.0.parse::<BTreeMap<String, IgnoredAny>>() else {
            return f.write_str("no names");
        };
        write_names(f, named.keys().map(String::as_str))
    }
}

/// Names between braces, what would break out of a line escaped.
pub(crate) fn write_names<'a>(
    f: &mut fmt::Formatter<'_>,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> fmt::Result {
    let more = names.len() > NAMES;
    f.write_str("{")?;
    for (at, name) in names.take(NAMES).enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        let cut: String = name.chars().take(CHARACTERS).collect();
        write!(f, "{comma}{}", cut.escape_debug())?;
    }
    f.write_str(if more { ", …}" } else { "}" })
}
