//! From the text of an expression to its words.

/// One word of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    Name(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

/// Most words of one expression: each may nest one level deeper.
const MAX_WORDS: usize = 256;

/// The longer signs first: `==` is not `=` twice.
const SIGNS: [&str; 23] = [
    "==", "!=", "<=", ">=", "//", "(", ")", "[", "]", "{", "}", ".", ",", "|", "+", "-", "*", "/", "%", "~",
    "<", ">", ":",
];

/// Cuts a text into words. The error names what is no word.
pub(super) fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if words.len() >= MAX_WORDS {
            return Err(format!("an expression of more than {MAX_WORDS} words"));
        }
        let (word, after) = match first {
            '\'' | '"' => quoted(rest, first)?,
            '0'..='9' => number(rest, &words),
            c if c.is_alphabetic() || c == '_' => {
                let (name, after) = run(rest, |c| c.is_alphanumeric() || c == '_');
                (Word::Name(name.to_owned()), after)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| format!("{first:?} in a template"))?;
                (Word::Sign(sign), &rest[sign.len()..])
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// A number; behind a dot it is a member, `a.0.b`, and has no fraction.
fn number<'a>(text: &'a str, before: &[Word]) -> (Word, &'a str) {
    let (whole, after) = run(text, |c| c.is_ascii_digit());
    let is_member = before.last() == Some(&Word::Sign("."));
    let fraction = after
        .strip_prefix('.')
        .map(|rest| run(rest, |c| c.is_ascii_digit()));
    match fraction {
        Some((digits, after)) if !is_member && !digits.is_empty() => {
            (Word::Number(format!("{whole}.{digits}")), after)
        }
        _ => (Word::Number(whole.to_owned()), after),
    }
}

fn quoted(text: &str, quote: char) -> Result<(Word, &str), String> {
    let mut inside = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => inside.extend(chars.next().map(|(_, c)| match c {
                'n' => '\n',
                't' => '\t',
                c => c,
            })),
            c if c == quote => return Ok((Word::Text(inside), &text[at + c.len_utf8()..])),
            c => inside.push(c),
        }
    }
    Err("a quote without its end".into())
}
