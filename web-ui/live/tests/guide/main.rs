//! The code of `docs/live.md`, compiled and run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counter;
mod form;
mod hook;
mod people;
mod program;
mod stream;

use roost_live::testing::{Client, Failure};
use serde_json::json;

use program::start;

#[tokio::test]
async fn a_click_counts() -> Result<(), Failure> {
    let mut page = start().await.browser().open("/").await?;
    page.click("#two").await?;
    assert_eq!(page.text("#n")?, "2");
    Ok(())
}

#[tokio::test]
async fn a_form_is_checked_and_saved() -> Result<(), Failure> {
    let mut page = start().await.browser().open("/new").await?;
    page.change("#new", &[("device[name]", "a/b")]).await?;
    assert!(page.has(".error", "a name has letters, and none of / + #")?);
    page.submit("#new", &[("device[name]", "boiler")]).await?;
    assert_eq!(page.address(), "/");
    assert!(page.has("#told", "boiler is there now")?);
    Ok(())
}

#[tokio::test]
async fn a_log_grows_and_keeps_its_last_lines() -> Result<(), Failure> {
    let program = start().await;
    let mut page = program.browser().open("/log").await?;
    for line in ["one", "two", "three", "four"] {
        program.say(line);
    }
    page.until("#log li", "four").await?;
    assert_eq!(page.texts("#log li")?, ["four", "three", "two"]);
    Ok(())
}

#[tokio::test]
async fn a_hook_asks_and_is_told() -> Result<(), Failure> {
    let mut page = start().await.browser().open("/chart").await?;
    let reply = page.hook("range", json!({"last": 1})).await?;
    assert_eq!(reply, json!({"values": [20.0]}));
    Ok(())
}

#[tokio::test]
async fn people_are_seen_to_come_and_go() -> Result<(), Failure> {
    let program = start().await;
    let mut ann = program.browser().open("/plant?name=ann").await?;
    ann.until("#news", "ann has come").await?;
    let bob = program.browser().open("/plant?name=bob").await?;
    ann.until("#news", "bob has come").await?;
    assert_eq!(ann.texts("#here li")?, ["ann", "bob"]);
    drop(bob);
    ann.until("#news", "bob has gone").await?;
    assert_eq!(ann.texts("#here li")?, ["ann"]);
    Ok(())
}

#[tokio::test]
async fn a_client_joins_a_channel() -> Result<(), Failure> {
    let mut client = Client::connect(start().await.router(), "/socket", "").await?;
    let joined = client.join("echo:1", json!({"name": "Ann"})).await?;
    assert_eq!(
        (joined.status.as_str(), &joined.response),
        ("ok", &json!({"hello": "Ann"}))
    );
    let reply = client.call("echo:1", "say", json!({"text": "hi"})).await?;
    assert_eq!(reply.response, json!({"text": "hi"}));
    client.leave("echo:1").await?;
    assert_eq!(client.heard("phx_close").await?.topic, "echo:1");
    Ok(())
}

/// Every piece of Rust on the page stands in one of these files, word for word.
#[test]
fn the_guide_shows_code_that_runs() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(here.join("../../docs/live.md")).unwrap();
    let files = std::fs::read_dir(here.join("tests/guide")).unwrap();
    let code: String = files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let pieces: Vec<&str> = guide
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(pieces.len() >= 6, "{} pieces", pieces.len());
    for piece in pieces {
        assert!(code.contains(piece), "the guide shows what is not here:\n{piece}");
    }
}
