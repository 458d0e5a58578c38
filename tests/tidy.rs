//! The house rules that a machine can hold: who may depend on whom, who may spawn, how long things may be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const MAX_FILE_LINES: usize = 400;
const MAX_FUNCTION_LINES: usize = 70;
const MAX_COLUMNS: usize = 120;

/// Which of our crates each may use. What is not here does not know it exists.
const DEPENDENCIES: [(&str, &[&str]); 14] = [
    ("roost-model", &[]),
    ("roost-runtime", &["roost-model"]),
    ("roost-store", &["roost-model"]),
    ("roost-drivers", &["roost-model"]),
    ("roost-mqtt", &["roost-model", "roost-runtime", "roost-store"]),
    ("roost-heap", &[]),
    ("roost-live-macros", &[]),
    ("roost-reload", &[]),
    (
        "roost-live",
        &["roost-live-macros", "roost-reload", "roost-runtime"],
    ),
    ("roost-live-tests", &["roost-live", "roost-runtime"]),
    (
        "roost-web",
        &["roost-model", "roost-reload", "roost-runtime", "roost-store"],
    ),
    (
        "roost",
        &[
            "roost-drivers",
            "roost-heap",
            "roost-model",
            "roost-mqtt",
            "roost-runtime",
            "roost-store",
            "roost-web",
        ],
    ),
    (
        "roost-tests",
        &[
            "roost",
            "roost-drivers",
            "roost-live",
            "roost-model",
            "roost-mqtt",
            "roost-runtime",
            "roost-store",
        ],
    ),
    (
        "roost-fuzz",
        &[
            "roost-drivers",
            "roost-live",
            "roost-model",
            "roost-mqtt",
            "roost-runtime",
            "roost-store",
        ],
    ),
];

/// A word that may stand in some files only, and why.
const ROOMS: [(&str, &[&str], &str); 7] = [
    (
        "unsafe_code",
        &["gateway/heap/src/lib.rs"],
        "what the compiler does not check fits on a page",
    ),
    (
        "task::spawn(",
        &["gateway/runtime/src/supervisor.rs"],
        "no task without an owner",
    ),
    ("tokio::spawn(", &[], "no task without an owner"),
    (
        "sled::",
        &["gateway/store/src/engine.rs"],
        "the engine can be changed in a day",
    ),
    (
        "rumqttc::",
        &["gateway/mqtt/src/codec/read.rs"],
        "the codec can be changed in a day",
    ),
    (
        "linux_embedded_hal::",
        &["drivers/src/boards/linux.rs"],
        "a board is one file",
    ),
    (
        "std::process::exit",
        &["gateway/app/src/run.rs"],
        "tasks are stopped in order",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files that are in the repository, or would be if everything were added.
fn files(endings: &[&str]) -> Vec<(String, String)> {
    let output = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "git lists the files");
    let names = String::from_utf8(output.stdout).unwrap();
    let chosen = names
        .lines()
        .filter(|name| endings.iter().any(|ending| name.ends_with(ending)));
    let files: Vec<_> = chosen
        .filter_map(|name| Some((name.to_owned(), std::fs::read_to_string(root().join(name)).ok()?)))
        .collect();
    assert!(!files.is_empty());
    files
}

fn is_test(name: &str) -> bool {
    name.starts_with("tests/")
        || name.contains("/tests/")
        || name.ends_with("/tests.rs")
        || name.contains("/examples/")
}

/// The part of a file that is the program: everything before its tests.
fn program_part(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn report(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn crates_know_only_whom_they_may_know() {
    let allowed: BTreeMap<_, _> = DEPENDENCIES.into_iter().collect();
    let mut seen = BTreeSet::new();
    for (name, text) in files(&["Cargo.toml"]) {
        let Some(package) = text.lines().find_map(|line| line.strip_prefix("name = ")) else {
            continue;
        };
        let package = package.trim_matches('"').to_owned();
        let Some(may) = allowed.get(package.as_str()) else {
            panic!("{name}: {package} is not in the table")
        };
        let dependencies = text.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for dependency in dependencies
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
        {
            let ours = dependency == "roost" || dependency.starts_with("roost-");
            assert!(
                !ours || may.contains(&dependency),
                "{package} must not know {dependency}"
            );
        }
        seen.insert(package);
    }
    assert_eq!(
        seen.len(),
        allowed.len(),
        "the table names crates that are gone: {seen:?}"
    );
}

#[test]
fn versions_of_dependencies_stand_in_one_place() {
    let mut found = Vec::new();
    for (name, text) in files(&["Cargo.toml"]) {
        // A package of its own must say its versions itself.
        if name == "Cargo.toml" || name == "tests/fuzz/Cargo.toml" {
            continue;
        }
        let versions = text.lines().filter(|line| line.contains("version = \""));
        found.extend(versions.map(|line| format!("{name}: {line}")));
    }
    report("versions outside the workspace's table", &found);
}

#[test]
fn words_stand_in_their_rooms_only() {
    let mut found = Vec::new();
    for (name, text) in files(&[".rs"]) {
        if is_test(&name) {
            continue;
        }
        for (number, line) in program_part(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (word, rooms, why) in ROOMS {
                if code.contains(word) && !rooms.contains(&name.as_str()) {
                    found.push(format!("{name}:{}: {word} ({why})", number + 1));
                }
            }
        }
    }
    report("words outside their rooms", &found);
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let mut found = Vec::new();
    for (name, text) in files(&[".rs"]) {
        if !text.starts_with("//! ") {
            found.push(name);
        }
    }
    report("files without a first line that says what they do", &found);
}

#[test]
fn files_functions_and_lines_have_a_size() {
    let mut found = Vec::new();
    for (name, text) in files(&[".rs"]) {
        let lines = program_part(&text).lines().count();
        if lines > MAX_FILE_LINES && !is_test(&name) {
            found.push(format!(
                "{name}: {lines} lines, {MAX_FILE_LINES} are enough for one thing"
            ));
        }
        found.extend(long_functions(&name, &text));
        for (number, line) in text.lines().enumerate() {
            if line.chars().count() > MAX_COLUMNS {
                found.push(format!("{name}:{}: {} columns", number + 1, line.chars().count()));
            }
        }
    }
    report("too long", &found);
}

/// Functions that are too long. The formatter guarantees that a function ends with a brace at its own indentation.
fn long_functions(name: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let words: Vec<&str> = code.split_whitespace().take(5).collect();
        let is_function = words.contains(&"fn") && !code.starts_with("//") && !code.ends_with(';');
        if !is_function {
            continue;
        }
        let indent = line.len() - code.len();
        let closing = format!("{}}}", " ".repeat(indent));
        let length = lines[start..]
            .iter()
            .position(|line| **line == closing)
            .map_or(0, |at| at + 1);
        if length > MAX_FUNCTION_LINES {
            found.push(format!("{name}:{}: a function of {length} lines", start + 1));
        }
    }
    found
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let mut found = Vec::new();
    let banned = ["/work/", "/root/", "TODO", "FIXME", "XXX"];
    for (name, text) in files(&[
        ".rs", ".md", ".toml", ".sh", ".py", ".css", ".service", "dev", ".ci/run",
    ]) {
        if name == "tests/tidy.rs" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            found.extend(
                banned
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{name}:{}: {word}", number + 1)),
            );
        }
    }
    report("what does not belong into the project", &found);
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut names: Vec<String> = std::fs::read_dir(root().join("docs/decisions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for (index, name) in names.iter().enumerate() {
        assert!(
            name.starts_with(&format!("{:04}-", index + 1)),
            "{name} should be number {}",
            index + 1
        );
    }
    assert!(!names.is_empty());
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut found = Vec::new();
    for (name, text) in files(&[".md"]) {
        let folder = root().join(&name);
        let folder = folder.parent().unwrap().to_owned();
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#']).next())
        {
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !folder.join(target).exists() {
                found.push(format!("{name}: {target}"));
            }
        }
    }
    report("links that lead nowhere", &found);
}
