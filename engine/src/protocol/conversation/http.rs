//! Takes both directions of an HTTP/1.x connection, gives its exchanges, and its WebSocket if it becomes one.

use super::frames::Frames;
use super::hold::{Hold, Kept};
use super::http2::Http2;
use super::oddities::Oddities;
use super::output::Shared;
use super::pairing::Pairing;
use super::sink::{FromClient, FromServer};
use crate::protocol::http1::{Head, Looks, MessageReader, MessageSink, Position, looks_like_start};
use crate::protocol::{GapCause, Stamp};
use crate::stream::{Direction, Facts, Gap};

/// How a direction is read.
pub(super) enum Reading {
    Messages(Box<MessageReader>),
    Frames,
    /// Another protocol: not at all.
    Opaque,
}

/// One direction.
pub(super) struct Side {
    pub(super) reading: Reading,
    /// The frame of the last bytes.
    frame: Option<u64>,
    /// Whether the last hole was made by the snapshot length.
    truncated: bool,
}

/// One HTTP/1.x connection.
pub(super) struct Http {
    pub(super) connection: u32,
    pub(super) output: Shared,
    pub(super) pairing: Pairing,
    pub(super) client: Side,
    pub(super) server: Side,
    /// What the client sent after a request for an upgrade.
    pub(super) hold: Option<Hold>,
    pub(super) frames: Option<Box<Frames>>,
    /// The row of the exchange that opened the WebSocket; `None` where no tables are asked for, too.
    pub(super) opened_by: Option<usize>,
    pub(super) websocket: bool,
    /// What the connection goes on with after `Upgrade: h2c`.
    pub(super) http2: Option<Box<Http2>>,
    pub(super) client_ended: bool,
}

impl Http {
    /// `known` tells, of client and server, whether the next bytes begin a message.
    pub(super) fn new(connection: u32, known: [bool; 2], output: Shared) -> Self {
        let [client, server] = known;
        Self {
            connection,
            pairing: Pairing::new(connection, Shared::clone(&output)),
            output,
            // Bodies of requests are hashed, to pair by.
            client: Side::new(message_reader(client, true)),
            server: Side::new(message_reader(server, false)),
            hold: None,
            frames: None,
            opened_by: None,
            websocket: false,
            http2: None,
            client_ended: false,
        }
    }

    /// Whether it became a WebSocket.
    pub(super) fn is_websocket(&self) -> bool {
        self.websocket || self.http2.as_ref().is_some_and(|http2| http2.is_websocket())
    }

    /// How many exchanges there were.
    pub(super) fn exchanges(&self) -> u32 {
        self.http2.as_ref().map_or_else(|| self.pairing.count(), |http2| http2.exchanges())
    }

    /// Whether the server allows extended CONNECT, if it goes on with HTTP/2 and that was captured.
    pub(super) fn connect_protocol(&self) -> Option<bool> {
        self.http2.as_ref()?.connect_protocol()
    }

    /// Whether bytes still matter.
    pub(super) fn is_reading(&self) -> bool {
        self.http2.is_some()
            || !matches!((&self.client.reading, &self.server.reading), (Reading::Opaque, Reading::Opaque))
    }

    /// Bytes of `sender`.
    pub(super) fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp, oddities: &mut Oddities) {
        let reading = match sender {
            Direction::Client => &self.client.reading,
            Direction::Server => &self.server.reading,
        };
        match reading {
            Reading::Frames => {
                if let Some(frames) = &mut self.frames {
                    frames.data(sender, bytes, stamp);
                }
            }
            Reading::Opaque => {
                if let Some(http2) = &mut self.http2 {
                    http2.data(sender, bytes, stamp, oddities);
                }
            }
            Reading::Messages(_) if sender == Direction::Client => self.client_data(bytes, stamp, oddities),
            Reading::Messages(_) => self.server_data(bytes, stamp, oddities),
        }
    }

    fn client_data(&mut self, bytes: &[u8], stamp: Stamp, oddities: &mut Oddities) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some(hold) = &mut self.hold {
                // Another request at once is read without keeping it: this never goes deeper.
                if hold.is_empty() && looks_like_start(rest) == Looks::Request {
                    self.release(oddities);
                    continue;
                }
                match hold.bytes(rest, stamp) {
                    Kept::Yes => {}
                    Kept::Request => self.release(oddities),
                    Kept::TooMany => self.hold_too_much(),
                }
                return;
            }
            let mut sink = FromClient { pairing: &mut self.pairing, oddities, held: None };
            let Some(taken) = self.client.feed(rest, stamp, Looks::Request, &mut sink) else {
                return self.data(Direction::Client, rest, stamp, oddities);
            };
            rest = &rest[taken..];
            if let Some(position) = sink.held {
                self.hold = Some(Hold::new(position));
                // Answered before its head was complete.
                if !self.pairing.waits(position) {
                    self.release(oddities);
                }
            } else if !rest.is_empty() {
                // HTTP/2 without asking; the reader tells it as a defect.
                self.client.reading = Reading::Opaque;
            }
        }
    }

    fn server_data(&mut self, bytes: &[u8], stamp: Stamp, oddities: &mut Oddities) {
        // Only where a segment begins may a frame, too.
        let begins_segment = self.server.frame != Some(stamp.frame);
        if begins_segment && self.may_presume(bytes) {
            self.presume();
            return self.data(Direction::Server, bytes, stamp, oddities);
        }
        let mut sink = FromServer {
            may_be_early: self.client.position() == Some(Position::Head) || self.client.is_silent(),
            pairing: &mut self.pairing,
            oddities,
            switch: None,
        };
        let taken = self.server.feed(bytes, stamp, Looks::Response, &mut sink).unwrap_or(bytes.len());
        let rest = &bytes[taken..];
        if let Some(switch) = sink.switch {
            self.switch(switch, oddities);
            self.data(Direction::Server, rest, stamp, oddities);
        } else {
            if !rest.is_empty() {
                self.server.reading = Reading::Opaque;
            }
            self.release_if_answered(oddities);
        }
    }

    /// Bytes of `sender` are missing.
    pub(super) fn gap(&mut self, sender: Direction, gap: Gap, oddities: &mut Oddities) {
        let side = match sender {
            Direction::Client => &mut self.client,
            Direction::Server => &mut self.server,
        };
        match &mut side.reading {
            Reading::Frames => {
                if let Some(frames) = &mut self.frames {
                    frames.gap(sender, gap);
                }
            }
            Reading::Opaque => {
                if let Some(http2) = &mut self.http2 {
                    http2.gap(sender, gap, oddities);
                }
            }
            Reading::Messages(_) if sender == Direction::Client => self.client_gap(gap, oddities),
            Reading::Messages(_) => self.server_gap(gap, oddities),
        }
    }

    fn client_gap(&mut self, gap: Gap, oddities: &mut Oddities) {
        if let Some(hold) = &mut self.hold {
            if hold.gap(gap) == Kept::TooMany {
                self.hold_too_much();
            }
            return;
        }
        if self.client.is_silent() {
            // What was refused early is in the hole.
            self.pairing.forget_early();
        }
        let mut sink = FromClient { pairing: &mut self.pairing, oddities, held: None };
        self.client.gap(gap, &mut sink);
    }

    fn server_gap(&mut self, gap: Gap, oddities: &mut Oddities) {
        let before = self.server.position();
        let mut sink = FromServer { may_be_early: false, pairing: &mut self.pairing, oddities, switch: None };
        self.server.gap(gap, &mut sink);
        let switch = sink.switch;
        // Within a body that goes on after the hole nothing else is hidden.
        if before != Some(Position::Body) || self.server.position() == Some(Position::Lost) {
            self.pairing.hole(gap.length, gap.stamp);
        }
        match switch {
            Some(switch) => self.switch(switch, oddities),
            None => self.release_if_answered(oddities),
        }
    }

    /// The stream of `sender` ended.
    pub(super) fn end(&mut self, sender: Direction, oddities: &mut Oddities) {
        if let Some(frames) = &mut self.frames {
            frames.end(sender);
        }
        if let Some(http2) = &mut self.http2 {
            return http2.end(sender, oddities);
        }
        match sender {
            // The answer may still come.
            Direction::Client if self.hold.is_some() => self.client_ended = true,
            Direction::Client => {
                self.client.end(&mut FromClient { pairing: &mut self.pairing, oddities, held: None });
            }
            Direction::Server => {
                let mut sink = FromServer { may_be_early: false, pairing: &mut self.pairing, oddities, switch: None };
                self.server.end(&mut sink);
                match sink.switch {
                    Some(switch) => self.switch(switch, oddities),
                    None => self.release_if_answered(oddities),
                }
            }
        }
    }

    /// The connection is over, both streams have ended: writes what is left.
    pub(super) fn finish(&mut self, facts: &Facts, oddities: &mut Oddities) {
        self.settle_hold(oddities);
        self.pairing.finish();
        if let Some(frames) = self.frames.take()
            && let Some(exchange) = self.opened_by
        {
            frames.write(exchange, self.connection, facts.last.time, &self.output);
        }
        if let Some(http2) = &mut self.http2 {
            http2.finish(facts, oddities);
        }
    }
}

impl Side {
    pub(super) fn new(reader: MessageReader) -> Self {
        Self { reading: Reading::Messages(Box::new(reader)), frame: None, truncated: false }
    }

    /// Whether it was captured from its beginning and has said nothing yet.
    fn is_silent(&self) -> bool {
        self.frame.is_none() && self.position() == Some(Position::Start)
    }

    fn position(&self) -> Option<Position> {
        match &self.reading {
            Reading::Messages(reader) => Some(reader.position()),
            Reading::Frames | Reading::Opaque => None,
        }
    }

    /// Reads messages that begin like `kind`; gives how many bytes were taken, or `None` where no messages are read.
    fn feed(&mut self, bytes: &[u8], stamp: Stamp, kind: Looks, sink: &mut impl MessageSink) -> Option<usize> {
        let begins_segment = self.frame.replace(stamp.frame) != Some(stamp.frame);
        let Reading::Messages(reader) = &mut self.reading else {
            return None;
        };
        if begins_segment && self.truncated && reader.position() == Position::Lost && begins(bytes, kind) {
            // The snapshot length cuts heads before their first line ends; segments begin where they always did.
            reader.end(sink);
            **reader = message_reader(true, kind == Looks::Request);
        }
        Some(reader.feed(bytes, stamp, sink))
    }

    fn gap(&mut self, gap: Gap, sink: &mut impl MessageSink) {
        self.frame = None;
        self.truncated = gap.cause == GapCause::Truncated;
        if let Reading::Messages(reader) = &mut self.reading {
            reader.gap(gap.length, gap.cause, gap.stamp, sink);
        }
    }

    fn end(&mut self, sink: &mut impl MessageSink) {
        if let Reading::Messages(reader) = &mut self.reading {
            reader.end(sink);
        }
    }
}

/// A reader of messages; `known` if the next bytes begin one.
pub(super) fn message_reader(known: bool, hash_bodies: bool) -> MessageReader {
    if known { MessageReader::new(hash_bodies) } else { MessageReader::mid_stream(hash_bodies) }
}

/// Whether a segment begins with a start-line of this `kind`, be it cut off.
fn begins(bytes: &[u8], kind: Looks) -> bool {
    match looks_like_start(bytes) {
        Looks::Maybe => kind == Looks::Request && Head::parse(bytes).is_some(),
        looks => looks == kind,
    }
}
