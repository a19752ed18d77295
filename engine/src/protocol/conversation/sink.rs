//! Takes what the message readers of one connection find, gives it to the pairing; tells what is to be done next.

use super::message::Body;
use super::oddities::{Oddities, UNEXPECTED_BYTES};
use super::pairing::Pairing;
use crate::protocol::Stamp;
use crate::protocol::http1::{Completeness, HeadEvent, MessageKind, MessageSink, Next, defect};
use crate::protocol::websocket::answers;
use crate::stream::Direction;

/// A response where only requests are sent.
const RESPONSE_FROM_CLIENT: &str = "response-from-client";
/// A request where only responses are sent.
const REQUEST_FROM_SERVER: &str = "request-from-server";

/// The connection goes on in another protocol.
#[derive(Clone, Copy, Debug)]
pub(super) struct Switch {
    /// The position of the exchange that did it.
    pub(super) position: u32,
    /// When.
    pub(super) stamp: Stamp,
    pub(super) websocket: bool,
    /// Whether that is HTTP/2 over cleartext TCP (RFC 7540 §3.2), and where it begins is known.
    pub(super) h2c: bool,
    /// Whether permessage-deflate was agreed to; `None` where the head was cut off.
    pub(super) compression: Option<bool>,
    /// Whether the head's end was captured, so that it is known where the other protocol begins.
    pub(super) complete: bool,
}

/// Takes the client's messages.
pub(super) struct FromClient<'a> {
    pub(super) pairing: &'a mut Pairing,
    pub(super) oddities: &'a mut Oddities,
    /// The request whose answer tells how what follows it is to be read.
    pub(super) held: Option<u32>,
}

impl MessageSink for FromClient<'_> {
    fn head(&mut self, message: HeadEvent<'_>) -> Next {
        if message.kind != MessageKind::Request {
            self.oddities.add(Direction::Client, RESPONSE_FROM_CLIENT, message.first, None);
            return Next::NoBody;
        }
        let (position, framing) = self.pairing.request(&message);
        if message.completeness == Completeness::Complete && self.pairing.holds(position) {
            self.pairing.request_is_bodiless(position);
            self.held = Some(position);
            return Next::Hold;
        }
        Next::Body(framing.framing)
    }

    fn body(&mut self, bytes: &[u8]) {
        self.pairing.request_body_bytes(bytes);
    }

    fn body_end(&mut self, bytes: u64, hash: Option<u64>, _: Stamp, complete: bool) {
        self.pairing.request_body(Body { bytes, hash }, complete);
    }

    fn defect(&mut self, name: &'static str, stamp: Stamp) {
        note(self.pairing, self.oddities, Direction::Client, name, stamp);
    }

    fn lost(&mut self, bytes: u64, stamp: Stamp) {
        self.oddities.add(Direction::Client, UNEXPECTED_BYTES, stamp, Some(bytes));
    }
}

/// Takes the server's messages.
pub(super) struct FromServer<'a> {
    pub(super) pairing: &'a mut Pairing,
    pub(super) oddities: &'a mut Oddities,
    /// Whether the client is in the middle of its head, or has not come to its first one.
    pub(super) may_be_early: bool,
    pub(super) switch: Option<Switch>,
}

impl MessageSink for FromServer<'_> {
    fn head(&mut self, message: HeadEvent<'_>) -> Next {
        let head = &message.head;
        let Some(status) = head.status() else {
            self.oddities.add(Direction::Server, REQUEST_FROM_SERVER, message.first, None);
            return Next::NoBody;
        };
        if (100..200).contains(&status) && status != 101 {
            self.pairing.interim();
            return Next::NoBody;
        }
        let (position, framing) = self.pairing.answer(&message, self.may_be_early && status >= 400);
        if !framing.switches {
            return Next::Body(framing.framing);
        }
        let answer = answers(head);
        let asked = self.pairing.asks_websocket(position);
        let complete = message.completeness == Completeness::Complete;
        // A 101 without Upgrade is malformed (RFC 9110 §15.2.2); who asked for a WebSocket goes on with frames.
        let implied = asked && head.get(b"upgrade").is_none();
        self.switch = Some(Switch {
            position,
            stamp: message.last,
            h2c: status == 101 && complete && head.lists_token(b"upgrade", b"h2c"),
            websocket: status == 101 && (answer.upgrade || answer.accept.is_some() || implied),
            compression: (complete || answer.deflate.is_some()).then_some(answer.deflate.is_some()),
            complete,
        });
        Next::Hold
    }

    fn body_end(&mut self, bytes: u64, hash: Option<u64>, _: Stamp, complete: bool) {
        self.pairing.response_body(Body { bytes, hash }, complete);
    }

    fn defect(&mut self, name: &'static str, stamp: Stamp) {
        note(self.pairing, self.oddities, Direction::Server, name, stamp);
    }

    fn lost(&mut self, bytes: u64, stamp: Stamp) {
        self.oddities.add(Direction::Server, UNEXPECTED_BYTES, stamp, Some(bytes));
    }
}

fn note(pairing: &mut Pairing, oddities: &mut Oddities, sender: Direction, name: &'static str, stamp: Stamp) {
    // Told with the number of bytes when the next message is found.
    if name != defect::UNEXPECTED_BYTES && !pairing.message_defect(sender, name) {
        oddities.add(sender, name, stamp, None);
    }
}
