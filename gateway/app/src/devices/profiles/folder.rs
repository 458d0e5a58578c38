//! The folder of profiles: a file for each, written whole or not at all, with the versions that it had before.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use roost_model::check_name;

use super::check::MAX_PROFILE_BYTES;

/// Previous versions of a profile that are kept.
pub(crate) const VERSIONS: usize = 5;
/// Most files that are looked at.
const MAX_FILES: usize = 256;
/// Where previous versions lie, inside the folder.
const PREVIOUS: &str = "previous";

/// What tells that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

/// The folder. It need not be there: then there are no files in it.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// The file of a profile.
    pub(crate) fn path(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.toml"))
    }

    fn version(&self, id: &str, number: usize) -> PathBuf {
        self.0.join(PREVIOUS).join(format!("{id}.{number}.toml"))
    }

    /// The profiles that have files here. Files whose names are no names are none of ours.
    pub(crate) fn look(&self) -> io::Result<BTreeMap<String, Stamp>> {
        let mut found = BTreeMap::new();
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".toml")) else {
                continue;
            };
            // A file may be gone since it was listed.
            let Some(metadata) = fs::metadata(entry.path()).ok().filter(fs::Metadata::is_file) else {
                continue;
            };
            if check_name(id).is_ok() && found.len() < MAX_FILES {
                let stamp = Stamp {
                    modified: metadata.modified()?,
                    bytes: metadata.len(),
                };
                found.insert(id.to_owned(), stamp);
            }
        }
        Ok(found)
    }

    /// The text of a profile's file.
    pub(crate) fn read(&self, id: &str) -> io::Result<String> {
        read(&self.path(id))
    }

    /// Writes a profile's file: whole, and on disk when this returns.
    pub(crate) fn write(&self, id: &str, text: &str) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        write(&self.path(id), text)
    }

    /// Removes a profile's file.
    pub(crate) fn remove(&self, id: &str) -> io::Result<()> {
        fs::remove_file(self.path(id))
    }

    /// Keeps a text that is about to be no longer in use; the oldest of those kept goes.
    pub(crate) fn keep(&self, id: &str, text: &str) -> io::Result<()> {
        fs::create_dir_all(self.0.join(PREVIOUS))?;
        for number in (1..VERSIONS).rev() {
            match fs::rename(self.version(id, number), self.version(id, number + 1)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        write(&self.version(id, 1), text)
    }

    /// A text that was in use before: 1 is the last, 5 the oldest.
    pub(crate) fn previous(&self, id: &str, number: usize) -> io::Result<String> {
        read(&self.version(id, number))
    }

    /// When each of the previous versions was replaced, the last first.
    pub(crate) fn versions(&self, id: &str) -> Vec<SystemTime> {
        let modified = |number| {
            fs::metadata(self.version(id, number))
                .and_then(|data| data.modified())
                .ok()
        };
        (1..=VERSIONS).map_while(modified).collect()
    }
}

/// Reads at most a byte more than a profile may have, so that the check sees what is too long.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(MAX_PROFILE_BYTES as u64 + 1)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// Writes beside and renames, so that a power cut leaves the old text or the new.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(&dir.path().join("profiles"));
        assert!(folder.look().unwrap().is_empty());
        folder.write("meter", "x").unwrap();
        fs::write(dir.path().join("profiles/a b.toml"), "x").unwrap();
        fs::write(dir.path().join("profiles/meter.toml~"), "x").unwrap();
        assert_eq!(folder.look().unwrap().keys().collect::<Vec<_>>(), ["meter"]);
    }

    #[test]
    fn a_change_of_a_file_is_seen_by_its_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        folder.write("meter", "x").unwrap();
        let before = folder.look().unwrap();
        assert_eq!(folder.look().unwrap(), before);
        folder.write("meter", "xy").unwrap();
        assert_ne!(folder.look().unwrap(), before);
    }

    #[test]
    fn the_last_five_versions_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        for number in 0..8 {
            folder.keep("meter", &number.to_string()).unwrap();
        }
        let texts: Vec<String> = (1..=VERSIONS)
            .map(|n| folder.previous("meter", n).unwrap())
            .collect();
        assert_eq!(texts, ["7", "6", "5", "4", "3"]);
        assert_eq!(folder.versions("meter").len(), VERSIONS);
        assert!(folder.previous("meter", VERSIONS + 1).is_err());
        assert!(
            folder.look().unwrap().is_empty(),
            "previous versions are no profiles"
        );
    }
}
