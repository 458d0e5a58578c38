//! What tests do with pages and clients, done with pages made for it.

mod channels;
mod loaded;
mod pages;
mod present;

use axum::Router;
use serde_json::json;

use super::{Browser, Client, Failure, Page};
use crate::endpoint::{Endpoint, Limits};
use pages::{Shown, Unknown};

/// A program that runs.
async fn start() -> Router {
    let endpoint = Endpoint::new(Limits::default());
    let router = pages::router(&endpoint);
    super::run(&endpoint).await;
    router
}

async fn open() -> Result<Page, Failure> {
    Browser::new(start().await).open("/").await
}

#[tokio::test]
async fn a_view_is_sent_messages_and_shows_them_at_once() -> Result<(), Failure> {
    let mut page = open().await?;
    for text in ["one", "two"] {
        page.send(Shown(text.to_owned())).await?;
        assert_eq!(page.text("#said")?, text);
    }
    let error = page.send(Unknown).await.unwrap_err().to_string();
    assert!(error.contains("Shown") && error.contains("Unknown"), "{error}");
    let error = page.send(Shown("boom".to_owned())).await.unwrap_err().to_string();
    assert_eq!(error, "the view has crashed");
    Ok(())
}

#[tokio::test]
async fn a_browser_says_at_the_join_what_the_script_of_its_pages_would() -> Result<(), Failure> {
    let mut browser = Browser::new(start().await).connect_param("zone", "Europe/Berlin");
    assert_eq!(browser.open("/").await?.text("#said")?, "Europe/Berlin");
    Ok(())
}

#[tokio::test]
async fn what_others_send_is_shown_although_a_component_has_an_event_at_once() -> Result<(), Failure> {
    let mut page = open().await?;
    for round in 0..64 {
        // The view tells itself, and at the same time something happens in a component.
        page.hook("say", json!({"n": round})).await?;
        page.click("#part-1 .count").await?;
        page.until("#said", &format!("said {round}")).await?;
    }
    assert_eq!(page.text("#part-1 .count")?, "64");
    Ok(())
}

#[tokio::test]
async fn keys_go_down_and_up_in_an_element_or_anywhere() -> Result<(), Failure> {
    let mut page = open().await?;
    page.press("#field", "a").await?;
    assert_eq!(page.text("#did")?, "down a");
    page.release("#field", "b").await?;
    assert_eq!(page.text("#did")?, "up b");
    page.press_anywhere("x").await?;
    assert_eq!(page.text("#did")?, "up b", "phx-key is another");
    page.press_anywhere("ESCAPE").await?;
    assert_eq!(page.text("#did")?, "window ESCAPE");
    page.press("#other", "Escape").await?;
    assert_eq!(
        page.text("#did")?,
        "window Escape",
        "what has no binding leaves it to the window"
    );
    page.release_anywhere("Tab").await?;
    assert_eq!(page.text("#did")?, "window up Tab");
    let error = page.release("#nothing", "a").await.unwrap_err().to_string();
    assert!(error.starts_with("there is no #nothing"), "{error}");
    Ok(())
}

#[tokio::test]
async fn elements_get_and_lose_the_focus() -> Result<(), Failure> {
    let mut page = open().await?;
    page.focus("#field").await?;
    assert_eq!(page.text("#did")?, "focus of field");
    page.blur("#field").await?;
    assert_eq!(page.text("#did")?, "blur of field");
    assert_eq!(
        page.blur("#other").await.unwrap_err().to_string(),
        "#other has no phx-blur"
    );
    Ok(())
}

#[tokio::test]
async fn events_go_to_the_component_that_a_selector_or_a_number_means() -> Result<(), Failure> {
    let mut page = open().await?;
    page.click("#by-selector").await?;
    page.click("#by-command").await?;
    page.submit("#by-form", &[]).await?;
    assert_eq!(page.texts(".count")?, ["3", "0"]);
    page.click("#to-all").await?;
    assert_eq!(
        page.texts(".count")?,
        ["4", "1"],
        "once for each element that is found"
    );
    page.click("#to-view").await?;
    assert_eq!(page.text("#did")?, "count of the view");
    let refused = [
        ("#to-nobody", "the target \"#gone\" finds nothing"),
        ("#to-a-number", "the target \"99\" is no component"),
        ("#to-another-view", "the target \"#lamp\" is of the view lamp"),
    ];
    for (button, why) in refused {
        let error = page.click(button).await.unwrap_err().to_string();
        assert!(error.starts_with(why), "{error}");
    }
    assert_eq!(page.texts(".count")?, ["4", "1"], "and nobody else gets them");
    Ok(())
}

#[tokio::test]
async fn a_hook_asks_a_component() -> Result<(), Failure> {
    let mut page = open().await?;
    let reply = page.hook_to("#part-2", "ask", json!({"n": 7})).await?;
    assert_eq!(reply, json!({"part": 2, "got": {"n": 7}}));
    let error = page
        .hook_to(".count", "ask", json!({}))
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(error, "the target \".count\" means 2 elements");
    Ok(())
}

#[tokio::test]
async fn views_within_the_page_and_beside_it_are_found_by_their_id_and_driven() -> Result<(), Failure> {
    let page = open().await?;
    for (id, from) in [("lamp", 10), ("sticky", 100), ("beside", 1000)] {
        let mut lamp = page.nested(id).await?;
        assert_eq!(lamp.text("button")?, from.to_string());
        lamp.click("button").await?;
        assert_eq!(lamp.text("button")?, (from + 1).to_string());
        lamp.send(5_u64).await?;
        assert_eq!(lamp.text("button")?, "5");
        let error = lamp.hook("leave", json!({})).await.unwrap_err().to_string();
        assert_eq!(error, "the view within a page leads all of it to /");
    }
    let error = page.nested("did").await.unwrap_err().to_string();
    assert!(error.starts_with("there is no view did"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_file_is_sent_and_one_without_a_byte_is_refused_as_the_browser_sends_none() -> Result<(), Failure> {
    let mut page = open().await?;
    page.upload("#files input", "a.bin", &[1; 100_000]).await?;
    page.submit("#files", &[]).await?;
    assert_eq!(page.text("#did")?, "a.bin 100000");
    let error = page
        .upload("#files input", "no.bin", &[])
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("no.bin has no byte"), "{error}");
    Ok(())
}
