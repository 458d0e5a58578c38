//! TLS: who gets in with which certificate, what is renewed, and who is hung up on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use roost_mqtt::{Certificates, ClientCertificates, Limits, TlsOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, version};

use crate::certificates::{Authority, Pair};
use crate::client::Client;
use crate::gateway::Gateway;
use crate::packets::{V4, V5};

const LOOPBACK: &str = "IP:127.0.0.1";
const REFUSED: [u8; 5] = [0x20, 3, 0, 0x86, 0];
pub(crate) const V13: &[&tokio_rustls::rustls::SupportedProtocolVersion] = &[&version::TLS13];
const V12: &[&tokio_rustls::rustls::SupportedProtocolVersion] = &[&version::TLS12];

type TlsClient = tokio_rustls::client::TlsStream<TcpStream>;

/// A gateway with a certificate, and the authority that has signed it.
pub(crate) struct Site {
    pub(crate) gateway: Gateway,
    authority: Authority,
    certificates: Arc<Certificates>,
    _directory: tempfile::TempDir,
}

impl Site {
    pub(crate) async fn start(clients: ClientCertificates) -> Self {
        Self::with(clients, Limits::default()).await
    }

    async fn with(clients: ClientCertificates, limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(directory.path());
        let Pair { certificate, key } = authority.sign("gateway", Some(LOOPBACK));
        let certificates = Arc::new(Certificates::new(TlsOptions {
            certificate,
            key,
            client_ca: Some(authority.certificate()),
            clients,
        }));
        Self {
            gateway: Gateway::listening(limits, Some(Arc::clone(&certificates))).await,
            authority,
            certificates,
            _directory: directory,
        }
    }

    pub(crate) fn config(
        &self,
        versions: &[&'static tokio_rustls::rustls::SupportedProtocolVersion],
        pair: Option<Pair>,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(self.authority.certificate()).unwrap();
        roots.add(authority).unwrap();
        let builder = ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots);
        let config = match pair {
            None => builder.with_no_client_auth(),
            Some(Pair { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
                let key = PrivateKeyDer::from_pem_file(key).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        Arc::new(config)
    }

    pub(crate) async fn connect(&self, config: &Arc<ClientConfig>) -> std::io::Result<TlsClient> {
        let socket = TcpStream::connect(self.gateway.tls_address()).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::clone(config)).connect(name, socket).await
    }

    /// What the gateway answers to a CONNECT of such a client.
    async fn knock(&self, config: &Arc<ClientConfig>, login: Option<(&str, &str)>) -> Vec<u8> {
        let mut client = Client::on(self.connect(config).await.unwrap());
        client.say_connect(V5, "c", login).await
    }
}

fn is_welcome(answer: &[u8]) -> bool {
    answer[0] == 0x20 && answer[3] == 0
}

#[tokio::test]
async fn a_device_talks_inside_tls_1_3_and_1_2_as_it_does_without() {
    let site = Site::start(ClientCertificates::Off).await;
    let secret = site.gateway.add_device("boiler", true);
    let mut dashboard = site.gateway.service(V5).await;
    dashboard.subscribe("devices/#", 1).await;
    for versions in [V13, V12] {
        let stream = site.connect(&site.config(versions, None)).await.unwrap();
        let mut device = Client::on(stream);
        let answer = device.say_connect(V4, "c", Some(("boiler", &secret))).await;
        assert_eq!(answer, [0x20, 2, 0, 0]);
        device.subscribe("devices/boiler/commands/#", 1).await;
        // More than a record, more than a read, and more than the socket takes at once.
        let large = vec![b'x'; 200_000];
        device.publish("devices/boiler/telemetry/x", &large, 1).await;
        assert_eq!(device.puback().await, 0);
        assert_eq!(dashboard.message_at("devices/boiler/telemetry/x").await, large);
        let topic = roost_model::Topic::new("devices/boiler/commands/x").unwrap();
        let command = roost_runtime::Message::new(topic, large.clone()).at_least_once();
        site.gateway.bus().publish(command);
        assert_eq!(device.message_at("devices/boiler/commands/x").await, large);
        device.ping().await;
        device.goodbye().await;
    }
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_certificate_stands_for_the_password_of_its_own_name_only() {
    let site = Site::start(ClientCertificates::Accept).await;
    for name in ["boiler", "lamp"] {
        let _ = site.gateway.add_device(name, true);
    }
    let boiler = site.config(V13, Some(site.authority.sign("boiler", None)));
    assert!(is_welcome(&site.knock(&boiler, None).await));
    assert!(is_welcome(&site.knock(&boiler, Some(("boiler", ""))).await));
    assert_eq!(site.knock(&boiler, Some(("lamp", ""))).await, REFUSED);
    assert_eq!(site.knock(&boiler, Some(("lamp", "wrong"))).await, REFUSED);
    let nobody = site.config(V13, None);
    assert_eq!(site.knock(&nobody, None).await, REFUSED);
    assert_eq!(site.knock(&nobody, Some(("boiler", ""))).await, REFUSED);
    site.gateway.stop().await;
}

#[tokio::test]
async fn no_certificate_makes_anybody_the_service_or_an_unknown_device() {
    let site = Site::start(ClientCertificates::Accept).await;
    for name in ["roost", "stranger"] {
        let config = site.config(V13, Some(site.authority.sign(name, None)));
        assert_eq!(site.knock(&config, None).await, REFUSED, "{name}");
        assert_eq!(site.knock(&config, Some((name, ""))).await, REFUSED, "{name}");
    }
    let secret = site.gateway.add_device("boiler", true);
    let stranger = site.config(V13, Some(site.authority.sign("stranger", None)));
    assert!(
        is_welcome(&site.knock(&stranger, Some(("boiler", &secret))).await),
        "the password still counts"
    );
    site.gateway.stop().await;
}

#[tokio::test]
async fn where_a_certificate_is_required_nobody_connects_without_and_no_other_authority_counts() {
    let site = Site::start(ClientCertificates::Require).await;
    let secret = site.gateway.add_device("boiler", true);
    let elsewhere = tempfile::tempdir().unwrap();
    let forged = Authority::new(elsewhere.path()).sign("boiler", None);
    for config in [site.config(V13, None), site.config(V13, Some(forged))] {
        // A client of 1.3 learns it with the first bytes that it reads.
        let mut stream = site.connect(&config).await.unwrap();
        let _ = stream.write_all(b"x").await;
        assert!(stream.read_u8().await.is_err());
    }
    let own = site.config(V12, Some(site.authority.sign("boiler", None)));
    assert!(is_welcome(&site.knock(&own, Some(("boiler", &secret))).await));
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_returning_client_resumes_its_session_with_its_certificate_in_it() {
    let site = Site::start(ClientCertificates::Accept).await;
    let _ = site.gateway.add_device("boiler", true);
    for versions in [V13, V12] {
        let config = site.config(versions, Some(site.authority.sign("boiler", None)));
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut stream = site.connect(&config).await.unwrap();
            stream
                .write_all(&[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 1, b'c'])
                .await
                .unwrap();
            let mut answer = [0; 4];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, [0x20, 2, 0, 0]);
            kinds.push(stream.get_ref().1.handshake_kind());
        }
        assert_eq!(
            kinds,
            [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)],
            "{versions:?}"
        );
    }
    site.gateway.stop().await;
}

/// The certificate that the gateway shows.
async fn shown(site: &Site) -> Vec<u8> {
    let stream = site.connect(&site.config(V13, None)).await.unwrap();
    let (_, session) = stream.get_ref();
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    session.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
    let site = Site::start(ClientCertificates::Off).await;
    let secret = site.gateway.add_device("boiler", true);
    let mut connected = Client::on(site.connect(&site.config(V13, None)).await.unwrap());
    assert!(is_welcome(
        &connected.say_connect(V5, "c", Some(("boiler", &secret))).await
    ));
    let first = shown(&site).await;
    assert!(!site.certificates.reload_if_changed().unwrap());
    let Pair { certificate, key } = site.authority.sign("gateway", Some(LOOPBACK));
    assert!(site.certificates.reload_if_changed().unwrap());
    let second = shown(&site).await;
    assert_ne!(first, second);

    std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nhalf").unwrap();
    let error = site.certificates.reload_if_changed().unwrap_err().to_string();
    assert!(
        error.contains("gateway.pem") && error.contains("[mqtt.tls]"),
        "{error}"
    );
    assert!(!site.certificates.reload_if_changed().unwrap(), "said once");
    assert_eq!(shown(&site).await, second, "the old one stays in use");

    let _ = site.authority.sign("other", None);
    std::fs::rename(certificate.with_file_name("other.pem"), &certificate).unwrap();
    let error = site.certificates.reload().unwrap_err().to_string();
    assert!(
        error.contains("certificate and key can't be used together"),
        "{error}"
    );
    std::fs::rename(key.with_file_name("other.key"), &key).unwrap();
    site.certificates.reload().unwrap();
    connected.ping().await;
    site.gateway.stop().await;
}

#[tokio::test]
async fn without_a_certificate_tls_waits_for_one_and_the_rest_runs() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let certificates = Arc::new(Certificates::new(TlsOptions {
        certificate: file("gateway.pem"),
        key: file("gateway.key"),
        client_ca: None,
        clients: ClientCertificates::Off,
    }));
    let gateway = Gateway::listening(Limits::default(), Some(Arc::clone(&certificates))).await;
    let mut plain = gateway.device(V5, "boiler").await;
    let mut early = TcpStream::connect(gateway.tls_address()).await.unwrap();
    assert_eq!(early.read(&mut [0]).await.unwrap(), 0);
    let authority = Authority::new(directory.path());
    let _ = authority.sign("gateway", Some(LOOPBACK));
    certificates.reload().unwrap();
    let site = Site {
        gateway,
        authority,
        certificates,
        _directory: directory,
    };
    shown(&site).await;
    plain.ping().await;
    site.gateway.stop().await;
}

#[tokio::test]
async fn silence_garbage_and_half_handshakes_cost_their_senders_the_connection_and_nobody_else_anything() {
    let limits = Limits {
        // The honest client has to be in by then, too.
        connect_within: Duration::from_secs(5),
        ..Limits::default()
    };
    let site = Site::with(ClientCertificates::Off, limits).await;
    let address = site.gateway.tls_address();
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 1, b'c'],
        &[0x16, 3, 1, 0xff, 0xff, 1],
        &[0xff; 3000],
        // The beginning of a ClientHello, and nothing after it.
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        // An alert or nothing, and then the end.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.len() < 10, "{answer:x?}");
    }
    let secret = site.gateway.add_device("boiler", true);
    assert!(is_welcome(
        &site
            .knock(&site.config(V13, None), Some(("boiler", &secret)))
            .await
    ));
    // Whoever shakes hands and then says nothing is as silent as the others.
    let mut shaken = site.connect(&site.config(V13, None)).await.unwrap();
    assert_eq!(shaken.read(&mut [0]).await.unwrap_or(0), 0);
    for mut stream in silent {
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
    }
    let stats = site.gateway.broker().stats();
    let nobody_waits = |_| stats.connects_waiting.load(Ordering::Relaxed) == 0;
    site.gateway.until(nobody_waits).await;
    assert_eq!(stats.handshakes_failed.load(Ordering::Relaxed), 55);
    site.gateway.stop().await;
}
