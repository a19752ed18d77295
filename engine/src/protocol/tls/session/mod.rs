//! Takes both directions of one TLS connection in any pieces, gives its plaintext in order, and what is known of it.
//!
//! `open` finds the keys of a record, `handshake` follows the messages that change them, `loss` goes on after holes, `facts`
//! tells what was seen.

mod facts;
mod handshake;
mod loss;
mod open;

pub use loss::UNKNOWN_LENGTH;

use super::alerts::Alerts;
use super::cursor::Cursor;
use super::early::Early;
use super::negotiation::Negotiation;
use super::record::{Piece, Record};
use super::secrets::Secrets;
use super::side::{Epoch, Side};
use super::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, MAX_FRAGMENT};
use crate::protocol::Stamp;
use crate::stream::{Direction, Gap};

/// Takes what a connection carries, in order.
pub trait PlaintextSink {
    /// Bytes that follow those given before. `stamp` is that of the packet in which their record became whole.
    fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp);

    /// Bytes are missing here; `UNKNOWN_LENGTH` of them where nobody can tell.
    fn gap(&mut self, sender: Direction, gap: Gap);
}

/// One connection.
#[derive(Default)]
pub struct Session {
    sides: [Side; 2],
    /// The handshake that the keys come from.
    negotiation: Negotiation,
    /// The connection's first one, where there was another.
    first: Option<Box<Negotiation>>,
    early: Early,
    alerts: Alerts,
    /// Whether hello messages are not there.
    lost: bool,
}

/// What is at hand while bytes are read.
struct Work<'a, S> {
    secrets: &'a mut Secrets,
    sink: &'a mut S,
    stamp: Stamp,
}

impl Session {
    /// A connection of which nothing was seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of `sender` that follow those given before.
    pub fn data(
        &mut self,
        sender: Direction,
        bytes: &[u8],
        stamp: Stamp,
        secrets: &mut Secrets,
        sink: &mut impl PlaintextSink,
    ) {
        if self.side(sender).closed {
            return;
        }
        let mut scratch = std::mem::take(&mut secrets.scratch);
        scratch.resize(MAX_FRAGMENT.into(), 0);
        let mut work = Work { secrets, sink, stamp };
        // What a search leaves over is read in turn.
        let mut left_over = self.feed(sender, bytes, &mut scratch, &mut work);
        while let Some(bytes) = left_over {
            left_over = self.feed(sender, &bytes, &mut scratch, &mut work);
        }
        self.side(sender).last = Some(stamp.time);
        work.secrets.scratch = scratch;
    }

    /// Bytes of `sender` are missing.
    pub fn gap(&mut self, sender: Direction, gap: Gap, secrets: &mut Secrets, sink: &mut impl PlaintextSink) {
        let mut work = Work { secrets, sink, stamp: gap.stamp };
        self.lose(sender, gap, &mut work);
    }

    /// No more bytes of `sender` will come.
    pub fn end(&mut self, sender: Direction, secrets: &mut Secrets, sink: &mut impl PlaintextSink) {
        let stamp = Stamp { frame: 0, time: self.side(sender).last.unwrap_or_default() };
        let mut work = Work { secrets, sink, stamp };
        self.finish(sender, &mut work);
        self.side(sender).close();
    }

    /// Whether anything can still be read: where it says `false`, bytes cost nothing.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.sides.iter().any(|side| !side.closed)
    }

    /// Whether what `sender` says cannot be read, as far as that is known by now: there are no keys for it, or they do not fit.
    #[must_use]
    pub fn is_unread(&mut self, sender: Direction, secrets: &Secrets) -> bool {
        let Side { reads, blind, failed, .. } = self.sides[sender as usize];
        !reads && (failed || (blind && !self.has_keys(sender, secrets)))
    }

    fn side(&mut self, sender: Direction) -> &mut Side {
        &mut self.sides[sender as usize]
    }

    /// Gives bytes that were held, and are to be read next.
    fn feed<S: PlaintextSink>(
        &mut self,
        sender: Direction,
        bytes: &[u8],
        scratch: &mut [u8],
        work: &mut Work<'_, S>,
    ) -> Option<Vec<u8>> {
        let mut rest = Cursor(bytes);
        loop {
            let side = self.side(sender);
            if side.closed {
                return None;
            }
            if side.search.is_some() {
                return self.search(sender, rest.0, scratch, work);
            }
            match side.records.next(&mut rest) {
                None => return None,
                Some(Piece::Whole(record)) => {
                    if let Some(record) = Record::of(&record) {
                        self.record(sender, record, scratch, work);
                    }
                }
                Some(Piece::Garbage) => self.lose_track(sender, work),
            }
        }
    }

    fn record<S: PlaintextSink>(
        &mut self,
        sender: Direction,
        record: Record<'_>,
        scratch: &mut [u8],
        work: &mut Work<'_, S>,
    ) {
        let clear = match self.side(sender).epoch {
            Epoch::Clear => true,
            Epoch::Protected => false,
            // RFC 8446 §5: ChangeCipherSpec, which means nothing; §5.2: what is sealed has another type outside.
            Epoch::Early | Epoch::Handshake | Epoch::Application => match record.kind {
                CHANGE_CIPHER_SPEC => record.fragment == [1],
                ALERT => record.fragment.len() == 2,
                // RFC 8446 §4.1.2: a second ClientHello, after early data that was rejected.
                HANDSHAKE => self.side(sender).epoch == Epoch::Early,
                _ => false,
            },
        };
        if clear {
            self.clear(sender, record, scratch, work);
        } else {
            self.protected(sender, record, scratch, work);
        }
    }

    /// A record that is not protected.
    fn clear<S: PlaintextSink>(
        &mut self,
        sender: Direction,
        record: Record<'_>,
        scratch: &mut [u8],
        work: &mut Work<'_, S>,
    ) {
        match record.kind {
            HANDSHAKE => self.messages(sender, record.fragment, work),
            ALERT => self.alerts.add(sender, record.fragment),
            CHANGE_CIPHER_SPEC => self.change_cipher_spec(sender),
            APPLICATION_DATA if sender == Direction::Client && self.offers_early_data() => {
                self.side(sender).enter(Epoch::Early, None);
                self.protected(sender, record, scratch, work);
            }
            // A HelloRetryRequest told the version and the suite; the ServerHello was lost.
            APPLICATION_DATA if self.negotiation.is_tls13() => {
                self.side(sender).enter(Epoch::Handshake, None);
                self.protected(sender, record, scratch, work);
            }
            APPLICATION_DATA => self.give_up(),
            _ => {}
        }
    }

    fn protected<S: PlaintextSink>(
        &mut self,
        sender: Direction,
        record: Record<'_>,
        scratch: &mut [u8],
        work: &mut Work<'_, S>,
    ) {
        let Some(opened) = self.open(sender, record, 0, scratch, work.secrets) else {
            return self.unread(sender, record, work);
        };
        self.tell_skipped(sender, &opened, None, work);
        if let Some(content) = scratch.get(..opened.length) {
            self.content(sender, record.kind, content, work);
        }
    }

    /// What a protected record holds.
    fn content<S: PlaintextSink>(&mut self, sender: Direction, kind: u8, content: &[u8], work: &mut Work<'_, S>) {
        let epoch = self.side(sender).epoch;
        let (kind, content) = if epoch == Epoch::Protected {
            (kind, content)
        } else {
            // RFC 8446 §5.4: zeros may follow the content's type.
            let end = content.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            (content.get(end).copied().unwrap_or(0), content.get(..end).unwrap_or_default())
        };
        match kind {
            APPLICATION_DATA if epoch == Epoch::Early => self.early_data(content, work),
            // RFC 8446 §5: none before the handshake is over.
            APPLICATION_DATA if epoch == Epoch::Handshake => {}
            APPLICATION_DATA => self.application_data(sender, content, work),
            HANDSHAKE => self.messages(sender, content, work),
            ALERT => self.alerts.add(sender, content),
            CHANGE_CIPHER_SPEC if epoch == Epoch::Protected => self.change_cipher_spec(sender),
            _ => {}
        }
    }

    fn application_data<S: PlaintextSink>(&mut self, sender: Direction, content: &[u8], work: &mut Work<'_, S>) {
        if content.is_empty() {
            return;
        }
        self.side(sender).carried = true;
        self.settle(work);
        self.side(sender).told = false;
        work.sink.data(sender, content, work.stamp);
    }

    /// What the hello messages agree on is not known, or never will be.
    fn give_up(&mut self) {
        self.lost |= self.negotiation.client.is_none() || self.negotiation.server.is_none();
        self.sides.iter_mut().for_each(Side::close);
    }
}
