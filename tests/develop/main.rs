//! What a developer changes shows in the gateway's open pages, in headless Chromium; nobody else sees anything of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use roost_tests::{Program, Settings, WEB_PORT, browser};

const STYLESHEET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web-ui/pages/assets/roost.css");

#[test]
fn open_pages_follow_a_changed_stylesheet_and_a_program_that_was_started_anew() {
    let assets = tempfile::tempdir().unwrap();
    std::fs::copy(STYLESHEET, assets.path().join("roost.css")).unwrap();
    // The scenarios start and stop it.
    let program = Program::prepare(Settings::default());
    let base = format!("http://{}:{WEB_PORT}", program.address());
    let (built, config) = (program.built(), program.config());
    let environment: [(&str, &Path); 3] = [
        ("ROOST_PROGRAM", &built),
        ("ROOST_CONFIG", &config),
        ("ROOST_ASSETS", assets.path()),
    ];
    browser("develop/pages.js", &base, &environment);
}

#[test]
fn nobody_else_has_a_script_on_a_page() {
    let program = Program::start(Settings::default());
    let page = program.api().get("/profiles");
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("<script") && page.text.contains("/assets/roost."));
    for path in ["/live-reload", "/live-reload.js", "/assets/roost.css"] {
        assert_eq!(program.api().get(path).status, 404, "{path}");
    }
}
