//! Takes bytes in an unknown place, gives where a line begins that is certain to be a start-line.
//!
//! Bodies hold text that resembles start-lines (logs, traces); after a gap only the exact forms of RFC 9112 count.

use memchr::memchr;

use super::message::MessageSink;
use super::start_line::is_control;
use crate::protocol::Stamp;

/// The longest line that is tried. RFC 9112 §3 recommends to support at least 8000 bytes.
pub(super) const MAX_CERTAIN_LINE: usize = 8192;

/// The longest method tried here: registered ones have at most 17 letters (RFC 9110 §16.1).
const MAX_METHOD: usize = 17;

/// Whether a line is a start-line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certain {
    Yes,
    /// Too short to tell; a line with its end never is.
    Maybe,
    No,
}

/// Bytes skipped since the last message.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    bytes: u64,
    last: Stamp,
}

impl Skipped {
    /// `length` more bytes were skipped; `stamp` is that of the last one.
    pub(super) fn add(&mut self, length: usize, stamp: Stamp) {
        if length > 0 {
            self.bytes = self.bytes.saturating_add(length as u64);
            self.last = stamp;
        }
    }

    /// Tells `sink` of them, and begins anew.
    pub(super) fn tell(&mut self, sink: &mut impl MessageSink) {
        if self.bytes > 0 {
            sink.lost(self.bytes, self.last);
            *self = Self::default();
        }
    }
}

/// Where a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Search {
    /// How many bytes are no start-line.
    pub(super) skipped: usize,
    /// What the line after them is; `No` if there is none.
    pub(super) found: Certain,
    /// Where there is none: whether what follows `bytes` begins a line.
    pub(super) candidate: bool,
}

/// Looks for a start-line at the beginnings of lines in `bytes`, and at their own if that is a `candidate`.
pub(super) fn search(bytes: &[u8], mut candidate: bool) -> Search {
    let mut skipped = 0;
    while let Some(rest) = bytes.get(skipped..).filter(|rest| !rest.is_empty()) {
        let found = if candidate { certain_start(rest) } else { Certain::No };
        if found != Certain::No {
            return Search { skipped, found, candidate };
        }
        let line_end = memchr(b'\n', rest);
        candidate = line_end.is_some();
        skipped += line_end.map_or(rest.len(), |end| end + 1);
    }
    Search { skipped, found: Certain::No, candidate }
}

/// Tells whether the line that `bytes` begin with is a start-line beyond doubt.
pub(super) fn certain_start(bytes: &[u8]) -> Certain {
    match bytes.first() {
        None => return Certain::Maybe,
        Some(byte) if !byte.is_ascii_uppercase() => return Certain::No,
        Some(_) => {}
    }
    let window = &bytes[..bytes.len().min(MAX_CERTAIN_LINE)];
    match memchr(b'\n', window) {
        Some(end) => {
            let line = &window[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let certain = status_line(line) || request_line(line);
            if certain { Certain::Yes } else { Certain::No }
        }
        None if bytes.len() < MAX_CERTAIN_LINE && is_prefix(window) => Certain::Maybe,
        None => Certain::No,
    }
}

fn status_line(line: &[u8]) -> bool {
    // RFC 9112 §4. The space after the status is left out by some when there is no reason.
    match line {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', b' ', class, a, b, rest @ ..] => {
            matches!(class, b'1'..=b'5')
                && a.is_ascii_digit()
                && b.is_ascii_digit()
                && rest.first().is_none_or(|byte| *byte == b' ')
                && !rest.iter().any(|byte| is_control(*byte))
        }
        _ => false,
    }
}

fn request_line(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    is_method(method) && is_target(target) && matches!(version, b"HTTP/1.1" | b"HTTP/1.0")
}

fn is_method(method: &[u8]) -> bool {
    (2..=MAX_METHOD).contains(&method.len()) && method.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'-')
}

/// RFC 9112 §3.2: origin-form, absolute-form, authority-form or asterisk-form.
fn is_target(target: &[u8]) -> bool {
    let form = match target {
        [b'/', ..] | b"*" => true,
        [first, ..] => (first.is_ascii_alphanumeric() || *first == b'[') && target.contains(&b':'),
        [] => false,
    };
    form && !target.iter().any(|byte| is_control(*byte) || *byte == b'\t')
}

/// Whether a line without its end may still become a start-line.
fn is_prefix(line: &[u8]) -> bool {
    let text = line.strip_suffix(b"\r").unwrap_or(line);
    if text.iter().any(|byte| is_control(*byte)) {
        return false;
    }
    let version = b"HTTP/1.";
    if version.starts_with(&text[..text.len().min(version.len())]) {
        return true;
    }
    match text.iter().position(|byte| *byte == b' ') {
        Some(end) => is_method(&text[..end]),
        None => text.len() <= MAX_METHOD && text.iter().all(|byte| is_method_byte(*byte)),
    }
}

fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'-'
}
