//! Takes the bytes of a conversation in the clear, or of what TLS carries; recognises what is spoken, and reads it.

use super::detect::{Decision, Detect, Protocol};
use super::http::Http;
use super::http2::Http2;
use super::oddities::{Oddities, UNEXPECTED_BYTES};
use super::opposite;
use super::output::Shared;
use crate::protocol::Stamp;
use crate::stream::{Direction, Facts, Gap};

/// Bytes before the first message of a connection whose beginning was not captured.
const MID_STREAM_BYTES: &str = "mid-stream-bytes";
/// WebSocket frames on a connection whose handshake was not captured.
const WEBSOCKET_MID_STREAM: &str = "websocket-mid-stream";

/// How it is read.
enum Phase {
    Detect(Box<Detect>),
    Http(Box<Http>),
    Http2(Box<Http2>),
    /// Not at all: it is counted elsewhere.
    Counted,
}

/// What came of looking at the first bytes.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Client and server are the other way round.
    pub(super) swapped: bool,
    /// It is TLS, and these are its first bytes.
    pub(super) tls: Option<Vec<(Direction, Vec<u8>, Stamp)>>,
}

/// What is spoken on a connection.
pub(super) struct Spoken {
    connection: u32,
    output: Shared,
    mid_stream: bool,
    pub(super) protocol: Option<Protocol>,
    phase: Phase,
}

impl Spoken {
    /// `known` if the beginning was captured.
    pub(super) fn new(connection: u32, known: bool, output: Shared) -> Self {
        let phase = Phase::Detect(Box::new(Detect::new(known)));
        Self { connection, output, mid_stream: !known, protocol: None, phase }
    }

    /// Bytes of `sender`; gives what changed, if these tell what is spoken.
    pub(super) fn data(
        &mut self,
        sender: Direction,
        bytes: &[u8],
        stamp: Stamp,
        oddities: &mut Oddities,
    ) -> Option<Turn> {
        match &mut self.phase {
            Phase::Http(http) => http.data(sender, bytes, stamp, oddities),
            Phase::Http2(http2) => http2.data(sender, bytes, stamp, oddities),
            Phase::Counted => {}
            Phase::Detect(detect) => {
                let decision = detect.data(sender, bytes, stamp)?;
                let (sender, mut turn) = self.decide(decision, sender, stamp, oddities);
                match &mut turn.tls {
                    Some(first) => first.push((sender, bytes.to_vec(), stamp)),
                    None => self.read(sender, bytes, stamp, oddities),
                }
                return Some(turn);
            }
        }
        None
    }

    /// Bytes, after it was decided what they are.
    fn read(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp, oddities: &mut Oddities) {
        match &mut self.phase {
            Phase::Http(http) => http.data(sender, bytes, stamp, oddities),
            Phase::Http2(http2) => http2.data(sender, bytes, stamp, oddities),
            Phase::Counted | Phase::Detect(_) => {}
        }
    }

    /// Goes on as the bytes of `sender` tell; gives who sent them in truth, and what changed.
    fn decide(
        &mut self,
        decision: Decision,
        sender: Direction,
        last: Stamp,
        oddities: &mut Oddities,
    ) -> (Direction, Turn) {
        let Phase::Detect(mut detect) = std::mem::replace(&mut self.phase, Phase::Counted) else {
            return (sender, Turn::default());
        };
        let mut kept = detect.take_kept();
        let swapped = self.mid_stream && decision.sender == Some(opposite(sender));
        let truly = if swapped { opposite(sender) } else { sender };
        if swapped {
            oddities.swap();
            detect.swap();
            kept.iter_mut().for_each(|(by, _, _)| *by = opposite(*by));
        }
        self.protocol = Some(decision.protocol);
        match decision.protocol {
            Protocol::Tls => return (truly, Turn { swapped, tls: Some(kept) }),
            Protocol::Http1 => {
                // What was just recognised begins a message.
                let known = [Direction::Client, Direction::Server].map(|by| by == truly || detect.is_fresh(by));
                self.phase = Phase::Http(Box::new(Http::new(self.connection, known, Shared::clone(&self.output))));
                note_passed_over(&detect, last, oddities);
            }
            Protocol::Http2 => {
                let known = [Direction::Client, Direction::Server].map(|by| detect.is_fresh(by) || decision.begins(by));
                self.phase = Phase::Http2(Box::new(Http2::new(self.connection, known, Shared::clone(&self.output))));
                note_passed_over(&detect, last, oddities);
            }
            Protocol::Unknown => {}
        }
        for (by, bytes, stamp) in kept {
            self.read(by, &bytes, stamp, oddities);
        }
        (truly, Turn { swapped, tls: None })
    }

    /// Bytes of `sender` are missing; gives what changed, if those before now tell what is spoken.
    pub(super) fn gap(&mut self, sender: Direction, gap: Gap, oddities: &mut Oddities) -> Option<Turn> {
        let mut sender = sender;
        let mut turn = None;
        if let Phase::Detect(detect) = &mut self.phase
            && let Some(decision) = detect.gap(sender)
        {
            let (truly, changed) = self.decide(decision, sender, gap.stamp, oddities);
            (sender, turn) = (truly, Some(changed));
        }
        match &mut self.phase {
            Phase::Http(http) => http.gap(sender, gap, oddities),
            Phase::Http2(http2) => http2.gap(sender, gap, oddities),
            Phase::Detect(_) | Phase::Counted => {}
        }
        turn
    }

    /// The stream of `sender` ended; gives what changed, if what there was tells what was spoken.
    pub(super) fn end(&mut self, sender: Direction, last: Stamp, oddities: &mut Oddities) -> Option<Turn> {
        let mut sender = sender;
        let mut turn = None;
        if let Phase::Detect(detect) = &mut self.phase
            && let Some(decision) = detect.cut(sender, 0)
        {
            let (truly, changed) = self.decide(decision, sender, last, oddities);
            (sender, turn) = (truly, Some(changed));
        }
        match &mut self.phase {
            Phase::Http(http) => http.end(sender, oddities),
            Phase::Http2(http2) => http2.end(sender, oddities),
            Phase::Detect(_) | Phase::Counted => {}
        }
        turn
    }

    /// Whether bytes still matter.
    pub(super) fn is_reading(&self) -> bool {
        match &self.phase {
            Phase::Detect(_) => true,
            Phase::Http(http) => http.is_reading(),
            Phase::Http2(http2) => http2.is_reading(),
            Phase::Counted => false,
        }
    }

    /// The connection is over: writes what is left.
    pub(super) fn finish(&mut self, facts: &Facts, oddities: &mut Oddities) {
        match &mut self.phase {
            Phase::Http(http) => http.finish(facts, oddities),
            Phase::Http2(http2) => http2.finish(facts, oddities),
            Phase::Detect(detect) => {
                self.protocol = detect.begun.then_some(Protocol::Unknown);
                for sender in [Direction::Client, Direction::Server] {
                    if detect.resembles_frames(sender) {
                        oddities.add(sender, WEBSOCKET_MID_STREAM, facts.last, None);
                    }
                }
            }
            Phase::Counted => {}
        }
    }

    /// Whether it became a WebSocket.
    pub(super) fn is_websocket(&self) -> bool {
        match &self.phase {
            Phase::Http(http) => http.is_websocket(),
            Phase::Http2(http2) => http2.is_websocket(),
            Phase::Detect(_) | Phase::Counted => false,
        }
    }

    /// Whether the server allows extended CONNECT, if HTTP/2 is spoken and that was captured.
    pub(super) fn connect_protocol(&self) -> Option<bool> {
        match &self.phase {
            Phase::Http(http) => http.connect_protocol(),
            Phase::Http2(http2) => http2.connect_protocol(),
            Phase::Detect(_) | Phase::Counted => None,
        }
    }

    /// How many exchanges there were.
    pub(super) fn exchanges(&self) -> u32 {
        match &self.phase {
            Phase::Http(http) => http.exchanges(),
            Phase::Http2(http2) => http2.exchanges(),
            Phase::Detect(_) | Phase::Counted => 0,
        }
    }
}

/// Tells of bytes before the first message.
fn note_passed_over(detect: &Detect, last: Stamp, oddities: &mut Oddities) {
    for by in [Direction::Client, Direction::Server] {
        let (bytes, known) = detect.passed_over(by);
        let name = if known { UNEXPECTED_BYTES } else { MID_STREAM_BYTES };
        if bytes > 0 {
            oddities.add(by, name, last, Some(bytes));
        }
    }
}
