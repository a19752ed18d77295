//! Takes fragments of IP datagrams in any order, gives the datagram once it is whole (RFC 791 §3.2, RFC 8200 §4.5).
//!
//! Where fragments overlap, the bytes that came first win.

use std::collections::{HashMap, VecDeque};
use std::iter;
use std::ops::Range;

use super::Address;

/// How many datagrams may have begun without being whole; beyond it the oldest is given up.
const MAX_DATAGRAMS: usize = 4096;

/// How many bytes they may hold together: far more than any network leaves incomplete, and little memory.
const MAX_BYTES: usize = 16 << 20;

/// For how many frames a datagram waits: half of what a host sends before an IPv4 identification comes again, which
/// must not be taken for the same datagram.
const MAX_AGE: u64 = 32_768;

/// The largest datagram (RFC 791 §3.1).
const MAX_DATAGRAM: usize = 65_535;

/// How many separate parts of a datagram may be there; fragments come nearly in order, so that there are few.
const MAX_PARTS: usize = 128;

/// What fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) id: u32,
    pub(super) protocol: u8,
}

/// One fragment.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) key: Key,
    pub(super) next_header: u8,
    pub(super) offset: usize,
    pub(super) more: bool,
    pub(super) payload: &'a [u8],
    /// Bytes at its end that were not captured.
    pub(super) missing: u32,
    pub(super) rerouted: bool,
}

/// A datagram that is whole: what its first fragment's next header announces.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    pub(super) key: Key,
    pub(super) next_header: u8,
    pub(super) bytes: &'a [u8],
    pub(super) rerouted: bool,
}

/// What a fragment led to.
#[derive(Debug)]
pub(super) enum Reassembled<'a> {
    Whole(Whole<'a>),
    Waiting,
    Refused(&'static str),
}

/// A datagram of which a part is there.
#[derive(Debug, Default)]
struct Datagram {
    begun: u64,
    bytes: Vec<u8>,
    /// What of `bytes` is there: in order, not touching each other.
    parts: Vec<Range<usize>>,
    /// The length, known from the last fragment.
    total: Option<usize>,
    /// Known from the first fragment.
    next_header: u8,
    rerouted: bool,
}

/// The datagrams that wait for fragments.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    waiting: HashMap<Key, Datagram, foldhash::fast::RandomState>,
    /// In the order in which they began; those that are whole stand here until their turn comes.
    order: VecDeque<(u64, Key)>,
    bytes: usize,
    whole: Vec<u8>,
    given_up: u64,
}

impl Fragments {
    /// How many datagrams lack a part, those that still wait included.
    pub(super) fn incomplete(&self) -> u64 {
        self.given_up.saturating_add(self.waiting.len() as u64)
    }

    /// Adds a fragment that was captured in `frame`.
    pub(super) fn add(&mut self, piece: &Piece<'_>, frame: u64) -> Reassembled<'_> {
        let length = piece.payload.len().saturating_add(piece.missing as usize);
        let end = piece.offset.saturating_add(length);
        if end > MAX_DATAGRAM {
            return Reassembled::Refused("fragment beyond the longest datagram");
        }
        // RFC 8200 §4.5; RFC 791 §3.2.
        if length == 0 || (piece.more && !length.is_multiple_of(8)) {
            return Reassembled::Refused("fragment's length not a multiple of 8");
        }
        self.give_up_old(frame);
        let datagram = self.waiting.entry(piece.key).or_insert_with(|| {
            self.order.push_back((frame, piece.key));
            Datagram { begun: frame, ..Datagram::default() }
        });
        let size = datagram.bytes.len();
        let added = datagram.add(piece, end);
        self.bytes = self.bytes.saturating_add(datagram.bytes.len() - size);
        match added {
            Err(reason) => Reassembled::Refused(reason),
            Ok(false) => {
                self.give_up_beyond_limits();
                Reassembled::Waiting
            }
            Ok(true) => self.complete(piece.key),
        }
    }

    fn complete(&mut self, key: Key) -> Reassembled<'_> {
        let Some(datagram) = self.waiting.remove(&key) else { return Reassembled::Waiting };
        self.bytes = self.bytes.saturating_sub(datagram.bytes.len());
        let Datagram { bytes, next_header, rerouted, .. } = datagram;
        self.whole = bytes;
        Reassembled::Whole(Whole { key, next_header, bytes: &self.whole, rerouted })
    }

    fn give_up_old(&mut self, frame: u64) {
        while let Some((begun, key)) = self.order.front().copied() {
            let live = self.waiting.get(&key).is_some_and(|datagram| datagram.begun == begun);
            if live && frame.saturating_sub(begun) <= MAX_AGE {
                return;
            }
            self.give_up_first();
        }
    }

    fn give_up_beyond_limits(&mut self) {
        while self.order.len() > MAX_DATAGRAMS || self.bytes > MAX_BYTES {
            if !self.give_up_first() {
                return;
            }
        }
    }

    /// Gives up the oldest datagram, if it is not whole meanwhile; `false` where there is none.
    fn give_up_first(&mut self) -> bool {
        let Some((begun, key)) = self.order.pop_front() else { return false };
        if self.waiting.get(&key).is_some_and(|datagram| datagram.begun == begun)
            && let Some(datagram) = self.waiting.remove(&key)
        {
            self.bytes = self.bytes.saturating_sub(datagram.bytes.len());
            self.given_up = self.given_up.saturating_add(1);
        }
        true
    }
}

impl Datagram {
    /// Adds a fragment that ends at `end`; `true` once all is there.
    fn add(&mut self, piece: &Piece<'_>, end: usize) -> Result<bool, &'static str> {
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
        if !piece.payload.is_empty() {
            self.fill(piece.offset, piece.payload);
        }
        Ok(self.total.is_some_and(|total| self.parts.first() == Some(&(0..total))))
    }

    /// Copies what is not there yet, and joins the parts that it touches.
    fn fill(&mut self, offset: usize, payload: &[u8]) {
        let end = offset + payload.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let first = self.parts.partition_point(|part| part.end < offset);
        let last = self.parts.partition_point(|part| part.start <= end);
        let mut from = offset;
        for part in &self.parts[first..last] {
            if from < part.start {
                self.bytes[from..part.start].copy_from_slice(&payload[from - offset..part.start - offset]);
            }
            from = from.max(part.end);
        }
        if from < end {
            self.bytes[from..end].copy_from_slice(&payload[from - offset..]);
        }
        let start = self.parts.get(first).filter(|_| first < last).map_or(offset, |part| part.start.min(offset));
        self.parts.splice(first..last, iter::once(start..from.max(end)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(id: u32, offset: usize, more: bool, payload: &[u8]) -> Piece<'_> {
        let (source, destination) = (Address::from_v4([10, 0, 0, 1]), Address::from_v4([10, 0, 0, 2]));
        let key = Key { source, destination, id, protocol: 6 };
        Piece { key, next_header: 6, offset, more, payload, missing: 0, rerouted: false }
    }

    /// That what is counted is what is held.
    fn check(fragments: &Fragments) {
        let bytes: usize = fragments.waiting.values().map(|datagram| datagram.bytes.len()).sum();
        assert_eq!(fragments.bytes, bytes);
        assert!(bytes <= MAX_BYTES);
        assert!(fragments.order.len() <= MAX_DATAGRAMS);
        assert!(fragments.waiting.len() <= fragments.order.len());
    }

    #[test]
    fn datagrams_are_bounded_in_number() {
        let mut fragments = Fragments::default();
        for id in 0..10_000 {
            assert!(matches!(fragments.add(&piece(id, 0, true, &[0; 8]), 1), Reassembled::Waiting));
        }
        check(&fragments);
        assert_eq!((fragments.waiting.len(), fragments.incomplete()), (MAX_DATAGRAMS, 10_000));
        // The newest are there, the oldest are not.
        assert!(matches!(fragments.add(&piece(9_999, 8, false, &[0; 8]), 1), Reassembled::Whole(_)));
        assert!(matches!(fragments.add(&piece(0, 8, false, &[0; 8]), 1), Reassembled::Waiting));
    }

    #[test]
    fn datagrams_are_bounded_in_bytes() {
        let mut fragments = Fragments::default();
        for id in 0..1_000 {
            assert!(matches!(fragments.add(&piece(id, 65_520, true, &[0; 8]), 1), Reassembled::Waiting));
        }
        check(&fragments);
        assert_eq!(fragments.waiting.len(), MAX_BYTES / 65_528);
        assert_eq!(fragments.incomplete(), 1_000);
    }

    #[test]
    fn the_parts_of_a_datagram_are_bounded() {
        let mut fragments = Fragments::default();
        for index in 0..MAX_PARTS {
            assert!(matches!(fragments.add(&piece(1, index * 16, true, &[0; 8]), 1), Reassembled::Waiting));
        }
        let refused = fragments.add(&piece(1, MAX_PARTS * 16, true, &[0; 8]), 1);
        assert!(matches!(refused, Reassembled::Refused("too many separate fragments of a datagram")));
        check(&fragments);
    }

    #[test]
    fn whole_datagrams_leave_nothing_behind() {
        let mut fragments = Fragments::default();
        for frame in 0..100_000 {
            let id = u32::try_from(frame / 2).unwrap_or(0);
            let last = frame % 2 == 1;
            let added = fragments.add(&piece(id, if last { 8 } else { 0 }, !last, &[0; 8]), frame);
            assert_eq!(matches!(added, Reassembled::Whole(_)), last);
        }
        check(&fragments);
        assert_eq!((fragments.waiting.len(), fragments.bytes, fragments.incomplete()), (0, 0, 0));
    }

    #[test]
    fn an_identification_that_comes_again_begins_anew() {
        let mut fragments = Fragments::default();
        for round in 0..3 {
            let frame = round * 10;
            assert!(matches!(fragments.add(&piece(5, 0, true, &[1; 8]), frame), Reassembled::Waiting));
            assert!(matches!(fragments.add(&piece(5, 8, false, &[2; 8]), frame + 1), Reassembled::Whole(_)));
        }
        // An old place in the order does not give up the new datagram.
        assert!(matches!(fragments.add(&piece(5, 0, true, &[1; 8]), MAX_AGE), Reassembled::Waiting));
        assert!(matches!(fragments.add(&piece(6, 0, true, &[1; 8]), MAX_AGE + 25), Reassembled::Waiting));
        assert!(matches!(fragments.add(&piece(5, 8, false, &[2; 8]), MAX_AGE + 26), Reassembled::Whole(_)));
        check(&fragments);
    }
}
