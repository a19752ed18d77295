//! Tells a conversation what goes by, and gives its tables.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use wsanalyze_engine::packet::{Address, Endpoint};
use wsanalyze_engine::protocol::conversation::{Conversation, ExchangeId, Output, Traffic, Wanted};
use wsanalyze_engine::protocol::{GapCause, Stamp};
use wsanalyze_engine::stream::{Direction, DirectionFacts, Facts, Gap, Handler, Opened};
use wsanalyze_engine::table::{Builders, CaptureRow, Tables};

use crate::rows;

/// What goes by; each step is one packet.
#[derive(Clone, Debug)]
pub enum Step {
    Client(Vec<u8>),
    Server(Vec<u8>),
    ClientGap(u64, GapCause),
    ServerGap(u64, GapCause),
    ClientEnd,
}

pub fn client(bytes: impl AsRef<[u8]>) -> Step {
    Step::Client(bytes.as_ref().to_vec())
}

pub fn server(bytes: impl AsRef<[u8]>) -> Step {
    Step::Server(bytes.as_ref().to_vec())
}

pub fn client_gap(length: u64) -> Step {
    Step::ClientGap(length, GapCause::Missing)
}

pub fn server_gap(length: u64) -> Step {
    Step::ServerGap(length, GapCause::Missing)
}

/// How the bytes of a packet are cut into calls.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Whole,
    Bytes,
    /// At this offset.
    At(usize),
}

impl Cut {
    fn parts(self, bytes: &[u8]) -> Vec<&[u8]> {
        match self {
            Self::Whole => vec![bytes],
            Self::Bytes => bytes.chunks(1).collect(),
            Self::At(at) => {
                let (before, after) = bytes.split_at(at.min(bytes.len()));
                [before, after].into_iter().filter(|part| !part.is_empty()).collect()
            }
        }
    }
}

/// A play: what goes by on connection 0, and how it began.
#[derive(Clone, Debug)]
pub struct Play {
    pub steps: Vec<Step>,
    pub mid_stream: bool,
}

/// Step `index` is frame 1, 2, … and as many microseconds.
pub fn time(index: usize) -> i64 {
    1000 * (index as i64 + 1)
}

fn stamp(index: usize) -> Stamp {
    Stamp { frame: index as u64 + 1, time: time(index) }
}

pub fn play(steps: &[Step]) -> Tables {
    Play { steps: steps.to_vec(), mid_stream: false }.everywhere()
}

pub fn play_mid_stream(steps: &[Step]) -> Tables {
    Play { steps: steps.to_vec(), mid_stream: true }.everywhere()
}

impl Play {
    /// The tables, after making sure that they do not depend on how packets are cut into calls.
    pub fn everywhere(&self) -> Tables {
        let tables = self.tables(Cut::Whole);
        let longest = self.steps.iter().map(Step::length).max().unwrap_or(0).min(400);
        for cut in (1..longest).map(Cut::At).chain([Cut::Bytes]) {
            assert_same(&tables, &self.tables(cut), &format!("{cut:?}"));
        }
        tables
    }

    pub fn tables(&self, cut: Cut) -> Tables {
        let output = Rc::new(RefCell::new(Output::Tables(Box::new(Builders::new()))));
        self.perform(cut, &output);
        match Rc::into_inner(output).unwrap().into_inner() {
            Output::Tables(builders) => builders.finish(&[CaptureRow::default()]).unwrap(),
            Output::Wanted(_) => unreachable!(),
        }
    }

    /// The heads that a second look finds.
    pub fn heads(&self, wanted: &[ExchangeId]) -> HashMap<ExchangeId, Traffic> {
        self.again(Cut::Whole, Wanted::heads(wanted.iter().copied()))
    }

    /// All that a second look finds of one exchange.
    pub fn traffic(&self, cut: Cut, wanted: ExchangeId) -> Traffic {
        self.again(cut, Wanted::traffic([wanted])).remove(&wanted).unwrap()
    }

    fn again(&self, cut: Cut, wanted: Wanted) -> HashMap<ExchangeId, Traffic> {
        let output = Rc::new(RefCell::new(Output::Wanted(wanted)));
        self.perform(cut, &output);
        match Rc::into_inner(output).unwrap().into_inner() {
            Output::Wanted(wanted) => wanted.into_found(),
            Output::Tables(_) => unreachable!(),
        }
    }

    fn perform(&self, cut: Cut, output: &Rc<RefCell<Output>>) {
        let mut conversation = Conversation::new(0, Rc::clone(output), Arc::default());
        if !self.mid_stream {
            conversation.begins();
        }
        let mut last = [None, None];
        let mut ended = [false, false];
        for (index, step) in self.steps.iter().enumerate() {
            let stamp = stamp(index);
            let direction = step.direction();
            match step {
                Step::Client(bytes) | Step::Server(bytes) => {
                    cut.parts(bytes).into_iter().for_each(|part| conversation.data(direction, part, stamp));
                }
                Step::ClientGap(length, cause) | Step::ServerGap(length, cause) => {
                    let gap = Gap { length: *length, cause: *cause, since: last[direction as usize], stamp };
                    conversation.gap(direction, gap);
                }
                Step::ClientEnd => {
                    ended[direction as usize] = true;
                    conversation.end(direction, stamp);
                }
            }
            last[direction as usize] = Some(stamp.time);
        }
        let end = stamp(self.steps.len());
        for direction in [Direction::Client, Direction::Server] {
            if !ended[direction as usize] {
                conversation.end(direction, end);
            }
        }
        conversation.finish(facts(stamp(0), end, self.mid_stream));
    }
}

impl Step {
    fn direction(&self) -> Direction {
        match self {
            Self::Client(_) | Self::ClientGap(..) | Self::ClientEnd => Direction::Client,
            Self::Server(_) | Self::ServerGap(..) => Direction::Server,
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Client(bytes) | Self::Server(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

fn facts(first: Stamp, last: Stamp, mid_stream: bool) -> Facts {
    let of = |packets| DirectionFacts { packets, ..DirectionFacts::default() };
    Facts {
        client: Endpoint { address: Address::from_v4([192, 0, 2, 1]), port: 50000 },
        server: Endpoint { address: Address::from_v4([192, 0, 2, 2]), port: 80 },
        first,
        last,
        opened: if mid_stream { Opened::MidStream } else { Opened::Established },
        ended: None,
        of_client: of(1),
        of_server: of(2),
        duplicates: 0,
        conflicts: 0,
        longest_idle: 0,
    }
}

pub fn assert_same(expected: &Tables, found: &Tables, how: &str) {
    for (expected, found) in [
        (&expected.connections, &found.connections),
        (&expected.exchanges, &found.exchanges),
        (&expected.websockets, &found.websockets),
        (&expected.defects, &found.defects),
    ] {
        assert_eq!(rows::everything(expected), rows::everything(found), "{how}");
    }
}

pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A request without a body.
pub fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// RFC 6455 §1.3.
pub fn handshake() -> String {
    format!(
        "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n"
    )
}

pub fn accepted() -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    )
}

/// A response with a body.
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub fn refused(status: u16) -> String {
    format!("HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno")
}

/// A server's text frame.
pub fn server_text(text: &str) -> Vec<u8> {
    [&[0x81, text.len() as u8][..], text.as_bytes()].concat()
}

/// A client's frame, masked.
pub fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [0x80 | opcode, 0x80 | payload.len() as u8].into_iter().chain(mask).chain(masked).collect()
}

pub fn client_text(text: &str) -> Vec<u8> {
    masked(1, text.as_bytes())
}
