//! Takes handshake messages, in the clear and decrypted, gives what follows from them: the keys that come next.

use super::loss::UNKNOWN_LENGTH;
use super::{PlaintextSink, Session, Work};
use crate::protocol::tls::cursor::Cursor;
use crate::protocol::tls::early::Fate;
use crate::protocol::tls::hello::{EncryptedExtensions, ServerHello};
use crate::protocol::tls::negotiation::Negotiation;
use crate::protocol::tls::secrets::SessionKey;
use crate::protocol::tls::side::Epoch;
use crate::protocol::tls::{CLIENT_HELLO, SERVER_HELLO, TLS12};
use crate::stream::Direction;

/// RFC 8446 §4, RFC 5246 §7.4.
const HELLO_REQUEST: u8 = 0;
const NEW_SESSION_TICKET: u8 = 4;
const END_OF_EARLY_DATA: u8 = 5;
const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const FINISHED: u8 = 20;
const KEY_UPDATE: u8 = 24;

/// Type and length of a handshake message.
const MESSAGE_HEADER: usize = 4;

impl Session {
    /// The fragment of a handshake record.
    pub(super) fn messages<S: PlaintextSink>(&mut self, sender: Direction, fragment: &[u8], work: &mut Work<'_, S>) {
        let mut fragment = Cursor(fragment);
        while let Some(message) = self.side(sender).messages.next(&mut fragment) {
            self.message(sender, &message, work);
        }
    }

    fn message<S: PlaintextSink>(&mut self, sender: Direction, message: &[u8], work: &mut Work<'_, S>) {
        let Some((&[kind, ..], body)) = message.split_first_chunk::<MESSAGE_HEADER>() else {
            return;
        };
        let epoch = self.side(sender).epoch;
        match (kind, sender) {
            (CLIENT_HELLO, Direction::Client) => return self.client_hello(message, body, work),
            (SERVER_HELLO, Direction::Server) => return self.server_hello(message, body),
            // Something else is there before the hello: that was not captured, or this is no handshake.
            _ if epoch == Epoch::Clear && !self.has_hello(sender) && kind != HELLO_REQUEST => return self.give_up(),
            _ => {}
        }
        if self.negotiation.is_tls13() {
            return self.message13(sender, kind, body, work);
        }
        match (kind, sender) {
            (NEW_SESSION_TICKET, Direction::Server) => {
                // RFC 5077 §3.3: a lifetime of four bytes, then the ticket.
                let ticket = body.get(4..).and_then(|rest| Cursor(rest).vector());
                let ticket = ticket.filter(|ticket| !ticket.is_empty());
                self.negotiation.ticket = ticket.map(|ticket| SessionKey::Ticket(ticket.0).digest());
            }
            (CERTIFICATE | SERVER_KEY_EXCHANGE | SERVER_HELLO_DONE, Direction::Server) => self.negotiation.full = true,
            (CLIENT_KEY_EXCHANGE, Direction::Client) => {
                self.negotiation.full = true;
                return self.negotiation.key_exchanged(message, body);
            }
            _ => {}
        }
        // RFC 5246 §7.4.1.1: a HelloRequest is not part of the handshake.
        if kind != HELLO_REQUEST {
            self.negotiation.hash(message);
        }
    }

    /// Messages of TLS 1.3 after the hellos.
    fn message13<S: PlaintextSink>(&mut self, sender: Direction, kind: u8, body: &[u8], work: &mut Work<'_, S>) {
        match (kind, sender, self.side(sender).epoch) {
            (ENCRYPTED_EXTENSIONS, Direction::Server, Epoch::Handshake) => {
                let said = EncryptedExtensions::parse(body);
                if let Some(server) = &mut self.negotiation.server {
                    server.alpn = said.alpn;
                }
                self.decide_early(said.early_data, work);
            }
            (END_OF_EARLY_DATA, Direction::Client, Epoch::Early) => {
                self.decide_early(true, work);
                self.side(sender).enter(Epoch::Handshake, None);
            }
            (FINISHED, _, Epoch::Handshake) => self.side(sender).enter(Epoch::Application, None),
            (KEY_UPDATE, _, Epoch::Application) => self.key_update(sender, work.secrets),
            _ => {}
        }
    }

    fn client_hello<S: PlaintextSink>(&mut self, message: &[u8], body: &[u8], work: &mut Work<'_, S>) {
        let offers_early_data = self.offers_early_data();
        let next = Negotiation::begun(message, body, work.secrets);
        let last = std::mem::replace(&mut self.negotiation, next);
        if last.server.as_ref().is_some_and(|server| !server.retry) && self.first.is_none() {
            self.first = Some(Box::new(last));
        } else if let Some(client) = &mut self.negotiation.client {
            // RFC 8446 §4.1.2: not in the second one, although it may still be under way.
            client.early_data |= offers_early_data;
        }
    }

    fn server_hello(&mut self, message: &[u8], body: &[u8]) {
        let hello = ServerHello::parse(body);
        // Too short to tell a suite; this number is never chosen (RFC 5246 §A.5).
        if hello.malformed && hello.cipher_suite == 0 {
            return self.give_up();
        }
        // RFC 8446 §4.2.10: either rejects early data.
        if hello.retry || !hello.pre_shared_key {
            self.reject_early();
        }
        let (retry, malformed) = (hello.retry, hello.malformed);
        self.negotiation.chosen(message, hello);
        if retry || malformed {
            return;
        }
        if self.negotiation.is_tls13() {
            let early = self.offers_early_data();
            self.side(Direction::Server).enter(Epoch::Handshake, None);
            let client = self.side(Direction::Client);
            match client.epoch {
                Epoch::Clear if early => client.enter(Epoch::Early, None),
                Epoch::Clear => client.enter(Epoch::Handshake, None),
                _ => {}
            }
        }
    }

    /// RFC 5246 §7.1: the sender's next record is sealed with what was agreed on. TLS 1.3 gives it no meaning (RFC 8446 §5).
    pub(super) fn change_cipher_spec(&mut self, sender: Direction) {
        match self.negotiation.version() {
            Some(TLS12) if self.negotiation.protection().is_some() => {
                self.negotiation.changed |= sender == Direction::Server;
                self.side(sender).enter(Epoch::Protected, None);
            }
            // A client that tries early data sends it at once (RFC 8446 §D.4).
            _ if self.negotiation.is_tls13() || self.offers_early_data() => {}
            Some(_) => self.side(sender).close(),
            None => self.give_up(),
        }
    }

    fn has_hello(&self, sender: Direction) -> bool {
        match sender {
            Direction::Client => self.negotiation.client.is_some(),
            Direction::Server => self.negotiation.server.is_some(),
        }
    }

    pub(super) fn offers_early_data(&self) -> bool {
        self.negotiation.client.as_ref().is_some_and(|client| client.early_data)
    }

    fn reject_early(&mut self) {
        self.early.fate = Fate::Rejected;
        self.early.take();
    }

    /// Early data, which counts if the server accepts it.
    pub(super) fn early_data<S: PlaintextSink>(&mut self, content: &[u8], work: &mut Work<'_, S>) {
        match self.early.fate {
            Fate::Accepted => self.application_data(Direction::Client, content, work),
            Fate::Undecided => self.early.hold(content, work.stamp),
            Fate::Rejected => {}
        }
    }

    fn decide_early<S: PlaintextSink>(&mut self, accepted: bool, work: &mut Work<'_, S>) {
        if self.early.fate != Fate::Undecided {
            return;
        }
        if !accepted {
            return self.reject_early();
        }
        self.early.fate = Fate::Accepted;
        let client = &self.sides[Direction::Client as usize];
        if self.early.overflown || (client.epoch == Epoch::Early && client.unread > 0) {
            self.owe(Direction::Client, UNKNOWN_LENGTH, None, work);
        }
        let stamp = work.stamp;
        for (content, stamp) in self.early.take() {
            work.stamp = stamp;
            self.side(Direction::Client).reads = true;
            self.application_data(Direction::Client, &content, work);
        }
        work.stamp = stamp;
    }
}
