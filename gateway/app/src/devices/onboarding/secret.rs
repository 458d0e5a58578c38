//! The onboarding secret: made at the first start, kept in a file that only its owner can read, like the API token.
//! Unlike that it is shown to whoever has signed in, because it has to be typed into devices.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use roost_mqtt::Access;
use roost_store::Secrets;

use crate::token;

/// File name of the secret in the data directory.
const FILE: &str = "onboarding-secret";
/// What the file holds while onboarding is switched off.
const OFF: &str = "off";

/// The onboarding secret.
#[derive(Clone)]
pub(crate) struct Onboarding {
    path: PathBuf,
    secrets: Secrets,
    access: Arc<Access>,
}

impl Onboarding {
    /// Reads the secret, or makes one, and lets clients in by it unless that is switched off.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub(crate) fn open(data_dir: &Path, secrets: Secrets, access: Arc<Access>) -> anyhow::Result<Self> {
        let onboarding = Self {
            path: data_dir.join(FILE),
            secrets,
            access,
        };
        match fs::read_to_string(&onboarding.path) {
            Ok(text) if !text.trim().is_empty() => onboarding.apply(text.trim()),
            Ok(_) => onboarding.renew()?,
            Err(error) if error.kind() == ErrorKind::NotFound => onboarding.renew()?,
            Err(error) => {
                let path = onboarding.path.display();
                return Err(error).with_context(|| format!("can't read the onboarding secret in {path}"));
            }
        }
        Ok(onboarding)
    }

    fn apply(&self, text: &str) {
        let hash = (text != OFF).then(|| self.secrets.hash(text));
        self.access.set_onboarding(hash);
    }

    fn put(&self, text: &str) -> anyhow::Result<()> {
        let path = self.path.display();
        token::write(&self.path, text)
            .with_context(|| format!("can't write the onboarding secret to {path}"))?;
        self.apply(text);
        Ok(())
    }

    /// Makes a new secret. Clients that are connected stay so; the old one lets nobody in any more.
    pub(crate) fn renew(&self) -> anyhow::Result<()> {
        self.put(&Secrets::generate()?)
    }

    /// Lets nobody in by a secret for all, until a new one is made.
    pub(crate) fn switch_off(&self) -> anyhow::Result<()> {
        self.put(OFF)
    }

    /// The secret; `None` while onboarding is switched off.
    pub(crate) fn show(&self) -> anyhow::Result<Option<String>> {
        let text = fs::read_to_string(&self.path)
            .with_context(|| format!("can't read the onboarding secret in {}", self.path.display()))?;
        let text = text.trim();
        Ok((text != OFF).then(|| text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_store::{Store, StoreOptions};
    use std::net::IpAddr;

    #[test]
    fn the_secret_survives_a_restart_can_be_renewed_and_switched_off() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("store"), StoreOptions::default()).unwrap();
        let secrets = Secrets::open(&store).unwrap();
        let open = || {
            let access = Arc::new(Access::new(secrets.clone()));
            Onboarding::open(dir.path(), secrets.clone(), access).unwrap()
        };
        let enters = |onboarding: &Onboarding, secret: &str| {
            onboarding
                .access
                .admit_unknown(secret, "c", IpAddr::from([127, 0, 0, 1]))
                .is_ok()
        };
        let first = open().show().unwrap().unwrap();
        let again = open();
        assert!(enters(&again, &first) && !enters(&again, OFF));
        again.renew().unwrap();
        let second = again.show().unwrap().unwrap();
        assert!(!enters(&again, &first) && enters(&again, &second));
        again.switch_off().unwrap();
        for onboarding in [again, open()] {
            assert_eq!(onboarding.show().unwrap(), None);
            assert!(!enters(&onboarding, &second) && !enters(&onboarding, OFF));
        }
    }
}
