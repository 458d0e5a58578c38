//! Links within the live pages.

use super::said;
use crate::html;
use crate::render::{Attribute, Component, Rendered};

/// A link that is followed without a page load: to another view of the same group, or with `patch` to another address
/// of this view, which hears of it in `handle_params`. Without JavaScript it is an ordinary link; to pages that are
/// not live, `<a href=…>` is enough.
#[derive(Debug, Clone)]
pub struct Link<'a, H = &'a str> {
    /// Where it leads.
    pub href: H,
    /// Whether this view stays.
    pub patch: bool,
    /// Whether the new address takes the place of this one in the browser's history.
    pub replace: bool,
    /// Of the element, if any.
    pub id: &'a str,
    /// Of the element, if any.
    pub class: &'a str,
    /// What one clicks.
    pub children: Rendered,
}

impl<H: Default> Default for Link<'_, H> {
    fn default() -> Self {
        Self {
            href: H::default(),
            patch: false,
            replace: false,
            id: "",
            class: "",
            children: html! {},
        }
    }
}

impl<H: Attribute> Component for Link<'_, H> {
    fn render(self) -> Rendered {
        let kind = if self.patch { "patch" } else { "redirect" };
        let state = if self.replace { "replace" } else { "push" };
        html! {
            <a id={said(self.id)} href={self.href} class={said(self.class)}
                data-phx-link={kind} data-phx-link-state={state}>{self.children}</a>
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_how_it_is_followed() {
        let page = html! { <Link href="/two" id="go" {..}>"go"</Link> };
        let go = "<a id=\"go\" href=\"/two\" data-phx-link=\"redirect\" data-phx-link-state=\"push\">go</a>";
        assert_eq!(page.to_html(), go);
        let tab = 3;
        let page = html! { <Link patch replace href="/?tab={tab}" {..}>"third"</Link> };
        let third = "<a href=\"/?tab=3\" data-phx-link=\"patch\" data-phx-link-state=\"replace\">third</a>";
        assert_eq!(page.to_html(), third);
    }

    #[test]
    fn a_link_leads_to_no_code() {
        let page = html! { <Link href="javascript:x" {..}>"x"</Link> };
        assert!(page.to_html().contains("href=\"about:blank#refused\""));
    }
}
