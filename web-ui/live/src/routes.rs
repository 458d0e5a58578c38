//! Which live view shows which path, in which group, behind which guards.

mod pattern;
mod table;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::params::Params;
use crate::render::{Raw, Rendered};
use crate::session::Session;
use crate::view::{Context, LiveView, Nest, Refusal, Standing, ViewKind};

pub use pattern::{Pattern, PatternError, SEGMENTS};
pub(crate) use table::{Found, Table, local};

/// What stands before the views of a group: it sees what `mount` sees, before it, in the dead render and at every join.
pub type Guard = Arc<dyn Fn(&Params, &Session, &mut Context) -> Result<(), Refusal> + Send + Sync>;
/// Makes the whole document around the main view of a dead render.
pub type Layout = fn(&Page) -> Rendered;
/// Makes the whole document that says why there is no page; gets the HTTP status.
pub type ErrorPage = fn(u16) -> Rendered;

/// What a layout puts a page together from.
#[derive(Debug, Clone)]
pub struct Page {
    /// The title that the view has set, or nothing.
    pub title: Option<String>,
    /// The token that the glue sends along; it belongs into `<meta name="csrf-token" content=…>`.
    pub csrf_token: String,
    /// The main view in its container: HTML, to be shown as [`Raw`].
    pub content: String,
    /// The address: path and query.
    pub address: String,
    pub(crate) nest: Nest,
}

impl Page {
    /// The element of a view in the document, beside the main view, with an id of its own; the view's type must be
    /// known to [`Routes::nested`]. It stays, with its state, while the browser goes from one view of the group to
    /// another. `values`, a map, are in the session that its `mount` gets.
    #[must_use]
    pub fn child<V: LiveView>(&self, id: &str, values: impl Serialize) -> Raw<String> {
        let values = serde_json::to_value(values).unwrap_or_default();
        self.nest.child::<V>(id, values, Standing::Beside)
    }
}

/// Live views that belong together: the browser goes from one to the other without a page load. Guards hold for all of
/// them.
pub struct Group {
    pub(crate) name: &'static str,
    pub(crate) layout: Layout,
    pub(crate) guards: Vec<Guard>,
    views: Vec<(&'static str, ViewKind)>,
}

impl Group {
    /// A group without views. `name` is its alone among the groups of a program; `layout` makes its documents.
    #[must_use]
    pub fn new(name: &'static str, layout: Layout) -> Self {
        let (guards, views) = (Vec::new(), Vec::new());
        Self {
            name,
            layout,
            guards,
            views,
        }
    }

    /// Adds a guard, called after those added before.
    #[must_use]
    pub fn guard(
        mut self,
        guard: impl Fn(&Params, &Session, &mut Context) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        self.guards.push(Arc::new(guard));
        self
    }

    /// Shows a view at a path. Variables begin with a colon (`/devices/:id`), `*rest` takes the rest of the path.
    #[must_use]
    pub fn view<V: LiveView>(mut self, path: &'static str) -> Self {
        self.views.push((path, ViewKind::of::<V>()));
        self
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// All live routes of a program.
#[derive(Debug, Default)]
pub struct Routes {
    groups: Vec<Group>,
    nested: Vec<ViewKind>,
    error_page: Option<ErrorPage>,
}

impl Routes {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a group. The first path that matches counts.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// Makes a view known that other views hold within them, without a path of its own.
    #[must_use]
    pub fn nested<V: LiveView>(mut self) -> Self {
        self.nested.push(ViewKind::of::<V>());
        self
    }

    /// Says how a page looks that is not there, or not for its reader.
    #[must_use]
    pub fn error_page(mut self, page: ErrorPage) -> Self {
        self.error_page = Some(page);
        self
    }
}
