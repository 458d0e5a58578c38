//! The gateway's API as a client sees it.

use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub kind: String,
    /// Body as it came.
    pub text: String,
    /// Body as JSON; null if it is none.
    pub body: Value,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Nobody listens.
    Closed,
    /// The connection was ended.
    Cut,
    /// Nothing came as long as was waited.
    Late,
}

impl From<ureq::Error> for Silence {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Self::Late,
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Self::Closed,
            _ => Self::Cut,
        }
    }
}

/// A client of the API.
pub struct Api {
    agent: ureq::Agent,
    base: String,
    token: String,
}

impl Api {
    /// A client that presents `token`.
    #[must_use]
    pub fn new(base: &str, token: &str) -> Self {
        Self::waiting(base, token, Duration::from_secs(60))
    }

    /// The same, which waits no longer than `patience` for an answer.
    #[must_use]
    pub fn waiting(base: &str, token: &str, patience: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(patience))
            .build()
            .into();
        Self {
            agent,
            base: base.to_owned(),
            token: token.to_owned(),
        }
    }

    fn respond(mut response: ureq::http::Response<ureq::Body>) -> Response {
        let kind = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let (status, kind) = (response.status().as_u16(), kind.to_owned());
        let text = response
            .body_mut()
            .with_config()
            .limit(256 << 20)
            .read_to_string()
            .unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Response {
            status,
            kind,
            text,
            body,
        }
    }

    /// Asks; `None` if nobody answers.
    #[must_use]
    pub fn try_get(&self, path: &str) -> Option<Response> {
        let request = self.agent.get(format!("{}{path}", self.base));
        request
            .header("authorization", format!("Bearer {}", self.token))
            .call()
            .ok()
            .map(Self::respond)
    }

    /// Asks.
    #[must_use]
    pub fn get(&self, path: &str) -> Response {
        self.try_get(path).expect("the gateway answers")
    }

    /// Sends JSON.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.agent.post(format!("{}{path}", self.base));
        Self::respond(
            request
                .header("authorization", format!("Bearer {}", self.token))
                .send_json(body)
                .unwrap(),
        )
    }

    /// Sends JSON to somebody who may not answer.
    ///
    /// # Errors
    /// [`Silence`].
    pub fn try_post(&self, path: &str, body: &Value) -> Result<Response, Silence> {
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = request.header("authorization", format!("Bearer {}", self.token));
        Ok(Self::respond(request.send_json(body)?))
    }

    /// Changes.
    #[must_use]
    pub fn patch(&self, path: &str, body: &Value) -> Response {
        let request = self.agent.patch(format!("{}{path}", self.base));
        Self::respond(
            request
                .header("authorization", format!("Bearer {}", self.token))
                .send_json(body)
                .unwrap(),
        )
    }

    /// Changes by somebody who may not answer.
    ///
    /// # Errors
    /// [`Silence`].
    pub fn try_patch(&self, path: &str, body: &Value) -> Result<Response, Silence> {
        let request = self.agent.patch(format!("{}{path}", self.base));
        let request = request.header("authorization", format!("Bearer {}", self.token));
        Ok(Self::respond(request.send_json(body)?))
    }

    /// Removes by somebody who may not answer.
    ///
    /// # Errors
    /// [`Silence`].
    pub fn try_delete(&self, path: &str) -> Result<Response, Silence> {
        let request = self.agent.delete(format!("{}{path}", self.base));
        let request = request.header("authorization", format!("Bearer {}", self.token));
        Ok(Self::respond(request.call()?))
    }

    /// Puts a text in the place of another.
    #[must_use]
    pub fn put(&self, path: &str, text: &str) -> Response {
        let request = self.agent.put(format!("{}{path}", self.base));
        let request = request.header("authorization", format!("Bearer {}", self.token));
        Self::respond(request.header("content-type", "text/plain").send(text).unwrap())
    }

    /// Removes.
    #[must_use]
    pub fn delete(&self, path: &str) -> Response {
        let request = self.agent.delete(format!("{}{path}", self.base));
        Self::respond(
            request
                .header("authorization", format!("Bearer {}", self.token))
                .call()
                .unwrap(),
        )
    }

    /// One point of a device; `None` until it has a value.
    #[must_use]
    pub fn point(&self, device: &str, point: &str) -> Option<Value> {
        let answer = self.get(&format!("/api/v1/devices/{device}/points/{point}"));
        (answer.status == 200).then_some(answer.body)
    }

    /// The value of one of the metrics.
    #[must_use]
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").text;
        let line = text
            .lines()
            .find(|line| line.split_whitespace().next() == Some(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
            .unwrap_or_else(|| panic!("a metric {name}"))
    }
}
