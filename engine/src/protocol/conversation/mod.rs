//! Takes the streams of one connection, gives its rows: the connection, its exchanges, its WebSocket, its defects.
//!
//! `proxied` takes a PROXY header off, `opening` digests the first bytes, `detect` tells the protocol; `http` reads
//! HTTP/1.x: `pairing` tells which response answers which request, `upgrade` what the connection becomes, `frames` what
//! a WebSocket carries; `http2` reads HTTP/2, a stream at a time. `hello` reads what TLS says in the clear. Other protocols are counted only.

mod detect;
mod exchange;
mod frames;
mod hello;
mod hold;
mod http;
mod http2;
mod message;
mod oddities;
mod opening;
mod output;
mod pairing;
mod proxied;
mod request;
mod response;
mod row;
mod sink;
mod text;
mod upgrade;
mod values;

pub use output::{ExchangeId, Heads, Output, Shared, Wanted};
pub use text::{MAX_TEXT, text_of};

use detect::{Decision, Detect, Protocol};
use hello::Hellos;
use http::Http;
use http2::Http2;
use oddities::{Oddities, UNEXPECTED_BYTES};
use opening::Opening;
use proxied::{Passed, Proxied};

use super::Stamp;
use crate::stream::{Direction, Facts, Gap, Handler};

/// Bytes before the first message of a connection whose beginning was not captured.
const MID_STREAM_BYTES: &str = "mid-stream-bytes";
/// WebSocket frames on a connection whose handshake was not captured.
const WEBSOCKET_MID_STREAM: &str = "websocket-mid-stream";

/// How the connection is read.
enum Phase {
    Detect(Box<Detect>),
    Http(Box<Http>),
    Http2(Box<Http2>),
    Tls(Box<Hellos>),
    /// Not at all: the segments are counted elsewhere.
    Counted,
}

/// One connection.
///
/// Inside, `Direction` is who is client and server in truth: where the beginning was not captured, the stream's guess may
/// have been wrong.
pub struct Conversation {
    connection: u32,
    output: Shared,
    mid_stream: bool,
    /// Whether the stream's client is the server.
    swapped: bool,
    proxied: Proxied,
    openings: [Opening; 2],
    protocol: Option<Protocol>,
    phase: Phase,
    oddities: Oddities,
    /// Stamp of the last bytes or hole.
    last: Stamp,
}

impl Conversation {
    /// The connection of this number, whose rows go to `output`.
    #[must_use]
    pub fn new(connection: u32, output: Shared) -> Self {
        Self {
            connection,
            output,
            mid_stream: true,
            swapped: false,
            proxied: Proxied::default(),
            openings: [Opening::new(false), Opening::new(false)],
            protocol: None,
            phase: Phase::Detect(Box::new(Detect::new(false))),
            oddities: Oddities::default(),
            last: Stamp::default(),
        }
    }

    fn sender(&self, direction: Direction) -> Direction {
        if self.swapped { opposite(direction) } else { direction }
    }

    /// Stream bytes, without a PROXY header.
    fn bytes(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp) {
        if bytes.is_empty() {
            return;
        }
        self.openings[sender as usize].feed(bytes);
        match &mut self.phase {
            Phase::Http(http) => http.data(sender, bytes, stamp, &mut self.oddities),
            Phase::Http2(http2) => http2.data(sender, bytes, stamp, &mut self.oddities),
            Phase::Tls(hellos) => hellos.data(sender, bytes),
            Phase::Counted => {}
            Phase::Detect(detect) => {
                if let Some(decision) = detect.data(sender, bytes, stamp) {
                    let sender = self.decide(decision, sender);
                    self.read(sender, bytes, stamp);
                }
            }
        }
    }

    /// Bytes, after it was decided what they are.
    fn read(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp) {
        match &mut self.phase {
            Phase::Http(http) => http.data(sender, bytes, stamp, &mut self.oddities),
            Phase::Http2(http2) => http2.data(sender, bytes, stamp, &mut self.oddities),
            Phase::Tls(hellos) => hellos.data(sender, bytes),
            Phase::Counted | Phase::Detect(_) => {}
        }
    }

    /// Goes on as the bytes of `sender` tell; gives who sent them in truth.
    fn decide(&mut self, decision: Decision, sender: Direction) -> Direction {
        let Phase::Detect(mut detect) = std::mem::replace(&mut self.phase, Phase::Counted) else {
            return sender;
        };
        let mut kept = detect.take_kept();
        let mut truly = sender;
        if self.mid_stream && decision.sender == Some(opposite(sender)) {
            self.swapped = !self.swapped;
            self.oddities.swap();
            detect.swap();
            kept.iter_mut().for_each(|(by, _, _)| *by = opposite(*by));
            // What was taken for the client's may be a PROXY header no more.
            kept.extend(self.proxied.stop().into_iter().map(|(bytes, stamp)| (Direction::Server, bytes, stamp)));
            truly = opposite(sender);
        }
        self.protocol = Some(decision.protocol);
        self.phase = match decision.protocol {
            Protocol::Http1 => {
                // What was just recognised begins a message.
                let known = [Direction::Client, Direction::Server].map(|by| by == truly || detect.is_fresh(by));
                Phase::Http(Box::new(Http::new(self.connection, known, Shared::clone(&self.output))))
            }
            Protocol::Http2 => {
                let known = [Direction::Client, Direction::Server].map(|by| detect.is_fresh(by) || decision.begins(by));
                Phase::Http2(Box::new(Http2::new(self.connection, known, Shared::clone(&self.output))))
            }
            Protocol::Tls => Phase::Tls(Box::new(Hellos::new())),
            Protocol::Unknown => Phase::Counted,
        };
        if matches!(decision.protocol, Protocol::Http1 | Protocol::Http2) {
            for by in [Direction::Client, Direction::Server] {
                let (bytes, known) = detect.passed_over(by);
                let name = if known { UNEXPECTED_BYTES } else { MID_STREAM_BYTES };
                if bytes > 0 {
                    self.oddities.add(by, name, self.last, Some(bytes));
                }
            }
        }
        for (by, bytes, stamp) in kept {
            self.read(by, &bytes, stamp);
        }
        truly
    }

    /// What was kept in search of a PROXY header is none.
    fn give_up_proxy(&mut self, sender: Direction) {
        if sender == Direction::Client && !self.proxied.done {
            for (bytes, stamp) in self.proxied.stop() {
                self.bytes(sender, &bytes, stamp);
            }
        }
    }
}

impl Handler for Conversation {
    fn begins(&mut self) {
        self.mid_stream = false;
        self.openings = [Opening::new(true), Opening::new(true)];
        self.phase = Phase::Detect(Box::new(Detect::new(true)));
    }

    fn data(&mut self, direction: Direction, bytes: &[u8], stamp: Stamp) {
        self.last = stamp;
        let sender = self.sender(direction);
        if self.proxied.done || sender == Direction::Server {
            return self.bytes(sender, bytes, stamp);
        }
        let rest = match self.proxied.feed(bytes, stamp) {
            Passed::None => return,
            Passed::From(at) => &bytes[at..],
            Passed::WithKept(kept) => {
                for (bytes, stamp) in kept {
                    self.bytes(self.sender(direction), &bytes, stamp);
                }
                bytes
            }
        };
        if let Some((name, stamp)) = self.proxied.defect {
            self.oddities.add(sender, name, stamp, None);
        }
        self.bytes(self.sender(direction), rest, stamp);
    }

    fn gap(&mut self, direction: Direction, gap: Gap) {
        self.last = gap.stamp;
        let sender = self.sender(direction);
        self.give_up_proxy(sender);
        let sender = self.sender(direction);
        self.oddities.gap(sender, gap);
        self.openings[sender as usize].stop();
        if let Phase::Detect(detect) = &mut self.phase
            && let Some(decision) = detect.gap(sender)
        {
            self.decide(decision, sender);
        }
        let sender = self.sender(direction);
        match &mut self.phase {
            Phase::Http(http) => http.gap(sender, gap, &mut self.oddities),
            Phase::Http2(http2) => http2.gap(sender, gap, &mut self.oddities),
            Phase::Tls(hellos) => hellos.gap(sender),
            Phase::Counted | Phase::Detect(_) => {}
        }
    }

    fn defect(&mut self, direction: Direction, name: &'static str, stamp: Stamp, bytes: Option<u64>) {
        self.oddities.add(self.sender(direction), name, stamp, bytes);
    }

    fn end(&mut self, direction: Direction, _: Stamp) {
        self.give_up_proxy(self.sender(direction));
        let sender = self.sender(direction);
        if let Phase::Detect(detect) = &mut self.phase
            && let Some(decision) = detect.cut(sender, 0)
        {
            self.decide(decision, sender);
        }
        let sender = self.sender(direction);
        match &mut self.phase {
            Phase::Http(http) => http.end(sender, &mut self.oddities),
            Phase::Http2(http2) => http2.end(sender, &mut self.oddities),
            Phase::Detect(_) | Phase::Tls(_) | Phase::Counted => {}
        }
    }

    fn is_reading(&self) -> bool {
        match &self.phase {
            Phase::Detect(_) => true,
            Phase::Http(http) => http.is_reading(),
            Phase::Http2(http2) => http2.is_reading(),
            Phase::Tls(hellos) => hellos.is_reading(),
            Phase::Counted => false,
        }
    }

    fn finish(mut self, facts: Facts) {
        match &mut self.phase {
            Phase::Http(http) => http.finish(&facts, &mut self.oddities),
            Phase::Http2(http2) => http2.finish(&facts, &mut self.oddities),
            Phase::Detect(detect) => {
                self.protocol = detect.begun.then_some(Protocol::Unknown);
                for sender in [Direction::Client, Direction::Server] {
                    if detect.resembles_frames(sender) {
                        self.oddities.add(sender, WEBSOCKET_MID_STREAM, facts.last, None);
                    }
                }
            }
            Phase::Tls(_) | Phase::Counted => {}
        }
        self.write(&facts);
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Client => Direction::Server,
        Direction::Server => Direction::Client,
    }
}

/// As the tables name it.
fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Client => "client",
        Direction::Server => "server",
    }
}
