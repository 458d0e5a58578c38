//! A page as it is loaded, before any script runs; or a part of one.

use super::document::Document;
use super::failure::Failure;

/// What HTML says without a socket: a page as it is loaded, or a component alone.
#[derive(Debug)]
pub struct Loaded {
    pub(super) path: String,
    pub(super) document: Document,
}

impl Loaded {
    /// Path and query that the page was loaded from, after all redirects; empty for a component alone.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.path
    }

    /// Whether an element that matches shows this text.
    ///
    /// # Errors
    /// A selector that is not understood.
    pub fn has(&self, selector: &str, text: &str) -> Result<bool, Failure> {
        Ok(self.texts(selector)?.iter().any(|shown| shown == text))
    }

    /// How many elements match.
    ///
    /// # Errors
    /// A selector that is not understood.
    pub fn count(&self, selector: &str) -> Result<usize, Failure> {
        Ok(self.document.all(selector)?.len())
    }

    /// The text of the one element that matches.
    ///
    /// # Errors
    /// There is none or more than one.
    pub fn text(&self, selector: &str) -> Result<String, Failure> {
        Ok(self.document.text(self.document.one(selector)?))
    }

    /// The texts of all elements that match.
    ///
    /// # Errors
    /// A selector that is not understood.
    pub fn texts(&self, selector: &str) -> Result<Vec<String>, Failure> {
        self.document.texts(selector)
    }

    /// An attribute of the one element that matches; `None` if it has none of this name.
    ///
    /// # Errors
    /// There is no such element or more than one.
    pub fn value_of(&self, selector: &str, attribute: &str) -> Result<Option<String>, Failure> {
        let one = self.document.one(selector)?;
        Ok(self.document.attribute(one, attribute))
    }

    /// All of it, as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        self.document.whole()
    }
}
