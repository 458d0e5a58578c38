//! Text between tags, and the space around it.
//!
//! Rust's tokens carry no space, but their places in the source do: on one line, space is one blank; a line break with
//! the indentation around it is nothing.

use proc_macro2::{Delimiter, LineColumn, TokenStream, TokenTree};
use quote::ToTokens;

/// Where something begins and ends in the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    start: LineColumn,
    end: LineColumn,
}

/// The extent of anything that is made of tokens; nothing if it is made of none.
pub(crate) fn extent(of: &impl ToTokens) -> Option<Extent> {
    let mut tokens = of.to_token_stream().into_iter();
    let first = tokens.next()?;
    let start = first.span().start();
    let end = tokens.last().unwrap_or(first).span().end();
    Some(Extent { start, end })
}

/// Whether there is space on one line between the two.
pub(crate) fn is_spaced(before: Option<Extent>, after: Option<Extent>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            before.end.line == after.start.line && before.end.column < after.start.column
        }
        _ => false,
    }
}

/// Text without quotes, as it stands in the source but for its space.
pub(crate) fn unquoted(tokens: TokenStream) -> String {
    let mut text = Unquoted::default();
    text.stream(tokens);
    text.text
}

/// Text in quotes, with what means something in HTML escaped.
pub(crate) fn escaped(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[derive(Default)]
struct Unquoted {
    text: String,
    end: Option<LineColumn>,
}

impl Unquoted {
    fn stream(&mut self, tokens: TokenStream) {
        for token in tokens {
            let TokenTree::Group(group) = &token else {
                let span = token.span();
                self.piece(&token.to_string(), span.start(), span.end());
                continue;
            };
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ("(", ")"),
                Delimiter::Bracket => ("[", "]"),
                Delimiter::Brace => ("{", "}"),
                Delimiter::None => ("", ""),
            };
            let (first, last) = (group.span_open(), group.span_close());
            self.piece(open, first.start(), first.end());
            self.stream(group.stream());
            self.piece(close, last.start(), last.end());
        }
    }

    fn piece(&mut self, piece: &str, start: LineColumn, end: LineColumn) {
        // Words on two lines are two words.
        if self.end.is_some_and(|before| before != start) {
            self.text.push(' ');
        }
        self.text.push_str(piece);
        self.end = Some(end);
    }
}
