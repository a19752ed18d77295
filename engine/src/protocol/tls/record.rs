//! Takes the bytes of one direction in any pieces, gives its records whole (RFC 8446 §5.1, RFC 5246 §6.2.1).

use std::borrow::Cow;

use super::cursor::Cursor;
use super::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEARTBEAT, MAX_FRAGMENT, RECORD_HEADER};

/// A record as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: u8,
    version: [u8; 2],
    pub(super) fragment: &'a [u8],
}

impl<'a> Record<'a> {
    /// `None` if the bytes are not one whole record.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let (&[kind, major, minor, ..], fragment) = bytes.split_first_chunk::<RECORD_HEADER>()?;
        Some(Self { kind, version: [major, minor], fragment })
    }

    /// The record's header, as it was sent.
    pub(super) fn header(self) -> [u8; RECORD_HEADER] {
        let [.., high, low] = self.fragment.len().to_be_bytes();
        [self.kind, self.version[0], self.version[1], high, low]
    }

    /// What TLS 1.2 authenticates beside `length` bytes of content (RFC 5246 §6.2.3.1, §6.2.3.3).
    pub(super) fn pseudo_header(self, sequence: u64, length: usize) -> [u8; 13] {
        let [a, b, c, d, e, f, g, h] = sequence.to_be_bytes();
        let [.., high, low] = length.to_be_bytes();
        [a, b, c, d, e, f, g, h, self.kind, self.version[0], self.version[1], high, low]
    }
}

/// A record's content type and the length of its fragment; `None` if this is no record's header.
pub(super) fn parse_header(header: [u8; RECORD_HEADER]) -> Option<(u8, usize)> {
    let [kind, major, _, high, low] = header;
    let length = u16::from_be_bytes([high, low]);
    let known = matches!(kind, CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE | APPLICATION_DATA | HEARTBEAT);
    (known && major == 3 && length <= MAX_FRAGMENT).then_some((kind, length.into()))
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// A record, with its header. Not copied, where it came in one piece.
    Whole(Cow<'a, [u8]>),
    /// What comes is no record.
    Garbage,
}

/// The place in a direction's bytes.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The beginning of a record.
    held: Vec<u8>,
    /// Bytes of a broken record that are still to come.
    skipped: usize,
}

impl Records {
    /// The next record; `None` if more bytes are needed.
    pub(super) fn next<'a>(&mut self, bytes: &mut Cursor<'a>) -> Option<Piece<'a>> {
        let passed = self.skipped.min(bytes.0.len());
        self.skipped -= passed;
        bytes.take(passed);
        if self.held.is_empty() {
            let Some(header) = bytes.0.first_chunk() else {
                self.hold(bytes, RECORD_HEADER);
                return None;
            };
            let Some((_, length)) = parse_header(*header) else {
                return Some(Piece::Garbage);
            };
            if let Some(whole) = bytes.take(RECORD_HEADER + length) {
                return Some(Piece::Whole(Cow::Borrowed(whole)));
            }
        }
        self.hold(bytes, RECORD_HEADER);
        let (_, length) = match self.held.first_chunk().map(|header| parse_header(*header)) {
            None => return None,
            Some(None) => return Some(Piece::Garbage),
            Some(Some(header)) => header,
        };
        self.hold(bytes, RECORD_HEADER + length);
        // The buffer goes, so that idle connections have none.
        (self.held.len() == RECORD_HEADER + length).then(|| Piece::Whole(Cow::Owned(std::mem::take(&mut self.held))))
    }

    /// Holds bytes until there are `wanted`.
    fn hold(&mut self, bytes: &mut Cursor<'_>, wanted: usize) {
        let missing = wanted.saturating_sub(self.held.len()).min(bytes.0.len());
        self.held.extend_from_slice(bytes.take(missing).unwrap_or_default());
    }

    /// Type and length of the record that is not whole yet, if its header is, and how many bytes of it are to come.
    pub(super) fn broken(&self) -> Option<(u8, usize, usize)> {
        let (kind, length) = parse_header(*self.held.first_chunk()?)?;
        Some((kind, length, (RECORD_HEADER + length).saturating_sub(self.held.len())))
    }

    /// Goes on at a record's beginning that is `skipped` bytes ahead; gives what was held.
    pub(super) fn restart(&mut self, skipped: usize) -> Vec<u8> {
        self.skipped = skipped;
        std::mem::take(&mut self.held)
    }

    /// Bytes of a broken record that are still to come.
    pub(super) fn skipped(&self) -> usize {
        self.skipped
    }
}
