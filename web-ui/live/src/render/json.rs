//! JSON written straight into a text, without a tree in between.

/// Appends `text` as a JSON string, quotes included.
pub(super) fn string(text: &str, json: &mut String) {
    json.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        json.push_str(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            b'\r' => json.push_str("\\r"),
            b'\t' => json.push_str("\\t"),
            _ => {
                json.push_str("\\u00");
                json.push(char::from(HEX[usize::from(byte >> 4)]));
                json.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    json.push_str(&text[plain..]);
    json.push('"');
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `number` in decimal.
pub(super) fn number(mut number: usize, json: &mut String) {
    let mut digits = [0_u8; 20];
    let mut from = digits.len();
    loop {
        from -= 1;
        // Always below ten.
        digits[from] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    json.extend(digits[from..].iter().map(|digit| char::from(*digit)));
}

/// Appends `"number":`, the name of a value in the protocol.
pub(super) fn index(at: usize, json: &mut String) {
    json.push('"');
    number(at, json);
    json.push_str("\":");
}

/// Appends an array of strings.
pub(super) fn strings(texts: &[&str], json: &mut String) {
    json.push('[');
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        string(text, json);
    }
    json.push(']');
}
