//! Access: who may connect, and which topics are theirs.
//!
//! All of it is in memory, fed by the owner of the records: when the power returns to a building, ten thousand devices
//! authenticate within seconds, and a disk must not stand in their way.

mod chosen;
mod onboarding;
mod rules;

pub use onboarding::{QUARANTINE, quarantine_name};

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashMap;
use roost_model::{Client, Device, DevicePattern, Filter, Link, Profile, Topic};
use roost_store::{KeyedHash, Secrets, is_chosen};
use thiserror::Error;

use chosen::Chosen;
use rules::Allowed;

/// User name and password.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// User name: the id of a device or a client, or [`Access::SERVICE`].
    pub user: &'a str,
    /// Password: its secret, or the API token.
    pub password: &'a str,
}

/// All that says who a client is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Presented<'a> {
    /// User name and password; either may be empty.
    pub login: Option<Credentials<'a>>,
    /// The name in a certificate that was verified: it stands for the password of the user of that name.
    pub certificate: Option<&'a str>,
    /// What it calls itself. It proves nothing.
    pub client_id: &'a str,
}

impl<'a> Presented<'a> {
    /// The user name and the password that is still to be checked, if any.
    fn names(&self) -> Result<(&'a str, &'a str), Refusal> {
        let Credentials { user, password } = self.login.unwrap_or_default();
        let user = match self.certificate {
            Some(name) if user.is_empty() => name,
            _ => user,
        };
        if user.is_empty() || (password.is_empty() && self.certificate != Some(user)) {
            return Err(Refusal::Anonymous);
        }
        Ok((user, password))
    }
}

/// Why a client is not let in. Towards the client all but the last are the same answer: it must not learn which names
/// exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No user name or no password.
    #[error("no user name or no password")]
    Anonymous,
    /// Unknown user or wrong password.
    #[error("unknown user or wrong password")]
    BadCredentials,
    /// Switched off in its record.
    #[error("switched off in its record")]
    Disabled,
    /// The secret was chosen by somebody, and takes long to check.
    #[error("the secret was not checked yet")]
    Unchecked,
    /// Too many secrets are being checked, or too many from there were wrong.
    #[error("too many attempts")]
    Busy,
}

/// What a client that was let in may do.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The device's or the client's id, or the service's name.
    pub identity: Arc<str>,
    /// Whether it is a device, which is then shown as present.
    pub is_device: bool,
    /// Whether no record knows it: then it reaches nobody.
    pub is_quarantined: bool,
    publishes: Arc<[DevicePattern]>,
    subscribes: Arc<[DevicePattern]>,
}

impl Grant {
    /// Whether the client may publish to this topic.
    #[must_use]
    pub fn may_publish(&self, topic: &Topic) -> bool {
        self.publishes
            .iter()
            .any(|pattern| pattern.matches(&self.identity, topic))
    }

    /// Whether the client may be given a message of this topic.
    #[must_use]
    pub fn may_have(&self, topic: &Topic) -> bool {
        self.subscribes
            .iter()
            .any(|pattern| pattern.matches(&self.identity, topic))
    }

    /// Whether the client may subscribe to this filter: all that it selects must be granted.
    #[must_use]
    pub fn may_subscribe(&self, wanted: &Filter) -> bool {
        self.subscribes
            .iter()
            .any(|pattern| pattern.covers(&self.identity, wanted))
    }
}

/// What a password is judged by.
#[derive(Debug)]
enum Secret {
    /// Nothing is right: what stands in the record is no hash.
    None,
    Keyed(KeyedHash),
    /// One that somebody has chosen, which takes long to check.
    Chosen(Box<str>),
}

impl From<&str> for Secret {
    fn from(hash: &str) -> Self {
        if is_chosen(hash) {
            return Self::Chosen(hash.into());
        }
        KeyedHash::parse(hash).map_or(Self::None, Self::Keyed)
    }
}

#[derive(Debug)]
struct Account {
    /// Profile of a device; `None` for any other client.
    profile: Option<Arc<str>>,
    secret: Secret,
    enabled: bool,
    /// What it was given beyond its profile.
    own: Option<Box<Allowed>>,
}

#[derive(Default)]
struct Directory {
    // Boxed: a third of a table that has just grown is empty.
    devices: HashMap<Arc<str>, Box<Account>>,
    clients: HashMap<Arc<str>, Box<Account>>,
    profiles: HashMap<Arc<str>, Allowed>,
    service_hash: Option<String>,
    onboarding: onboarding::Onboarding,
}

impl Directory {
    fn account(&self, user: &str) -> Option<(&Arc<str>, &Account)> {
        self.devices
            .get_key_value(user)
            .or_else(|| self.clients.get_key_value(user))
            .map(|(name, account)| (name, &**account))
    }

    /// What an account that has proven itself may do.
    fn grant(&self, identity: &Arc<str>, account: &Account, client_id: &str) -> Result<Grant, Refusal> {
        if !account.enabled {
            return Err(Refusal::Disabled);
        }
        let profile = account.profile.as_ref().map(|id| self.profiles.get(id));
        let nothing = Allowed::default();
        let profile = profile.map(|profile| profile.unwrap_or(&nothing));
        let own = account.own.as_deref().unwrap_or(&nothing);
        let publishes = profile.map(|profile| &profile.publishes);
        let subscribes = profile.map(|profile| &profile.subscribes);
        Ok(Grant {
            identity: Arc::clone(identity),
            is_device: account.profile.is_some(),
            is_quarantined: false,
            publishes: own.publishes.granted(publishes, client_id),
            subscribes: own.subscribes.granted(subscribes, client_id),
        })
    }
}

/// Who may connect.
pub struct Access {
    secrets: Secrets,
    chosen: Chosen,
    directory: RwLock<Directory>,
    service: Allowed,
}

impl Access {
    /// User name under which tools of the gateway's own connect with the API token. It may read everything and command
    /// every point.
    pub const SERVICE: &'static str = "roost";

    /// Nobody may connect yet. `secrets` is what the hashes in the records were made with.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self {
            chosen: Chosen::new(secrets.clone()),
            secrets,
            directory: RwLock::default(),
            service: Allowed::new(&["devices/+/points/+/set"], &["#", "$SYS/#"]),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the service account in with a token of this hash.
    pub fn set_service(&self, token_hash: String) {
        self.write().service_hash = Some(token_hash);
    }

    /// Adds or replaces a profile.
    pub fn set_profile(&self, profile: &Profile) {
        let id = Arc::from(profile.id.as_str());
        self.write().profiles.insert(id, Allowed::from(profile));
    }

    /// Adds or replaces a device, and returns its name as it is kept, to be shared. A wired device has no credentials
    /// and is taken out.
    pub fn set_device(&self, device: &Device) -> Arc<str> {
        let name = self.name_of(device);
        let Link::Mqtt { profile } = device.link() else {
            self.remove_device(&device.id);
            return name;
        };
        let mut directory = self.write();
        // The name of a profile is kept once, not once for each of its devices.
        let profile = directory
            .profiles
            .get_key_value(profile)
            .map_or_else(|| Arc::from(profile), |(name, _)| Arc::clone(name));
        let has_own = !(device.publishes.is_empty() && device.subscribes.is_empty());
        let account = Account {
            profile: Some(profile),
            secret: device.secret_hash.as_str().into(),
            enabled: device.enabled,
            own: has_own.then(|| Box::new(Allowed::new(&device.publishes, &device.subscribes))),
        };
        directory.devices.insert(Arc::clone(&name), Box::new(account));
        name
    }

    /// The name of a device as it is kept, to be shared.
    #[must_use]
    pub fn name_of(&self, device: &Device) -> Arc<str> {
        let id = device.id.as_str();
        let directory = self.read();
        let known = directory.devices.get_key_value(id);
        known.map_or_else(|| id.into(), |(name, _)| Arc::clone(name))
    }

    /// Takes a device out; connections it has are for the caller to end.
    pub fn remove_device(&self, id: &str) {
        self.write().devices.remove(id);
    }

    /// The names of all devices that it knows, in no order.
    #[must_use]
    pub fn devices(&self) -> Vec<Arc<str>> {
        self.read().devices.keys().cloned().collect()
    }

    /// The names of all clients that are no devices, in no order.
    #[must_use]
    pub fn clients(&self) -> Vec<Arc<str>> {
        self.read().clients.keys().cloned().collect()
    }

    /// Adds or replaces a client that is no device.
    pub fn set_client(&self, client: &Client) {
        let account = Account {
            profile: None,
            secret: client.secret_hash.as_str().into(),
            enabled: client.enabled,
            own: Some(Box::new(Allowed::new(&client.publishes, &client.subscribes))),
        };
        let id = Arc::from(client.id.as_str());
        self.write().clients.insert(id, Box::new(account));
    }

    /// Takes a client out; connections it has are for the caller to end.
    pub fn remove_client(&self, id: &str) {
        self.write().clients.remove(id);
    }

    /// Decides about a client, at once.
    ///
    /// # Errors
    /// [`Refusal`], for the log; the client is told no more than "not authorized". [`Refusal::Unchecked`] is none yet:
    /// [`Self::check`] goes on from there.
    pub fn admit(&self, presented: Presented<'_>) -> Result<Grant, Refusal> {
        let (user, password) = presented.names()?;
        let directory = self.read();
        if user == Self::SERVICE {
            // No authority of devices makes anybody the service.
            let known = directory
                .service_hash
                .as_deref()
                .is_some_and(|hash| self.secrets.verify(password, hash));
            return known.then(|| self.service_grant()).ok_or(Refusal::BadCredentials);
        }
        let (identity, account) = directory.account(user).ok_or(Refusal::BadCredentials)?;
        if presented.certificate != Some(user) {
            self.verify(user, password, &account.secret)?;
        }
        directory.grant(identity, account, presented.client_id)
    }

    fn verify(&self, user: &str, password: &str, secret: &Secret) -> Result<(), Refusal> {
        let is_right = match secret {
            Secret::None => false,
            Secret::Keyed(hash) => self.secrets.matches(password, hash),
            Secret::Chosen(hash) if self.chosen.is_known(user, password, hash) => true,
            Secret::Chosen(_) => return Err(Refusal::Unchecked),
        };
        is_right.then_some(()).ok_or(Refusal::BadCredentials)
    }

    /// Checks a secret that takes long to check, and decides then.
    ///
    /// # Errors
    /// As [`Self::admit`], and [`Refusal::Busy`].
    pub async fn check(&self, presented: Presented<'_>, peer: IpAddr) -> Result<Grant, Refusal> {
        let (user, password) = presented.names()?;
        let hash = {
            let directory = self.read();
            match directory.account(user).map(|(_, account)| &account.secret) {
                Some(Secret::Chosen(hash)) => hash.clone(),
                // It was given another one meanwhile.
                Some(_) => return self.admit(presented),
                None => return Err(Refusal::BadCredentials),
            }
        };
        let checked = self.chosen.check((user, peer), password, &hash).await;
        match checked.map_err(|_| Refusal::Busy)? {
            true => self.admit(presented),
            false => Err(Refusal::BadCredentials),
        }
    }

    fn service_grant(&self) -> Grant {
        Grant {
            identity: Arc::from(Self::SERVICE),
            is_device: false,
            is_quarantined: false,
            publishes: self.service.publishes.granted(None, ""),
            subscribes: self.service.subscribes.granted(None, ""),
        }
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}
