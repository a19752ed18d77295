//! Takes bytes of a capture, gives text: valid UTF-8 that loses nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The longest text that a column holds: servers refuse longer heads, and nobody reads longer values.
pub const MAX_TEXT: usize = 16 * 1024;

/// The bytes as text; those that are not UTF-8 are written as `\xNN`.
#[must_use]
pub fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string never fails.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    Cow::Owned(text)
}

/// The beginning of `text` that a column holds; all of it, as a rule.
#[must_use]
pub fn within_limit(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_utf8_is_shown_by_its_bytes() {
        assert_eq!(text_of(b"caf\xc3\xa9"), "caf\u{e9}");
        assert_eq!(text_of(b"caf\xe9 \xff\xc3"), "caf\\xe9 \\xff\\xc3");
        assert_eq!(text_of(b"a\0b"), "a\0b");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let long = "\u{e9}".repeat(MAX_TEXT);
        assert_eq!(within_limit(&long).len(), MAX_TEXT);
        let odd = format!("a{long}");
        assert_eq!(within_limit(&odd).len(), MAX_TEXT - 1);
    }
}
