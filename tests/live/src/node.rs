//! Programs in node beside the tests.

use std::process::Command;

/// Where `./dev test` puts what these programs need, unless the environment names another place.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools");

/// A script that takes longer hangs.
const PATIENCE_S: u32 = 420;

/// Runs a script of this folder in node and hands on what it prints. It must end well.
///
/// `modules` is the environment variable that names its `node_modules`, and the place under `target/tools` when that is
/// unset.
///
/// # Panics
/// If node can't be started or the script fails.
pub fn run_script(script: &str, modules: (&str, &str), arguments: &[&str]) {
    let (variable, place) = modules;
    let modules = std::env::var(variable).unwrap_or_else(|_| format!("{TOOLS}/{place}"));
    let output = Command::new("timeout")
        .arg(PATIENCE_S.to_string())
        .arg("node")
        .arg(format!("{}/{script}", env!("CARGO_MANIFEST_DIR")))
        .args(arguments)
        .env("NODE_PATH", modules)
        .output()
        .expect("node starts");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{script} {arguments:?}: {}\n{out}\n{err}",
        output.status
    );
}
