//! Takes what one stream carries, gives its exchange, and its WebSocket if it becomes one (RFC 9113 §5.1, RFC 8441 §5).

use super::super::exchange::{Exchange, Reset};
use super::super::frames::Frames;
use super::super::message::Body;
use super::super::output::{Shared, Tape};
use super::super::request::Request;
use super::super::response::Response;
use super::head;
use crate::protocol::http1::{
    BodyReader, Completeness, Framing, FramingDecision, FramingDefects, HeadEvent, MessageKind,
};
use crate::protocol::http2::{Block, error_name};
use crate::protocol::websocket::{Role, answers, looks_like_frames};
use crate::protocol::{GapCause, Stamp};
use crate::stream::{Direction, Gap};

/// No answer to the handshake was captured, but frames followed.
const WEBSOCKET_PRESUMED: &str = "websocket-presumed";

/// A stream that is not over.
pub(super) struct Stream {
    pub(super) exchange: Exchange,
    /// Of client and server.
    sides: [Side; 2],
    frames: Option<Box<Frames>>,
    pub(super) websocket: bool,
    tape: Option<Tape>,
}

/// What one side sends on a stream.
#[derive(Default)]
struct Side {
    body: Option<Box<BodyReader>>,
    ended: bool,
    /// Whether a hole may have hidden some of it.
    holed: bool,
}

impl Stream {
    pub(super) fn new(id: u32, position: u32, tape: Option<Tape>) -> Self {
        let mut exchange = Exchange::new(position);
        exchange.stream = Some(id);
        Self { exchange, sides: [Side::default(), Side::default()], frames: None, websocket: false, tape }
    }

    /// Whether `sender` has sent data.
    pub(super) fn has_body(&self, sender: Direction) -> bool {
        self.sides[sender as usize].body.is_some()
    }

    /// Whether neither side has more to send.
    pub(super) fn is_over(&self) -> bool {
        self.sides.iter().all(|side| side.ended)
    }

    /// A request's head.
    pub(super) fn request(&mut self, block: &Block<'_>) {
        let decision = FramingDecision { framing: Framing::None, switches: false, defects: FramingDefects::default() };
        let mut request = Request::new(&head::request(block), decision);
        let lacking = head::is_lacking(block, MessageKind::Request).then_some(head::PSEUDO_HEADER_MISSING);
        block.fields.defects().names().chain(lacking).for_each(|name| request.message.defects.add(name));
        self.exchange.request = Some(request);
    }

    /// A final response's head.
    pub(super) fn response(&mut self, block: &Block<'_>) {
        let event = head::response(block);
        let request = self.exchange.request.as_ref();
        let mut response = Response::new(&event, FramingDefects::default(), request);
        let lacking = head::is_lacking(block, MessageKind::Response).then_some(head::PSEUDO_HEADER_MISSING);
        block.fields.defects().names().chain(lacking).for_each(|name| response.message.defects.add(name));
        // RFC 8441 §5: a 2xx to an extended CONNECT opens the WebSocket.
        let opens = self.is_handshake() && response.status.is_some_and(|status| (200..300).contains(&status));
        self.exchange.response = Some(response);
        self.exchange.hidden = false;
        if opens {
            self.open_with(&event);
        }
    }

    fn open_with(&mut self, event: &HeadEvent<'_>) {
        let agreed = answers(&event.head).deflate.is_some();
        let complete = event.completeness == Completeness::Complete;
        self.open(Some(event.last), (complete || agreed).then_some(agreed));
    }

    fn open(&mut self, opened: Option<Stamp>, compression: Option<bool>) {
        let offered = self.offers_deflate();
        self.frames.get_or_insert_with(|| Box::new(Frames::new(self.tape.clone()))).open(opened, compression, offered);
        self.websocket = true;
    }

    /// Whether it is the handshake of a WebSocket.
    fn is_handshake(&self) -> bool {
        self.exchange.request.as_ref().is_some_and(|request| request.extended_connect)
    }

    fn offers_deflate(&self) -> bool {
        self.exchange.request.as_ref().is_some_and(|request| request.offers_deflate)
    }

    /// Data of `sender`.
    pub(super) fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp) {
        if sender == Direction::Server && self.may_presume(bytes) {
            self.exchange.add_defect(WEBSOCKET_PRESUMED);
            self.open(None, None);
        }
        match self.frames(sender) {
            Some(frames) => frames.data(sender, bytes, stamp),
            None => {
                if let Some(tape) = self.tape.as_ref().filter(|_| sender == Direction::Client) {
                    tape.tell(|wanted, exchange| wanted.body(exchange, bytes));
                }
                self.body(sender).feed(bytes);
            }
        }
    }

    /// So much of the data of `sender` is missing.
    pub(super) fn data_missing(&mut self, sender: Direction, length: u64, stamp: Stamp) {
        match self.frames(sender) {
            Some(frames) => frames.gap(sender, Gap { length, cause: GapCause::Missing, since: None, stamp }),
            None => {
                self.body(sender).gap(length);
            }
        }
    }

    /// What takes the data of `sender`, if that is frames: also what a client sends before it is accepted.
    fn frames(&mut self, sender: Direction) -> Option<&mut Frames> {
        if !self.websocket && sender == Direction::Client && self.is_handshake() {
            let offered = self.offers_deflate();
            let frames = self.frames.get_or_insert_with(|| Box::new(Frames::new(self.tape.clone())));
            frames.offer(offered);
            frames.note_early();
        }
        self.frames.as_deref_mut().filter(|_| self.websocket || sender == Direction::Client)
    }

    fn body(&mut self, sender: Direction) -> &mut BodyReader {
        // Bodies of requests are hashed, to pair by.
        let hashed = sender == Direction::Client;
        let body = || Box::new(BodyReader::new(Framing::UntilClose, hashed));
        self.sides[sender as usize].body.get_or_insert_with(body)
    }

    /// Whether the server sends frames, though its answer to the handshake is hidden by a hole.
    fn may_presume(&self, bytes: &[u8]) -> bool {
        let unknown = match &self.exchange.response {
            None => self.exchange.hidden,
            Some(response) => response.status.is_none(),
        };
        !self.websocket && unknown && self.is_handshake() && looks_like_frames(bytes, Role::Server)
    }

    /// `sender` has no more to send.
    pub(super) fn end(&mut self, sender: Direction) {
        self.sides[sender as usize].ended = true;
        if let Some(frames) = &mut self.frames {
            frames.end(sender);
        }
    }

    /// A hole may hide anything that `sender` sent.
    pub(super) fn hole(&mut self, sender: Direction, stamp: Stamp) {
        self.sides[sender as usize].holed = true;
        if let Some(frames) = &mut self.frames {
            frames.hole(sender, stamp);
        }
        // What was asked after the hole has no answer in it.
        if sender == Direction::Server && self.exchange.waits() && self.exchange.begun() <= stamp.time {
            self.exchange.hidden = true;
        }
    }

    /// It was broken off by a frame of this `kind` with this error code (RFC 9113 §7).
    pub(super) fn reset(&mut self, kind: &str, code: Option<u32>, by: Direction, stamp: Stamp) {
        let how = match (code, code.and_then(error_name)) {
            (_, Some(name)) => format!("{kind} {name}"),
            (Some(code), None) => format!("{kind} {code:#x}"),
            (None, None) => kind.to_owned(),
        };
        self.exchange.reset = Some(Box::new(Reset { how, by, stamp }));
    }

    /// Writes its rows; `ended` is when it was over.
    pub(super) fn write(mut self, connection: u32, ended: i64, output: &Shared) {
        let handshake = self.is_handshake();
        let [client, server] = &self.sides;
        if let Some(request) = &mut self.exchange.request {
            // Nothing that follows a handshake is its body.
            let (body, complete) = if handshake { (NO_BODY, true) } else { client.body() };
            request.message.end_body(body, complete);
            if let Some(tape) = &self.tape {
                let whole = complete && (body.bytes == 0 || body.hash.is_some());
                tape.tell(|wanted, exchange| wanted.body_ended(exchange, whole));
            }
        }
        if let Some(response) = &mut self.exchange.response {
            let (body, complete) = if self.websocket { (NO_BODY, true) } else { server.body() };
            response.message.end_body(body, complete);
        }
        let exchange =
            output.borrow_mut().tables().map(|builders| self.exchange.write(connection, |row| builders.exchange(row)));
        if let (true, Some(frames), Some(exchange)) = (self.websocket, self.frames, exchange) {
            frames.write(exchange, connection, ended, output);
        }
    }
}

const NO_BODY: Body = Body { bytes: 0, hash: None };

impl Side {
    /// What the body came to, and whether that is all of it.
    fn body(&self) -> (Body, bool) {
        let body = self.body.as_ref().map_or(NO_BODY, |body| Body { bytes: body.bytes(), hash: body.hash() });
        let hash = body.hash.filter(|_| !self.holed);
        (Body { hash, ..body }, self.ended && !self.holed)
    }
}
