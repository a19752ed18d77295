//! Takes the segments of one connection, hands its two streams over in the order of cause and effect.
//!
//! A segment waits while bytes that its sender had got are not handed over yet, so that a request always goes before its
//! answer. What does not come is given up: sooner where the other side has acknowledged it, for then it went by uncaptured.

mod ending;
mod lifetime;

use super::flow::Flow;
use super::sequence::Offset;
use super::{Direction, Ended, Handler};
use crate::packet::{Endpoint, Segment};
use crate::protocol::{GapCause, Stamp};

/// Packets of a connection after which bytes that the other side has acknowledged are given up: network cards with several queues
/// and captures that were merged put packets a little out of order.
pub const PATIENCE_ACKNOWLEDGED: u64 = 32;
/// Packets after which missing bytes are given up that nobody has acknowledged: a lost segment is sent again within a few
/// round trips.
pub const PATIENCE: u64 = 256;
/// Packets of a connection captured from its middle that are looked at before it is decided where its streams begin.
pub const PATIENCE_AT_START: u64 = 24;
/// Bytes of one connection that may wait behind a hole.
pub const MAX_WAITING: usize = 1 << 20;
/// How far from what is expected a RST may be and still be meant (RFC 5961 §3 is stricter; captures are not).
const RESET_WINDOW: i64 = 1 << 30;
/// What keeps the streams from going on, and has done so for long enough.
enum Overdue {
    /// Bytes of this direction are missing.
    Missing(Direction),
    /// Each direction waits for the other: what was acknowledged here was never sent.
    Locked(Direction),
}

pub(super) struct Connection<H> {
    handler: H,
    client: Endpoint,
    server: Endpoint,
    flows: [Flow; 2],
    first: Stamp,
    last: Stamp,
    packets: u64,
    syn: Option<u32>,
    server_syn: Option<u32>,
    server_answered: bool,
    ended: Option<Ended>,
    reset: bool,
    duplicates: u32,
    conflicts: u32,
    longest_idle: i64,
    /// Where both streams begin is known, or no longer waited for.
    settled: bool,
    /// Packets on the connection when it was noticed that both directions wait for each other.
    locked_at: Option<u64>,
}

impl<H: Handler> Connection<H> {
    pub(super) fn new(handler: H, client: Endpoint, server: Endpoint, stamp: Stamp) -> Self {
        Self {
            handler,
            client,
            server,
            flows: [Flow::default(), Flow::default()],
            first: stamp,
            last: stamp,
            packets: 0,
            syn: None,
            server_syn: None,
            server_answered: false,
            ended: None,
            reset: false,
            duplicates: 0,
            conflicts: 0,
            longest_idle: 0,
            settled: false,
            locked_at: None,
        }
    }

    fn direction(&self, segment: &Segment<'_>) -> Direction {
        if segment.source == self.client { Direction::Client } else { Direction::Server }
    }

    fn pair(&mut self, direction: Direction) -> (&mut Flow, &mut Flow) {
        let [client, server] = &mut self.flows;
        match direction {
            Direction::Client => (client, server),
            Direction::Server => (server, client),
        }
    }

    /// Both sides have said that they are done, or one broke it off.
    pub(super) fn is_closed(&self) -> bool {
        self.reset || self.flows.iter().all(|flow| flow.fin.is_some())
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.flows.iter().map(|flow| flow.pieces.cost()).sum()
    }

    /// Takes one segment.
    pub(super) fn segment(&mut self, segment: &Segment<'_>) {
        let direction = self.direction(segment);
        let stamp = Stamp { frame: segment.frame, time: segment.time };
        self.longest_idle = self.longest_idle.max(segment.time.saturating_sub(self.last.time));
        self.last = Stamp { frame: segment.frame.max(self.last.frame), time: segment.time.max(self.last.time) };
        self.packets += 1;
        let (flow, _) = self.pair(direction);
        flow.count(segment);
        if flow.is_copy(segment) {
            self.duplicates = self.duplicates.saturating_add(1);
            return;
        }
        self.accept(direction, segment, stamp);
        self.pump(stamp);
        let (flow, _) = self.pair(direction);
        flow.saw(segment.time);
    }

    fn accept(&mut self, direction: Direction, segment: &Segment<'_>, stamp: Stamp) {
        let flags = segment.flags;
        if direction == Direction::Server && !flags.rst() {
            self.server_answered = true;
        }
        if flags.rst() {
            self.break_off(direction, segment, stamp);
            return;
        }
        if flags.syn() && !self.open(direction, segment, stamp) {
            return;
        }
        let (flow, other) = self.pair(direction);
        if flags.ack() {
            other.acknowledged(segment.acknowledgment);
        }
        let acknowledges = if flags.ack() { other.place_of_acknowledgment(segment.acknowledgment) } else { 0 };
        // A SYN takes the sequence number before the first byte.
        let sequence = segment.sequence.wrapping_add(u32::from(flags.syn()));
        let at = flow.locate(sequence);
        if !segment.payload.is_empty() || segment.missing > 0 {
            self.payload(direction, at, segment, acknowledges, stamp);
        } else if flow.is_keep_alive(at, segment) {
            flow.facts.keep_alives = flow.facts.keep_alives.saturating_add(1);
        }
        if flags.fin() {
            let end = at.saturating_add(segment.payload.len() as u64).saturating_add(u64::from(segment.missing));
            let (flow, _) = self.pair(direction);
            if flow.fin.is_none() {
                flow.fin = Some((end, stamp));
                self.ended.get_or_insert(Ended { reset: false, by: direction, stamp });
            }
        }
    }

    /// Learns where a stream begins; `false` for a SYN that has no business here.
    fn open(&mut self, direction: Direction, segment: &Segment<'_>, stamp: Stamp) -> bool {
        if !self.opens(direction, segment) {
            self.handler.defect(direction, "syn-in-stream", stamp, None);
            return false;
        }
        let [client, server] = &mut self.flows;
        let first = segment.sequence.wrapping_add(1);
        match direction {
            Direction::Client => {
                self.syn = Some(segment.sequence);
                client.anchor(first);
            }
            Direction::Server => {
                self.server_syn = Some(segment.sequence);
                server.anchor(first);
                client.anchor(segment.acknowledgment);
            }
        }
        true
    }

    fn break_off(&mut self, direction: Direction, segment: &Segment<'_>, stamp: Stamp) {
        let (flow, _) = self.pair(direction);
        if flow.has_base() && segment.sequence != 0 && flow.distance(segment.sequence).abs() > RESET_WINDOW {
            self.handler.defect(direction, "rst-out-of-window", stamp, None);
            return;
        }
        self.reset = true;
        self.ended.get_or_insert(Ended { reset: true, by: direction, stamp });
    }

    fn payload(&mut self, direction: Direction, at: Offset, segment: &Segment<'_>, acknowledges: Offset, stamp: Stamp) {
        self.settle();
        let settled = self.settled;
        let [client, server] = &mut self.flows;
        let (flow, other) = match direction {
            Direction::Client => (client, server),
            Direction::Server => (server, client),
        };
        let end = at.saturating_add(segment.payload.len() as u64);
        if flow.ended {
            if end > flow.next {
                self.handler.defect(direction, "data-after-fin", stamp, Some(segment.payload.len() as u64));
            } else {
                flow.facts.retransmissions = flow.facts.retransmissions.saturating_add(1);
            }
            return;
        }
        if settled && at == flow.next && flow.pieces.is_empty() && other.has_given(acknowledges) {
            flow.give(direction, segment.payload, stamp, &mut self.handler);
            flow.skip(direction, u64::from(segment.missing), GapCause::Truncated, stamp, &mut self.handler);
            return;
        }
        if flow.is_keep_alive(at, segment) {
            flow.facts.keep_alives = flow.facts.keep_alives.saturating_add(1);
            return;
        }
        if flow.was_skipped(at, end) {
            self.handler.defect(direction, "late-packet", stamp, Some(segment.payload.len() as u64));
        }
        let added = flow.keep(at, segment, acknowledges);
        if added.new == 0 && segment.missing == 0 {
            flow.facts.retransmissions = flow.facts.retransmissions.saturating_add(1);
        }
        if added.conflicting > 0 {
            self.conflicts = self.conflicts.saturating_add(1);
            self.handler.defect(direction, "conflicting-overlap", stamp, Some(added.conflicting));
        }
    }

    /// Hands over what can be handed over.
    fn pump(&mut self, stamp: Stamp) {
        self.settle();
        loop {
            self.advance();
            match self.overdue() {
                Some(Overdue::Missing(direction)) => self.give_up(direction, stamp),
                Some(Overdue::Locked(direction)) => self.flows[direction as usize].pieces.release_first(),
                None => break,
            }
        }
        for (flow, direction) in self.flows.iter_mut().zip([Direction::Client, Direction::Server]) {
            if let Some((at, fin_stamp)) = flow.fin
                && !flow.ended
                && self.settled
                && flow.next >= at
                && flow.pieces.is_empty()
            {
                flow.ended = true;
                self.handler.end(direction, fin_stamp);
            }
        }
    }

    /// Nothing is handed over before it is known where both streams begin, or that will not be known.
    fn settle(&mut self) {
        let known = self.flows.iter().all(|flow| flow.anchored);
        if !self.settled && (known || self.packets >= PATIENCE_AT_START || self.waiting() >= MAX_WAITING) {
            self.go_on();
        }
    }

    /// No longer waits for where the streams begin: a SYN that has not come by now was not captured.
    fn go_on(&mut self) {
        if !std::mem::replace(&mut self.settled, true) && (self.syn.is_some() || self.server_syn.is_some()) {
            self.handler.begins();
        }
    }

    /// Hands over all that waits for nothing.
    fn advance(&mut self) {
        loop {
            let mut moved = false;
            for direction in [Direction::Client, Direction::Server] {
                while self.is_ready(direction) {
                    let [client, server] = &mut self.flows;
                    let flow = if direction == Direction::Client { client } else { server };
                    let Some((at, piece)) = flow.pieces.take_first() else { break };
                    let behind = flow.next.saturating_sub(at);
                    let skip = usize::try_from(behind).unwrap_or(usize::MAX);
                    if piece.bytes.is_empty() {
                        let left = piece.length.saturating_sub(behind);
                        flow.skip(direction, left, GapCause::Truncated, piece.stamp, &mut self.handler);
                    } else if let Some(bytes) = piece.bytes.get(skip..) {
                        flow.give(direction, bytes, piece.stamp, &mut self.handler);
                    }
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn is_ready(&self, direction: Direction) -> bool {
        let (flow, other) = self.both(direction);
        flow.pieces
            .first()
            .is_some_and(|(at, acknowledges)| self.settled && at <= flow.next && other.has_given(acknowledges))
    }

    fn both(&self, direction: Direction) -> (&Flow, &Flow) {
        let [client, server] = &self.flows;
        match direction {
            Direction::Client => (client, server),
            Direction::Server => (server, client),
        }
    }

    /// What has been waited for long enough.
    fn overdue(&mut self) -> Option<Overdue> {
        if !self.settled || self.flows.iter().all(|flow| flow.pieces.is_empty()) {
            self.locked_at = None;
            return None;
        }
        let full = self.waiting() >= MAX_WAITING;
        let packets = self.packets;
        let mut anything_lacks = false;
        for direction in [Direction::Client, Direction::Server] {
            if !self.lacks(direction) {
                continue;
            }
            anything_lacks = true;
            let (flow, _) = self.pair(direction);
            flow.wait(packets);
            let long = flow.missing_at.is_some_and(|since| packets.saturating_sub(since) >= PATIENCE);
            let passed = flow.passed_at.is_some_and(|since| packets.saturating_sub(since) >= PATIENCE_ACKNOWLEDGED);
            if long || passed || full {
                return Some(Overdue::Missing(direction));
            }
        }
        if anything_lacks {
            return None;
        }
        let since = *self.locked_at.get_or_insert(packets);
        let first = [Direction::Client, Direction::Server]
            .into_iter()
            .find(|direction| !self.both(*direction).0.pieces.is_empty());
        first.filter(|_| full || packets.saturating_sub(since) >= PATIENCE_ACKNOWLEDGED).map(Overdue::Locked)
    }

    /// Whether bytes of this direction are missing: something waits behind them, or for them.
    fn lacks(&self, direction: Direction) -> bool {
        let (flow, other) = self.both(direction);
        let behind = flow.pieces.first().is_some_and(|(at, _)| at > flow.next);
        let awaited = flow.pieces.is_empty()
            && other.pieces.first().is_some_and(|(_, acknowledges)| !flow.has_given(acknowledges));
        behind || awaited
    }

    /// Goes on without the bytes that are missing.
    fn give_up(&mut self, direction: Direction, stamp: Stamp) {
        let awaited = self.both(direction).1.pieces.first().map_or(0, |(_, acknowledges)| acknowledges);
        let [client, server] = &mut self.flows;
        let flow = if direction == Direction::Client { client } else { server };
        let until = match flow.pieces.first() {
            Some((at, _)) => at,
            // An acknowledgment of a FIN is one more than the bytes.
            None => flow.fin.map_or(awaited, |(fin, _)| awaited.min(fin)),
        };
        flow.skip(direction, until.saturating_sub(flow.next), GapCause::Missing, stamp, &mut self.handler);
    }
}
