//! Where clients come in: an address, a transport, and who they say they are.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::{Authority, Pair, Program, Settings, WEB_PORT};

const TLS_PORT: u16 = 18_883;

/// What carries MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A plain TCP connection.
    Tcp,
    /// TLS, with a certificate that an authority of the tests' own has signed.
    Tls,
    /// WebSocket on the port of the page.
    WebSocket,
}

impl Transport {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Tls, Self::WebSocket];
}

/// A way into a gateway.
#[derive(Debug, Clone)]
pub struct Door {
    /// What carries MQTT here.
    pub transport: Transport,
    /// The address to connect to.
    pub at: SocketAddr,
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// File of the certificate to trust; inside TLS only.
    pub authority: Option<PathBuf>,
}

impl Door {
    /// A program with all doors open.
    #[must_use]
    pub fn all() -> Program {
        let mut program = Program::prepare(Settings::default());
        let address = program.address();
        let authority = Authority::new(program.directory());
        let Pair { certificate, key } = authority.sign("gateway", Some(&format!("IP:{address}")));
        program.configure(&format!(
            "[mqtt.tls]\nlisten = \"{address}:{TLS_PORT}\"\ncertificate = {certificate:?}\nkey = {key:?}"
        ));
        program.boot();
        program
    }

    /// A door of a program for the service account. Plain TCP and WebSocket are always open.
    #[must_use]
    pub fn of(program: &Program, transport: Transport) -> Self {
        let port = match transport {
            Transport::Tcp => program.mqtt().1,
            Transport::Tls => TLS_PORT,
            Transport::WebSocket => WEB_PORT,
        };
        Self {
            transport,
            at: SocketAddr::new(IpAddr::V4(program.address()), port),
            user: "roost".to_owned(),
            password: program.token(),
            authority: (transport == Transport::Tls).then(|| program.directory().join("authority.pem")),
        }
    }

    /// The same by way of something else that listens.
    #[must_use]
    pub fn by_way_of(&self, at: SocketAddr) -> Self {
        Self { at, ..self.clone() }
    }

    /// What every script is told: a URL with user and password in it, and the certificate to trust or nothing.
    #[must_use]
    pub fn arguments(&self) -> [String; 2] {
        let (scheme, path) = match self.transport {
            Transport::Tcp => ("mqtt", ""),
            Transport::Tls => ("mqtts", ""),
            Transport::WebSocket => ("ws", "/mqtt"),
        };
        let url = format!("{scheme}://{}:{}@{}{path}", self.user, self.password, self.at);
        let authority = self.authority.as_deref().and_then(|path| path.to_str());
        [url, authority.unwrap_or_default().to_owned()]
    }
}
