//! Content that is shown elsewhere in the document.

use super::said;
use crate::html;
use crate::render::{Component, Rendered};

/// Content that the client moves to the end of another element, so that no `overflow` or `z-index` around it cuts it
/// off: dialogs, menus, hints. Its events still come to the view that has rendered it. A browser without JavaScript
/// does not show it.
#[derive(Debug, Clone)]
pub struct Portal<'a> {
    /// Of the place in the view. The element that is moved has this with `-content` behind it.
    pub id: &'a str,
    /// A CSS selector of the element that gets it; it must be there when the portal is rendered.
    pub target: &'a str,
    /// Of the element that is moved, if any.
    pub class: &'a str,
    /// What is moved.
    pub children: Rendered,
}

impl Default for Portal<'_> {
    fn default() -> Self {
        Self {
            id: "",
            target: "body",
            class: "",
            children: html! {},
        }
    }
}

impl Component for Portal<'_> {
    fn render(self) -> Rendered {
        html! {
            <template id={self.id} data-phx-portal={self.target}>
                <div id="{self.id}-content" class={said(self.class)}>{self.children}</div>
            </template>
        }
    }
}
