//! An element that keeps the focus.

use super::said;
use crate::html;
use crate::render::{Component, Rendered};

/// What the key Tab goes round in and does not leave, as in a dialog: behind the last field comes the first. When it is
/// shown, its first field has the focus.
#[derive(Debug, Clone)]
pub struct FocusWrap<'a> {
    /// Of the element; those of its two ends are made of it.
    pub id: &'a str,
    /// Of the element, if any.
    pub class: &'a str,
    /// What it holds: at least one thing that can have the focus.
    pub children: Rendered,
}

impl Default for FocusWrap<'_> {
    fn default() -> Self {
        Self {
            id: "",
            class: "",
            children: html! {},
        }
    }
}

impl Component for FocusWrap<'_> {
    fn render(self) -> Rendered {
        html! {
            <div id={self.id} class={said(self.class)} phx-hook="Phoenix.FocusWrap">
                <div id="{self.id}-start" tabindex="0" aria-hidden="true"></div>
                {self.children}
                <div id="{self.id}-end" tabindex="0" aria-hidden="true"></div>
            </div>
        }
    }
}
