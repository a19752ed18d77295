//! Takes both directions of an HTTP/2 connection, gives its exchanges, one a stream, and its WebSockets (RFC 9113, RFC 8441).

mod head;
mod sink;
mod stream;
mod streams;

use super::oddities::Oddities;
use super::opposite;
use super::output::Shared;
use crate::protocol::Stamp;
use crate::protocol::http2::{FrameReader, Hole};
use crate::stream::{Direction, Facts, Gap};
use sink::{Said, Sink};
use streams::Streams;

/// The beginning of a direction was not captured: fields that were sent there are unknown, and so are streams.
const HTTP2_MID_STREAM: &str = "http2-mid-stream";

/// One HTTP/2 connection.
pub(super) struct Http2 {
    /// Of client and server.
    readers: [FrameReader; 2],
    /// Whether the direction's beginning was not captured, and that is not told yet.
    mid_stream: [bool; 2],
    streams: Streams,
    connect_protocol: Option<bool>,
    /// Of each direction, since when frames are looked for.
    looking: [Option<i64>; 2],
}

impl Http2 {
    /// `known` tells, of client and server, whether the next bytes are the first of the connection.
    pub(super) fn new(connection: u32, known: [bool; 2], output: Shared) -> Self {
        let [client, server] = known;
        Self {
            readers: [
                if client { FrameReader::of_client() } else { FrameReader::mid_stream() },
                if server { FrameReader::of_server() } else { FrameReader::mid_stream() },
            ],
            mid_stream: known.map(|known| !known),
            streams: Streams::new(connection, client, output),
            connect_protocol: None,
            looking: [None; 2],
        }
    }

    /// A connection that was upgraded by the last of `exchanges`; stream 1 is the answer to it (RFC 7540 §3.2).
    pub(super) fn upgraded(connection: u32, exchanges: u32, output: Shared) -> Self {
        let mut http2 = Self::new(connection, [true, true], output);
        http2.streams.begin_upgraded(exchanges);
        http2
    }

    /// Whether a stream became a WebSocket.
    pub(super) fn is_websocket(&self) -> bool {
        self.streams.websocket
    }

    /// How many exchanges there were.
    pub(super) fn exchanges(&self) -> u32 {
        self.streams.count()
    }

    /// Whether bytes still matter.
    pub(super) fn is_reading(&self) -> bool {
        true
    }

    /// Whether the server allows extended CONNECT (RFC 8441 §3); `None` where its SETTINGS were not captured.
    pub(super) fn connect_protocol(&self) -> Option<bool> {
        self.connect_protocol
    }

    /// Bytes of `sender`.
    pub(super) fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp, oddities: &mut Oddities) {
        self.with(sender, oddities, |reader, sink| reader.feed(bytes, stamp, sink));
        if self.readers[sender as usize].is_lost() {
            self.looking[sender as usize].get_or_insert(stamp.time);
        }
        if self.mid_stream[sender as usize] && !self.readers[sender as usize].is_lost() {
            self.mid_stream[sender as usize] = false;
            oddities.add(sender, HTTP2_MID_STREAM, stamp, None);
        }
    }

    /// Bytes of `sender` are missing.
    pub(super) fn gap(&mut self, sender: Direction, gap: Gap, oddities: &mut Oddities) {
        let hole = self.with(sender, oddities, |reader, sink| reader.gap(gap.length, gap.cause, gap.stamp, sink));
        if hole == Hole::Lost {
            self.streams.hole(sender, gap.stamp);
        }
    }

    /// The stream of `sender` ended.
    pub(super) fn end(&mut self, sender: Direction, oddities: &mut Oddities) {
        self.with(sender, oddities, |reader, sink| reader.end(sink));
    }

    /// The connection is over, both streams have ended: writes what is left.
    pub(super) fn finish(&mut self, facts: &Facts, _: &mut Oddities) {
        self.streams.finish(facts.last.time);
    }

    /// Lets the reader of `sender` read, and tells the other one what it is allowed to send.
    fn with<R>(
        &mut self,
        sender: Direction,
        oddities: &mut Oddities,
        read: impl FnOnce(&mut FrameReader, &mut Sink<'_>) -> R,
    ) -> R {
        let looking = self.looking[sender as usize];
        let mut sink = Sink { sender, streams: &mut self.streams, oddities, looking, said: Said::default() };
        let result = read(&mut self.readers[sender as usize], &mut sink);
        self.looking[sender as usize] = sink.looking;
        let said = sink.said;
        said.tell(&mut self.readers[opposite(sender) as usize]);
        if sender == Direction::Server {
            self.connect_protocol = said.connect_protocol.or(self.connect_protocol);
        }
        result
    }
}
