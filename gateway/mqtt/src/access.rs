//! Access: who may connect, and which topics are theirs.
//!
//! All of it is in memory, fed by the owner of the records: when the power returns to a building, ten thousand devices
//! authenticate within seconds, and a disk must not stand in their way.

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;
use roost_model::{Device, DevicePattern, Filter, Link, Profile, Topic, Via};
use roost_store::Secrets;
use thiserror::Error;

/// User name and password.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// User name: the device's id, or [`Access::SERVICE`].
    pub user: &'a str,
    /// Password: the device's secret, or the API token.
    pub password: &'a str,
}

/// All that says who a client is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Presented<'a> {
    /// User name and password; either may be empty.
    pub login: Option<Credentials<'a>>,
    /// The name in a certificate that was verified: it stands for the password of the user of that name.
    pub certificate: Option<&'a str>,
}

/// Why a client is not let in. Towards the client both are the same answer: it must not learn which names exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No user name or no password.
    #[error("no user name or no password")]
    Anonymous,
    /// Unknown user or wrong password.
    #[error("unknown user or wrong password")]
    BadCredentials,
    /// The device is switched off in its record.
    #[error("the device is disabled")]
    Disabled,
}

/// What a client that was let in may do.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The device's id, or the service's name.
    pub identity: Arc<str>,
    /// Whether it is a device, which is then shown as present.
    pub is_device: bool,
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

    /// Whether the client may subscribe to this filter: all that it selects must be granted.
    #[must_use]
    pub fn may_subscribe(&self, wanted: &Filter) -> bool {
        self.subscribes
            .iter()
            .any(|pattern| pattern.covers(&self.identity, wanted))
    }
}

#[derive(Debug)]
struct Account {
    profile: Arc<str>,
    secret_hash: Box<str>,
    enabled: bool,
}

#[derive(Debug)]
struct Patterns {
    publishes: Arc<[DevicePattern]>,
    subscribes: Arc<[DevicePattern]>,
}

/// What is no filter grants nothing; validation has kept such a profile out of the store anyway.
fn patterns(texts: &[impl AsRef<str>]) -> Arc<[DevicePattern]> {
    texts
        .iter()
        .filter_map(|text| DevicePattern::new(text.as_ref()).ok())
        .collect()
}

#[derive(Default)]
struct Directory {
    accounts: HashMap<Arc<str>, Account>,
    profiles: HashMap<Arc<str>, Patterns>,
    service_hash: Option<String>,
}

/// Who may connect.
pub struct Access {
    secrets: Secrets,
    directory: RwLock<Directory>,
    service: Patterns,
}

impl Access {
    /// User name under which dashboards and tools connect with the API token, until users and roles exist. It may read
    /// everything and command every point.
    pub const SERVICE: &'static str = "roost";

    /// Nobody may connect yet. `secrets` is what the hashes in the records were made with.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        let service = Patterns {
            publishes: patterns(&["devices/+/points/+/set"]),
            subscribes: patterns(&["#", "$SYS/#"]),
        };
        Self {
            secrets,
            directory: RwLock::default(),
            service,
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the service account in with a token of this hash.
    pub fn set_service(&self, token_hash: String) {
        self.write().service_hash = Some(token_hash);
    }

    /// Adds or replaces a profile.
    pub fn set_profile(&self, profile: &Profile) {
        // A device that another client speaks for has nothing to say here itself.
        let patterns = if profile.via == Via::Bridge {
            Patterns {
                publishes: patterns(&[""; 0]),
                subscribes: patterns(&[""; 0]),
            }
        } else {
            let heard: Vec<&String> = profile.subscribes.iter().chain(&profile.hears).collect();
            Patterns {
                publishes: patterns(&profile.publishes),
                subscribes: patterns(&heard),
            }
        };
        self.write()
            .profiles
            .insert(Arc::from(profile.id.as_str()), patterns);
    }

    /// Adds or replaces a device. A wired device has no credentials and is taken out.
    pub fn set_device(&self, device: &Device) {
        let Link::Mqtt { profile } = device.link() else {
            return self.remove_device(&device.id);
        };
        let mut directory = self.write();
        // The name of a profile is kept once, not once for each of its devices.
        let profile = directory
            .profiles
            .get_key_value(profile)
            .map_or_else(|| Arc::from(profile), |(name, _)| Arc::clone(name));
        let account = Account {
            profile,
            secret_hash: device.secret_hash.as_str().into(),
            enabled: device.enabled,
        };
        directory.accounts.insert(Arc::from(device.id.as_str()), account);
    }

    /// Takes a device out; connections it has are for the caller to end.
    pub fn remove_device(&self, id: &str) {
        self.write().accounts.remove(id);
    }

    /// Decides about a client.
    ///
    /// # Errors
    /// [`Refusal`], for the log; the client is told no more than "not authorized".
    pub fn admit(&self, presented: Presented<'_>) -> Result<Grant, Refusal> {
        let Credentials { user, password } = presented.login.unwrap_or_default();
        let user = match presented.certificate {
            Some(name) if user.is_empty() => name,
            _ => user,
        };
        let proven = presented.certificate == Some(user);
        if user.is_empty() || (password.is_empty() && !proven) {
            return Err(Refusal::Anonymous);
        }
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
        if user == Self::SERVICE {
            // No authority of devices makes anybody the service.
            let known = directory
                .service_hash
                .as_deref()
                .is_some_and(|hash| self.secrets.verify(password, hash));
            return known.then(|| self.service_grant()).ok_or(Refusal::BadCredentials);
        }
        let (identity, account) = directory
            .accounts
            .get_key_value(user)
            .ok_or(Refusal::BadCredentials)?;
        if !proven && !self.secrets.verify(password, &account.secret_hash) {
            return Err(Refusal::BadCredentials);
        }
        if !account.enabled {
            return Err(Refusal::Disabled);
        }
        let patterns = directory.profiles.get(&account.profile);
        Ok(grant(Arc::clone(identity), true, patterns))
    }

    fn service_grant(&self) -> Grant {
        grant(Arc::from(Self::SERVICE), false, Some(&self.service))
    }
}

fn grant(identity: Arc<str>, is_device: bool, allowed: Option<&Patterns>) -> Grant {
    let nothing = || Arc::from([]);
    Grant {
        identity,
        is_device,
        publishes: allowed.map_or_else(nothing, |allowed| Arc::clone(&allowed.publishes)),
        subscribes: allowed.map_or_else(nothing, |allowed| Arc::clone(&allowed.subscribes)),
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}
