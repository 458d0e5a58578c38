//! Pages as templates and values: what `html!` makes, the HTML of a first visit, and the differences that follow it.
//!
//! [`html!`](crate::html) splits markup at compile time into a [`Template`] (the text that never changes) and
//! values. It
//! evaluates to a [`Rendered`]. [`Rendered::to_html`] is the page as a browser first gets it; a [`Differ`] turns one
//! `Rendered` after the other into the messages that the stock client merges, and keeps hashes of them only.

mod attribute;
mod component;
mod content;
mod differ;
mod escape;
mod json;
mod rendered;
mod sheet;
mod stream;
mod template;
pub(crate) mod url;

#[cfg(test)]
mod tests;

pub use attribute::{Attribute, Name};
pub use component::Component;
pub use content::{Cid, Content, Raw};
pub use differ::{Diff, Differ, Message};
pub use rendered::Rendered;
pub use sheet::{List, Sheet};
pub use stream::{Batch, Insert, PENDING, Stream};
pub use template::Template;
pub use url::{REFUSED, RawUrl};
