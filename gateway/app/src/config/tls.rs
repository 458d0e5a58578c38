//! `[mqtt.tls]`: where devices connect inside TLS, and with which certificates.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use roost_mqtt::{Certificates, ClientCertificates, TlsOptions};
use serde::Deserialize;

/// `[mqtt.tls]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// Address to listen on; without one there is no TLS.
    pub listen: Option<SocketAddr>,
    /// File of the gateway's certificate.
    pub certificate: Option<PathBuf>,
    /// File of its private key.
    pub key: Option<PathBuf>,
    /// File of the authority that signs devices' certificates.
    pub client_ca: Option<PathBuf>,
    /// Whether devices show certificates.
    pub client_certificates: Shown,
}

/// Whether devices show certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// They are not asked.
    #[default]
    Off,
    /// They may, and need no password then.
    Accept,
    /// They must.
    Require,
}

/// What makes a certificate for a site that has nobody to sign one.
const MAKE_ONE: &str = "make both, and give the certificate to the devices as the one to trust:\n    \
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=roost \\\n      \
    -addext subjectAltName=DNS:roost.local,IP:192.168.1.2 -out roost.crt -keyout roost.key\n  \
    then say: certificate = \"/etc/roost/roost.crt\" and key = \"/etc/roost/roost.key\"";

impl TlsConfig {
    /// What is wrong, and what to do about it.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        if self.listen.is_none() {
            return Ok(());
        }
        if self.certificate.is_none() || self.key.is_none() {
            let missing = if self.certificate.is_none() {
                "certificate"
            } else {
                "key"
            };
            return Err((
                format!("TLS needs a {missing} in [mqtt.tls]"),
                MAKE_ONE.to_owned(),
            ));
        }
        if self.client_certificates != Shown::Off && self.client_ca.is_none() {
            return Err((
                "client_certificates needs a client_ca in [mqtt.tls]".to_owned(),
                "name the file with the certificate of the authority that signs those of the devices"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Address and certificates for the broker; `None` without TLS.
    #[must_use]
    pub fn open(&self) -> Option<(SocketAddr, Arc<Certificates>)> {
        let options = TlsOptions {
            certificate: self.certificate.clone()?,
            key: self.key.clone()?,
            client_ca: self.client_ca.clone(),
            clients: match self.client_certificates {
                Shown::Off => ClientCertificates::Off,
                Shown::Accept => ClientCertificates::Accept,
                Shown::Require => ClientCertificates::Require,
            },
        };
        Some((self.listen?, Arc::new(Certificates::new(options))))
    }
}
