//! Onboarding: clients that no record knows are let in by one secret, into quarantine, where they reach nobody.
//!
//! What such a client publishes goes below `$onboarding/<name>/`, whatever topic it means; what it subscribes to is
//! granted and brings nothing.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use roost_model::Topic;

use super::{Access, Grant, Refusal};

/// Root of the topics of clients in quarantine. Nobody is granted anything that begins so.
pub const QUARANTINE: &str = "$onboarding";
/// Longest client identifier of such a client, in bytes; its name is in every topic of it.
const MAX_CLIENT_ID: usize = 128;

/// By what clients are let in that no record knows.
#[derive(Debug, Default)]
pub(super) struct Onboarding {
    /// Hash of the secret; `None` while onboarding is switched off.
    hash: Option<String>,
    /// Clients that speak for a device by this secret, because theirs can't be changed.
    kept: HashMap<Box<str>, Box<str>>,
}

/// The name of a client in quarantine: its client identifier as one level of a topic, or its address if it has none.
/// What could mean something in a topic or a URL becomes `~` and two hexadecimal digits.
#[must_use]
pub fn quarantine_name(client_id: &str, peer: IpAddr) -> String {
    if client_id.is_empty() {
        return quarantine_name(&format!("@{peer}"), peer);
    }
    let mut name = String::with_capacity(client_id.len());
    for byte in client_id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("~{byte:02x}"));
        }
    }
    name
}

impl Access {
    /// User name under which clients connect that no record knows.
    pub const ONBOARD: &'static str = "onboard";

    /// Lets unknown clients in with a secret of this hash; `None` switches that off.
    pub fn set_onboarding(&self, secret_hash: Option<String>) {
        self.write().onboarding.hash = secret_hash;
    }

    /// Lets a client speak for a device by the onboarding secret, or no longer. `client` is its
    /// [`quarantine_name`]. Less safe than a secret of its own: whoever has the onboarding secret and gives itself this
    /// client identifier is taken for the device.
    pub fn keep_onboarded(&self, client: &str, device: Option<&str>) {
        let kept = &mut self.write().onboarding.kept;
        match device {
            Some(device) => kept.insert(client.into(), device.into()),
            None => kept.remove(client),
        };
    }

    /// Decides about a client that presents the onboarding secret.
    ///
    /// # Errors
    /// [`Refusal`], also while onboarding is switched off.
    pub fn admit_unknown(&self, secret: &str, client_id: &str, peer: IpAddr) -> Result<Grant, Refusal> {
        let directory = self.read();
        let onboarding = &directory.onboarding;
        let known = onboarding
            .hash
            .as_deref()
            .is_some_and(|hash| self.secrets.verify(secret, hash));
        if !known || client_id.len() > MAX_CLIENT_ID {
            return Err(Refusal::BadCredentials);
        }
        let name = quarantine_name(client_id, peer);
        let device = onboarding.kept.get(name.as_str());
        if let Some((identity, account)) =
            device.and_then(|device| directory.devices.get_key_value(&**device))
        {
            return directory.grant(identity, account, client_id);
        }
        Ok(Grant {
            identity: Arc::from(format!("{QUARANTINE}/{name}")),
            is_device: false,
            is_quarantined: true,
            publishes: Arc::from([]),
            subscribes: Arc::from([]),
        })
    }
}

impl Grant {
    /// Where a message of this client goes: to its topic, or into quarantine. `None` if it is forbidden.
    #[must_use]
    pub fn place(&self, topic: &Topic) -> Option<Topic> {
        if self.is_quarantined {
            return Topic::new(format!("{}/{topic}", self.identity)).ok();
        }
        self.may_publish(topic).then(|| topic.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_model::{Device, Filter};
    use roost_store::{Secrets, Store, StoreOptions};

    fn access() -> (Access, String) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let secrets = Secrets::open(&store).unwrap();
        let hash = secrets.hash("newcomers");
        (Access::new(secrets), hash)
    }

    #[test]
    fn a_newcomer_reaches_quarantine_only_whatever_topic_it_means() {
        let (access, hash) = access();
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert!(
            access.admit_unknown("newcomers", "a/b", peer).is_err(),
            "switched off"
        );
        access.set_onboarding(Some(hash));
        assert!(access.admit_unknown("wrong", "a/b", peer).is_err());
        assert!(access.admit_unknown("newcomers", &"x".repeat(129), peer).is_err());
        let grant = access.admit_unknown("newcomers", "a/b", peer).unwrap();
        for meant in [
            "devices/pump/points/power/set",
            "$roost/devices/add",
            "$onboarding/c/x",
        ] {
            let placed = grant.place(&Topic::new(meant).unwrap()).unwrap();
            assert_eq!(placed.as_str(), format!("$onboarding/a~2fb/{meant}"));
        }
        assert!(!grant.is_device && !grant.may_subscribe(&Filter::new("#").unwrap()));
        let deep = Topic::new(vec!["x"; 31].join("/")).unwrap();
        assert_eq!(grant.place(&deep), None, "too deep with what comes before it");
    }

    #[test]
    fn a_client_that_was_kept_is_its_device_and_no_other_client_is() {
        let (access, hash) = access();
        let peer = IpAddr::from([127, 0, 0, 1]);
        access.set_onboarding(Some(hash));
        access.set_device(&Device {
            id: "pump".into(),
            enabled: true,
            profile: "native".into(),
            ..Device::default()
        });
        access.keep_onboarded("fixed", Some("pump"));
        let identity = |client: &str| access.admit_unknown("newcomers", client, peer).unwrap().identity;
        assert_eq!(
            (&*identity("fixed"), &*identity("other")),
            ("pump", "$onboarding/other")
        );
        access.remove_device("pump");
        assert_eq!(&*identity("fixed"), "$onboarding/fixed");
    }

    #[test]
    fn a_name_is_one_level_of_a_topic_and_differs_for_different_clients() {
        let peer = IpAddr::from([192, 168, 1, 5]);
        let name = |client: &str| quarantine_name(client, peer);
        assert_eq!(name("DVES_123ABC"), "DVES_123ABC");
        assert_eq!(name("a/b"), "a~2fb");
        assert_eq!(name("a~2fb"), "a~7e2fb");
        assert_eq!(name("+#\0"), "~2b~23~00");
        assert_eq!(name(""), "@192.168.1.5");
    }
}
