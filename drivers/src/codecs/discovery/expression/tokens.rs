//! From the text of a template to its tags and the text between them.

/// Most pieces of one template.
const MAX_PIECES: usize = 256;

/// A tag of a template, or the text between two.
pub(super) enum Token<'a> {
    Text(&'a str),
    Value(&'a str),
    Statement(&'a str),
}

/// Cuts a template. The error names the tag that has no end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if tokens.len() >= MAX_PIECES {
            return Err(format!("a template of more than {MAX_PIECES} pieces"));
        }
        let tag = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
            .into_iter()
            .filter_map(|(open, close)| Some((rest.find(open)?, open, close)))
            .min();
        let Some((start, open, close)) = tag else {
            tokens.push(Token::Text(rest));
            break;
        };
        if start > 0 {
            tokens.push(Token::Text(&rest[..start]));
        }
        let (inside, mut after) = rest[start + 2..]
            .split_once(close)
            .ok_or_else(|| format!("{open:?} without {close:?}"))?;
        // A dash takes the white space beside it away.
        if inside.starts_with('-')
            && let Some(Token::Text(before)) = tokens.last_mut()
        {
            *before = before.trim_end();
        }
        if inside.ends_with('-') {
            after = after.trim_start();
        }
        let inside = inside.trim_start_matches(['-', '+']).trim_end_matches('-').trim();
        match open {
            "{{" => tokens.push(Token::Value(inside)),
            "{%" => tokens.push(Token::Statement(inside)),
            _ => {}
        }
        rest = after;
    }
    Ok(tokens)
}
