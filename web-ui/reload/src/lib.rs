//! Live reload for developers: open pages show what was changed on the disk, and keep their state where they can.
//!
//! - a changed **stylesheet** is swapped in the open page;
//! - a changed **script** loads the page anew;
//! - a changed **template** is a rebuilt program: when it has been started again, the stock client joins by itself and
//!   replays forms. Give the program the same signing key each time, or every page is loaded anew. If its scripts have
//!   changed meanwhile, it is loaded anew in any case;
//! - pages that are not live are loaded anew when the program was started anew: [`Reload::plain_pages`].
//!
//! ```
//! use roost_reload::Reload;
//!
//! # fn main() -> Result<(), roost_reload::ReloadError> {
//! # let folder = tempfile::tempdir().unwrap();
//! # for name in ["app.css", "app.js"] { std::fs::write(folder.path().join(name), "").unwrap(); }
//! # let folder = folder.path();
//! let routes = Reload::new()
//!     .stylesheet("/css/app.css", folder.join("app.css"))?
//!     .script("/js/app.js", folder.join("app.js"))?
//!     .routes();
//! # drop(routes); Ok(()) }
//! ```
//!
//! The layout of the pages adds `<script defer src="/live-reload.js"></script>` ([`SCRIPT`]). Not for production: every
//! open page costs a connection and looks at the files by itself.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use serde::Serialize;
use thiserror::Error;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long a page waits before it asks a program that is away again.
const RETRY_MS: u32 = 300;
/// Where the pages' script is.
pub const SCRIPT: &str = "/live-reload.js";
const CLIENT: &str = include_str!("client.js");

/// A file that cannot be watched.
#[derive(Debug, Error)]
#[error("{path} can't be watched: {source}")]
pub struct ReloadError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stylesheet,
    Script,
}

#[derive(Debug)]
struct Watched {
    kind: Kind,
    url: String,
    path: PathBuf,
}

/// The files that are watched, and served as they are on the disk.
#[derive(Debug, Default)]
pub struct Reload {
    files: Vec<Watched>,
    /// Another number for each start of the program, where pages are to notice it.
    start: u64,
}

/// When a file was changed and how long it is; `None` while it is being replaced.
type Stamp = Option<(SystemTime, u64)>;

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// All files as they are: a page compares it with what it was made with. Versions are texts that differ when the files
/// do.
#[derive(Serialize)]
struct State<'a> {
    /// All scripts together, and the start of the program where pages are to notice it.
    scripts: String,
    stylesheets: BTreeMap<&'a str, String>,
}

/// What one open page has been told.
struct Told {
    reload: Arc<Reload>,
    stamps: Vec<Stamp>,
    greeted: bool,
}

impl Reload {
    /// Nothing is watched yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves a stylesheet from the disk and watches it.
    ///
    /// # Errors
    /// [`ReloadError`] if it is not there.
    pub fn stylesheet(self, url: &str, path: impl Into<PathBuf>) -> Result<Self, ReloadError> {
        self.watch(Kind::Stylesheet, url, path.into())
    }

    /// Serves a script from the disk and watches it.
    ///
    /// # Errors
    /// [`ReloadError`] if it is not there.
    pub fn script(self, url: &str, path: impl Into<PathBuf>) -> Result<Self, ReloadError> {
        self.watch(Kind::Script, url, path.into())
    }

    /// Loads pages anew after each start of the program: for pages that no live client joins again.
    #[must_use]
    pub fn plain_pages(mut self) -> Self {
        self.start = RandomState::new().hash_one(());
        self
    }

    fn watch(mut self, kind: Kind, url: &str, path: PathBuf) -> Result<Self, ReloadError> {
        if let Err(source) = std::fs::metadata(&path) {
            return Err(ReloadError { path, source });
        }
        let url = url.to_owned();
        self.files.push(Watched { kind, url, path });
        Ok(self)
    }

    /// The files, `/live-reload.js` for the pages, and `/live-reload`, where they hear of changes.
    pub fn routes(self) -> Router {
        let reload = Arc::new(self);
        let mut router = Router::new();
        for file in &reload.files {
            let (kind, path) = (file.kind, file.path.clone());
            router = router.route(&file.url, get(async move || serve(kind, &path)));
        }
        let client = Arc::clone(&reload);
        router
            .route(
                SCRIPT,
                get(async move || asset(Kind::Script, client.script_of_pages().into())),
            )
            .route("/live-reload", get(async move || changes(reload)))
    }

    /// The pages' script, which knows what the files are at the moment that the page is loaded.
    fn script_of_pages(&self) -> String {
        CLIENT
            .replace("$RETRY_MS", &RETRY_MS.to_string())
            .replace("$STATE", &self.state())
    }

    /// The files as they are, as JSON.
    fn state(&self) -> String {
        let mut scripts = DefaultHasher::new();
        self.start.hash(&mut scripts);
        let mut stylesheets = BTreeMap::new();
        for file in &self.files {
            let bytes = std::fs::read(&file.path).unwrap_or_default();
            match file.kind {
                Kind::Script => bytes.hash(&mut scripts),
                Kind::Stylesheet => {
                    let mut hash = DefaultHasher::new();
                    bytes.hash(&mut hash);
                    stylesheets.insert(file.url.as_str(), version(&hash));
                }
            }
        }
        let scripts = version(&scripts);
        serde_json::to_string(&State { scripts, stylesheets }).unwrap_or_default()
    }
}

fn version(hash: &DefaultHasher) -> String {
    format!("{:016x}", hash.finish())
}

fn asset(kind: Kind, bytes: Bytes) -> Response {
    let kind = match kind {
        Kind::Stylesheet => "text/css; charset=utf-8",
        Kind::Script => "text/javascript; charset=utf-8",
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    (headers, bytes).into_response()
}

fn serve(kind: Kind, path: &Path) -> Response {
    match std::fs::read(path) {
        Ok(bytes) => asset(kind, bytes.into()),
        Err(error) => (StatusCode::NOT_FOUND, format!("{}: {error}", path.display())).into_response(),
    }
}

/// Server-sent events (HTML standard, section 9.2): what the files are, at once and after each change.
fn changes(reload: Arc<Reload>) -> Response {
    let events = stream::unfold(Told::new(reload), async |mut told| {
        let event = told.next().await;
        Some((Ok::<_, Infallible>(Bytes::from(event)), told))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Body::from_stream(events)).into_response()
}

impl Told {
    fn new(reload: Arc<Reload>) -> Self {
        Self {
            stamps: reload.files.iter().map(|file| stamp(&file.path)).collect(),
            reload,
            greeted: false,
        }
    }

    async fn next(&mut self) -> String {
        if self.greeted {
            while !self.has_changed() {
                tokio::time::sleep(LOOK).await;
            }
        }
        self.greeted = true;
        format!(
            "retry: {RETRY_MS}\nevent: files\ndata: {}\n\n",
            self.reload.state()
        )
    }

    /// Whether a file is not what it was. One that is away is being replaced.
    fn has_changed(&mut self) -> bool {
        let mut changed = false;
        for (known, file) in self.stamps.iter_mut().zip(&self.reload.files) {
            let now = stamp(&file.path);
            if now.is_some() && now != *known {
                *known = now;
                changed = true;
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::Arc;

    use super::{Reload, Told};

    #[tokio::test]
    async fn a_page_is_told_what_the_files_are_at_once_and_after_each_change() {
        let folder = tempfile::tempdir().unwrap();
        let (sheet, script) = (folder.path().join("a.css"), folder.path().join("a.js"));
        std::fs::write(&sheet, "a").unwrap();
        std::fs::write(&script, "1").unwrap();
        let reload = Reload::new().stylesheet("/a.css", &sheet).unwrap();
        let files = Arc::new(reload.script("/a.js", &script).unwrap());
        let open = || Told::new(Arc::clone(&files));
        let parts = |event: &str| -> [String; 2] {
            let data = event.strip_prefix("retry: 300\nevent: files\ndata: ").unwrap();
            let state: serde_json::Value = serde_json::from_str(data.trim()).unwrap();
            [&state["scripts"], &state["stylesheets"]["/a.css"]].map(|part| part.as_str().unwrap().to_owned())
        };
        let mut told = open();
        let [scripts, sheets] = parts(&told.next().await);
        let again = parts(&open().next().await);
        assert_eq!(
            again,
            [scripts.clone(), sheets.clone()],
            "the same files after a restart"
        );

        std::fs::write(&sheet, "longer").unwrap();
        let [same, swapped] = parts(&told.next().await);
        assert!(same == scripts && swapped != sheets, "{same} {swapped}");

        std::fs::write(&script, "22").unwrap();
        let [changed, same] = parts(&told.next().await);
        assert!(changed != scripts && same == swapped, "{changed} {same}");
    }

    #[test]
    fn the_script_of_a_page_knows_what_the_files_were_when_it_was_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let sheet = folder.path().join("a.css");
        std::fs::write(&sheet, "a").unwrap();
        let reload = Reload::new().stylesheet("/a.css", &sheet).unwrap();
        let before = reload.script_of_pages();
        assert!(
            before.contains("const has = {\"scripts\":\"") && before.contains("setTimeout(listen, 300)"),
            "{before}"
        );
        std::fs::write(&sheet, "b").unwrap();
        assert_ne!(reload.script_of_pages(), before);
    }

    #[tokio::test]
    async fn plain_pages_are_told_of_each_start_of_the_program() {
        let greeting = async || Told::new(Arc::new(Reload::new().plain_pages())).next().await;
        assert_ne!(greeting().await, greeting().await);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Reload::new().stylesheet("/a.css", "nowhere.css").unwrap_err();
        assert!(error.to_string().starts_with("nowhere.css can't be watched"));
    }
}
