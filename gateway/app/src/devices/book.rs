//! The device book: what may become a device, and how its record is made. No tasks here: the gateway uses it while it
//! runs, the command line while it does not.

mod reach;

use roost_model::{Client, Device, Profile};
use roost_store::{Changeset, FieldErrors, Secrets, Store, StoreError, Table, Valid};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::secrets::NewSecret;

/// Most devices that are added at once.
pub(crate) const MAX_BATCH: usize = 1000;
/// Most of them with secrets that somebody has chosen, each of which takes tens of milliseconds to hash.
const MAX_CHOSEN: usize = 20;

/// The records of the devices, with what is needed to make one.
#[derive(Clone)]
pub(crate) struct DeviceBook {
    store: Store,
    secrets: Secrets,
    buses: Vec<String>,
}

/// Why devices were not added. Nothing was added then.
#[derive(Debug, Error)]
pub(crate) enum AddError {
    /// What is wrong, by the place of the device in the list and its id.
    #[error("{}", .0.iter().map(|(_, id, errors)| format!("{id}: {errors}")).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<(usize, String, FieldErrors)>),
    /// More than 1,000 at once.
    #[error("at most {MAX_BATCH} devices at a time, these are {0}")]
    TooMany(usize),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A device that was just made, with its secret, which is shown this once.
#[derive(Debug)]
pub(crate) struct Added {
    /// Its record.
    pub(crate) device: Device,
    /// Its secret, if it connects by MQTT.
    pub(crate) secret: Option<String>,
}

impl DeviceBook {
    /// A book on `store`. `buses` are the names of the configured buses.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn new(store: Store, buses: Vec<String>) -> Result<Self, StoreError> {
        let secrets = Secrets::open(&store)?;
        Ok(Self {
            store,
            secrets,
            buses,
        })
    }

    fn table(&self) -> Table<Device> {
        self.store.table()
    }

    /// What the hashes of the secrets are made with.
    #[must_use]
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// All devices, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn list(&self) -> Result<Vec<Device>, StoreError> {
        self.table().all()
    }

    /// Adds devices from what a form, the API or the command line says: all or none.
    ///
    /// # Errors
    /// [`AddError`].
    pub(crate) fn add(&self, params: &[Map<String, Value>]) -> Result<Vec<Added>, AddError> {
        if params.len() > MAX_BATCH {
            return Err(AddError::TooMany(params.len()));
        }
        let profiles = self.profiles()?;
        let (mut wrong, mut chosen) = (Vec::new(), 0);
        let mut records = Vec::with_capacity(params.len());
        let mut added = Vec::with_capacity(params.len());
        for (index, params) in params.iter().enumerate() {
            chosen += usize::from(NewSecret::is_chosen(params));
            let mut params = params.clone();
            let secret = if chosen > MAX_CHOSEN {
                params.remove("secret");
                Err("is chosen for at most 20 devices at a time: hashing such takes long")
            } else {
                NewSecret::take(&mut params, &self.secrets)?
            };
            let secret_shown = secret.as_ref().ok().and_then(|secret| secret.shown.clone());
            match self.valid(&params, secret, &profiles)? {
                Ok(valid) => {
                    let is_mqtt = valid.driver.is_empty();
                    added.push(Added {
                        device: valid.clone().into_inner(),
                        secret: secret_shown.filter(|_| is_mqtt),
                    });
                    records.push(valid);
                }
                Err(errors) => {
                    let id = params.get("id").and_then(Value::as_str).unwrap_or_default();
                    wrong.push((index, id.to_owned(), errors));
                }
            }
        }
        if !wrong.is_empty() {
            return Err(AddError::Invalid(wrong));
        }
        match self.table().insert_all(records) {
            Ok(()) => Ok(added),
            Err(StoreError::Exists { key, .. } | StoreError::Duplicate { key, .. }) => {
                let index = added.iter().position(|added| added.device.id == key).unwrap_or(0);
                let mut errors = FieldErrors::new();
                errors.add("id", "is taken");
                Err(AddError::Invalid(vec![(index, key, errors)]))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn profiles(&self) -> Result<Vec<Profile>, StoreError> {
        self.store.table::<Profile>().all()
    }

    fn valid(
        &self,
        params: &Map<String, Value>,
        secret: Result<NewSecret, &'static str>,
        profiles: &[Profile],
    ) -> Result<Result<Valid<Device>, FieldErrors>, StoreError> {
        let base = Device {
            enabled: true,
            ..Device::default()
        };
        let id = params.get("id").and_then(Value::as_str).unwrap_or_default();
        let is_client = self.store.table::<Client>().get(id)?.is_some();
        let (hash, wrong) = match secret {
            Ok(secret) => (secret.hash, None),
            Err(message) => (String::new(), Some(message)),
        };
        let changeset = Changeset::cast(base, params)
            .change(|device| {
                if device.driver.is_empty() {
                    device.secret_hash = hash;
                }
            })
            .validate_with(|device, errors| {
                self.check_links(device, profiles, errors);
                if is_client {
                    errors.add("id", "is taken by a client: `roost client list` shows them");
                }
                if let Some(message) = wrong {
                    errors.add("secret", message);
                }
            });
        Ok(changeset.finish())
    }

    /// Whether what the record names exists. A form shows the answer beside the field.
    fn check_links(&self, device: &Device, profiles: &[Profile], errors: &mut FieldErrors) {
        if device.id == roost_mqtt::Access::SERVICE {
            errors.add("id", "is the name under which dashboards connect");
        }
        if device.id == roost_mqtt::Access::ONBOARD {
            errors.add("id", "is the name under which new devices connect");
        }
        match profiles.iter().find(|profile| profile.id == device.profile) {
            Some(profile) => {
                if let Some(template) = reach::reaches_others(&device.id, profile, profiles) {
                    let reason = format!("would let the device reach {template} of others: choose another");
                    errors.add("id", reason);
                }
            }
            None if device.profile.is_empty() => {}
            None => {
                let known: Vec<&str> = profiles.iter().map(|profile| profile.id.as_str()).collect();
                errors.add(
                    "profile",
                    format!("is not known: profiles are {}", known.join(", ")),
                );
            }
        }
        if device.driver.is_empty() {
            return;
        }
        match roost_drivers::find(&device.driver) {
            None => {
                let known: Vec<&str> = roost_drivers::DRIVERS.iter().map(|driver| driver.name).collect();
                errors.add(
                    "driver",
                    format!("is not known: drivers are {}", known.join(", ")),
                );
            }
            Some(driver) if !driver.addresses.contains(&device.address) => {
                let known: Vec<String> = driver
                    .addresses
                    .iter()
                    .map(|address| format!("{address:#04x}"))
                    .collect();
                errors.add("address", format!("is none of this chip's: {}", known.join(", ")));
            }
            Some(_) => {}
        }
        if !self.buses.contains(&device.bus) {
            let known = if self.buses.is_empty() {
                "none is configured".into()
            } else {
                self.buses.join(", ")
            };
            errors.add("bus", format!("is not in the configuration: {known}"));
        }
    }

    /// Changes label, cadence, filters, or whether a device is enabled. `None` if there is no such device.
    ///
    /// # Errors
    /// [`AddError`].
    pub(crate) fn change(&self, id: &str, params: &Map<String, Value>) -> Result<Option<Device>, AddError> {
        const CHANGEABLE: [&str; 5] = ["label", "enabled", "cadence_ms", "publishes", "subscribes"];
        let Some(device) = self.table().get(id)? else {
            return Ok(None);
        };
        match Changeset::cast_only(device, params, &CHANGEABLE).finish() {
            Ok(valid) => {
                self.table().put(valid.clone())?;
                Ok(Some(valid.into_inner()))
            }
            Err(errors) => Err(AddError::Invalid(vec![(0, id.to_owned(), errors)])),
        }
    }

    /// Gives a device a new secret; the old one is worth nothing from then on. `None` if there is no such MQTT device.
    ///
    /// # Errors
    /// [`AddError`].
    pub(crate) fn renew_secret(&self, id: &str) -> Result<Option<(Device, String)>, AddError> {
        let Some(device) = self.table().get(id)?.filter(|device| device.driver.is_empty()) else {
            return Ok(None);
        };
        let secret = Secrets::generate()?;
        let hash = self.secrets.hash(&secret);
        match Changeset::change_of(device)
            .change(|device| device.secret_hash = hash)
            .finish()
        {
            Ok(valid) => {
                self.table().put(valid.clone())?;
                Ok(Some((valid.into_inner(), secret)))
            }
            Err(errors) => Err(AddError::Invalid(vec![(0, id.to_owned(), errors)])),
        }
    }

    /// Removes a device. Returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn remove(&self, id: &str) -> Result<bool, StoreError> {
        self.table().delete(id)
    }
}
