//! Takes the bytes after a hole, gives what may be a record: whether it is one, only its keys can tell.

use super::RECORD_HEADER;
use super::record::parse_header;
use crate::stream::Gap;

/// The search for a record in bytes whose beginning is not one.
#[derive(Debug)]
pub(super) struct Search {
    held: Vec<u8>,
    /// Where in it the next candidate is looked for.
    at: usize,
    /// Of the candidate.
    length: usize,
    /// Bytes since the last record: lost, or passed over.
    pub(super) lost: u64,
    /// The first hole.
    pub(super) gap: Gap,
}

impl Search {
    /// `lost` bytes are not there, or belong to a broken record.
    pub(super) fn new(lost: u64, gap: Gap) -> Self {
        Self { held: Vec::new(), at: 0, length: 0, lost, gap }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.lost += self.at as u64;
        self.held.drain(..self.at);
        self.at = 0;
        self.held.extend_from_slice(bytes);
    }

    /// Another hole.
    pub(super) fn lose(&mut self, length: u64) {
        self.lost = self.lost.saturating_add(self.held.len() as u64).saturating_add(length);
        self.held = Vec::new();
        self.at = 0;
    }

    /// Goes to the next header that there may be; gives whether its record is whole.
    pub(super) fn advance(&mut self) -> bool {
        while let Some(header) = self.held.get(self.at..).and_then(|rest| rest.first_chunk::<RECORD_HEADER>()) {
            // RFC 8446 §5.1, RFC 5246 §6.2.1: both versions write 3, 3; and no sealed fragment is empty.
            if header[1..3] == [3, 3]
                && let Some((_, length @ 1..)) = parse_header(*header)
            {
                self.length = RECORD_HEADER + length;
                return self.at + self.length <= self.held.len();
            }
            self.at += 1;
        }
        false
    }

    /// The record that there may be, with its header.
    pub(super) fn candidate(&self) -> &[u8] {
        self.held.get(self.at..self.at + self.length).unwrap_or_default()
    }

    /// Bytes before the candidate, lost ones included.
    pub(super) fn before(&self) -> u64 {
        self.lost.saturating_add(self.at as u64)
    }

    /// The candidate is no record.
    pub(super) fn reject(&mut self) {
        self.at += 1;
    }

    /// The bytes after the candidate.
    pub(super) fn after(mut self) -> Vec<u8> {
        self.held.split_off((self.at + self.length).min(self.held.len()))
    }
}
