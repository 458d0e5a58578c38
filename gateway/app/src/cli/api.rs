//! The command line's way to a running gateway: its API on this machine, with the token from its data directory.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::config::Config;
use crate::token;

/// Adding a thousand devices takes less; a gateway that takes longer has a problem worth hearing of.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the API.
pub(crate) struct Api {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

/// What a call came to.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

impl Answer {
    /// The body of a call that went well.
    pub(crate) fn ok(self) -> anyhow::Result<Value> {
        if self.status < 400 {
            return Ok(self.body);
        }
        bail!("{}", self.reason())
    }

    /// The same, where there may be no such thing; `what` is a word of the command line: `device`.
    pub(crate) fn found(self, what: &str, id: &str) -> anyhow::Result<Value> {
        if self.status == 404 {
            return unknown(what, id);
        }
        self.ok()
    }

    /// Why a call did not go well: the problem's title and detail, and what is wrong with each field.
    pub(crate) fn reason(&self) -> String {
        let text = |name: &str| {
            self.body
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let mut reason = text("detail");
        if reason.is_empty() {
            reason = text("title");
        }
        if let Some(errors) = self.body.get("errors").filter(|errors| !errors.is_null()) {
            reason = format!("{reason}: {errors}");
        }
        if reason.is_empty() {
            format!("the gateway answered with status {}", self.status)
        } else {
            reason
        }
    }
}

/// That there is no such thing.
pub(crate) fn unknown<T>(what: &str, id: &str) -> anyhow::Result<T> {
    bail!("there is no {what} {id}: `roost {what} list` shows them")
}

/// The secret in an answer, which is said once.
pub(crate) fn secret_in(body: &Value) -> Option<String> {
    body.get("secret").and_then(Value::as_str).map(str::to_owned)
}

/// What somebody needs who sets up a device or a client.
pub(crate) fn credentials(id: &str, secret: &str) -> String {
    format!("  user    {id}\n  secret  {secret}   (shown this once)\n")
}

/// Where the API is reached from this machine: a gateway that listens everywhere is reached on loopback.
fn base(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

impl Api {
    /// The API of the gateway that runs with this configuration.
    pub(crate) fn new(config: &Config) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            // A proxy of the environment must not see the token.
            .proxy(None)
            .build()
            .into();
        // Without a token the open parts still answer.
        Self {
            agent,
            base: base(config.web.listen),
            token: token::read(&config.data_dir).ok(),
        }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.token.as_deref().unwrap_or_default())
    }

    fn answer(
        &self,
        result: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<Option<Answer>> {
        let mut response = match result {
            Ok(response) => response,
            Err(ureq::Error::ConnectionFailed) => return Ok(None),
            Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                return Ok(None);
            }
            Err(error) => {
                return Err(error).with_context(|| format!("can't ask the gateway at {}", self.base));
            }
        };
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .with_config()
            .limit(256 << 20)
            .read_to_string()
            .context("can't read the answer")?;
        Ok(Some(Answer {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }))
    }

    /// Asks; `None` if no gateway runs there.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Option<Answer>> {
        let request = self.agent.get(format!("{}{path}", self.base));
        self.answer(request.header("authorization", self.authorization()).call())
    }

    /// Sends JSON; `None` if no gateway runs there.
    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Option<Answer>> {
        let request = self.agent.post(format!("{}{path}", self.base));
        self.answer(
            request
                .header("authorization", self.authorization())
                .send_json(body),
        )
    }

    /// Removes; `None` if no gateway runs there.
    pub(crate) fn delete(&self, path: &str) -> anyhow::Result<Option<Answer>> {
        let request = self.agent.delete(format!("{}{path}", self.base));
        self.answer(request.header("authorization", self.authorization()).call())
    }

    /// The answer of a gateway that has to run.
    pub(crate) fn required(&self, answer: Option<Answer>) -> anyhow::Result<Answer> {
        answer.with_context(|| format!("no gateway answers at {}: start one with `roost run`", self.base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_listens_everywhere_is_asked_on_loopback() {
        assert_eq!(base(([0, 0, 0, 0], 80).into()), "http://127.0.0.1:80");
        assert_eq!(base("[::]:8080".parse().unwrap()), "http://[::1]:8080");
        assert_eq!(base(([192, 168, 1, 2], 80).into()), "http://192.168.1.2:80");
    }
}
