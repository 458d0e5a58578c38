//! Page loads: the dead render in its document, and what is answered instead.

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use tower::ServiceExt as _;

use super::pages::pages;
use crate::flash::{FLASH_COOKIE, Flash};
use crate::sign::Purpose;
use crate::site::Site;

async fn get(site: &Site, path: &str, cookie: &str) -> Response<Body> {
    let request = Request::get(path)
        .header(header::COOKIE, cookie)
        .body(Body::empty())
        .unwrap();
    site.pages().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

fn cookies(response: &Response<Body>) -> Vec<String> {
    let all = response.headers().get_all(header::SET_COOKIE).iter();
    all.map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_page_load_shows_the_view_in_its_document() {
    let response = get(&pages(), "/?tab=x", "").await;
    assert_eq!(response.status(), StatusCode::OK);
    let set = cookies(&response);
    assert!(
        set[0].starts_with("_live_session=") && set[0].contains("HttpOnly; SameSite=Lax"),
        "{set:?}"
    );
    let html = text(response).await;
    assert!(html.starts_with("<!DOCTYPE html>\n<html>"), "{html}");
    assert!(html.contains("<title>Counter</title>"));
    assert!(html.contains("<div id=\"phx-"));
    assert!(html.contains(" data-phx-main data-phx-session=\""));
    assert!(html.contains("<b id=\"n\">0</b><i>{&quot;tab&quot;:&quot;x&quot;}</i></div>"));
}

#[tokio::test]
async fn the_name_of_a_view_is_a_name_wherever_it_stands() {
    let html = text(get(&pages(), "/outer", "").await).await;
    assert!(html.contains("id=\"&quot;>&lt;script>\""), "{html}");
    assert_eq!(html.matches("data-phx-parent-id=\"&quot;").count(), 1, "{html}");
    assert!(!html.contains("<script>"), "{html}");
}

#[tokio::test]
async fn ids_differ_from_load_to_load_and_a_session_is_begun_once() {
    let site = pages();
    let first = get(&site, "/", "").await;
    let session = cookies(&first)[0].split(';').next().unwrap().to_owned();
    let second = get(&site, "/", &session).await;
    assert!(cookies(&second).is_empty());
    let id = |html: &str| {
        html.split("id=\"phx-")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_ne!(id(&text(first).await), id(&text(second).await));
}

#[tokio::test]
async fn views_in_the_view_and_in_the_layout_are_shown_too() {
    let html = text(get(&pages(), "/holder", "").await).await;
    assert!(html.contains("data-phx-parent-id=\"phx-"));
    assert!(html.contains("<b id=\"n\">5</b>"), "{html}");
    assert!(html.contains("<div id=\"clock\" data-phx-session=\""));
    for element in [
        "data-phx-sticky><p id=\"fl\"></p><b id=\"n\">6</b>",
        "data-phx-static=\"\"><p id=\"fl\"></p><b id=\"n\">8</b>",
    ] {
        assert!(html.contains(element), "{html}");
    }
}

#[tokio::test]
async fn components_are_part_of_the_page() {
    let html = text(get(&pages(), "/parts", "").await).await;
    assert!(
        html.contains("<button phx-click=\"cinc\" phx-target=\"1\">one0</button>"),
        "{html}"
    );
}

#[tokio::test]
async fn a_view_that_is_elsewhere_redirects_with_what_it_says() {
    let site = pages();
    let moved = get(&site, "/?at_mount=navigate", "").await;
    assert_eq!(
        (moved.status(), &moved.headers()[header::LOCATION]),
        (StatusCode::FOUND, &"/two".parse().unwrap())
    );
    let flash = cookies(&moved)
        .into_iter()
        .find(|cookie| cookie.starts_with(FLASH_COOKIE))
        .unwrap();
    let there = get(&site, "/two", flash.split(';').next().unwrap()).await;
    assert!(
        cookies(&there)
            .iter()
            .any(|cookie| cookie.starts_with("__phoenix_flash__=;"))
    );
    assert!(text(there).await.contains("<h1>moved</h1>"));
    let patched = get(&site, "/?at_mount=patch", "").await;
    assert_eq!(patched.headers()[header::LOCATION], "/?patched=1");
    assert_eq!(
        get(&site, "/?at_mount=loop", "").await.status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[tokio::test]
async fn a_view_that_patches_itself_at_its_load_takes_what_it_was_to_say_along() {
    let site = pages();
    let mut flash = Flash::default();
    flash.put("info", "signed in");
    let carried = format!("{FLASH_COOKIE}={}", flash.to_token(site.key()).unwrap());
    let patched = get(&site, "/?at_mount=patch", &carried).await;
    assert_eq!(patched.headers()[header::LOCATION], "/?patched=1");
    let set = cookies(&patched);
    let flash = set
        .iter()
        .find(|cookie| cookie.starts_with(FLASH_COOKIE))
        .unwrap();
    let there = get(&site, "/?patched=1", flash.split(';').next().unwrap()).await;
    let html = text(there).await;
    assert!(html.contains("<p id=\"fl\">signed in</p>"), "{html}");
}

#[tokio::test]
async fn what_is_no_page_is_answered_so() {
    let site = pages();
    assert_eq!(get(&site, "/nowhere", "").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        get(&site, "/?at_mount=panic", "").await.status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(
        get(&site, "/?at_mount=status", "").await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        get(&site, "/guarded", "").await.headers()[header::LOCATION],
        "/sign-in"
    );
    let post = Request::post("/").body(Body::empty()).unwrap();
    let response = site.pages().oneshot(post).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_join_that_asked_for_a_status_gets_it_by_the_next_load() {
    let site = pages();
    let token = site.key().sign(Purpose::Reload, b"410");
    let response = get(&site, "/", &format!("__phoenix_reload_status__={token}")).await;
    assert_eq!(response.status(), StatusCode::GONE);
    assert!(cookies(&response)[0].starts_with("__phoenix_reload_status__=; Path=/; Max-Age=0"));
    assert_eq!(
        get(&site, "/", "__phoenix_reload_status__=forged").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_forged_flash_says_nothing() {
    let site = pages();
    let mut flash = Flash::default();
    flash.put("info", "believe me");
    let token = flash
        .to_token(&crate::sign::SigningKey::random().unwrap())
        .unwrap();
    let html = text(get(&site, "/two", &format!("{FLASH_COOKIE}={token}")).await).await;
    assert!(html.contains("<h1></h1>"), "{html}");
}
