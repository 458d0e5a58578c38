//! Tests of opening, closing and running.

use roost_model::Setting;

use super::*;
use crate::Changeset;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn a_store_that_is_open_is_locked_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
    let clone = store.clone();
    drop(store);
    let error = Store::open(dir.path(), StoreOptions::default()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(
        error.to_string().contains("the gateway is running: use its API"),
        "{error}"
    );
    assert!(matches!(
        Store::migrate_to(dir.path(), 0),
        Err(StoreError::Locked { .. })
    ));
    drop(clone);
    Store::open(dir.path(), StoreOptions::default()).unwrap();
}

#[test]
fn a_new_store_is_for_its_owner_only_and_has_the_newest_version() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("a/b");
    let store = Store::open(&inner, StoreOptions::default()).unwrap();
    assert_eq!(store.schema_version(), migration::newest(MIGRATIONS));
    assert_eq!(
        std::fs::metadata(&inner).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[test]
fn async_code_runs_its_work_on_another_thread() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
    let here = std::thread::current().id();
    let count = block_on(store.run(move |store| {
        assert_ne!(std::thread::current().id(), here);
        let setting = Setting {
            id: "site".into(),
            value: "North".into(),
        };
        if let Ok(setting) = Changeset::change_of(setting).finish() {
            store.table::<Setting>().insert(setting)?;
        }
        store.table::<Setting>().count()
    }));
    assert_eq!(count.unwrap(), 1);
}

#[test]
fn a_panic_in_the_work_reaches_the_task_that_asked() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        block_on(store.run(|_| -> Result<(), StoreError> { panic!("the work") }))
    }));
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"the work"));
}

#[test]
fn damaged_files_are_an_error_or_an_older_state_but_never_a_panic() {
    for damage in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
        drop(store);
        let file = dir.path().join(if damage % 2 == 0 { "db" } else { "conf" });
        let mut content = std::fs::read(&file).unwrap();
        for at in (damage..content.len()).step_by(37) {
            content[at] = content[at].wrapping_add(101);
        }
        std::fs::write(&file, &content).unwrap();
        if let Err(error) = Store::open(dir.path(), StoreOptions::default()) {
            let expected = matches!(
                error,
                StoreError::Engine(_) | StoreError::Io { .. } | StoreError::Unreadable { .. }
            );
            assert!(expected, "{error}");
        }
    }
}

#[test]
fn what_is_printed_of_a_store_holds_none_of_its_records() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
    let setting = Setting {
        id: "wifi".into(),
        value: "open sesame".into(),
    };
    let setting = Changeset::change_of(setting).finish().unwrap();
    store.table::<Setting>().insert(setting).unwrap();
    let text = format!("{store:?} {:?}", store.table::<Setting>());
    assert!(!text.contains("wifi") && text.len() < 300, "{text}");
}
