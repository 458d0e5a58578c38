//! The gateway's own certificate and whom it trusts: read from files, and read again when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::{ServerSessionMemoryCache, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use thiserror::Error;
use tokio::sync::Notify;

/// Sessions of TLS 1.2 clients without tickets that can be resumed. Those of all others lie in tickets that the
/// clients keep.
const RESUMABLE_SESSIONS: usize = 1024;

/// Whether clients show certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// They are not asked for one.
    #[default]
    Off,
    /// One that was signed by the authority stands for a password; a client without one needs its password.
    Accept,
    /// A client without one does not get as far as its CONNECT.
    Require,
}

/// Where the files are. All are PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// The gateway's certificate, followed by those between it and the root.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC1.
    pub key: PathBuf,
    /// Certificates of the authorities that sign those of clients.
    pub client_ca: Option<PathBuf>,
    /// Whether clients show theirs.
    pub clients: ClientCertificates,
}

/// Why files can't be used. The message names the file and what to do.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file can't be read, or holds no such thing.
    #[error("{what} in {}: {source}; [mqtt.tls] names the file", path.display())]
    File {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// No certificate in a file of certificates.
    #[error("there is no certificate in {}: it begins with -----BEGIN CERTIFICATE-----", .0.display())]
    Empty(PathBuf),
    /// An authority's certificate that is none.
    #[error("{} holds a certificate that can't be trusted: {source}", path.display())]
    Authority {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// Client certificates are wanted, and nobody to have signed them is named.
    #[error("client_certificates needs client_ca: the file with the authority's certificate")]
    NoAuthority,
    /// The authorities can't be used.
    #[error("client_ca can't be used: {0}")]
    Verifier(#[from] VerifierBuilderError),
    /// Certificate and key don't belong together, or are of a kind that is not supported.
    #[error(
        "certificate and key can't be used together: {0}; renew both, then this file is read again by itself"
    )]
    Pair(rustls::Error),
}

/// When a file was last changed and how long it is; `None` if it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// The certificates in use.
#[derive(Debug)]
pub struct Certificates {
    options: TlsOptions,
    /// What new connections are served with; `None` while no files could be read.
    current: RwLock<Option<Arc<ServerConfig>>>,
    /// What the files looked like when they were last read, well or not.
    seen: Mutex<Vec<Stamp>>,
    wanted: Notify,
}

impl Certificates {
    /// Nothing was read yet: [`Self::reload`] does that.
    #[must_use]
    pub fn new(options: TlsOptions) -> Self {
        Self {
            options,
            current: RwLock::default(),
            seen: Mutex::default(),
            wanted: Notify::new(),
        }
    }

    /// Has the files read soon, whether they seem to have changed or not.
    pub fn renew(&self) {
        self.seen().clear();
        self.wanted.notify_one();
    }

    /// Waits until somebody wants the files to be read.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Stamp>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a new connection is served with; `None` while there is no certificate that could be used.
    pub(crate) fn config(&self) -> Option<Arc<ServerConfig>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the files, whether they have changed or not. Blocks on the disk. Connections that are open stay as they
    /// are; sessions from before are not resumed, so that whoever is no longer trusted does not get in with one.
    ///
    /// # Errors
    /// [`TlsError`]; what was in use stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        // Looked at before they are read: what changes in between is seen the next time.
        *self.seen() = self.stamps();
        let config = Arc::new(self.options.read()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(config);
        Ok(())
    }

    /// Reads the files if one of them has changed since they were last read. Says whether it did. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Self::reload`], once for each change.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        if *self.seen() == self.stamps() {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }

    fn stamps(&self) -> Vec<Stamp> {
        let TlsOptions {
            certificate,
            key,
            client_ca,
            ..
        } = &self.options;
        let files = [certificate, key].into_iter().chain(client_ca);
        files.map(|path| stamp(path)).collect()
    }
}

fn stamp(path: &Path) -> Stamp {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::File {
        what: "certificates",
        path: path.to_owned(),
        source,
    };
    let list: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(failed)?;
    if list.is_empty() {
        return Err(TlsError::Empty(path.to_owned()));
    }
    Ok(list)
}

impl TlsOptions {
    fn authorities(&self) -> Result<RootCertStore, TlsError> {
        let path = self.client_ca.as_deref().ok_or(TlsError::NoAuthority)?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|source| TlsError::Authority {
                path: path.to_owned(),
                source,
            })?;
        }
        Ok(roots)
    }

    /// Reads all files into what rustls serves with.
    fn read(&self) -> Result<ServerConfig, TlsError> {
        let provider: Arc<CryptoProvider> = ring::default_provider().into();
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|source| TlsError::File {
            what: "the private key",
            path: self.key.clone(),
            source,
        })?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Pair)?;
        let builder = if self.clients == ClientCertificates::Off {
            builder.with_no_client_auth()
        } else {
            let mut verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(self.authorities()?), provider);
            if self.clients == ClientCertificates::Accept {
                verifier = verifier.allow_unauthenticated();
            }
            builder.with_client_cert_verifier(verifier.build()?)
        };
        let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Pair)?;
        config.ticketer = ring::Ticketer::new().map_err(TlsError::Pair)?;
        // A device resumes with its last ticket; a second one is bytes for nothing.
        config.send_tls13_tickets = 1;
        config.session_storage = ServerSessionMemoryCache::new(RESUMABLE_SESSIONS);
        Ok(config)
    }
}
