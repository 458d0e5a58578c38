//! Signing in with the token, and out.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::Lenient;
use super::layout::Frame;
use crate::guard::{self, is_foreign, session};
use crate::live;
use crate::problem::Problem;
use crate::site::Site;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Back {
    next: String,
}

/// What the form sends. Not `Debug`: it holds the token.
#[derive(Deserialize)]
pub(crate) struct Login {
    token: String,
    #[serde(default)]
    next: String,
}

pub(crate) async fn show(State(site): State<Arc<Site>>, Lenient(back): Lenient<Back>) -> Response {
    // Where pages are open, some want the token all the same.
    if guard::is_open(&site.web) && back.next.is_empty() {
        return Redirect::to("/").into_response();
    }
    super::page(&Frame::bare("Sign in"), &form(&back.next, None)).into_response()
}

fn form(next: &str, error: Option<&str>) -> Markup {
    html! {
        form.sign-in method="post" action="/sign-in" {
            h1 { "Sign in" }
            label for="token" { "Access token" }
            input #token type="password" name="token" required autofocus autocomplete="current-password"
                aria-describedby=[error.map(|_| "error")] aria-invalid=[error.map(|_| "true")];
            @if let Some(error) = error { p #error .error role="alert" { (error) } }
            input type="hidden" name="next" value=(session::next_path(next));
            button type="submit" { "Sign in" }
            p.hint { "The token was shown when the gateway was set up." }
        }
    }
}

fn foreign() -> Response {
    super::failure(&Problem::new(
        StatusCode::FORBIDDEN,
        "This form was sent from another site.",
    ))
}

pub(crate) async fn sign_in(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    login: Result<Form<Login>, FormRejection>,
) -> Response {
    if is_foreign(&headers) {
        return foreign();
    }
    let Ok(Form(login)) = login else {
        return super::failure(&Problem::bad_request("The form was not complete."));
    };
    if !site.web.secrets.verify(login.token.trim(), &site.web.token_hash) {
        let body = form(&login.next, Some("This is not the token of this gateway."));
        return (
            StatusCode::UNAUTHORIZED,
            super::page(&Frame::bare("Sign in"), &body),
        )
            .into_response();
    }
    let cookie = [(header::SET_COOKIE, session::begin(&site.web, live::now()))];
    (cookie, Redirect::to(session::next_path(&login.next))).into_response()
}

pub(crate) async fn sign_out(headers: HeaderMap) -> Response {
    if is_foreign(&headers) {
        return foreign();
    }
    ([(header::SET_COOKIE, session::end())], Redirect::to("/sign-in")).into_response()
}
