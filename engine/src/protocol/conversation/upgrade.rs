//! Takes a request for an upgrade and what came of it, gives the protocol that the connection goes on with.

use super::frames::Frames;
use super::hold::{Hold, Piece};
use super::http::{Http, Reading, message_reader};
use super::http2::Http2;
use super::oddities::Oddities;
use super::output::{Shared, Tape};
use super::sink::{FromClient, Switch};
use crate::protocol::http1::{Looks, Next, looks_like_start};
use crate::protocol::websocket::{Role, looks_like_frames};
use crate::protocol::{GapCause, Stamp};
use crate::stream::{Direction, Gap};

/// More came after a request for an upgrade than is kept until it is answered.
const HELD_LIMIT: &str = "held-limit";
/// No answer to the handshake was captured, but frames followed.
const WEBSOCKET_PRESUMED: &str = "websocket-presumed";

impl Http {
    /// What is held is read as HTTP: the request was refused, or the client does not wait.
    pub(super) fn release(&mut self, oddities: &mut Oddities) {
        let Some(mut hold) = self.hold.take() else {
            return;
        };
        if hold.given_up() > 0 || matches!(self.client.reading, Reading::Frames) {
            self.frames = None;
            self.client.reading = Reading::Messages(Box::new(message_reader(false, true)));
        } else if let Reading::Messages(reader) = &mut self.client.reading {
            let mut sink = FromClient { pairing: &mut self.pairing, oddities, held: None };
            reader.resume(Next::NoBody, &mut sink);
        }
        self.replay(hold.take(), oddities);
    }

    /// Releases what is held, and tells that the client's stream ended, if it did.
    fn release_to_end(&mut self, oddities: &mut Oddities) {
        self.release(oddities);
        if self.hold.is_none() && std::mem::take(&mut self.client_ended) {
            self.end(Direction::Client, oddities);
        }
    }

    pub(super) fn release_if_answered(&mut self, oddities: &mut Oddities) {
        if self.hold.as_ref().is_some_and(|hold| !self.pairing.waits(hold.position)) {
            self.release_to_end(oddities);
        }
    }

    fn replay(&mut self, pieces: Vec<Piece>, oddities: &mut Oddities) {
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes, stamp) => self.data(Direction::Client, &bytes, stamp, oddities),
                Piece::Gap(gap) => self.gap(Direction::Client, gap, oddities),
            }
        }
    }

    /// There is more than is kept: the client does not wait. It is read as frames, if it looks like frames.
    pub(super) fn hold_too_much(&mut self) {
        let Some(hold) = &mut self.hold else {
            return;
        };
        self.pairing.add_defect(hold.position, HELD_LIMIT);
        if !hold.resembles_frames() {
            hold.give_up();
            return;
        }
        let mut frames = Frames::new(Tape::of((self.connection, hold.position), &self.output));
        frames.note_early();
        feed(&mut frames, hold.take());
        self.frames = Some(Box::new(frames));
        self.client.reading = Reading::Frames;
    }

    /// The server has switched protocols.
    pub(super) fn switch(&mut self, switch: Switch, oddities: &mut Oddities) {
        let offered = self.pairing.offers_deflate(switch.position);
        let exchange = self.pairing.switched(switch.position);
        if switch.websocket {
            self.opened_by = exchange;
            self.open(switch.position, Some(switch.stamp), switch.compression, offered);
            if let Some(frames) = self.frames.as_mut().filter(|_| !switch.complete) {
                frames.lose(Direction::Server, 0);
            }
        } else {
            let hold = self.hold.take();
            self.frames = None;
            self.client.reading = Reading::Opaque;
            self.server.reading = Reading::Opaque;
            if switch.h2c {
                self.go_on_with_http2(hold, switch.stamp, oddities);
            }
        }
    }

    /// Both directions are HTTP/2 from here on (RFC 7540 §3.2).
    fn go_on_with_http2(&mut self, hold: Option<Hold>, stamp: Stamp, oddities: &mut Oddities) {
        let mut http2 = Http2::upgraded(self.connection, self.pairing.count(), Shared::clone(&self.output));
        if let Some(mut hold) = hold {
            if hold.given_up() > 0 {
                let gap = Gap { length: hold.given_up(), cause: GapCause::Missing, since: None, stamp };
                http2.gap(Direction::Client, gap, oddities);
            }
            for piece in hold.take() {
                match piece {
                    Piece::Bytes(bytes, stamp) => http2.data(Direction::Client, &bytes, stamp, oddities),
                    Piece::Gap(gap) => http2.gap(Direction::Client, gap, oddities),
                }
            }
        }
        if self.client_ended {
            http2.end(Direction::Client, oddities);
        }
        self.http2 = Some(Box::new(http2));
    }

    /// Both directions are frames from here on, by the exchange at `position`.
    fn open(&mut self, position: u32, opened: Option<Stamp>, compression: Option<bool>, offered: bool) {
        let tape = || Tape::of((self.connection, position), &self.output);
        let mut frames = self.frames.take().unwrap_or_else(|| Box::new(Frames::new(tape())));
        frames.open(opened, compression, offered);
        if let Some(mut hold) = self.hold.take()
            && !hold.is_empty()
        {
            frames.note_early();
            if hold.given_up() > 0 {
                frames.lose(Direction::Client, hold.given_up());
            }
            feed(&mut frames, hold.take());
        }
        if self.client_ended {
            frames.end(Direction::Client);
        }
        self.frames = Some(frames);
        self.client.reading = Reading::Frames;
        self.server.reading = Reading::Frames;
        self.websocket = true;
    }

    /// Whether the server sends frames, though its answer to the handshake is hidden by a hole.
    pub(super) fn may_presume(&self, bytes: &[u8]) -> bool {
        self.handshake_is_hidden() && looks_like_start(bytes) == Looks::No && looks_like_frames(bytes, Role::Server)
    }

    fn handshake_is_hidden(&self) -> bool {
        self.hold
            .as_ref()
            .is_some_and(|hold| self.pairing.is_hidden(hold.position) && self.pairing.asks_websocket(hold.position))
    }

    /// The handshake was accepted, although that was not captured.
    pub(super) fn presume(&mut self) {
        let Some(position) = self.hold.as_ref().map(|hold| hold.position) else {
            return;
        };
        self.pairing.add_defect(position, WEBSOCKET_PRESUMED);
        let offered = self.pairing.offers_deflate(position);
        self.opened_by = self.pairing.switched(position);
        self.open(position, None, None, offered);
    }

    /// Nothing more comes that could tell how what is held is to be read.
    pub(super) fn settle_hold(&mut self, oddities: &mut Oddities) {
        // What is released may hold another request for an upgrade; each time there is less.
        while let Some(hold) = &self.hold {
            let frames = hold.resembles_frames() || matches!(self.client.reading, Reading::Frames);
            if frames && self.handshake_is_hidden() {
                self.presume();
            } else {
                self.release_to_end(oddities);
            }
        }
    }
}

fn feed(frames: &mut Frames, pieces: Vec<Piece>) {
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes, stamp) => frames.data(Direction::Client, &bytes, stamp),
            Piece::Gap(gap) => frames.gap(Direction::Client, gap),
        }
    }
}
