//! What a message says: JSON, kept as text until somebody wants to look inside, or bytes.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

/// What a message says. Cloning copies a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// JSON text.
    Json(Bytes),
    /// Bytes.
    Binary(Bytes),
}

/// Why something cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// Clients take the payload of a push or a broadcast for an object.
    #[error("the payload of a push or a broadcast must be a JSON object")]
    NotAnObject,
    /// In a frame of bytes a topic, an event, a reference and a status have at most 255 bytes.
    #[error("{field} is longer than the 255 bytes that a binary frame has for it")]
    TooLong {
        /// What is too long.
        field: &'static str,
    },
    /// Version 1 of the protocol has no frames of bytes, and the stock client reads none that come by long poll.
    #[error("a client of protocol version 1, or one that polls, cannot be sent bytes")]
    NoBinary,
    /// The value cannot be written as JSON.
    #[error("it cannot be written as JSON: a map whose keys are not text, or a failing Serialize")]
    NotJson,
}

impl Payload {
    /// `{}`.
    #[must_use]
    pub fn empty() -> Self {
        Self::Json(Bytes::from_static(b"{}"))
    }

    /// JSON that is encoded already. Nobody looks whether it is valid.
    #[must_use]
    pub fn text(json: impl Into<Bytes>) -> Self {
        Self::Json(json.into())
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// [`PayloadError::NotJson`].
    pub fn json(value: &impl Serialize) -> Result<Self, PayloadError> {
        serde_json::to_vec(value)
            .map(|text| Self::Json(text.into()))
            .map_err(|_| PayloadError::NotJson)
    }

    /// Bytes.
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Decodes it.
    ///
    /// # Errors
    /// If it is not JSON of this shape, or bytes.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match self {
            Self::Json(text) => serde_json::from_slice(text),
            Self::Binary(_) => Err(serde::de::Error::custom("bytes, where JSON was expected")),
        }
    }

    /// It as a value; bytes, and numbers or strings that Rust cannot hold, are `null`.
    #[must_use]
    pub fn value(&self) -> Value {
        self.parse().unwrap_or(Value::Null)
    }

    /// The bytes, if it is bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Binary(bytes) => Some(bytes),
            Self::Json(_) => None,
        }
    }

    /// Whether it may be pushed or broadcast.
    pub(crate) fn check_push(&self) -> Result<(), PayloadError> {
        match self {
            Self::Json(text) if text.trim_ascii_start().first() != Some(&b'{') => {
                Err(PayloadError::NotAnObject)
            }
            Self::Json(_) | Self::Binary(_) => Ok(()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.body().len()
    }

    pub(crate) fn body(&self) -> &Bytes {
        match self {
            Self::Json(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::Json(value.to_string().into())
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// `ok`, `error`, or a word of the application's own.
    pub status: Cow<'static, str>,
    /// The response.
    pub payload: Payload,
}

impl Reply {
    /// Yes.
    #[must_use]
    pub fn ok(payload: impl Into<Payload>) -> Self {
        Self::new("ok", payload)
    }

    /// No.
    #[must_use]
    pub fn error(payload: impl Into<Payload>) -> Self {
        Self::new("error", payload)
    }

    /// An answer with any status.
    #[must_use]
    pub fn new(status: impl Into<Cow<'static, str>>, payload: impl Into<Payload>) -> Self {
        Self {
            status: status.into(),
            payload: payload.into(),
        }
    }
}
