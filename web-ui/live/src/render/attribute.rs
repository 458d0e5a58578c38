//! What may stand behind an attribute's name: `name={value}` in `html!`.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::escape::Escape;
use super::{Cid, url};

/// A value that an attribute can have. `false` and `None` leave the whole attribute out, `true` gives it no value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the value of an attribute",
    label = "not a text, a number, a bool, an `Option` of these, or commands of `Js`",
    note = "for a type with Display, write `name={{format_args!(\"{{value}}\")}}`"
)]
pub trait Attribute {
    /// Writes the attribute, or leaves it out by writing nothing.
    fn put(&self, name: Name<'_>);
}

/// An attribute that is yet to be written. Whatever is written is escaped, and an address is checked.
#[derive(Debug)]
pub struct Name<'a> {
    pub(super) name: &'a str,
    pub(super) html: &'a mut String,
    /// Whether the value is an address, which must be none that a browser runs.
    pub(super) is_url: bool,
}

impl Name<'_> {
    /// ` name`
    pub fn bare(self) {
        self.html.push(' ');
        self.html.push_str(self.name);
    }

    /// ` name="value"`; an address that a browser would run is replaced by [`REFUSED`](super::REFUSED).
    pub fn with(self, value: impl fmt::Display) {
        self.html.push(' ');
        self.html.push_str(self.name);
        self.html.push_str("=\"");
        let from = self.html.len();
        // Fails only if a Display does, and then what it wrote so far is the value.
        let _ = write!(Escape(self.html), "{value}");
        // Escaping leaves schemes as they are: none has one of its five characters.
        if self.is_url && url::checked(self.name, &self.html[from..]) == url::REFUSED {
            self.html.truncate(from);
            self.html.push_str(url::REFUSED);
        }
        self.html.push('"');
    }

    /// The same for an address that somebody vouches for.
    pub(super) fn unchecked(self, value: impl fmt::Display) {
        Self {
            is_url: false,
            ..self
        }
        .with(value);
    }
}

impl Attribute for bool {
    fn put(&self, name: Name<'_>) {
        if *self {
            name.bare();
        }
    }
}

impl<T: Attribute> Attribute for Option<T> {
    fn put(&self, name: Name<'_>) {
        if let Some(value) = self {
            value.put(name);
        }
    }
}

impl<T: Attribute + ?Sized> Attribute for &T {
    fn put(&self, name: Name<'_>) {
        (**self).put(name);
    }
}

macro_rules! by_display {
    ($($type:ty)*) => {$(
        impl Attribute for $type {
            fn put(&self, name: Name<'_>) {
                name.with(self);
            }
        }
    )*};
}

by_display!(str String Cow<'_, str> Box<str> Arc<str> fmt::Arguments<'_> char Cid);
by_display!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);
