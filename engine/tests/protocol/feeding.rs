//! Feeds a message reader, and writes down what it says.

use proptest::prelude::*;
use wsanalyze_engine::protocol::http1::{
    HeadEvent, MessageReader, MessageSink, Next, Position, StartLine, request_framing, response_framing,
};
use wsanalyze_engine::protocol::{GapCause, Stamp};

/// A stream as it is told to a reader.
#[derive(Clone, Debug)]
pub enum Piece {
    Bytes(Vec<u8>),
    Gap(u64, GapCause),
}

pub fn bytes(bytes: impl AsRef<[u8]>) -> Piece {
    Piece::Bytes(bytes.as_ref().to_vec())
}

pub fn missing(length: u64) -> Piece {
    Piece::Gap(length, GapCause::Missing)
}

pub fn truncated(length: u64) -> Piece {
    Piece::Gap(length, GapCause::Truncated)
}

/// How segments are cut into calls.
#[derive(Clone, Debug)]
pub enum Cut {
    Whole,
    Bytes,
    /// At this offset of each segment.
    At(usize),
    /// In pieces of these sizes, again and again.
    Sizes(Vec<usize>),
}

#[derive(Default)]
pub struct Recorder {
    pub events: Vec<String>,
    /// The method of the requests that responses answer.
    pub request_method: Option<&'static [u8]>,
    pub hold: bool,
}

impl MessageSink for Recorder {
    fn head(&mut self, message: HeadEvent<'_>) -> Next {
        let head = &message.head;
        let start = match head.start() {
            StartLine::Request { method, target, version } => {
                format!("{} {} {}", method.escape_ascii(), target.escape_ascii(), version.escape_ascii())
            }
            StartLine::Response { version, status, reason } => {
                format!("{} {status} {}", version.escape_ascii(), reason.escape_ascii())
            }
        };
        let decision = match head.start() {
            StartLine::Request { .. } => request_framing(head),
            StartLine::Response { .. } => response_framing(head, self.request_method),
        };
        self.events.push(format!(
            "{start} | {} headers, {} bytes, {:?}, frames {:?}, {} to {} at {}{}",
            head.headers().count(),
            head.raw().len(),
            message.completeness,
            message.frames,
            message.first.frame,
            message.last.frame,
            message.last.time,
            head.defects().names().chain(decision.defects.names()).map(|name| format!(", {name}")).collect::<String>(),
        ));
        if self.hold || decision.switches { Next::Hold } else { Next::Body(decision.framing) }
    }

    fn body_end(&mut self, bytes: u64, hash: Option<u64>, last: Stamp, complete: bool) {
        self.events.push(format!("body {bytes} {hash:x?} {} at {} {complete}", last.frame, last.time));
    }

    fn defect(&mut self, name: &'static str, stamp: Stamp) {
        self.events.push(format!("defect {name} {}", stamp.frame));
    }

    fn lost(&mut self, bytes: u64, stamp: Stamp) {
        self.events.push(format!("lost {bytes} {}", stamp.frame));
    }
}

/// Frame 1, 2, …; times go up and down.
pub fn stamp(index: usize) -> Stamp {
    let frame = index as u64 + 1;
    Stamp { frame, time: 1000 * (frame as i64) - if frame.is_multiple_of(3) { 2500 } else { 0 } }
}

/// What a reader says of `stream`, one frame a piece.
pub fn read(reader: MessageReader, stream: &[Piece], cut: &Cut) -> Vec<String> {
    read_with(reader, Recorder::default(), stream, cut)
}

pub fn read_with(mut reader: MessageReader, mut sink: Recorder, stream: &[Piece], cut: &Cut) -> Vec<String> {
    for (index, piece) in stream.iter().enumerate() {
        let stamp = stamp(index);
        match piece {
            Piece::Gap(length, cause) => reader.gap(*length, *cause, stamp, &mut sink),
            Piece::Bytes(bytes) => {
                let mut unread = 0;
                for part in parts(bytes, cut) {
                    let taken = reader.feed(part, stamp, &mut sink);
                    assert!(taken == part.len() || reader.position() == Position::Held);
                    unread += part.len() - taken;
                }
                unread += reader.take_unread().len();
                if unread > 0 {
                    sink.events.push(format!("unread {unread}"));
                }
            }
        }
    }
    reader.end(&mut sink);
    sink.events
}

pub fn parts<'a>(bytes: &'a [u8], cut: &Cut) -> Vec<&'a [u8]> {
    match cut {
        Cut::Whole => vec![bytes],
        Cut::Bytes => bytes.chunks(1).collect(),
        Cut::At(at) => {
            let (before, after) = bytes.split_at((*at).min(bytes.len()));
            [before, after].into_iter().filter(|part| !part.is_empty()).collect()
        }
        Cut::Sizes(sizes) => {
            let mut rest = bytes;
            let mut parts = Vec::new();
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (part, after) = rest.split_at((*size).clamp(1, rest.len()));
                parts.push(part);
                rest = after;
            }
            parts
        }
    }
}

/// Whole, byte by byte and cut at each offset: all give the same events, which are returned.
pub fn read_all_ways(hash: bool, stream: &[Piece]) -> Vec<String> {
    let whole = read(MessageReader::new(hash), stream, &Cut::Whole);
    assert_eq!(read(MessageReader::new(hash), stream, &Cut::Bytes), whole, "byte by byte");
    let longest = stream.iter().map(|piece| if let Piece::Bytes(bytes) = piece { bytes.len() } else { 0 }).max();
    for at in 1..longest.unwrap_or(0) {
        assert_eq!(read(MessageReader::new(hash), stream, &Cut::At(at)), whole, "cut at {at}");
    }
    whole
}

pub fn cuts() -> impl Strategy<Value = Cut> {
    prop_oneof![Just(Cut::Bytes), prop::collection::vec(1_usize..200, 1..6).prop_map(Cut::Sizes)]
}
