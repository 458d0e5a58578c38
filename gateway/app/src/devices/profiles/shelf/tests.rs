//! The shelf, tested: files over built-in profiles, broken files, files that go, previous versions, restarts.

use super::*;
use roost_store::{Secrets, StoreOptions};

struct Lab {
    dir: tempfile::TempDir,
    store: Store,
}

const METER: &str = "id = \"meter\"\nlabel = \"Meter\"\npublishes = [\"m/{device}\"]\nsubscribes = []\n";

impl Lab {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("store"), StoreOptions::default()).unwrap();
        Self { dir, store }
    }

    /// A shelf as a gateway has it that starts now.
    fn shelf(&self) -> Shelf {
        let access = Arc::new(Access::new(Secrets::open(&self.store).unwrap()));
        let folder = Folder::new(&self.dir.path().join("profiles"));
        let shelf = Shelf::new(folder, Builders::default(), Arc::default(), access, &self.store);
        shelf.fill().unwrap();
        shelf
    }

    fn record(&self, id: &str) -> Option<Profile> {
        self.store.table::<Profile>().get(id).unwrap()
    }
}

#[test]
fn the_built_in_profiles_are_there_without_a_folder() {
    let shelf = Lab::new().shelf();
    assert_eq!(
        shelf.codecs.names(),
        shelf.slots().into_keys().collect::<Vec<_>>()
    );
    assert!(shelf.slots().values().all(|slot| slot.origin == Origin::BuiltIn));
    assert_eq!(shelf.refresh().unwrap(), Vec::<String>::new());
}

#[test]
fn a_file_takes_the_place_of_a_built_in_profile_and_gives_it_back() {
    let lab = Lab::new();
    let shelf = lab.shelf();
    let text = builtin("native").unwrap().replace("\"Native\"", "\"Ours\"");
    shelf.folder.write("native", &text).unwrap();
    assert_eq!(shelf.refresh().unwrap(), ["native"]);
    assert_eq!(shelf.slots()["native"].origin, Origin::Overridden);
    assert_eq!(lab.record("native").unwrap().label, "Ours");
    shelf.folder.remove("native").unwrap();
    assert_eq!(shelf.refresh().unwrap(), ["native"]);
    assert_eq!(shelf.slots()["native"].origin, Origin::BuiltIn);
    assert_eq!(lab.record("native").unwrap().label, "Native");
    assert_eq!(shelf.folder.previous("native", 1).unwrap(), text);
}

#[test]
fn a_broken_file_keeps_the_version_before_also_after_a_restart() {
    let lab = Lab::new();
    let shelf = lab.shelf();
    shelf.folder.write("meter", METER).unwrap();
    assert_eq!(shelf.refresh().unwrap(), ["meter"]);
    for broken in ["label =", &METER.replace("m/{device}", "m")] {
        shelf.folder.write("meter", broken).unwrap();
        assert_eq!(shelf.refresh().unwrap(), Vec::<String>::new());
        let slot = &shelf.slots()["meter"];
        assert!(!slot.faults.is_empty() && slot.text == METER);
    }
    for _ in 0..2 {
        let later = lab.shelf();
        assert!(later.codecs.get("meter").is_some());
        assert!(!later.slots()["meter"].faults.is_empty());
    }
    let text = text_of(&lab.store, &lab.dir.path().join("profiles"), "meter");
    assert_eq!(
        toml::from_str::<Profile>(&text).unwrap(),
        lab.record("meter").unwrap()
    );
}

#[test]
fn a_broken_file_over_a_built_in_profile_leaves_that_in_use() {
    let lab = Lab::new();
    std::fs::create_dir(lab.dir.path().join("profiles")).unwrap();
    std::fs::write(lab.dir.path().join("profiles/native.toml"), "id =").unwrap();
    let shelf = lab.shelf();
    assert!(shelf.codecs.get("native").is_some());
    assert_eq!(shelf.slots()["native"].faults[0].line, Some(1));
}

#[test]
fn each_version_that_was_in_use_is_kept_when_it_is_replaced() {
    let shelf = Lab::new().shelf();
    for label in ["One", "Two", "Three"] {
        shelf
            .folder
            .write("meter", &METER.replace("Meter", label))
            .unwrap();
        shelf.refresh().unwrap();
    }
    assert!(shelf.folder.previous("meter", 1).unwrap().contains("Two"));
    assert!(shelf.folder.previous("meter", 2).unwrap().contains("One"));
}

#[test]
fn a_profile_goes_with_its_file_also_while_the_gateway_did_not_run() {
    let lab = Lab::new();
    let shelf = lab.shelf();
    shelf.folder.write("meter", METER).unwrap();
    shelf.refresh().unwrap();
    shelf.folder.remove("meter").unwrap();
    assert!(lab.shelf().codecs.get("meter").is_none());
    assert_eq!(lab.record("meter"), None);
}

#[test]
fn a_comment_alone_restarts_nobody() {
    let shelf = Lab::new().shelf();
    shelf.folder.write("meter", METER).unwrap();
    shelf.refresh().unwrap();
    shelf
        .folder
        .write("meter", &format!("# a comment\n{METER}"))
        .unwrap();
    assert_eq!(shelf.refresh().unwrap(), Vec::<String>::new());
    assert!(shelf.slots()["meter"].text.starts_with("# a comment"));
}
