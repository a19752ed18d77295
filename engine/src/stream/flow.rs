//! Takes one direction's segments, knows how far its stream has been handed over and what is missing.

use super::pieces::{Added, Pieces, differing};
use super::sequence::{Offset, START, distance, number, place};
use super::{Direction, DirectionFacts, Gap, Handler};
use crate::packet::Segment;
use crate::protocol::{GapCause, Stamp};

/// Bytes of what was handed over that are kept to compare retransmissions with: an evasion concerns the head that is being read.
const HISTORY: usize = 4 << 10;
/// An acknowledgment further ahead than the largest window (RFC 7323 §2.3) is not one of this connection.
const LARGEST_WINDOW: i64 = 1 << 30;
/// Packets of a direction among which a copy is looked for: a copy follows its original closely.
const RECENT: usize = 6;
/// Nanoseconds within which a packet without an IP identification counts as a copy; no retransmission is that fast.
const COPY_WITHIN: i64 = 1_000_000;
/// Bytes before the first captured one that may still come, after it: the capture began in the middle of a flight.
const BEFORE_START: u64 = 64 << 10;

/// A packet, as far as a copy of it would be the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fingerprint {
    sequence: u32,
    acknowledgment: u32,
    length: u32,
    flags: u16,
    window: u16,
    ip_id: u32,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// The sequence number of the byte at `START`.
    base: Option<u32>,
    /// The stream's beginning is known: from the SYN, or from what acknowledged it.
    pub anchored: bool,
    /// Where it begins, when that is known.
    pub beginning: Offset,
    /// The next byte to hand over.
    pub next: Offset,
    begun: bool,
    /// Up to where the other side has acknowledged.
    pub acked: Offset,
    pub fin: Option<(Offset, Stamp)>,
    pub ended: bool,
    pub pieces: Pieces,
    history: Vec<u8>,
    pub facts: DirectionFacts,
    /// Time of the last packet.
    last: Option<i64>,
    /// Time of the last packet before a hole, taken when the hole was noticed.
    pub since: Option<i64>,
    /// The last hole that was given up.
    skipped: (Offset, Offset),
    window_open: bool,
    recent: [(Fingerprint, i64); RECENT],
    newest: usize,
    /// Packets on the connection when it was noticed that bytes are missing, and when that they were acknowledged.
    pub missing_at: Option<u64>,
    pub passed_at: Option<u64>,
}

impl Flow {
    pub(super) fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// The stream begins with `sequence`.
    pub(super) fn anchor(&mut self, sequence: u32) {
        if self.base.is_none() {
            self.set_base(sequence);
        }
        if !self.anchored {
            self.anchored = true;
            self.beginning = self.place(sequence);
            if !self.begun && self.beginning <= self.next {
                self.next = self.beginning;
            }
        }
    }

    fn set_base(&mut self, sequence: u32) {
        self.base = Some(sequence);
        self.next = START;
        self.acked = START;
    }

    pub(super) fn place(&self, sequence: u32) -> Offset {
        self.base.map_or(START, |base| place(base, self.next, sequence))
    }

    /// How far `sequence` is from what comes next; 0 where nothing is known.
    pub(super) fn distance(&self, sequence: u32) -> i64 {
        self.base.map_or(0, |base| distance(number(base, self.next), sequence))
    }

    /// Whether this packet is the copy of one that was captured just now; otherwise it is remembered.
    pub(super) fn is_copy(&mut self, segment: &Segment<'_>) -> bool {
        let fingerprint = Fingerprint {
            sequence: segment.sequence,
            acknowledgment: segment.acknowledgment,
            length: u32::try_from(segment.payload.len()).unwrap_or(u32::MAX),
            flags: segment.flags.0,
            window: segment.window,
            ip_id: segment.ip_id,
        };
        let found = self.recent.iter().any(|(other, time)| {
            *other == fingerprint && (segment.ip_id != 0 || segment.time.saturating_sub(*time).abs() <= COPY_WITHIN)
        });
        if !found {
            if let Some(slot) = self.recent.get_mut(self.newest % RECENT) {
                *slot = (fingerprint, segment.time);
            }
            self.newest = self.newest.wrapping_add(1);
        }
        found
    }

    /// Counts the packet and what its window says.
    pub(super) fn count(&mut self, segment: &Segment<'_>) {
        self.facts.packets += 1;
        let flags = segment.flags;
        if !flags.syn() && !flags.rst() && !flags.fin() && flags.ack() {
            if segment.window == 0 && self.window_open {
                self.facts.zero_windows = self.facts.zero_windows.saturating_add(1);
            }
            self.window_open = segment.window != 0;
        }
    }

    pub(super) fn saw(&mut self, time: i64) {
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    /// The other side acknowledges up to here.
    pub(super) fn acknowledged(&mut self, acknowledgment: u32) {
        if self.base.is_none() {
            self.set_base(acknowledgment);
        }
        if self.distance(acknowledgment).abs() <= LARGEST_WINDOW {
            let at = self.place(acknowledgment);
            if !self.anchored && !self.begun && at < self.next && self.next - at <= BEFORE_START {
                self.next = at;
            }
            // A FIN takes a sequence number and is no byte.
            self.acked = self.acked.max(at);
        }
    }

    /// Up to where bytes are owed: acknowledged, and before the FIN.
    pub(super) fn owed(&self) -> Offset {
        self.fin.map_or(self.acked, |(fin, _)| self.acked.min(fin))
    }

    /// The place that an acknowledgment of this stream names; 0 where it cannot be meant.
    pub(super) fn place_of_acknowledgment(&self, acknowledgment: u32) -> Offset {
        if self.base.is_some() && self.distance(acknowledgment).abs() <= LARGEST_WINDOW {
            self.place(acknowledgment)
        } else {
            0
        }
    }

    /// Whether all bytes before this place were handed over; a FIN takes a place and is no byte.
    pub(super) fn has_given(&self, until: Offset) -> bool {
        until <= self.next || self.fin.is_some_and(|(fin, _)| self.next >= fin)
    }

    /// Whether these bytes were given up before they came.
    pub(super) fn was_skipped(&self, from: Offset, until: Offset) -> bool {
        from < self.skipped.1 && until > self.skipped.0
    }

    /// Takes a segment's place in the stream; the connection's very first decides where it begins.
    pub(super) fn locate(&mut self, sequence: u32) -> Offset {
        if self.base.is_none() {
            self.set_base(sequence);
        }
        let at = self.place(sequence);
        if !self.anchored && !self.begun && at < self.next && self.next - at <= BEFORE_START {
            self.next = at;
        }
        at
    }

    /// Whether this is a probe that keeps the connection alive: at most one byte, the last one again (RFC 9293 §3.8.4).
    pub(super) fn is_keep_alive(&self, at: Offset, segment: &Segment<'_>) -> bool {
        let flags = segment.flags;
        segment.payload.len() <= 1
            && at.saturating_add(1) == self.next
            && self.acked >= self.next
            && self.pieces.is_empty()
            && !(flags.syn() || flags.fin() || flags.rst())
    }

    /// Compares what was handed over with what comes again, as far as it is kept; gives how many bytes differ.
    pub(super) fn conflict_with_history(&self, at: Offset, bytes: &[u8]) -> u64 {
        let behind = usize::try_from(self.next.saturating_sub(at)).unwrap_or(usize::MAX);
        let (ours, theirs) = if behind > self.history.len() {
            (bytes.get(behind - self.history.len()..).unwrap_or_default(), self.history.as_slice())
        } else {
            (bytes, self.history.get(self.history.len() - behind..).unwrap_or_default())
        };
        differing(ours, theirs)
    }

    /// Hands over the next bytes.
    pub(super) fn give<H: Handler>(&mut self, direction: Direction, bytes: &[u8], stamp: Stamp, handler: &mut H) {
        if bytes.is_empty() {
            return;
        }
        self.begun = true;
        self.next = self.next.saturating_add(bytes.len() as u64);
        self.facts.bytes = self.facts.bytes.saturating_add(bytes.len() as u64);
        self.clear_patience();
        handler.data(direction, bytes, stamp);
        if handler.is_reading() {
            self.remember(bytes);
        } else if self.history.capacity() > 0 {
            self.history = Vec::new();
        }
    }

    fn remember(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(bytes.len().saturating_sub(HISTORY)..).unwrap_or(bytes);
        let surplus = (self.history.len() + bytes.len()).saturating_sub(HISTORY);
        self.history.drain(..surplus.min(self.history.len()));
        self.history.extend_from_slice(bytes);
    }

    /// Tells that bytes are missing, and goes on behind them.
    pub(super) fn skip<H: Handler>(
        &mut self,
        direction: Direction,
        length: u64,
        cause: GapCause,
        stamp: Stamp,
        handler: &mut H,
    ) {
        if length == 0 {
            return;
        }
        let since = if self.begun || self.anchored { self.since.or(self.last) } else { None };
        self.begun = true;
        if cause == GapCause::Missing {
            self.skipped = (self.next, self.next.saturating_add(length));
        }
        self.next = self.next.saturating_add(length);
        self.facts.gaps = self.facts.gaps.saturating_add(1);
        self.facts.gap_bytes = self.facts.gap_bytes.saturating_add(length);
        self.history.clear();
        self.clear_patience();
        handler.gap(direction, Gap { length, cause, since, stamp });
    }

    fn clear_patience(&mut self) {
        self.missing_at = None;
        self.passed_at = None;
        self.since = None;
    }

    /// Starts to count how long is waited for missing bytes.
    pub(super) fn wait(&mut self, packets: u64) {
        if self.missing_at.is_none() {
            self.missing_at = Some(packets);
            self.since = self.last;
        }
        if self.passed_at.is_none() && self.acked > self.next {
            self.passed_at = Some(packets);
        }
    }

    /// Keeps a piece that cannot be handed over yet.
    pub(super) fn keep(&mut self, at: Offset, segment: &Segment<'_>, acknowledges: Offset) -> Added {
        let stamp = Stamp { frame: segment.frame, time: segment.time };
        let bytes = segment.payload;
        let behind = self.next.saturating_sub(at);
        let new = usize::try_from(behind).ok().and_then(|index| bytes.get(index..)).unwrap_or_default();
        let mut added = Added::default();
        if behind > 0 && self.begun {
            let old = bytes.get(..bytes.len() - new.len()).unwrap_or_default();
            added.conflicting = self.conflict_with_history(at, old);
        }
        let from = at.max(self.next);
        let waiting = self.pieces.add(from, new, stamp, acknowledges);
        added.new = waiting.new;
        added.conflicting += waiting.conflicting;
        let end = at.saturating_add(bytes.len() as u64);
        let cut_from = end.max(self.next);
        let cut_end = end.saturating_add(u64::from(segment.missing));
        if cut_end > cut_from {
            self.pieces.add_cut(cut_from, cut_end - cut_from, stamp, acknowledges);
        }
        added
    }
}
