//! Takes the frames of one connection by their streams, gives each stream's rows when it is over.

use std::collections::{BTreeMap, BTreeSet};

use super::super::output::{Shared, Tape};
use super::head::status;
use super::stream::Stream;
use crate::protocol::Stamp;
use crate::protocol::http1::Completeness;
use crate::protocol::http2::Block;
use crate::stream::Direction;

/// The most streams that are open on one connection. Servers allow 100 to 250; more means that their ends are not in the
/// capture.
const MAX_STREAMS: usize = 1024;

/// The most closed streams that are remembered: what is on the way when a stream is closed comes soon after.
const MAX_CLOSED: usize = 1024;

/// The most streams of which only data was captured that get a row. Those that were open when a capture began are some
/// tens; and data on streams that were never opened costs its sender ten bytes.
const MAX_NAMELESS: u32 = 256;

/// Given up when more than `MAX_STREAMS` are open.
const STREAM_LIMIT: &str = "stream-limit";
/// The answer to the request that asked for HTTP/2, in HTTP/2.
const ANSWERS_UPGRADED_REQUEST: &str = "answers-upgraded-request";

const GOAWAY: &str = "GOAWAY";
const RST_STREAM: &str = "RST_STREAM";

/// RFC 9113 §7.
const NO_ERROR: u32 = 0;

/// The stream of a request that asked for HTTP/2 (RFC 7540 §3.2).
const UPGRADED: u32 = 1;

/// A GOAWAY (RFC 9113 §6.8).
#[derive(Clone, Copy, Debug)]
struct Farewell {
    by: Direction,
    last_stream: u32,
    code: u32,
    stamp: Stamp,
}

/// The streams of one connection.
pub(super) struct Streams {
    connection: u32,
    output: Shared,
    open: BTreeMap<u32, Stream>,
    /// Those that were closed last, and the number up to which all others are taken for closed.
    closed: BTreeSet<u32>,
    closed_until: u32,
    /// The highest number on which a request began.
    highest: u32,
    next: u32,
    /// Whether all that the client sent was captured.
    unbroken: bool,
    /// Whether the connection began with HTTP/1.1.
    upgraded: bool,
    /// The server's last GOAWAY: it will not answer what is above.
    farewell: Option<Farewell>,
    /// The first GOAWAY with an error: its sender closes the connection.
    failure: Option<Farewell>,
    /// How many streams carried data and nothing else.
    nameless: u32,
    pub(super) websocket: bool,
}

impl Streams {
    /// `unbroken` if the connection's beginning was captured, as far as the client made it.
    pub(super) fn new(connection: u32, unbroken: bool, output: Shared) -> Self {
        Self {
            connection,
            output,
            open: BTreeMap::new(),
            closed: BTreeSet::new(),
            closed_until: 0,
            nameless: 0,
            highest: 0,
            next: 0,
            unbroken,
            upgraded: false,
            farewell: None,
            failure: None,
            websocket: false,
        }
    }

    /// The connection was upgraded by a request that came before, the last of `exchanges`.
    pub(super) fn begin_upgraded(&mut self, exchanges: u32) {
        self.next = exchanges;
        self.highest = UPGRADED;
        self.upgraded = true;
    }

    /// How many exchanges there were.
    pub(super) fn count(&self) -> u32 {
        self.next
    }

    /// The stream of this number, opened if need be; `None` for one that is closed, and for what is no request's.
    fn stream(&mut self, id: u32, stamp: Stamp) -> Option<&mut Stream> {
        // RFC 9113 §5.1.1: clients open the odd ones; what servers push is not read.
        if id.is_multiple_of(2) {
            return None;
        }
        if !self.open.contains_key(&id) {
            if id <= self.closed_until || self.closed.contains(&id) {
                return None;
            }
            if self.open.len() >= MAX_STREAMS
                && let Some((oldest, mut stream)) = self.open.pop_first()
            {
                stream.exchange.add_defect(STREAM_LIMIT);
                self.close(oldest, stream, stamp.time);
            }
            let position = self.next;
            self.next = position.saturating_add(1);
            let mut stream = Stream::new(id, position, Tape::of((self.connection, position), &self.output));
            if self.upgraded && id == UPGRADED {
                stream.exchange.add_defect(ANSWERS_UPGRADED_REQUEST);
                // RFC 7540 §3.2: half-closed from the client.
                stream.end(Direction::Client);
            }
            self.open.insert(id, stream);
        }
        self.open.get_mut(&id)
    }

    /// A header block of `sender`.
    pub(super) fn head(&mut self, sender: Direction, block: &Block<'_>) {
        let id = block.stream;
        let whole = block.completeness == Completeness::Complete;
        let begins = match sender {
            Direction::Client => block.fields.has_pseudo() || (self.unbroken && id > self.highest),
            Direction::Server => status(block).is_some(),
        };
        let connection = self.connection;
        let Some(stream) = self.stream(id, block.last) else {
            return;
        };
        let (asked, answered) = (stream.exchange.request.is_some(), stream.exchange.response.is_some());
        // RFC 9113 §8.1: what follows the data are trailers, also where the head before it was not captured.
        let unannounced = sender == Direction::Client || !asked;
        let is_head = begins || !(stream.has_body(sender) || (whole && unannounced));
        match (sender, status(block)) {
            (Direction::Client, _) if !asked && is_head => stream.request(block),
            (Direction::Server, Some(100..200)) if !answered => {
                stream.exchange.interim = stream.exchange.interim.saturating_add(1);
            }
            (Direction::Server, _) if !answered && is_head => stream.response(block),
            _ => {}
        }
        let told = match sender {
            Direction::Client => !asked && stream.exchange.request.is_some(),
            Direction::Server => !answered && stream.exchange.response.is_some(),
        };
        let (position, websocket) = (stream.exchange.position, stream.websocket);
        self.websocket |= websocket;
        if told {
            self.output.borrow_mut().head((connection, position), sender, block.fields.text());
        }
        if sender == Direction::Client {
            self.highest = self.highest.max(id);
        }
        if block.end_stream {
            self.end(sender, id, block.last);
        }
    }

    /// Data of `sender`.
    pub(super) fn data(&mut self, sender: Direction, id: u32, bytes: &[u8], stamp: Stamp) {
        if let Some(stream) = self.stream(id, stamp) {
            stream.data(sender, bytes, stamp);
            let websocket = stream.websocket;
            self.websocket |= websocket;
        }
    }

    /// So much of the data of `sender` is missing.
    pub(super) fn data_missing(&mut self, sender: Direction, id: u32, length: u64, stamp: Stamp) {
        if let Some(stream) = self.stream(id, stamp) {
            stream.data_missing(sender, length, stamp);
        }
    }

    /// `sender` has no more to send on a stream.
    pub(super) fn end(&mut self, sender: Direction, id: u32, stamp: Stamp) {
        let Some(stream) = self.stream(id, stamp) else {
            return;
        };
        stream.end(sender);
        if stream.is_over()
            && let Some(stream) = self.open.remove(&id)
        {
            self.close(id, stream, stamp.time);
        }
    }

    /// `sender` broke a stream off.
    pub(super) fn reset(&mut self, sender: Direction, id: u32, code: Option<u32>, stamp: Stamp) {
        if let Some(mut stream) = self.open.remove(&id) {
            stream.reset(RST_STREAM, code, sender, stamp);
            self.close(id, stream, stamp.time);
        }
    }

    /// `sender` will end the connection.
    pub(super) fn go_away(&mut self, sender: Direction, last_stream: u32, code: u32, stamp: Stamp) {
        let farewell = Farewell { by: sender, last_stream, code, stamp };
        if code != NO_ERROR {
            self.failure.get_or_insert(farewell);
        }
        // What the client says is about pushed streams.
        if sender == Direction::Server {
            self.farewell = Some(farewell);
            let above = self.open.range(last_stream.saturating_add(1)..);
            let waiting: Vec<u32> = above.filter(|(_, stream)| stream.exchange.waits()).map(|(id, _)| *id).collect();
            for id in waiting {
                if let Some(mut stream) = self.open.remove(&id) {
                    stream.reset(GOAWAY, Some(code), sender, stamp);
                    self.close(id, stream, stamp.time);
                }
            }
        }
    }

    /// A hole may hide frames of `sender` on any stream.
    pub(super) fn hole(&mut self, sender: Direction, stamp: Stamp) {
        self.unbroken &= sender != Direction::Client;
        self.open.values_mut().for_each(|stream| stream.hole(sender, stamp));
    }

    /// The connection is over: writes what is open.
    pub(super) fn finish(&mut self, ended: i64) {
        for (id, mut stream) in std::mem::take(&mut self.open) {
            let refused = self.farewell.filter(|farewell| id > farewell.last_stream && stream.exchange.waits());
            if let Some(Farewell { by, code, stamp, .. }) = refused.or(self.failure) {
                stream.reset(GOAWAY, Some(code), by, stamp);
            }
            self.close(id, stream, ended);
        }
    }

    fn close(&mut self, id: u32, stream: Stream, ended: i64) {
        let nameless = stream.exchange.request.is_none() && stream.exchange.response.is_none();
        self.nameless += u32::from(nameless);
        if !nameless || self.nameless <= MAX_NAMELESS {
            stream.write(self.connection, ended, &self.output);
        }
        self.closed.insert(id);
        if self.closed.len() > MAX_CLOSED
            && let Some(lowest) = self.closed.pop_first()
        {
            self.closed_until = self.closed_until.max(lowest);
        }
    }
}
