//! Takes fragments of IP datagrams in any order, gives the datagram once it is whole (RFC 791 §3.2, RFC 8200 §4.5).
//!
//! Where fragments overlap, the bytes that came first win. Of datagrams that turn out to hold neither TCP nor a tunnel no
//! bytes are kept.

mod datagram;

use std::collections::{HashMap, VecDeque};

use super::Address;
use datagram::Datagram;

/// How many datagrams may have begun without being whole; beyond it the oldest is given up.
const MAX_DATAGRAMS: usize = 4096;

/// How many bytes they may hold together: far more than any network leaves incomplete, and little memory.
const MAX_BYTES: usize = 16 << 20;

/// For how many frames a datagram waits: half of what a host sends before an IPv4 identification comes again, which
/// must not be taken for the same datagram.
const MAX_AGE: u64 = 32_768;

/// The largest datagram (RFC 791 §3.1).
const MAX_DATAGRAM: usize = 65_535;

/// What fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) id: u32,
    pub(super) protocol: u8,
    /// How many tunnels are around them: a packet captured bare and in a tunnel is not one datagram.
    pub(super) tunnels: u8,
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
    /// Whether the datagram is worth putting together; `None` where another fragment tells.
    pub(super) wanted: Option<bool>,
}

/// A datagram that is whole: what its first fragment's next header announces.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) key: Key,
    pub(super) next_header: u8,
    pub(super) bytes: Vec<u8>,
    pub(super) rerouted: bool,
}

/// What a fragment led to.
#[derive(Debug)]
pub(super) enum Reassembled {
    Whole(Whole),
    Waiting,
    Unwanted,
    Refused(&'static str),
}

impl Reassembled {
    /// Odd fragments are told only of datagrams that are known to be worth putting together.
    fn refused(reason: &'static str, wanted: Option<bool>) -> Self {
        if wanted == Some(true) { Self::Refused(reason) } else { Self::Unwanted }
    }
}

/// The datagrams that wait for fragments.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    waiting: HashMap<Key, Datagram, foldhash::fast::RandomState>,
    /// In the order in which they began; those that are whole stand here until their turn comes.
    order: VecDeque<(u64, Key)>,
    bytes: usize,
    given_up: u64,
}

impl Fragments {
    /// How many datagrams lack a part that are worth putting together, those that still wait included.
    pub(super) fn incomplete(&self) -> u64 {
        let waiting = self.waiting.values().filter(|datagram| datagram.wanted == Some(true)).count();
        self.given_up.saturating_add(waiting as u64)
    }

    /// Adds a fragment that was captured in `frame`.
    pub(super) fn add(&mut self, piece: &Piece<'_>, frame: u64) -> Reassembled {
        let length = piece.payload.len().saturating_add(piece.missing as usize);
        let end = piece.offset.saturating_add(length);
        if end > MAX_DATAGRAM {
            return Reassembled::refused("fragment beyond the longest datagram", piece.wanted);
        }
        // RFC 8200 §4.5; RFC 791 §3.2.
        if length == 0 || (piece.more && !length.is_multiple_of(8)) {
            return Reassembled::refused("fragment's length not a multiple of 8", piece.wanted);
        }
        self.give_up_old(frame);
        let datagram = self.waiting.entry(piece.key).or_insert_with(|| {
            self.order.push_back((frame, piece.key));
            Datagram::new(frame)
        });
        let size = datagram.bytes.len();
        let added = datagram.add(piece, end);
        let wanted = datagram.wanted;
        self.bytes = self.bytes.saturating_sub(size).saturating_add(datagram.bytes.len());
        match added {
            Err(reason) => Reassembled::refused(reason, wanted),
            Ok(true) => self.complete(piece.key),
            Ok(false) => {
                self.give_up_beyond_limits();
                if wanted == Some(false) { Reassembled::Unwanted } else { Reassembled::Waiting }
            }
        }
    }

    fn complete(&mut self, key: Key) -> Reassembled {
        let Some(datagram) = self.waiting.remove(&key) else { return Reassembled::Waiting };
        self.bytes = self.bytes.saturating_sub(datagram.bytes.len());
        if datagram.is_unwanted() {
            return Reassembled::Unwanted;
        }
        let Datagram { bytes, next_header, rerouted, .. } = datagram;
        Reassembled::Whole(Whole { key, next_header, bytes, rerouted })
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
            self.given_up = self.given_up.saturating_add(u64::from(datagram.wanted == Some(true)));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::datagram::MAX_PARTS;
    use super::*;

    fn piece(id: u32, offset: usize, more: bool, payload: &[u8]) -> Piece<'_> {
        let (source, destination) = (Address::from_v4([10, 0, 0, 1]), Address::from_v4([10, 0, 0, 2]));
        let key = Key { source, destination, id, protocol: 6, tunnels: 0 };
        Piece { key, next_header: 6, offset, more, payload, missing: 0, rerouted: false, wanted: Some(true) }
    }

    fn wanting(piece: Piece<'_>, wanted: Option<bool>) -> Piece<'_> {
        Piece { wanted, ..piece }
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

    #[test]
    fn what_turns_out_not_to_be_wanted_is_let_go() {
        let mut fragments = Fragments::default();
        let last = wanting(piece(1, 64, false, &[0; 8]), None);
        assert!(matches!(fragments.add(&last, 1), Reassembled::Waiting));
        assert_eq!((fragments.bytes, fragments.incomplete()), (72, 0));
        let first = wanting(piece(1, 0, true, &[0; 8]), Some(false));
        assert!(matches!(fragments.add(&first, 2), Reassembled::Unwanted));
        check(&fragments);
        assert_eq!((fragments.bytes, fragments.waiting.len(), fragments.incomplete()), (0, 1, 0));
        let middle = wanting(piece(1, 8, true, &[0; 56]), None);
        assert!(matches!(fragments.add(&middle, 3), Reassembled::Unwanted));
        check(&fragments);
        assert_eq!((fragments.waiting.len(), fragments.incomplete()), (0, 0));
    }

    #[test]
    fn odd_fragments_are_told_of_what_is_wanted() {
        for (wanted, told) in [(Some(true), true), (Some(false), false), (None, false)] {
            let mut fragments = Fragments::default();
            let _ = fragments.add(&wanting(piece(1, 64, false, &[0; 8]), wanted), 1);
            for odd in [piece(1, 80, false, &[0; 8]), piece(1, 0, true, &[0; 7]), piece(1, 65_528, true, &[0; 8])] {
                let added = fragments.add(&wanting(odd, wanted), 2);
                assert_eq!(matches!(added, Reassembled::Refused(_)), told);
                assert_eq!(matches!(added, Reassembled::Unwanted), !told);
            }
            check(&fragments);
        }
    }
}
