//! What may stand between tags: `{value}` in `html!`.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::{Rendered, Sheet};

/// A value that `html!` can show between tags. Text is escaped, whatever it holds; the one exception is [`Raw`].
///
/// For a type with `Display` only, write `{format_args!("{value}")}`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a template can show",
    label = "not a text, a number, markup, an `Option` of these, or a live component's `Cid`",
    note = "for a type with Display, write `{{format_args!(\"{{value}}\")}}`"
)]
pub trait Content {
    /// Writes exactly one value.
    fn put(&self, sheet: &mut Sheet);
}

/// HTML that is put into the page as it is. The only way past escaping: whoever writes it vouches for the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw<T>(pub T);

impl<T: AsRef<str>> Content for Raw<T> {
    fn put(&self, sheet: &mut Sheet) {
        sheet.raw(self.0.as_ref());
    }
}

/// The number of a live component in its view, from 1. As content it is the place of that component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid(pub u32);

impl Content for Cid {
    fn put(&self, sheet: &mut Sheet) {
        sheet.component(*self);
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Content for Rendered {
    fn put(&self, sheet: &mut Sheet) {
        sheet.append(self);
    }
}

impl Content for str {
    fn put(&self, sheet: &mut Sheet) {
        sheet.escaped(self);
    }
}

impl Content for String {
    fn put(&self, sheet: &mut Sheet) {
        sheet.escaped(self);
    }
}

impl Content for Cow<'_, str> {
    fn put(&self, sheet: &mut Sheet) {
        sheet.escaped(self);
    }
}

impl Content for fmt::Arguments<'_> {
    fn put(&self, sheet: &mut Sheet) {
        sheet.formatted(*self);
    }
}

/// Nothing.
impl Content for () {
    fn put(&self, sheet: &mut Sheet) {
        sheet.nothing();
    }
}

/// Nothing, if there is nothing.
impl<T: Content> Content for Option<T> {
    fn put(&self, sheet: &mut Sheet) {
        match self {
            Some(content) => content.put(sheet),
            None => sheet.nothing(),
        }
    }
}

macro_rules! by_display {
    ($($type:ty)*) => {$(
        impl Content for $type {
            fn put(&self, sheet: &mut Sheet) {
                sheet.formatted(format_args!("{self}"));
            }
        }
    )*};
}

by_display!(bool char u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

macro_rules! by_reference {
    ($($type:ty)*) => {$(
        impl<T: Content + ?Sized> Content for $type {
            fn put(&self, sheet: &mut Sheet) {
                (**self).put(sheet);
            }
        }
    )*};
}

by_reference!(&T &mut T Box<T> Rc<T> Arc<T>);
