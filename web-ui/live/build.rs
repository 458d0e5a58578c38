//! Takes the browser's side of the protocol into the crate: the scripts of the npm packages `phoenix` and
//! `phoenix_live_view`, as they are shipped. They are fetched by `.ci/setup.sh` and never committed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha512};

/// Where `.ci/setup.sh` puts the packages, seen from this crate.
const PACKAGES: &str = "../../target/tools/phoenix/node_modules";

/// What brings them there.
const REMEDY: &str = "remedy, from the root of the repository: bash -c 'source .ci/setup.sh; need_live_scripts' \
                      (every ./dev command that builds does it)";

struct Script {
    package: &'static str,
    version: &'static str,
    file: &'static str,
    bytes: usize,
    /// SHA-512 of the file, in hexadecimal digits.
    sha512: &'static str,
}

const SCRIPTS: [Script; 2] = [
    Script {
        package: "phoenix",
        version: "1.8.16",
        file: "phoenix.min.js",
        bytes: 27_789,
        sha512: "4196b565cf7764710bd34ad366f77cd9303dc81c04924ba18c8e431e5636860a\
                 f3b2e55bb3f5eb0aa31d46f62c86e6990f6a806bcb24d46782fd476c1d62b1a9",
    },
    Script {
        package: "phoenix_live_view",
        version: "1.2.12",
        file: "phoenix_live_view.min.js",
        bytes: 124_124,
        sha512: "ec4264393a2bad8320545a7679d6be0fe1e8fcd373ae8f19f70f729eac0d574f\
                 26bb8119053bb9e761313a3badf55ca829b21bab6c88e6062f2e52b339e72866",
    },
];

fn main() -> Result<(), String> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join(PACKAGES);
    let out = std::env::var_os("OUT_DIR").ok_or("cargo says where to write: OUT_DIR")?;
    let out = PathBuf::from(out);
    for script in SCRIPTS {
        let package = packages.join(script.package);
        let source = package.join("priv/static").join(script.file);
        take(&script, &source, &out.join(script.file))?;
        let license = package.join("LICENSE.md");
        copy(
            &script,
            &license,
            &out.join(format!("{}.license", script.package)),
        )?;
    }
    Ok(())
}

fn read(script: &Script, source: &Path) -> Result<Vec<u8>, String> {
    println!("cargo::rerun-if-changed={}", source.display());
    let Script { package, version, .. } = script;
    std::fs::read(source).map_err(|error| {
        format!(
            "the npm package {package} {version} is needed: {}: {error}; {REMEDY}",
            source.display()
        )
    })
}

fn write(target: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(target, bytes).map_err(|error| format!("{}: {error}", target.display()))
}

fn copy(script: &Script, source: &Path, target: &Path) -> Result<(), String> {
    write(target, &read(script, source)?)
}

/// Takes a script in, if it is the one that is meant.
fn take(script: &Script, source: &Path, target: &Path) -> Result<(), String> {
    let bytes = read(script, source)?;
    let mut sha512 = String::new();
    for byte in Sha512::digest(&bytes) {
        let _ = write!(sha512, "{byte:02x}");
    }
    if bytes.len() != script.bytes || sha512 != script.sha512 {
        return Err(format!(
            "{} is not the file of {} {}: it has {} bytes (SHA-512 {sha512}), not {} ({}); remove \
             target/tools/phoenix, then {REMEDY}",
            source.display(),
            script.package,
            script.version,
            bytes.len(),
            script.bytes,
            script.sha512
        ));
    }
    write(target, &bytes)
}
