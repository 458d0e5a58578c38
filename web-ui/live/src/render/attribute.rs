//! What may stand behind an attribute's name: `name={value}` in `html!`.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::Cid;
use super::escape::Escape;

/// A value that an attribute can have. `false` and `None` leave the whole attribute out, `true` gives it no value.
pub trait Attribute {
    /// Appends ` name="value"`, escaped, or nothing.
    fn put(&self, name: &str, html: &mut String);
}

/// Appends ` name="value"`.
pub(crate) fn named(name: &str, value: fmt::Arguments<'_>, html: &mut String) {
    html.push(' ');
    html.push_str(name);
    html.push_str("=\"");
    // Fails only if a Display does, and then what it wrote so far is the value.
    let _ = Escape(html).write_fmt(value);
    html.push('"');
}

impl Attribute for bool {
    fn put(&self, name: &str, html: &mut String) {
        if *self {
            html.push(' ');
            html.push_str(name);
        }
    }
}

impl<T: Attribute> Attribute for Option<T> {
    fn put(&self, name: &str, html: &mut String) {
        if let Some(value) = self {
            value.put(name, html);
        }
    }
}

impl<T: Attribute + ?Sized> Attribute for &T {
    fn put(&self, name: &str, html: &mut String) {
        (**self).put(name, html);
    }
}

macro_rules! by_display {
    ($($type:ty)*) => {$(
        impl Attribute for $type {
            fn put(&self, name: &str, html: &mut String) {
                named(name, format_args!("{self}"), html);
            }
        }
    )*};
}

by_display!(str String Cow<'_, str> Box<str> Arc<str> fmt::Arguments<'_> char Cid);
by_display!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);
