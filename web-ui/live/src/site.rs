//! A site of live views: its routes, its key, and what all its views share.

mod live;
mod load;

use std::any::Any;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use roost_runtime::Bus;

use crate::presence::Presence;
use crate::routes::{PatternError, Routes, Table};
use crate::sign::SigningKey;
use crate::view::upload::{Table as Uploads, UPLOAD_BYTES};

struct Inner {
    key: SigningKey,
    table: Table,
    app: Arc<dyn Any + Send + Sync>,
    bus: Option<Bus>,
    presence: Option<Presence>,
    secure: bool,
    uploads: Uploads,
}

/// What a site is made of.
pub struct SiteBuilder {
    key: SigningKey,
    routes: Routes,
    app: Arc<dyn Any + Send + Sync>,
    bus: Option<Bus>,
    presence: Option<Presence>,
    secure: bool,
    upload_folder: PathBuf,
    upload_bytes: u64,
}

impl SiteBuilder {
    /// The program's own state, for [`Context::app`](crate::Context::app).
    #[must_use]
    pub fn app<T: Send + Sync + 'static>(mut self, app: Arc<T>) -> Self {
        self.app = app;
        self
    }

    /// The bus that views can subscribe to.
    #[must_use]
    pub fn bus(mut self, bus: Bus) -> Self {
        self.bus = Some(bus);
        self
    }

    /// Whom views can be among, and watch: that of the endpoint, so that channels' clients are told of them too.
    #[must_use]
    pub fn presence(mut self, presence: &Presence) -> Self {
        self.presence = Some(presence.clone());
        self
    }

    /// Says that the site is on HTTPS: its cookies are sent there only.
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Where files lie while they are uploaded, and how many bytes all of them may take together. They are moved from
    /// there most cheaply within one file system. Without this, the system's folder for temporary files and
    /// [`UPLOAD_BYTES`].
    #[must_use]
    pub fn uploads(mut self, folder: impl Into<PathBuf>, bytes: u64) -> Self {
        self.upload_folder = folder.into();
        self.upload_bytes = bytes;
        self
    }

    /// The site.
    ///
    /// # Errors
    /// [`PatternError`] if a path cannot be a route.
    pub fn build(self) -> Result<Site, PatternError> {
        let uploads = Uploads::new(self.key.clone(), self.upload_folder, self.upload_bytes);
        Ok(Site(Arc::new(Inner {
            uploads,
            key: self.key,
            table: Table::new(self.routes)?,
            app: self.app,
            bus: self.bus,
            presence: self.presence,
            secure: self.secure,
        })))
    }
}

impl fmt::Debug for SiteBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteBuilder")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

/// A site of live views. Cloning copies a pointer.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

impl Site {
    /// Begins a site of these routes, whose tokens are signed with `key`.
    #[must_use]
    pub fn builder(key: SigningKey, routes: Routes) -> SiteBuilder {
        SiteBuilder {
            key,
            routes,
            app: Arc::new(()),
            bus: None,
            presence: None,
            secure: false,
            upload_folder: std::env::temp_dir(),
            upload_bytes: UPLOAD_BYTES,
        }
    }

    /// The key of its tokens.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.0.key
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0.table
    }

    pub(crate) fn app(&self) -> &(dyn Any + Send + Sync) {
        &*self.0.app
    }

    pub(crate) fn bus(&self) -> Option<&Bus> {
        self.0.bus.as_ref()
    }

    pub(crate) fn presence(&self) -> Option<&Presence> {
        self.0.presence.as_ref()
    }

    pub(crate) fn uploads(&self) -> &Uploads {
        &self.0.uploads
    }

    pub(crate) fn secure(&self) -> bool {
        self.0.secure
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("table", &self.0.table)
            .finish_non_exhaustive()
    }
}
