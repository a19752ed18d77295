//! Takes pieces of a stream in any order, gives them back in order; where two cover the same bytes, the first one counts.

use std::collections::BTreeMap;

use super::sequence::Offset;
use crate::protocol::Stamp;

/// What a piece costs beside its bytes; many tiny pieces must not be cheaper than they are.
const OVERHEAD: usize = 96;

/// Part of a stream that waits.
#[derive(Debug)]
pub(super) struct Piece {
    /// Empty for bytes that were cut off by the snapshot length.
    pub bytes: Vec<u8>,
    /// Bytes of the stream; more than `bytes` holds only where they were cut off.
    pub length: u64,
    pub stamp: Stamp,
    /// What of the other direction its sender had got.
    pub acknowledges: Offset,
}

/// What waits, by its place.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    waiting: BTreeMap<Offset, Piece>,
    cost: usize,
}

impl Pieces {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes of memory.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// Where the first one begins, and what it waits for.
    pub(super) fn first(&self) -> Option<(Offset, Offset)> {
        self.waiting.first_key_value().map(|(offset, piece)| (*offset, piece.acknowledges))
    }

    /// The first one waits for nothing any more.
    pub(super) fn release_first(&mut self) {
        if let Some(mut first) = self.waiting.first_entry() {
            first.get_mut().acknowledges = 0;
        }
    }

    pub(super) fn take_first(&mut self) -> Option<(Offset, Piece)> {
        let (offset, piece) = self.waiting.pop_first()?;
        self.cost = self.cost.saturating_sub(piece.bytes.len() + OVERHEAD);
        Some((offset, piece))
    }

    /// Keep what is new of these bytes; gives how many were new and how many contradict what is waiting.
    pub(super) fn add(&mut self, offset: Offset, bytes: &[u8], stamp: Stamp, acknowledges: Offset) -> Added {
        let mut added = Added::default();
        let end = offset.saturating_add(bytes.len() as u64);
        let mut at = offset;
        while at < end {
            let before =
                self.waiting.range(..=at).next_back().filter(|(start, piece)| start.saturating_add(piece.length) > at);
            if let Some((&start, piece)) = before {
                let until = start.saturating_add(piece.length).min(end);
                let ours = slice(bytes, offset, at, until);
                let theirs = slice(&piece.bytes, start, at, until);
                added.conflicting += differing(ours, theirs);
                at = until;
                continue;
            }
            let until = self.waiting.range(at..end).next().map_or(end, |(start, _)| *start);
            let new = slice(bytes, offset, at, until);
            added.new += new.len() as u64;
            self.insert(at, Piece { bytes: new.to_vec(), length: new.len() as u64, stamp, acknowledges });
            at = until;
        }
        added
    }

    /// Bytes that went by and were cut off: they fill only what nothing else fills.
    pub(super) fn add_cut(&mut self, offset: Offset, length: u64, stamp: Stamp, acknowledges: Offset) {
        let covered = self
            .waiting
            .range(..=offset)
            .next_back()
            .map_or(offset, |(start, piece)| start.saturating_add(piece.length));
        let at = offset.max(covered);
        let end = offset.saturating_add(length);
        if at >= end {
            return;
        }
        let until = self.waiting.range(at..end).next().map_or(end, |(start, _)| *start);
        if until > at {
            self.insert(at, Piece { bytes: Vec::new(), length: until - at, stamp, acknowledges });
        }
    }

    fn insert(&mut self, offset: Offset, piece: Piece) {
        self.cost += piece.bytes.len() + OVERHEAD;
        self.waiting.insert(offset, piece);
    }
}

/// What came of adding bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Added {
    pub new: u64,
    pub conflicting: u64,
}

/// The part from `from` to `until` of bytes that begin at `start`; shorter where there are no more.
fn slice(bytes: &[u8], start: Offset, from: Offset, until: Offset) -> &[u8] {
    let index = |offset: Offset| usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(index(from)..index(until)).unwrap_or_default()
}

/// How many bytes differ, as far as both are there.
pub(super) fn differing(ours: &[u8], theirs: &[u8]) -> u64 {
    ours.iter().zip(theirs).filter(|(one, other)| one != other).count() as u64
}
