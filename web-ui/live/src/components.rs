//! Function components that the client has a part in: links, dialogs that keep the focus, content for another place.
//!
//! ```
//! use roost_live::components::Link;
//! use roost_live::html;
//!
//! let tab = 2;
//! let page = html! { <Link patch href="/?tab={tab}" class="tab" {..}>"second"</Link> };
//! assert_eq!(
//!     page.to_html(),
//!     "<a href=\"/?tab=2\" class=\"tab\" data-phx-link=\"patch\" data-phx-link-state=\"push\">second</a>"
//! );
//! ```

mod focus_wrap;
mod link;
mod portal;

pub use focus_wrap::FocusWrap;
pub use link::Link;
pub use portal::Portal;

/// The value of an attribute that an empty text leaves out.
fn said(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
