//! Percent-encoding as forms have it: `%20` and `+` are blanks.
//! <https://url.spec.whatwg.org/#application/x-www-form-urlencoded>

use std::borrow::Cow;

use super::FormError;

/// The text that was encoded.
pub(super) fn decoded(encoded: &str) -> Result<Cow<'_, str>, FormError> {
    if !encoded.contains(['%', '+']) {
        return Ok(Cow::Borrowed(encoded));
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => digit(rest.next())? << 4 | digit(rest.next())?,
            other => other,
        });
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| FormError::Utf8)
}

fn digit(byte: Option<u8>) -> Result<u8, FormError> {
    match byte {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
        Some(digit @ b'A'..=b'F') => Ok(digit - b'A' + 10),
        _ => Err(FormError::Percent),
    }
}
