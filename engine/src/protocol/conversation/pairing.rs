//! Takes requests and responses of one connection in causal order, gives exchanges: which response answers which request.
//!
//! HTTP/1.x has no numbers: responses come in the order of their requests (RFC 9112 §9.3.2). Where a hole in the server's
//! stream may have hidden some, an answer is given to a request only if it can be no other's.

use std::collections::VecDeque;

use super::exchange::Exchange;
use super::message::Body;
use super::output::{Shared, Tape};
use super::request::{Method, Request};
use super::response::Response;
use crate::protocol::Stamp;
use crate::protocol::http1::{Completeness, FramingDecision, HeadEvent, request_framing, response_framing};
use crate::stream::Direction;

/// The most requests that wait for an answer on one connection. Pipelining clients send some tens; more means that the
/// server's side is not in the capture.
const MAX_PENDING: usize = 1024;

/// Given up when more than `MAX_PENDING` wait.
const PENDING_LIMIT: &str = "pending-limit";
/// The response came after a hole in the server's stream: it is this request's if the client waits for answers.
const RESPONSE_AFTER_GAP: &str = "response-after-gap";
/// A hole in the server's stream hides which response answers this request.
const ORDER_UNKNOWN: &str = "order-unknown";

/// The shortest head of a response: `HTTP/1.1 200` and two line ends. A smaller hole hides none.
const MIN_RESPONSE_HEAD: u64 = 16;

/// Responses may be missing since here.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    bytes: u64,
    /// The last request that may have been answered there.
    until: u32,
}

/// Whose body a direction is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// None that matters, such as that of an interim response.
    None,
    Of(u32),
}

/// The exchanges of one connection.
#[derive(Debug)]
pub(super) struct Pairing {
    connection: u32,
    output: Shared,
    /// In order of position.
    open: VecDeque<Exchange>,
    next: u32,
    receiving: Reading,
    /// Of the request whose body is received.
    tape: Option<Tape>,
    answering: Reading,
    /// Answered before its request's head was complete.
    early: Option<u32>,
    doubt: Option<Doubt>,
    /// Whether a request was ever sent while another one waited.
    pipelines: bool,
    /// How many responses may still come for requests that were given up.
    owed: u32,
}

impl Pairing {
    pub(super) fn new(connection: u32, output: Shared) -> Self {
        Self {
            connection,
            output,
            open: VecDeque::new(),
            next: 0,
            receiving: Reading::None,
            tape: None,
            answering: Reading::None,
            early: None,
            doubt: None,
            pipelines: false,
            owed: 0,
        }
    }

    /// How many exchanges there were.
    pub(super) fn count(&self) -> u32 {
        self.next
    }

    fn get(&self, position: u32) -> Option<&Exchange> {
        self.open.get(self.index(position)?)
    }

    /// Whether a response to the exchange at `position` may still come.
    pub(super) fn waits(&self, position: u32) -> bool {
        self.get(position).is_some_and(Exchange::waits)
    }

    /// Whether what follows the head of the request at `position` depends on the answer.
    pub(super) fn holds(&self, position: u32) -> bool {
        self.request_at(position).is_some_and(|request| request.holds)
    }

    /// Whether the request at `position` asks for a WebSocket.
    pub(super) fn asks_websocket(&self, position: u32) -> bool {
        self.request_at(position).is_some_and(|request| request.asks_websocket == Some(true))
    }

    /// Whether the request at `position` offers permessage-deflate.
    pub(super) fn offers_deflate(&self, position: u32) -> bool {
        self.request_at(position).is_some_and(|request| request.offers_deflate)
    }

    /// Whether a hole in the server's stream may hide the response to the request at `position`.
    pub(super) fn is_hidden(&self, position: u32) -> bool {
        self.get(position).is_some_and(|exchange| exchange.waits() && exchange.hidden)
    }

    fn request_at(&self, position: u32) -> Option<&Request> {
        self.get(position)?.request.as_ref()
    }

    fn get_mut(&mut self, position: u32) -> Option<&mut Exchange> {
        let index = self.index(position)?;
        self.open.get_mut(index)
    }

    fn index(&self, position: u32) -> Option<usize> {
        self.open.binary_search_by_key(&position, |exchange| exchange.position).ok()
    }

    fn open_new(&mut self) -> u32 {
        if self.open.len() >= MAX_PENDING
            && let Some(mut oldest) = self.open.pop_front()
        {
            oldest.add_defect(PENDING_LIMIT);
            self.write(&oldest);
        }
        let position = self.next;
        self.next = position.saturating_add(1);
        self.open.push_back(Exchange::new(position));
        position
    }

    /// A request's head; gives its position, and how its body ends.
    pub(super) fn request(&mut self, event: &HeadEvent<'_>) -> (u32, FramingDecision) {
        let framing = request_framing(&event.head);
        let request = Request::new(event, framing);
        self.pipelines |= self.doubt.is_none() && self.open.iter().any(|exchange| exchange.waits());
        let position = match self.early.take() {
            Some(position) if self.index(position).is_some() => position,
            _ => self.open_new(),
        };
        self.output.borrow_mut().head((self.connection, position), Direction::Client, event.head.raw());
        let complete = event.completeness == Completeness::Complete;
        self.receiving = if complete { Reading::Of(position) } else { Reading::None };
        self.tape = Tape::of((self.connection, position), &self.output).filter(|_| complete);
        if let Some(exchange) = self.get_mut(position) {
            exchange.request = Some(request);
            // Of a request whose head is not complete no more is known.
            exchange.request_done = !complete;
        }
        self.settle(position);
        (position, framing)
    }

    /// More of a request's body, as it is on the wire.
    pub(super) fn request_body_bytes(&self, bytes: &[u8]) {
        if let Some(tape) = &self.tape {
            tape.tell(|wanted, exchange| wanted.body(exchange, bytes));
        }
    }

    /// A request's body ended.
    pub(super) fn request_body(&mut self, body: Body, complete: bool) {
        if let Some(tape) = self.tape.take() {
            // Without a hash some of it is missing.
            let whole = complete && (body.bytes == 0 || body.hash.is_some());
            tape.tell(|wanted, exchange| wanted.body_ended(exchange, whole));
        }
        if let Reading::Of(position) = std::mem::replace(&mut self.receiving, Reading::None)
            && let Some(exchange) = self.get_mut(position)
        {
            exchange.request_done = true;
            if let Some(request) = &mut exchange.request {
                request.message.end_body(body, complete);
            }
            self.settle(position);
        }
    }

    /// What follows the head of the request at `position` is not its body.
    pub(super) fn request_is_bodiless(&mut self, position: u32) {
        self.receiving = Reading::Of(position);
        self.request_body(Body { bytes: 0, hash: None }, true);
    }

    /// An interim response (RFC 9110 §15.2).
    pub(super) fn interim(&mut self) {
        self.answering = Reading::None;
        if let Some(exchange) = self.open.iter_mut().find(|exchange| exchange.waits()) {
            exchange.interim = exchange.interim.saturating_add(1);
        }
    }

    /// A final response's head; gives the exchange's position, and how the body ends. `may_be_early`: it refuses a request
    /// of which nothing or not all of the head has been seen yet.
    pub(super) fn answer(&mut self, event: &HeadEvent<'_>, may_be_early: bool) -> (u32, FramingDecision) {
        let position = match self.answered_by(event.first) {
            Some(position) => position,
            None => {
                let position = self.open_new();
                if may_be_early && self.early.is_none() {
                    // Such as 408 or 431, or 400 to a PROXY header: the client takes it for the answer.
                    self.early = Some(position);
                } else if let Some(orphan) = self.get_mut(position) {
                    orphan.request_done = true;
                    if self.owed > 0 {
                        self.owed -= 1;
                        self.add_defect(position, RESPONSE_AFTER_GAP);
                    }
                }
                position
            }
        };
        self.output.borrow_mut().head((self.connection, position), Direction::Server, event.head.raw());
        let complete = event.completeness == Completeness::Complete;
        self.answering = if complete { Reading::Of(position) } else { Reading::None };
        let Some(exchange) = self.get_mut(position) else {
            return (position, response_framing(&event.head, None));
        };
        let method = exchange.request.as_ref().map(|request| request.method);
        let framing = response_framing(&event.head, method.map(Method::bytes));
        exchange.response = Some(Response::new(event, framing.defects, exchange.request.as_ref()));
        exchange.response_done = !complete && !framing.switches;
        exchange.hidden = false;
        self.settle(position);
        (position, framing)
    }

    /// The request that was refused before its head was complete is not in the capture.
    pub(super) fn forget_early(&mut self) {
        if let Some(position) = self.early.take()
            && let Some(exchange) = self.get_mut(position)
        {
            exchange.request_done = true;
            self.settle(position);
        }
    }

    /// A response's body ended.
    pub(super) fn response_body(&mut self, body: Body, complete: bool) {
        if let Reading::Of(position) = std::mem::replace(&mut self.answering, Reading::None)
            && let Some(exchange) = self.get_mut(position)
        {
            exchange.response_done = true;
            if let Some(response) = &mut exchange.response {
                response.message.end_body(body, complete);
            }
            self.settle(position);
        }
    }

    /// What follows the head of the response at `position` is another protocol: the exchange is over. Gives its row.
    pub(super) fn switched(&mut self, position: u32) -> Option<usize> {
        self.receiving = Reading::None;
        self.answering = Reading::None;
        let index = self.index(position)?;
        let mut exchange = self.open.remove(index)?;
        if let Some(response) = &mut exchange.response
            && response.message.completeness == Completeness::Complete
        {
            response.message.end_body(Body { bytes: 0, hash: None }, true);
        }
        self.write(&exchange)
    }

    /// Adds a defect to the exchange at `position`.
    pub(super) fn add_defect(&mut self, position: u32, name: &'static str) {
        if let Some(exchange) = self.get_mut(position) {
            exchange.add_defect(name);
        }
    }

    /// What is odd in the message whose body is being read, if there is one; `false` if there is none.
    pub(super) fn message_defect(&mut self, sender: Direction, name: &'static str) -> bool {
        let reading = match sender {
            Direction::Client => self.receiving,
            Direction::Server => self.answering,
        };
        let Reading::Of(position) = reading else {
            return false;
        };
        let Some(exchange) = self.get_mut(position) else {
            return false;
        };
        let message = match sender {
            Direction::Client => exchange.request.as_mut().map(|request| &mut request.message),
            Direction::Server => exchange.response.as_mut().map(|response| &mut response.message),
        };
        message.is_some_and(|message| {
            message.defects.add(name);
            true
        })
    }

    /// Bytes of the server are missing where a response may have begun; `noticed` is where that was found.
    pub(super) fn hole(&mut self, bytes: u64, noticed: Stamp) {
        let waiting = self.open.iter_mut().filter(|exchange| exchange.waits());
        // What was asked after the hole has no answer in it.
        for exchange in waiting.filter(|exchange| exchange.begun() <= noticed.time) {
            exchange.hidden = true;
            let before = self.doubt.map_or(0, |doubt| doubt.bytes);
            self.doubt = Some(Doubt { bytes: before, until: exchange.position });
        }
        if let Some(doubt) = &mut self.doubt {
            doubt.bytes = doubt.bytes.saturating_add(bytes);
        }
    }

    /// The exchange that a response which began at `first` answers, if it can be told.
    fn answered_by(&mut self, first: Stamp) -> Option<u32> {
        let waiting = || self.open.iter().filter(|exchange| exchange.waits());
        let oldest = waiting().next()?.position;
        let doubt = self.doubt.take().filter(|doubt| doubt.bytes >= MIN_RESPONSE_HEAD && doubt.until >= oldest);
        let Some(doubt) = doubt else {
            if self.owed > 0 {
                self.add_defect(oldest, RESPONSE_AFTER_GAP);
            }
            return Some(oldest);
        };
        let hidden = waiting().filter(|exchange| exchange.position <= doubt.until).count();
        // A request that came after the response began is not answered by it.
        let mut later =
            waiting().filter(|exchange| exchange.position > doubt.until && exchange.asked().time <= first.time);
        let answered = match (hidden, later.next().map(|exchange| exchange.position), later.next()) {
            (1, None, _) if !self.pipelines => oldest,
            // A client that waits for answers had one in the hole before it asked again.
            (1, Some(next), None) if !self.pipelines => next,
            _ => {
                self.give_up(first);
                return None;
            }
        };
        self.end_before(answered);
        self.add_defect(answered, RESPONSE_AFTER_GAP);
        Some(answered)
    }

    /// The requests before `position` that wait will get no answer any more.
    fn end_before(&mut self, position: u32) {
        for exchange in
            self.open.iter_mut().take_while(|exchange| exchange.position < position).filter(|exchange| exchange.waits())
        {
            exchange.response_done = true;
        }
        self.settle_all();
    }

    /// Nobody can tell which of the waiting requests is answered: none of them is.
    fn give_up(&mut self, first: Stamp) {
        let mut given_up: u32 = 0;
        for exchange in self.open.iter_mut().filter(|exchange| exchange.waits() && exchange.asked().time <= first.time)
        {
            exchange.hidden = true;
            exchange.response_done = true;
            exchange.add_defect(ORDER_UNKNOWN);
            given_up = given_up.saturating_add(1);
        }
        // The response at hand is one of theirs.
        self.owed = self.owed.saturating_add(given_up);
        self.settle_all();
    }

    /// Writes the exchange at `position`, if it is over.
    fn settle(&mut self, position: u32) {
        if let Some(index) = self.index(position)
            && self.open.get(index).is_some_and(Exchange::is_over)
            && let Some(exchange) = self.open.remove(index)
        {
            self.write(&exchange);
        }
    }

    fn settle_all(&mut self) {
        let (over, open) = std::mem::take(&mut self.open).into_iter().partition(Exchange::is_over);
        self.open = open;
        let over: VecDeque<Exchange> = over;
        for exchange in over {
            self.write(&exchange);
        }
    }

    /// The connection is over: writes what is open.
    pub(super) fn finish(&mut self) {
        for exchange in std::mem::take(&mut self.open) {
            self.write(&exchange);
        }
    }

    /// Gives the row.
    fn write(&self, exchange: &Exchange) -> Option<usize> {
        let mut output = self.output.borrow_mut();
        let builders = output.tables()?;
        Some(exchange.write(self.connection, |row| builders.exchange(row)))
    }
}
