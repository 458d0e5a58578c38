//! The API token: made at the first start, kept in a file that only its owner can read.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use roost_store::Secrets;

/// File name of the token in the data directory.
const FILE: &str = "api-token";
/// Readable by the owner only.
const MODE: u32 = 0o600;

/// The API token.
#[derive(Debug)]
pub(crate) struct Token {
    /// What is compared; the token itself is not kept in memory.
    pub(crate) hash: String,
    /// The token, if it was made just now: to be shown this once.
    pub(crate) fresh: Option<String>,
    /// Where it is kept.
    pub(crate) path: PathBuf,
}

impl Token {
    /// Reads the token, or makes one.
    ///
    /// # Errors
    /// If the file can't be read or written, or holds nothing.
    pub(crate) fn open(data_dir: &Path, secrets: &Secrets) -> anyhow::Result<Self> {
        let path = data_dir.join(FILE);
        let hash = |token: &str| secrets.hash(token);
        match read(data_dir) {
            Ok(token) => {
                fs::set_permissions(&path, Permissions::from_mode(MODE))?;
                Ok(Self {
                    hash: hash(&token),
                    fresh: None,
                    path,
                })
            }
            Err(error)
                if error
                    .downcast_ref::<std::io::Error>()
                    .is_some_and(|e| e.kind() == ErrorKind::NotFound) =>
            {
                let token = Secrets::generate()?;
                write(&path, &token)
                    .with_context(|| format!("can't write the API token to {}", path.display()))?;
                Ok(Self {
                    hash: hash(&token),
                    fresh: Some(token),
                    path,
                })
            }
            Err(error) => Err(error),
        }
    }
}

/// Writes beside and renames, so that a power cut leaves a whole token or none.
pub(crate) fn write(path: &Path, token: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(MODE)
        .open(&beside)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// The token of a gateway on this machine, for the command line.
///
/// # Errors
/// If there is none, or it belongs to another user.
pub(crate) fn read(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join(FILE);
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "can't read the API token in {}: start the gateway once, or act as the user it runs as",
            path.display()
        )
    })?;
    let token = text.trim();
    if token.is_empty() {
        bail!(
            "the API token in {} is empty: remove the file and start the gateway, which makes a new one",
            path.display()
        );
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_store::{Store, StoreOptions};

    #[test]
    fn a_token_is_made_once_and_only_its_owner_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("store"), StoreOptions::default()).unwrap();
        let secrets = Secrets::open(&store).unwrap();
        let first = Token::open(dir.path(), &secrets).unwrap();
        let token = first.fresh.unwrap();
        assert!(secrets.verify(&token, &first.hash));
        assert_eq!(
            fs::metadata(&first.path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let second = Token::open(dir.path(), &secrets).unwrap();
        assert_eq!((second.fresh, second.hash), (None, first.hash));
        fs::write(&first.path, "\n").unwrap();
        assert!(
            Token::open(dir.path(), &secrets)
                .unwrap_err()
                .to_string()
                .contains("remove the file")
        );
    }
}
