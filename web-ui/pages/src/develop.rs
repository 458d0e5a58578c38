//! Pages that follow what a developer changes. A program that was built for release never does.
//!
//! Where debug assertions are on and `ROOST_ASSETS` names a folder, the stylesheet comes from there, open pages are
//! told when it changes, and are loaded anew when the program was. For that they have a script, as no page has
//! otherwise.

use std::path::PathBuf;
use std::sync::LazyLock;

use axum::Router;
use roost_reload::{Reload, SCRIPT};

/// Where the stylesheet is that is read from the disk.
const STYLESHEET: &str = "/assets/roost.css";
/// The guard's word on what a page may load and ask, with a script of its own.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
     img-src 'self' data:; form-action 'self'; frame-ancestors 'none'";

/// What pages have that follow a developer's changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Following {
    pub(crate) stylesheet: &'static str,
    pub(crate) script: &'static str,
    pub(crate) content_security_policy: &'static str,
}

fn folder() -> Option<&'static PathBuf> {
    static FOLDER: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("ROOST_ASSETS").map(PathBuf::from));
    // Known to the compiler: a release has nothing of what follows.
    if cfg!(debug_assertions) {
        FOLDER.as_ref()
    } else {
        None
    }
}

/// Whether the pages follow a developer's changes, and how.
pub(crate) fn following() -> Option<Following> {
    folder().map(|_| Following {
        stylesheet: STYLESHEET,
        script: SCRIPT,
        content_security_policy: CONTENT_SECURITY_POLICY,
    })
}

/// What the pages then ask for.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let Some(folder) = folder() else {
        return Router::new();
    };
    let watched = Reload::new()
        .plain_pages()
        .stylesheet(STYLESHEET, folder.join("roost.css"));
    match watched {
        Ok(reload) => reload.routes().with_state(()),
        Err(error) => {
            tracing::error!(%error, "the pages have no stylesheet");
            Router::new()
        }
    }
}
