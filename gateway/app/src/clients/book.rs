//! The client book: how the record of a client is made. No tasks here: the gateway uses it while it runs, the command
//! line while it does not.

use roost_model::{Client, Device};
use roost_mqtt::Access;
use roost_store::{Changeset, FieldErrors, Secrets, Store, StoreError, Table};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::secrets::NewSecret;

/// The records of the clients, with what is needed to make one.
#[derive(Clone)]
pub(crate) struct ClientBook {
    store: Store,
    secrets: Secrets,
}

/// Why a client was not taken.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// What is wrong, by field.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A client with the secret that was just made for it, shown this once.
#[derive(Debug)]
pub(crate) struct NewClient {
    /// Its record.
    pub(crate) client: Client,
    /// Its secret; `None` if it was chosen by whoever asked.
    pub(crate) secret: Option<String>,
}

/// What may be seen of a client: everything but the hash of its secret.
#[must_use]
pub(crate) fn shown(client: &Client) -> Value {
    json!({
        "id": client.id, "label": client.label, "enabled": client.enabled,
        "publishes": client.publishes, "subscribes": client.subscribes,
    })
}

impl ClientBook {
    /// A book on `store`.
    pub(crate) fn new(store: Store, secrets: Secrets) -> Self {
        Self { store, secrets }
    }

    fn table(&self) -> Table<Client> {
        self.store.table()
    }

    /// All clients, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn list(&self) -> Result<Vec<Client>, StoreError> {
        self.table().all()
    }

    /// Adds a client from what the API or the command line says.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn add(&self, params: &Map<String, Value>) -> Result<NewClient, ClientError> {
        let mut params = params.clone();
        let secret = NewSecret::take(&mut params, &self.secrets)?;
        let base = Client {
            enabled: true,
            ..Client::default()
        };
        let (hash, shown, wrong) = match secret {
            Ok(secret) => (secret.hash, secret.shown, None),
            Err(message) => (String::new(), None, Some(message)),
        };
        let id = params.get("id").and_then(Value::as_str).unwrap_or_default();
        let is_device = self.store.table::<Device>().get(id)?.is_some();
        let valid = Changeset::cast(base, &params)
            .change(|client| client.secret_hash = hash)
            .validate_with(|client, errors| {
                if [Access::SERVICE, Access::ONBOARD].contains(&client.id.as_str()) || is_device {
                    errors.add("id", "is taken");
                }
                if let Some(message) = wrong {
                    errors.add("secret", message);
                }
            })
            .finish()?;
        let client = valid.clone().into_inner();
        match self.table().insert_all(vec![valid]) {
            Ok(()) => Ok(NewClient {
                client,
                secret: shown,
            }),
            Err(StoreError::Exists { .. }) => {
                let mut errors = FieldErrors::new();
                errors.add("id", "is taken");
                Err(errors.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Changes anything but the id. `None` if there is no such client.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn change(
        &self,
        id: &str,
        params: &Map<String, Value>,
    ) -> Result<Option<Client>, ClientError> {
        const CHANGEABLE: [&str; 4] = ["label", "enabled", "publishes", "subscribes"];
        let Some(client) = self.table().get(id)? else {
            return Ok(None);
        };
        let valid = Changeset::cast_only(client, params, &CHANGEABLE).finish()?;
        self.table().put(valid.clone())?;
        Ok(Some(valid.into_inner()))
    }

    /// Makes a new secret; the old one is worth nothing from then on. `None` if there is no such client.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn renew_secret(&self, id: &str) -> Result<Option<NewClient>, ClientError> {
        let Some(client) = self.table().get(id)? else {
            return Ok(None);
        };
        let NewSecret { hash, shown } = NewSecret::made(&self.secrets)?;
        let valid = Changeset::change_of(client)
            .change(|client| client.secret_hash = hash)
            .finish()?;
        self.table().put(valid.clone())?;
        Ok(Some(NewClient {
            client: valid.into_inner(),
            secret: shown,
        }))
    }

    /// Removes a client. Returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn remove(&self, id: &str) -> Result<bool, StoreError> {
        self.table().delete(id)
    }
}
