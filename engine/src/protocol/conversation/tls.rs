//! Takes both directions of a TLS connection, reads what it carries as far as the keys allow.

use std::sync::{MutexGuard, PoisonError};

use super::oddities::Oddities;
use super::spoken::Spoken;
use super::{SharedSecrets, opposite};
use crate::protocol::tls::{PlaintextSink, Secrets, Session, UNKNOWN_LENGTH};
use crate::protocol::{GapCause, Stamp};
use crate::stream::{Direction, Facts, Gap};

/// What a connection carried and could not be decrypted, although other parts of it could.
const UNDECRYPTED: &str = "undecrypted";

/// One TLS connection.
pub(super) struct Tls {
    pub(super) session: Session,
    secrets: SharedSecrets,
    pub(super) inside: Spoken,
    /// Stamp of the last plaintext or hole.
    last: Stamp,
    /// Of each direction the hole of unknown length that nothing has followed yet.
    hidden: [Option<Gap>; 2],
}

impl Tls {
    /// `inside` reads what is decrypted.
    pub(super) fn new(secrets: SharedSecrets, inside: Spoken) -> Self {
        Self { session: Session::new(), secrets, inside, last: Stamp::default(), hidden: [None; 2] }
    }

    /// Bytes of `sender`.
    pub(super) fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp, oddities: &mut Oddities) {
        if !self.session.is_reading() {
            return;
        }
        let mut secrets = lock(&self.secrets);
        let unread = self.session.is_unread(opposite(sender), &secrets);
        let Self { session, inside, last, hidden, .. } = self;
        session.data(
            sender,
            bytes,
            stamp,
            &mut secrets,
            &mut Inside { spoken: inside, oddities, last, hidden, unread },
        );
    }

    /// Bytes of `sender` are missing.
    pub(super) fn gap(&mut self, sender: Direction, gap: Gap, oddities: &mut Oddities) {
        let Self { session, inside, last, hidden, secrets } = self;
        let mut sink = Inside { spoken: inside, oddities, last, hidden, unread: false };
        session.gap(sender, gap, &mut lock(secrets), &mut sink);
    }

    /// The stream of `sender` ended.
    pub(super) fn end(&mut self, sender: Direction, oddities: &mut Oddities) {
        let Self { session, inside, last, hidden, secrets } = self;
        let mut sink = Inside { spoken: inside, oddities, last, hidden, unread: false };
        session.end(sender, &mut lock(secrets), &mut sink);
        inside.end(sender, *last, oddities);
    }

    /// Whether bytes still matter.
    pub(super) fn is_reading(&self) -> bool {
        self.session.is_reading()
    }

    /// The connection is over: writes what is left.
    pub(super) fn finish(&mut self, facts: &Facts, oddities: &mut Oddities) {
        self.inside.finish(facts, oddities);
    }
}

fn lock(secrets: &SharedSecrets) -> MutexGuard<'_, Secrets> {
    secrets.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the decrypted bytes go to.
struct Inside<'a> {
    spoken: &'a mut Spoken,
    oddities: &'a mut Oddities,
    last: &'a mut Stamp,
    hidden: &'a mut [Option<Gap>; 2],
    /// Whether what the other direction says cannot be read.
    unread: bool,
}

impl PlaintextSink for Inside<'_> {
    fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp) {
        *self.last = stamp;
        // Who opened the connection is known here, and TLS within TLS is not read.
        self.spoken.data(sender, bytes, stamp, self.oddities);
        self.hidden[sender as usize] = None;
        // What answers this goes by unread, too.
        let other = opposite(sender);
        if self.hidden[other as usize].is_some() || self.unread {
            let gap = Gap { length: UNKNOWN_LENGTH, cause: GapCause::Missing, since: None, stamp };
            self.spoken.gap(other, self.hidden[other as usize].map_or(gap, |gap| Gap { stamp, ..gap }), self.oddities);
        }
    }

    fn gap(&mut self, sender: Direction, gap: Gap) {
        *self.last = gap.stamp;
        self.hidden[sender as usize] = (gap.length >= UNKNOWN_LENGTH).then_some(gap);
        // Also where the capture lacks nothing, and keys do: requests may be in it.
        let bytes = Some(gap.length).filter(|length| *length < UNKNOWN_LENGTH);
        self.oddities.unread(sender, UNDECRYPTED, gap.stamp, gap.since, bytes);
        self.spoken.gap(sender, gap, self.oddities);
    }
}
