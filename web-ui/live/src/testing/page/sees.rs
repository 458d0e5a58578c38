//! What a person sees of a page.

use serde_json::Value;

use super::super::document::Index;
use super::super::failure::Failure;
use super::Page;

impl Page {
    pub(super) fn one(&self, selector: &str) -> Result<Index, Failure> {
        self.document.one(selector)
    }

    pub(super) fn all(&self, selector: &str) -> Result<Vec<Index>, Failure> {
        self.document.all(selector)
    }

    pub(super) fn attribute(&self, index: Index, name: &str) -> Option<String> {
        self.document.attribute(index, name)
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
        Ok(self.all(selector)?.len())
    }

    /// The text of the one element that matches.
    ///
    /// # Errors
    /// There is none or more than one.
    pub fn text(&self, selector: &str) -> Result<String, Failure> {
        Ok(self.document.text(self.one(selector)?))
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
        Ok(self.attribute(self.one(selector)?, attribute))
    }

    /// The view's HTML as it stands.
    #[must_use]
    pub fn html(&self) -> String {
        self.document.whole()
    }

    /// Path and query that a browser would show.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The title that the view has set since it joined, without what the document puts around it.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The events that the view has pushed since the last call: for hooks.
    pub fn events(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.events)
    }
}
