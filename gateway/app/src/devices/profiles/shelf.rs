//! The shelf: which profiles are in use, where each comes from, and what is wrong with those that cannot be.
//!
//! A file in the folder takes the place of the built-in profile of its name. A file that is broken changes nothing:
//! what was in use before stays in use, also after a restart, because the store remembers it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roost_drivers::BUILTIN_PROFILES;
use roost_model::Profile;
use roost_mqtt::Access;
use roost_store::{Store, StoreError};
use serde::Serialize;
use tracing::{info, warn};

use super::check::{Checked, ProfileFault, check};
use super::folder::{Folder, Stamp};
use super::{Builders, Codecs};

/// Where a profile comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// It comes with the gateway.
    BuiltIn,
    /// A file of this gateway.
    File,
    /// A file in the place of a built-in one.
    Overridden,
}

/// A profile on the shelf.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) origin: Origin,
    /// What the text was made of that was last looked at; `None` without a file.
    stamp: Option<Stamp>,
    /// The text that is in use; empty if only its record is left.
    pub(crate) text: String,
    /// What is wrong with the file; empty if it is in use.
    pub(crate) faults: Vec<ProfileFault>,
}

/// The profiles of a gateway.
pub(crate) struct Shelf {
    pub(crate) folder: Folder,
    pub(crate) builders: Builders,
    pub(crate) codecs: Arc<Codecs>,
    access: Arc<Access>,
    store: Store,
    slots: Mutex<BTreeMap<String, Slot>>,
}

/// The text of a built-in profile.
pub(crate) fn builtin(id: &str) -> Option<&'static str> {
    BUILTIN_PROFILES
        .iter()
        .find(|(name, _)| *name == id)
        .map(|(_, text)| *text)
}

/// The full text of a profile that is in use, wherever it comes from; its record as TOML if its text is gone.
pub(crate) fn text_of(store: &Store, dir: &Path, id: &str) -> String {
    let record = store.table::<Profile>().get(id).ok().flatten();
    let is_it = |text: &String| toml::from_str::<Profile>(text).ok() == record;
    let text = Folder::new(dir).read(id).ok().filter(is_it);
    text.or_else(|| builtin(id).map(str::to_owned).filter(is_it))
        .or_else(|| record.as_ref().and_then(|record| toml::to_string(record).ok()))
        .unwrap_or_default()
}

/// The text of a profile by its id, for whoever has no running gateway: its file, or what comes with this program.
pub(crate) fn find(dir: &Path, id: &str) -> Option<String> {
    let text = Folder::new(dir).read(id).ok();
    text.or_else(|| builtin(id).map(str::to_owned))
}

/// A row for each profile: id, where it comes from, whether it is good, label.
///
/// # Errors
/// If the folder can't be read.
pub(crate) fn overview(dir: &Path, builders: &Builders) -> io::Result<Vec<Vec<String>>> {
    let folder = Folder::new(dir);
    let mut origins: BTreeMap<String, &str> = BUILTIN_PROFILES
        .iter()
        .map(|(id, _)| ((*id).to_owned(), "built in"))
        .collect();
    for id in folder.look()?.into_keys() {
        let origin = if builtin(&id).is_some() {
            "file, overrides"
        } else {
            "file"
        };
        origins.insert(id, origin);
    }
    let row = |(id, origin): (String, &str)| {
        let text = find(dir, &id).unwrap_or_default();
        let (state, label) = match check(&id, &text, builders) {
            Ok(checked) => ("good".to_owned(), checked.profile.label.clone()),
            Err(faults) => (
                faults.first().map_or_else(String::new, ToString::to_string),
                String::new(),
            ),
        };
        vec![id, origin.to_owned(), state, label]
    };
    Ok(origins.into_iter().map(row).collect())
}

/// Brings the profiles of this program and of the folder into the store, for a gateway that does not run.
pub(crate) fn seed(store: &Store, dir: &Path) -> anyhow::Result<()> {
    let (codecs, secrets) = (Arc::default(), roost_store::Secrets::open(store)?);
    let shelf = Shelf::new(
        Folder::new(dir),
        Builders::default(),
        codecs,
        Arc::new(Access::new(secrets)),
        store,
    );
    shelf.fill()
}

impl Shelf {
    /// A shelf with nothing on it yet.
    pub(crate) fn new(
        folder: Folder,
        builders: Builders,
        codecs: Arc<Codecs>,
        access: Arc<Access>,
        store: &Store,
    ) -> Self {
        Self {
            folder,
            builders,
            codecs,
            access,
            store: store.clone(),
            slots: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All profiles by id, with those whose file is broken and was never in use.
    pub(crate) fn slots(&self) -> BTreeMap<String, Slot> {
        self.lock().clone()
    }

    /// Fills the shelf at the gateway's start.
    ///
    /// # Errors
    /// If the folder can't be read or the store written.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        let files = self.folder.look()?;
        for (id, text) in BUILTIN_PROFILES {
            if !files.contains_key(*id) {
                self.fall_back(id, text)?;
            }
        }
        self.refresh()?;
        self.recall(&files)
    }

    /// What is in the store from an earlier run: in use if its file is broken now, forgotten if it has none.
    fn recall(&self, files: &BTreeMap<String, Stamp>) -> anyhow::Result<()> {
        let table = self.store.table::<Profile>();
        for profile in table.all()? {
            let id = profile.id.clone();
            if self.codecs.get(&id).is_some() {
                continue;
            }
            if !files.contains_key(&id) && builtin(&id).is_none() {
                table.delete(&id)?;
            } else if let Ok(codec) = self.builders.build(profile.clone()) {
                self.codecs.set(&id, codec);
                self.access.set_profile(&profile);
            }
        }
        // A file that was broken from the first look on has nothing before it but the built-in profile.
        for (id, text) in BUILTIN_PROFILES {
            if self.codecs.get(id).is_none()
                && let Ok(checked) = check(id, text, &self.builders)
            {
                self.put_to_use(id, checked)?;
            }
        }
        Ok(())
    }

    /// Looks for files that are new, changed or gone, and puts to use what is good. Returns the profiles that are not
    /// what they were.
    ///
    /// # Errors
    /// If the folder can't be read or the store written; what was done until then stays.
    pub(crate) fn refresh(&self) -> anyhow::Result<Vec<String>> {
        let files = self.folder.look()?;
        let mut changed = Vec::new();
        for (id, stamp) in &files {
            let known = self.lock().get(id).and_then(|slot| slot.stamp);
            if known != Some(*stamp) && self.load(id, *stamp)? {
                changed.push(id.clone());
            }
        }
        let slots = self.lock();
        let with_file = slots.iter().filter(|(_, slot)| slot.stamp.is_some());
        let gone: Vec<String> = with_file
            .map(|(id, _)| id.clone())
            .filter(|id| !files.contains_key(id))
            .collect();
        drop(slots);
        for id in gone {
            self.lose(&id)?;
            changed.push(id);
        }
        Ok(changed)
    }

    /// Reads a file that is new or has changed. Returns whether the profile is not what it was.
    fn load(&self, id: &str, stamp: Stamp) -> anyhow::Result<bool> {
        let text = match self.folder.read(id) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Ok(self.refuse(id, stamp, &[unreadable(&error)])),
        };
        let checked = match check(id, &text, &self.builders) {
            Ok(checked) => checked,
            Err(faults) => return Ok(self.refuse(id, stamp, &faults)),
        };
        let before = self
            .lock()
            .get(id)
            .map(|slot| slot.text.clone())
            .unwrap_or_default();
        if !before.is_empty() && before != text && builtin(id) != Some(before.as_str()) {
            self.keep(id, &before);
        }
        let origin = if builtin(id).is_some() {
            Origin::Overridden
        } else {
            Origin::File
        };
        let changed = self.put_to_use(id, checked)?;
        self.lock().insert(
            id.to_owned(),
            Slot {
                origin,
                stamp: Some(stamp),
                text,
                faults: Vec::new(),
            },
        );
        info!(profile = id, "profile read from its file");
        Ok(changed)
    }

    /// A version that could not be kept must not keep the new one from being used.
    fn keep(&self, id: &str, text: &str) {
        if let Err(error) = self.folder.keep(id, text) {
            warn!(profile = id, %error, "the previous version could not be kept");
        }
    }

    /// A file that can't be used: what was in use stays so.
    fn refuse(&self, id: &str, stamp: Stamp, faults: &[ProfileFault]) -> bool {
        for fault in faults {
            let file = self.folder.path(id).display().to_string();
            warn!(
                profile = id,
                file, "{fault}; the version before stays in use until this is put right"
            );
        }
        let mut slots = self.lock();
        let slot = slots.entry(id.to_owned()).or_insert_with(|| Slot {
            origin: Origin::File,
            stamp: None,
            text: builtin(id).unwrap_or_default().to_owned(),
            faults: Vec::new(),
        });
        if builtin(id).is_some() {
            slot.origin = Origin::Overridden;
        }
        slot.stamp = Some(stamp);
        slot.faults = faults.to_vec();
        false
    }

    /// A file is gone: back to the built-in profile of its name, or to none.
    fn lose(&self, id: &str) -> anyhow::Result<()> {
        if let Some(slot) = self.lock().remove(id)
            && builtin(id) != Some(slot.text.as_str())
            && !slot.text.is_empty()
        {
            self.keep(id, &slot.text);
        }
        match builtin(id) {
            Some(text) => self.fall_back(id, text),
            None => {
                self.codecs.remove(id);
                self.store.table::<Profile>().delete(id)?;
                info!(profile = id, "profile is gone with its file");
                Ok(())
            }
        }
    }

    fn fall_back(&self, id: &str, text: &str) -> anyhow::Result<()> {
        match check(id, text, &self.builders) {
            Ok(checked) => self.put_to_use(id, checked).map(drop)?,
            // One bad profile must not keep the others' devices from starting; its own devices say why they can't.
            Err(faults) => warn!(profile = id, ?faults, "built-in profile left out"),
        }
        self.lock().insert(
            id.to_owned(),
            Slot {
                origin: Origin::BuiltIn,
                stamp: None,
                text: text.to_owned(),
                faults: Vec::new(),
            },
        );
        Ok(())
    }

    /// Record, access and codec, in this order: a device that speaks by the new codec may already do so.
    fn put_to_use(&self, id: &str, checked: Checked) -> Result<bool, StoreError> {
        let table = self.store.table::<Profile>();
        let in_use = self.codecs.get(id).is_some();
        let changed = table.get(id).ok().flatten().as_ref() != Some(&*checked.profile);
        self.access.set_profile(&checked.profile);
        if changed {
            table.put(checked.profile)?;
        }
        if changed || !in_use {
            self.codecs.set(id, checked.codec);
        }
        Ok(changed || !in_use)
    }
}

fn unreadable(error: &io::Error) -> ProfileFault {
    ProfileFault {
        line: None,
        field: String::new(),
        message: format!("the file can't be read: {error}"),
    }
}

#[cfg(test)]
mod tests;
