//! Takes a segment between the same addresses and ports, tells whether it belongs to this connection or begins another.

use super::Connection;
use crate::packet::Segment;
use crate::stream::{Direction, Handler};

/// How far from what is expected a segment has to be to belong to a later connection of the same addresses and ports.
const OTHER_CONNECTION: i64 = 1 << 20;
/// How far a SYN may be from what is expected and count as stray rather than as a new connection.
const STRAY_SYN: i64 = 1 << 16;
/// Packets after which a SYN no longer counts as one that was captured late.
const LATE_SYN: u64 = 32;

impl<H: Handler> Connection<H> {
    /// Whether a segment belongs to this connection; otherwise a new one begins with it.
    pub(in crate::stream) fn fits(&self, segment: &Segment<'_>) -> bool {
        let flags = segment.flags;
        let direction = self.direction(segment);
        let flow = &self.flows[direction as usize];
        if flags.syn() {
            let stray = flow.has_base() && (1..STRAY_SYN).contains(&flow.distance(segment.sequence));
            return self.opens(direction, segment) || !self.is_closed() && stray;
        }
        !self.is_closed() || segment.payload.is_empty() || flow.distance(segment.sequence).abs() <= OTHER_CONNECTION
    }

    /// Whether a SYN is the one that opened this connection.
    pub(super) fn opens(&self, direction: Direction, segment: &Segment<'_>) -> bool {
        let client = &self.flows[0];
        match (direction, segment.flags.ack()) {
            (Direction::Client, false) => match self.syn {
                Some(isn) => isn == segment.sequence,
                None if !client.has_base() => true,
                None if client.anchored => client.place(segment.sequence.wrapping_add(1)) == client.beginning,
                None => {
                    self.packets <= LATE_SYN
                        && (-STRAY_SYN..=0).contains(&client.distance(segment.sequence.wrapping_add(1)))
                }
            },
            (Direction::Server, true) => match (self.server_syn, self.syn) {
                (Some(isn), _) => isn == segment.sequence,
                (None, Some(isn)) => segment.acknowledgment == isn.wrapping_add(1),
                (None, None) => self.packets <= LATE_SYN,
            },
            _ => false,
        }
    }
}
