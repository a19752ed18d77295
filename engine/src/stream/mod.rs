//! Takes TCP segments in the order of capture, gives each connection's bytes in the order of its streams.
//!
//! A connection is a 4-tuple *and* a lifetime. Its bytes go to a `Handler`, one per connection, in an order that respects
//! cause and effect: what a segment acknowledges is handed over before what the segment says. Holes are told as gaps.

mod connection;
mod flow;
mod pieces;
mod sequence;
mod table;

pub use connection::{MAX_WAITING, PATIENCE, PATIENCE_ACKNOWLEDGED, PATIENCE_AT_START};
pub use table::{Connections, MAX_OPEN, MAX_WAITING_TOTAL};

use crate::packet::Endpoint;
use crate::protocol::{GapCause, Stamp};

/// Whose bytes.
///
/// The client is who sent the SYN. Where none was captured, the higher port is taken for the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Client,
    Server,
}

/// Bytes that went by and are not in the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub length: u64,
    pub cause: GapCause,
    /// Time of the last packet of this direction before the hole; `None` where the hole is at the stream's beginning.
    pub since: Option<i64>,
    /// The packet at which the hole was given up, or the packet that was cut.
    pub stamp: Stamp,
}

/// How a connection opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opened {
    /// SYN and its answer seen (or data that followed the SYN both ways).
    Established,
    /// SYN only, or SYN with nothing but the client's own segments.
    Unanswered,
    /// The SYN was answered by RST.
    Refused,
    #[default]
    MidStream,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// By RST; otherwise by FIN.
    pub reset: bool,
    /// Who sent the first FIN, or the RST where that came first.
    pub by: Direction,
    pub stamp: Stamp,
}

/// What is counted of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectionFacts {
    /// The sequence number of its SYN, where that was captured.
    pub isn: Option<u32>,
    pub packets: u64,
    /// Stream bytes that were captured, each once.
    pub bytes: u64,
    pub gaps: u32,
    pub gap_bytes: u64,
    /// Segments with payload that carried nothing new; keep-alive probes and packets captured twice do not count.
    pub retransmissions: u32,
    pub keep_alives: u32,
    /// Times that the receive window which this side announces fell to zero.
    pub zero_windows: u32,
}

/// What is known of a connection when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub client: Endpoint,
    pub server: Endpoint,
    pub first: Stamp,
    pub last: Stamp,
    pub opened: Opened,
    pub ended: Option<Ended>,
    pub of_client: DirectionFacts,
    pub of_server: DirectionFacts,
    /// Packets that the capture holds twice.
    pub duplicates: u32,
    /// Retransmitted ranges that differ from what was seen first.
    pub conflicts: u32,
    /// Longest time without any packet, in nanoseconds.
    pub longest_idle: i64,
}

/// Takes the streams of one connection.
pub trait Handler {
    /// The connection's beginning is in the capture. Comes first, if it comes: where it does not, the streams may begin anywhere.
    fn begins(&mut self);

    /// Bytes that follow those given before in this direction. `stamp` is that of the packet that carried them first; one call never spans two packets.
    fn data(&mut self, direction: Direction, bytes: &[u8], stamp: Stamp);

    /// Bytes are missing here.
    fn gap(&mut self, direction: Direction, gap: Gap);

    /// Something is odd; `bytes` where an amount has a meaning.
    fn defect(&mut self, direction: Direction, name: &'static str, stamp: Stamp, bytes: Option<u64>);

    /// No more bytes will come in this direction. Comes exactly once a direction, and after it nothing else of that direction but `defect`.
    fn end(&mut self, direction: Direction, stamp: Stamp);

    /// Whether the handler still reads what goes by: where it says `false`, conflicting retransmissions are no longer looked for.
    fn is_reading(&self) -> bool;

    /// The connection is over; comes once, last.
    fn finish(self, facts: Facts);
}
