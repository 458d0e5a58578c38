//! The room that files on their way take: of all together, and of one connection.

use serde_json::json;

use super::*;

#[test]
fn files_on_their_way_have_a_limit_together_and_leave_nothing_behind() {
    let (table, folder) = table(10);
    let mut first = upload(UploadOptions::default());
    let answer = first.allow(vec![chosen("0", "a", 8)], &table);
    assert_eq!(
        (files(&folder), table.bytes()),
        (0, 0),
        "what is only said takes no room"
    );
    send(&table, &answer, "0", b"12345678");
    let mut second = upload(UploadOptions::default());
    assert_eq!(
        second.allow(vec![chosen("0", "a", 8)], &table)["error"],
        json!([["0", "no_room"]])
    );
    assert_eq!((files(&folder), table.bytes()), (1, 8));
    drop(first);
    assert_eq!((files(&folder), table.bytes()), (0, 0), "its view has ended");
    assert!(second.cancel("0"));
    assert!(
        second
            .allow(vec![chosen("1", "a", 8)], &table)
            .get("error")
            .is_none()
    );
}

#[test]
fn the_file_that_comes_when_there_is_no_room_any_more_is_broken_off() {
    let (table, _folder) = table(10);
    let (mut first, mut second) = (upload(UploadOptions::default()), upload(UploadOptions::default()));
    let (one, two) = (
        first.allow(vec![chosen("0", "a", 8)], &table),
        second.allow(vec![chosen("0", "a", 8)], &table),
    );
    send(&table, &one, "0", b"12345678");
    let found = table.find(two["entries"]["0"].as_str().unwrap()).unwrap();
    let broken = found.receiving.upgrade().unwrap().write(b"12345678").unwrap_err();
    assert_eq!(broken.reason(), "no_room");
    // The client says it again, and the page shows it.
    assert!(second.progress("0", &json!({"error": "no_room"})));
    assert_eq!(second.entries()[0].error(), Some(UploadError::NoRoom));
    assert_eq!(table.bytes(), 8);
}

#[test]
fn files_are_limited_in_number_however_small_they_are() {
    let (table, folder) = table(1_000_000);
    let mut uploads = Vec::new();
    let mut allow = || {
        let mut upload = upload(UploadOptions::default());
        let answer = upload.allow(vec![chosen("0", "fw.bin", 1)], &table);
        uploads.push(upload);
        answer
    };
    for _ in 0..FILES {
        let answer = allow();
        send(&table, &answer, "0", b"a");
    }
    assert_eq!(allow()["error"], json!([["0", "no_room"]]));
    assert_eq!(files(&folder), FILES);
    drop(uploads);
    let answer = upload(UploadOptions::default()).allow(vec![chosen("0", "fw.bin", 1)], &table);
    assert!(
        answer.contains_key("entries") && files(&folder) == 0,
        "{answer:?}"
    );
}

#[test]
fn files_of_one_connection_leave_room_for_those_of_others() {
    let (table, _folder) = table(100);
    let mut held = Vec::new();
    // Its views hold their files open, as many as they get.
    for _ in 0..9 {
        let mut view = of(1, UploadOptions::default());
        let answer = view.allow(vec![chosen("0", "a", 8)], &table);
        if answer.get("error").is_none() {
            send(&table, &answer, "0", b"12345678");
        }
        held.push((view, answer));
    }
    let refused = held
        .iter()
        .filter(|(_, answer)| answer.contains_key("error"))
        .count();
    assert_eq!((refused, table.bytes()), (6, 24), "a quarter is its own");
    let mut other = of(2, UploadOptions::default());
    let answer = other.allow(vec![chosen("0", "a", 60)], &table);
    send(&table, &answer, "0", &[7; 60]);
    assert_eq!(table.bytes(), 84, "a file that is alone may be larger");
    drop((held, other));
    assert_eq!((table.bytes(), table.owners()), (0, 0));
}

#[test]
fn files_that_were_allowed_together_have_the_room_of_their_connection_together() {
    let (table, _folder) = table(100);
    let mut views: Vec<_> = (0..3).map(|_| of(1, UploadOptions::default())).collect();
    let mut answers = Vec::new();
    for view in &mut views {
        answers.push(view.allow(vec![chosen("0", "a", 20)], &table));
    }
    send(&table, &answers[1], "0", &[7; 20]);
    let found = table.find(answers[2]["entries"]["0"].as_str().unwrap()).unwrap();
    let broken = found.receiving.upgrade().unwrap().write(&[7; 20]).unwrap_err();
    assert_eq!(broken.reason(), "no_room");
    // The first was its only one when it was allowed.
    send(&table, &answers[0], "0", &[7; 20]);
    assert_eq!(table.bytes(), 40);
}

#[test]
fn one_connection_does_not_hold_all_the_files_that_may_be_open() {
    let (table, _folder) = table(1_000_000);
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..FILES {
        let mut view = of(1, UploadOptions::default());
        let answer = view.allow(vec![chosen("0", "a", 1)], &table);
        match answer.get("error") {
            None => send(&table, &answer, "0", b"a"),
            Some(_) => refused += 1,
        }
        held.push(view);
    }
    assert_eq!(refused, FILES - FILES / SHARE);
    let answer = of(2, UploadOptions::default()).allow(vec![chosen("0", "a", 1)], &table);
    assert!(answer.contains_key("entries"), "{answer:?}");
}
