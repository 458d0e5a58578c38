//! Somebody who opens pages: keeps cookies, loads documents.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Map, Value};

use super::document::Document;
use super::failure::Failure;
use super::loaded::Loaded;
use super::page::Page;
use super::wire::{ask, text};

/// More redirects than this lead nowhere.
const REDIRECTS: usize = 10;

/// Somebody who opens pages of a program: its routes are called in this process, without a port.
///
/// Has cookies of its own, as every browser does.
#[derive(Clone)]
pub struct Browser {
    pub(super) router: Router,
    pub(super) mount: String,
    /// What the pages' script says at each join besides what the client does.
    pub(super) params: Map<String, Value>,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A browser without cookies. `router` has the pages and, under `/live`, their socket.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self {
            router,
            mount: "/live".to_owned(),
            params: Map::new(),
            cookies: BTreeMap::new(),
        }
    }

    /// The same if the pages' socket is elsewhere.
    #[must_use]
    pub fn socket_at(mut self, mount: &str) -> Self {
        mount.clone_into(&mut self.mount);
        self
    }

    /// The same with a parameter that the pages' script gives its `LiveSocket`, for `Context::connect_params`.
    #[must_use]
    pub fn connect_param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// Loads a page, follows redirects, and lets its view join.
    ///
    /// # Errors
    /// A page that is not there or no live page, a document that is not well-formed, a join that is refused.
    pub async fn open(&mut self, path: &str) -> Result<Page, Failure> {
        let loaded = self.load(path).await?;
        Page::join(self.clone(), loaded).await
    }

    /// What a page load answers, redirects and errors as they are: status, and the body or where it leads to.
    ///
    /// # Errors
    /// No answer.
    pub async fn get(&mut self, path: &str) -> Result<(u16, String), Failure> {
        let request = Request::builder()
            .uri(path)
            .header(header::HOST, super::HOST)
            .header(header::COOKIE, self.cookie())
            .body(Body::empty())
            .map_err(|error| Failure::new(format!("{path}: {error}")))?;
        let answer = ask(&self.router, request).await?;
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().unwrap_or_default());
        }
        let status = answer.status().as_u16();
        let location = answer.headers().get(header::LOCATION);
        match location.and_then(|to| to.to_str().ok()) {
            Some(to) => Ok((status, to.to_owned())),
            None => Ok((status, text(answer).await?)),
        }
    }

    /// Loads a page and follows redirects, without letting its view join: what a reader sees before any script runs.
    ///
    /// # Errors
    /// A page that is not there, a document that is not well-formed.
    pub async fn load(&mut self, path: &str) -> Result<Loaded, Failure> {
        let mut path = path.to_owned();
        for _ in 0..REDIRECTS {
            match self.get(&path).await? {
                (200, html) => {
                    let document =
                        Document::parse(&html).map_err(|error| Failure::new(format!("{path}: {error}")))?;
                    return Ok(Loaded { path, document });
                }
                (300..=399, to) => path = to,
                (status, text) => return Err(Failure::new(format!("{path}: status {status}: {text}"))),
            }
        }
        Err(Failure::new(format!("{path}: more than {REDIRECTS} redirects")))
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, about) = cookie.split_once(';').unwrap_or((cookie, ""));
        if let Some((name, value)) = pair.split_once('=') {
            if about.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name.trim());
            } else {
                self.set_cookie(name.trim(), value.trim());
            }
        }
    }

    /// Sets a cookie, as the page's script or an earlier visit would have.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn cookie(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser")
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}
