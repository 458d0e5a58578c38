//! An authority of the tests' own, which signs certificates with the machine's openssl.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An authority and what it has signed, in a directory.
pub struct Authority {
    directory: PathBuf,
}

/// A certificate and its key, as files.
pub struct Pair {
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority in a directory that exists.
    ///
    /// # Panics
    /// If openssl is not installed.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let authority = Self {
            directory: directory.to_owned(),
        };
        authority.make("authority", "CA:TRUE", None, false);
        authority
    }

    /// The authority's certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.directory.join("authority.pem")
    }

    /// Signs a certificate for a name, and alternative names in openssl's words (`IP:127.0.0.1`). Made again, it is a
    /// new one in the same files.
    #[must_use]
    pub fn sign(&self, name: &str, alternative: Option<&str>) -> Pair {
        self.make(name, "CA:FALSE", alternative, true)
    }

    fn make(&self, name: &str, constraint: &str, alternative: Option<&str>, signed: bool) -> Pair {
        let file = |ending: &str| self.directory.join(format!("{name}.{ending}"));
        let alternative = alternative.map_or_else(String::new, |names| format!("subjectAltName={names}\n"));
        let config = format!(
            "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n[dn]\nCN={name}\n\
             [ext]\nbasicConstraints=critical,{constraint}\n{alternative}"
        );
        std::fs::write(file("cnf"), config).expect("a file beside the certificate");
        let pair = Pair {
            certificate: file("pem"),
            key: file("key"),
        };
        let mut command = Command::new("openssl");
        command.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ]);
        command
            .args(["-nodes", "-days", "30", "-config"])
            .arg(file("cnf"));
        command
            .arg("-out")
            .arg(&pair.certificate)
            .arg("-keyout")
            .arg(&pair.key);
        if signed {
            let authority = self.directory.join("authority");
            command.arg("-CA").arg(authority.with_extension("pem"));
            command.arg("-CAkey").arg(authority.with_extension("key"));
        }
        let output = command.output().expect("openssl is installed");
        assert!(output.status.success(), "{output:?}");
        pair
    }
}
