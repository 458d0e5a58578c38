//! The secret of somebody new: chosen by a person and sent along, or made here and shown once.

use roost_store::{Secrets, StoreError, check_chosen, hash_chosen};
use serde_json::{Map, Value};

/// The field in which a chosen secret comes. It is no field of a record.
const FIELD: &str = "secret";

/// A secret that is to be put into a record.
pub(crate) struct NewSecret {
    /// What is kept.
    pub(crate) hash: String,
    /// What is shown this once; `None` if whoever chose it knows it.
    pub(crate) shown: Option<String>,
}

impl NewSecret {
    /// Makes one.
    ///
    /// # Errors
    /// [`StoreError::Random`].
    pub(crate) fn made(secrets: &Secrets) -> Result<Self, StoreError> {
        let secret = Secrets::generate()?;
        Ok(Self {
            hash: secrets.hash(&secret),
            shown: Some(secret),
        })
    }

    /// Takes the chosen one out of `params`, or makes one if there is none. Hashing a chosen one takes its time. The
    /// inner error stands beside the field.
    ///
    /// # Errors
    /// [`StoreError::Random`].
    pub(crate) fn take(
        params: &mut Map<String, Value>,
        secrets: &Secrets,
    ) -> Result<Result<Self, &'static str>, StoreError> {
        match params.remove(FIELD) {
            None | Some(Value::Null) => Self::made(secrets).map(Ok),
            Some(Value::String(chosen)) => match check_chosen(&chosen) {
                Ok(()) => Ok(Ok(Self {
                    hash: hash_chosen(&chosen)?,
                    shown: None,
                })),
                Err(message) => Ok(Err(message)),
            },
            Some(_) => Ok(Err("must be text")),
        }
    }

    /// Whether a secret was chosen.
    pub(crate) fn is_chosen(params: &Map<String, Value>) -> bool {
        params.get(FIELD).is_some_and(|secret| !secret.is_null())
    }
}
