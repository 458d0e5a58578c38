//! What the registrar has begun and not finished: the next one finishes it, whichever step it ended before.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashSet;
use roost_model::Device;
use roost_runtime::BoxError;
use tracing::info;

use super::Registrar;

/// Devices whose records were about to be changed or removed, and their profiles. It outlives the registrar's task.
#[derive(Default)]
pub(super) struct Unfinished(Mutex<BTreeMap<String, String>>);

/// Something that was begun; it stays so until it is said to have ended.
pub(super) struct Begun<'a> {
    unfinished: &'a Unfinished,
    device: String,
}

impl Unfinished {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a device is about to be changed or removed. Its profile is needed to find what it has left.
    pub(super) fn begin(&self, device: &str, profile: &str) -> Begun<'_> {
        self.lock().insert(device.to_owned(), profile.to_owned());
        Begun {
            unfinished: self,
            device: device.to_owned(),
        }
    }

    fn end(&self, device: &str) {
        self.lock().remove(device);
    }
}

impl Begun<'_> {
    pub(super) fn end(self) {
        self.unfinished.end(&self.device);
    }
}

impl Registrar {
    /// Finishes what an earlier registrar has begun, and ends whatever runs, or may connect, without a record.
    pub(super) async fn finish_what_was_begun(&self, records: &[Device]) -> Result<(), BoxError> {
        let known: HashSet<&str> = records.iter().map(|device| device.id.as_str()).collect();
        let begun = self.unfinished.lock().clone();
        for (device, profile) in &begun {
            info!(device, "what was begun with a device is finished");
            if known.contains(device.as_str()) {
                // It is started again by its record as it is now.
                self.dismiss(device).await?;
            } else {
                self.clear(device, profile).await?;
            }
            self.unfinished.end(device);
        }
        let running = self.devices.tree(usize::MAX).children;
        let running = running.iter().map(|running| running.child.name.clone());
        let admitted = self.access.devices().into_iter().map(|name| name.to_string());
        let orphans: HashSet<String> = running
            .chain(admitted)
            .filter(|name| !known.contains(name.as_str()))
            .collect();
        for orphan in orphans {
            self.clear(&orphan, "").await?;
        }
        Ok(())
    }
}
