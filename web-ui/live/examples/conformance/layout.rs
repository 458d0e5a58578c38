//! The document around every page.

use roost_live::render::Content;
use roost_live::{Page, Raw, Rendered, html};

/// The title of a page that sets none.
pub(crate) const TITLE: &str = "Exp";

/// What a browser gets first. The client finds the view by its own attributes, and the token by its name.
pub(crate) fn layout(page: &Page) -> Rendered {
    document(page, ())
}

/// The same for a developer: with what swaps the stylesheet and loads the page anew.
pub(crate) fn reloading(page: &Page) -> Rendered {
    document(page, html! { <script defer src="/live-reload.js"></script> })
}

fn document(page: &Page, more: impl Content) -> Rendered {
    let title = page.title.as_deref().unwrap_or(TITLE);
    html! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width">
                <meta name="csrf-token" content={&page.csrf_token}>
                <link rel="icon" href="data:,">
                <link rel="stylesheet" href="/css/app.css">
                <title data-default={TITLE} data-suffix=" | GW">{title}" | GW"</title>
                <script defer phx-track-static src="/js/phoenix.min.js"></script>
                <script defer phx-track-static src="/js/phoenix_live_view.min.js"></script>
                <script defer phx-track-static src="/js/app.js"></script>
                {more}
            </head>
            <body>{Raw(&page.content)}</body>
        </html>
    }
}
