//! The browser's side of the protocol: the scripts of the npm packages `phoenix` and `phoenix_live_view`, as they are
//! shipped, in the program itself.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// A script of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    /// Name of its file.
    pub name: &'static str,
    /// Version of its package.
    pub version: &'static str,
    /// The script.
    pub text: &'static str,
    /// The terms under which its makers give it away, which go with every copy.
    pub license: &'static str,
}

/// `phoenix`: sockets, channels, presence; sets `window.Phoenix`.
pub const PHOENIX: Script = Script {
    name: "phoenix.min.js",
    version: "1.8.16",
    text: include_str!(concat!(env!("OUT_DIR"), "/phoenix.min.js")),
    license: include_str!(concat!(env!("OUT_DIR"), "/phoenix.license")),
};

/// `phoenix_live_view`: live pages; sets `window.LiveView`.
pub const LIVE_VIEW: Script = Script {
    name: "phoenix_live_view.min.js",
    version: "1.2.12",
    text: include_str!(concat!(env!("OUT_DIR"), "/phoenix_live_view.min.js")),
    license: include_str!(concat!(env!("OUT_DIR"), "/phoenix_live_view.license")),
};

/// Browsers keep a script for a day and then ask whether it is still the same.
const CACHE: &str = "public, max-age=86400";

/// Routes for both scripts, under their names, and `<name>.license.txt` beside each.
pub fn router() -> Router {
    [PHOENIX, LIVE_VIEW]
        .into_iter()
        .fold(Router::new(), |router, script| {
            let serve = move |headers: HeaderMap| async move { answer(script, &headers) };
            let license = move || async move { script.license };
            router
                .route(&format!("/{}", script.name), get(serve))
                .route(&format!("/{}.license.txt", script.name), get(license))
        })
}

fn answer(script: Script, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", script.version);
    let same = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let common = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, CACHE)];
    if same {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (common, kind, script.text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    async fn ask(path: &str, known: &str) -> Response {
        let request = Request::get(path).header(header::IF_NONE_MATCH, known);
        router()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn scripts_are_served_as_shipped_and_not_twice_to_a_browser_that_has_them() {
        let response = ask("/phoenix.min.js", "").await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        assert_eq!(body, PHOENIX.text);
        assert_eq!(
            ask("/phoenix.min.js", "\"1.8.16\"").await.status(),
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(
            ask("/phoenix_live_view.min.js", "\"1.8.16\"").await.status(),
            StatusCode::OK
        );
        let license = ask("/phoenix.min.js.license.txt", "").await;
        let license = axum::body::to_bytes(license.into_body(), usize::MAX)
            .await
            .unwrap();
        assert!(std::str::from_utf8(&license).unwrap().contains("MIT License"));
    }
}
