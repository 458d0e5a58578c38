//! What a selector finds in a document.

use super::document::{Document, Index};
use super::failure::Failure;
use super::selector::Selector;

impl Document {
    pub(super) fn all(&self, selector: &str) -> Result<Vec<Index>, Failure> {
        let parsed =
            Selector::parse(selector).map_err(|error| Failure::new(format!("{selector}: {error}")))?;
        Ok(parsed.all(self))
    }

    pub(super) fn one(&self, selector: &str) -> Result<Index, Failure> {
        let found = self.all(selector)?;
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Failure::new(format!(
                "there is no {selector} in {}",
                self.whole()
            ))),
            many => Err(Failure::new(format!("{selector} are {} elements", many.len()))),
        }
    }

    pub(super) fn texts(&self, selector: &str) -> Result<Vec<String>, Failure> {
        let found = self.all(selector)?.into_iter();
        Ok(found.map(|index| self.text(index)).collect())
    }

    pub(super) fn attribute(&self, index: Index, name: &str) -> Option<String> {
        Some(self.tag(index)?.attribute(name)?.to_owned())
    }

    /// All of it, as HTML.
    pub(super) fn whole(&self) -> String {
        self.roots.iter().map(|root| self.html(*root)).collect()
    }
}
