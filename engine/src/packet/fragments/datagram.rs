//! Takes the fragments of one datagram, knows which of its bytes are there.

use std::iter;
use std::ops::Range;

use super::Piece;

/// How many separate parts of a datagram may be there; fragments come nearly in order, so that there are few.
pub(super) const MAX_PARTS: usize = 128;

/// A datagram of which a part is there.
#[derive(Debug, Default)]
pub(super) struct Datagram {
    /// The frame in which it began.
    pub(super) begun: u64,
    pub(super) bytes: Vec<u8>,
    /// What of `bytes` is there: in order, not touching each other.
    parts: Vec<Range<usize>>,
    /// The length, known from the last fragment.
    total: Option<usize>,
    /// Known from the first fragment.
    pub(super) next_header: u8,
    pub(super) rerouted: bool,
    /// Whether it is worth putting together, as soon as that is known.
    pub(super) wanted: Option<bool>,
}

impl Datagram {
    /// Nothing of it is there; its first fragment is in this frame.
    pub(super) fn new(begun: u64) -> Self {
        Self { begun, ..Self::default() }
    }

    /// Adds a fragment that ends at `end`; `true` once all is there.
    pub(super) fn add(&mut self, piece: &Piece<'_>, end: usize) -> Result<bool, &'static str> {
        let there = self.parts.last().map_or(0, |part| part.end);
        match self.total {
            Some(total) if end > total || (!piece.more && end != total) => {
                return Err("fragments disagree about the datagram's length");
            }
            None if !piece.more && end < there => return Err("fragments disagree about the datagram's length"),
            None if !piece.more => self.total = Some(end),
            _ => {}
        }
        if self.parts.len() >= MAX_PARTS {
            return Err("too many separate fragments of a datagram");
        }
        if piece.offset == 0 && self.parts.first().is_none_or(|part| part.start != 0) {
            self.next_header = piece.next_header;
            self.rerouted = piece.rerouted;
        }
        self.wanted = self.wanted.or(piece.wanted);
        if self.is_unwanted() {
            self.bytes = Vec::new();
        }
        if !piece.payload.is_empty() {
            self.fill(piece.offset, piece.payload);
        }
        Ok(self.total.is_some_and(|total| self.parts.first() == Some(&(0..total))))
    }

    pub(super) fn is_unwanted(&self) -> bool {
        self.wanted == Some(false)
    }

    /// Copies what is not there yet, and joins the parts that it touches.
    fn fill(&mut self, offset: usize, payload: &[u8]) {
        let end = offset + payload.len();
        let first = self.parts.partition_point(|part| part.end < offset);
        let last = self.parts.partition_point(|part| part.start <= end);
        if !self.is_unwanted() {
            self.copy(offset, payload, first..last);
        }
        let touched = &self.parts[first..last];
        let start = touched.first().map_or(offset, |part| part.start.min(offset));
        let end = touched.last().map_or(end, |part| part.end.max(end));
        self.parts.splice(first..last, iter::once(start..end));
    }

    /// Copies into the holes between those parts.
    fn copy(&mut self, offset: usize, payload: &[u8], parts: Range<usize>) {
        let end = offset + payload.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let mut from = offset;
        for part in &self.parts[parts] {
            if from < part.start {
                self.bytes[from..part.start].copy_from_slice(&payload[from - offset..part.start - offset]);
            }
            from = from.max(part.end);
        }
        if from < end {
            self.bytes[from..end].copy_from_slice(&payload[from - offset..]);
        }
    }
}
