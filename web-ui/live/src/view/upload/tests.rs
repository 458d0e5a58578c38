//! Uploads without a socket: what is chosen, allowed, sent, done and forgotten.

mod room;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::*;
use crate::sign::SigningKey;

fn table(most_bytes: u64) -> (Table, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(
        SigningKey::random().unwrap(),
        folder.path().to_owned(),
        most_bytes,
    );
    (table, folder)
}

/// An upload of a connection that has no other.
fn upload(options: UploadOptions) -> Upload {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(1000);
    of(CONNECTIONS.fetch_add(1, Ordering::Relaxed), options)
}

/// An upload of the connection of this number.
fn of(connection: u64, options: UploadOptions) -> Upload {
    Upload::new(connection, "phx-1", "fw", options)
}

fn chosen(reference: &str, name: &str, size: u64) -> ClientEntry {
    serde_json::from_value(
        json!({"ref": reference, "name": name, "type": "application/octet-stream", "size": size}),
    )
    .unwrap()
}

fn files(folder: &tempfile::TempDir) -> usize {
    std::fs::read_dir(folder.path()).unwrap().count()
}

/// Sends all of a file.
fn send(table: &Table, answer: &Map<String, Value>, reference: &str, bytes: &[u8]) {
    let found = table
        .find(answer["entries"][reference].as_str().unwrap())
        .unwrap();
    found.receiving.upgrade().unwrap().write(bytes).unwrap();
}

#[test]
fn a_file_is_chosen_allowed_sent_and_done() {
    let (table, folder) = table(1000);
    let mut upload = upload(UploadOptions::default());
    upload.choose(vec![chosen("0", "fw.bin", 4)]);
    assert!(
        upload
            .input()
            .to_html()
            .contains("data-phx-active-refs=\"0\" data-phx-done-refs=\"\"")
    );
    let answer = upload.allow(vec![chosen("0", "fw.bin", 4)], &table);
    assert_eq!(
        (&answer["ref"], &answer["config"]["chunk_size"]),
        (&json!("phx-1-fw"), &json!(64_000))
    );
    assert!(
        upload
            .input()
            .to_html()
            .contains("data-phx-preflighted-refs=\"0\"")
    );
    send(&table, &answer, "0", b"abcd");
    assert!(upload.progress("0", &json!(100)));
    assert!(upload.input().to_html().contains("data-phx-done-refs=\"0\""));
    let done = upload.take_done();
    assert_eq!(std::fs::read(done[0].path().unwrap()).unwrap(), b"abcd");
    assert!(upload.entries().is_empty());
    drop(done);
    assert_eq!((files(&folder), table.bytes()), (0, 0));
}

#[test]
fn what_is_too_large_or_of_another_kind_gets_no_token() {
    let (table, folder) = table(1000);
    let options = UploadOptions {
        max_file_size: 10,
        accept: vec![".bin".to_owned()],
        ..UploadOptions::default()
    };
    let mut upload = upload(options);
    let answer = upload.allow(vec![chosen("0", "fw.bin", 11)], &table);
    assert_eq!(answer["error"], json!([["0", "too_large"]]));
    let answer = upload.allow(vec![chosen("1", "fw.exe", 1)], &table);
    assert_eq!(answer["error"], json!([["1", "not_accepted"]]));
    assert_eq!((files(&folder), table.bytes()), (0, 0));
}

#[test]
fn more_files_than_may_be_are_refused() {
    let (table, _folder) = table(1000);
    let mut upload = upload(UploadOptions {
        max_entries: 2,
        ..UploadOptions::default()
    });
    let three = (0..3).map(|at| chosen(&at.to_string(), "a", 1)).collect();
    assert_eq!(
        upload.allow(three, &table)["error"],
        json!([["phx-1-fw", "too_many_files"]])
    );
    assert!(upload.has_too_many());
    assert!(upload.cancel("2"));
    assert!(!upload.has_too_many());
    assert!(upload.allow(Vec::new(), &table).get("error").is_none());
}

fn preflighted(upload: &Upload) -> String {
    let html = upload.input().to_html();
    let (_, after) = html.split_once(" data-phx-preflighted-refs=\"").unwrap();
    after.split('"').next().unwrap().to_owned()
}

#[test]
fn one_file_that_is_refused_refuses_the_form_and_no_other_counts_as_on_its_way() {
    let (table, _folder) = table(1000);
    let mut upload = upload(UploadOptions {
        max_file_size: 10,
        max_entries: 2,
        ..UploadOptions::default()
    });
    let answer = upload.allow(vec![chosen("0", "a", 1), chosen("1", "b", 11)], &table);
    assert_eq!(answer["error"], json!([["1", "too_large"]]));
    assert_eq!(preflighted(&upload), "");
    assert!(upload.cancel("1"));
    let answer = upload.allow(vec![chosen("0", "a", 1)], &table);
    assert!(answer["entries"]["0"].is_string(), "{answer:?}");
    assert_eq!(preflighted(&upload), "0");
}

#[test]
fn of_files_that_are_sent_as_they_are_chosen_the_good_ones_go() {
    let (table, _folder) = table(1000);
    let mut upload = upload(UploadOptions {
        max_file_size: 10,
        max_entries: 2,
        auto_upload: true,
        ..UploadOptions::default()
    });
    let answer = upload.allow(vec![chosen("0", "a", 1), chosen("1", "b", 11)], &table);
    assert_eq!(answer.get("error"), None, "the client would give up the good one");
    assert!(answer["entries"]["0"].is_string() && answer["entries"].get("1").is_none());
    assert_eq!(answer["errors"], json!({"1": ["too_large"]}));
    assert_eq!(preflighted(&upload), "0");
}

#[test]
fn of_files_that_are_sent_as_they_are_chosen_as_many_go_as_may_be_and_the_rest_later() {
    let (table, _folder) = table(1000);
    let mut upload = upload(UploadOptions {
        max_entries: 2,
        auto_upload: true,
        ..UploadOptions::default()
    });
    let three = (0..3).map(|at| chosen(&at.to_string(), "a", 1)).collect();
    let answer = upload.allow(three, &table);
    assert_eq!(answer.get("error"), None);
    assert_eq!(answer["errors"], json!({"phx-1-fw": ["too_many_files"]}));
    assert_eq!(preflighted(&upload), "0,1");
    assert!(upload.cancel("0"));
    let answer = upload.allow(vec![chosen("2", "a", 1)], &table);
    assert!(answer["entries"]["2"].is_string(), "{answer:?}");
    assert_eq!(
        (preflighted(&upload).as_str(), &answer["errors"]),
        ("1,2", &json!({}))
    );
}

#[test]
fn what_is_wrong_is_named_until_it_is_taken_back() {
    let mut upload = upload(UploadOptions {
        max_file_size: 10,
        max_entries: 2,
        ..UploadOptions::default()
    });
    let named = |upload: &Upload| {
        let html = upload.input().to_html();
        let (_, after) = html.split_once(" data-phx-error-refs=\"")?;
        Some(after.split('"').next()?.to_owned())
    };
    assert_eq!(named(&upload), None);
    upload.choose(vec![
        chosen("0", "a", 1),
        chosen("1", "b", 11),
        chosen("2", "c", 11),
    ]);
    assert_eq!(named(&upload).as_deref(), Some("phx-1-fw,1,2"));
    assert!(upload.cancel("1"));
    assert_eq!(named(&upload).as_deref(), Some("2"));
    assert!(upload.cancel("2"));
    assert_eq!(named(&upload), None);
}

#[test]
fn a_file_that_lies_about_its_size_is_cut_off() {
    let (table, _folder) = table(1000);
    let mut upload = upload(UploadOptions::default());
    let answer = upload.allow(vec![chosen("0", "a", 3)], &table);
    let found = table.find(answer["entries"]["0"].as_str().unwrap()).unwrap();
    let receiving = found.receiving.upgrade().unwrap();
    assert_eq!(
        receiving.write(b"abcd").unwrap_err().reason(),
        "file_size_limit_exceeded"
    );
    upload.progress("0", &json!(100));
    assert_eq!(
        upload.entries()[0].error(),
        Some(UploadError::Failed),
        "it says that all was sent"
    );
    assert!(upload.take_done().is_empty());
}

#[test]
fn a_token_leads_one_channel_to_its_file() {
    let (table, _folder) = table(1000);
    let mut upload = upload(UploadOptions::default());
    let answer = upload.allow(vec![chosen("0", "a", 3)], &table);
    let token = answer["entries"]["0"].as_str().unwrap();
    assert!(table.find(token).is_some());
    assert!(table.find(token).is_none(), "a second one");
    assert!(table.find("forged").is_none());
}

#[test]
fn another_file_replaces_the_only_one() {
    let mut upload = upload(UploadOptions::default());
    upload.choose(vec![chosen("0", "a", 1)]);
    upload.choose(vec![chosen("0", "a", 1)]);
    upload.choose(vec![chosen("1", "b", 1)]);
    let names: Vec<_> = upload.entries().iter().map(Entry::name).collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn a_client_may_not_name_files_without_end() {
    let mut upload = upload(UploadOptions {
        max_entries: 5,
        ..UploadOptions::default()
    });
    for round in 0..3 {
        let many = (0..1000)
            .map(|at| chosen(&format!("{round}-{at}"), &"é".repeat(1000), 1))
            .collect();
        upload.choose(many);
    }
    assert_eq!(upload.entries().len(), ENTRIES);
    assert!(upload.entries()[0].name().len() <= 255);
}

#[test]
fn an_upload_takes_as_many_files_as_it_says_and_says_when_there_are_more() {
    let (table, _folder) = table(1_000_000);
    for most in [ENTRIES, 150] {
        let mut upload = upload(UploadOptions {
            max_entries: most,
            ..UploadOptions::default()
        });
        let files = |count: usize| (0..count).map(|at| chosen(&at.to_string(), "a", 1)).collect();
        let answer = upload.allow(files(most), &table);
        assert_eq!(answer["entries"].as_object().unwrap().len(), most);
        assert!(!upload.has_too_many());
        upload.choose(files(most + 1000));
        assert!(upload.has_too_many());
        assert_eq!(upload.entries().len(), most + 1);
    }
}

#[test]
fn what_a_killed_program_left_is_removed_and_what_another_is_writing_stays() {
    let (first, folder) = table(1000);
    let mut upload = upload(UploadOptions::default());
    let answer = upload.allow(vec![chosen("0", "fw.bin", 1)], &first);
    send(&first, &answer, "0", b"a");
    for left in ["roost-upload-left", "roost-upload-", "somebody-else"] {
        std::fs::write(folder.path().join(left), "x").unwrap();
    }
    std::fs::create_dir(folder.path().join("roost-upload-folder")).unwrap();
    let key = SigningKey::random().unwrap();
    let _second = Table::new(key, folder.path().to_owned(), 1000);
    assert!(upload.progress("0", &json!(100)));
    assert!(upload.entries()[0].path().unwrap().exists());
    assert!(folder.path().join("somebody-else").exists());
    assert_eq!(
        files(&folder),
        3,
        "the folder, the stranger's and the one on its way"
    );
}

#[test]
fn a_file_that_cannot_be_written_is_refused_in_words_that_the_client_tells_its_view() {
    let (table, folder) = table(1000);
    let mut upload = upload(UploadOptions::default());
    let answer = upload.allow(vec![chosen("0", "fw.bin", 4)], &table);
    let token = answer["entries"]["0"].as_str().unwrap();
    let file = table.find(token).unwrap().receiving.upgrade().unwrap();
    folder.close().unwrap();
    let error = file.write(b"abcd").unwrap_err();
    assert!(
        error.to_string().starts_with("the file can't be written: "),
        "{error}"
    );
    assert_eq!(error.reason(), "not_written");
    assert!(file.path().is_none() && !file.is_complete());
}
