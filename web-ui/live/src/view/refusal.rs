//! Why a page is not shown: it is elsewhere, not there, or not for this reader.

/// An answer to a page load or a join that is no page. Made by `mount` and by guards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The browser loads another page: HTTP 302, or the client does it. `to` is a path, or the address of another
    /// site.
    Redirect {
        /// Where.
        to: String,
    },
    /// The client goes to another live view of the same group without a page load.
    Navigate {
        /// The path.
        to: String,
        /// Whether the address is replaced instead of put on the history.
        replace: bool,
    },
    /// The client loads the page anew, as if its token were old.
    Stale,
    /// Not for this reader. A client that has connected loads the page by HTTP, where a guard can answer in full.
    Unauthorized,
    /// An error page with this HTTP status, 400 to 599: 404 for a device that is not there. What is no
    /// status becomes 500.
    Status(u16),
}

impl Refusal {
    /// The browser goes to another page.
    pub fn redirect(to: impl Into<String>) -> Self {
        Self::Redirect { to: to.into() }
    }

    /// The client goes to another live view of the same group.
    pub fn navigate(to: impl Into<String>) -> Self {
        Self::Navigate {
            to: to.into(),
            replace: false,
        }
    }
}
