//! Takes both directions of a TLS connection, reads what it carries as far as the keys allow.

use std::sync::{MutexGuard, PoisonError};

use super::SharedSecrets;
use super::oddities::Oddities;
use super::spoken::Spoken;
use crate::protocol::Stamp;
use crate::protocol::tls::{PlaintextSink, Secrets, Session};
use crate::stream::{Direction, Facts, Gap};

/// One TLS connection.
pub(super) struct Tls {
    pub(super) session: Session,
    secrets: SharedSecrets,
    pub(super) inside: Spoken,
    /// Stamp of the last plaintext or hole.
    last: Stamp,
}

impl Tls {
    /// `inside` reads what is decrypted.
    pub(super) fn new(secrets: SharedSecrets, inside: Spoken) -> Self {
        Self { session: Session::new(), secrets, inside, last: Stamp::default() }
    }

    /// Bytes of `sender`.
    pub(super) fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp, oddities: &mut Oddities) {
        let mut sink = Inside { spoken: &mut self.inside, oddities, last: &mut self.last };
        self.session.data(sender, bytes, stamp, &mut lock(&self.secrets), &mut sink);
    }

    /// Bytes of `sender` are missing.
    pub(super) fn gap(&mut self, sender: Direction, gap: Gap, oddities: &mut Oddities) {
        let mut sink = Inside { spoken: &mut self.inside, oddities, last: &mut self.last };
        self.session.gap(sender, gap, &mut lock(&self.secrets), &mut sink);
    }

    /// The stream of `sender` ended.
    pub(super) fn end(&mut self, sender: Direction, oddities: &mut Oddities) {
        let mut sink = Inside { spoken: &mut self.inside, oddities, last: &mut self.last };
        self.session.end(sender, &mut lock(&self.secrets), &mut sink);
        self.inside.end(sender, self.last, oddities);
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
}

impl PlaintextSink for Inside<'_> {
    fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp) {
        *self.last = stamp;
        // Who opened the connection is known here, and TLS within TLS is not read.
        self.spoken.data(sender, bytes, stamp, self.oddities);
    }

    fn gap(&mut self, sender: Direction, gap: Gap) {
        *self.last = gap.stamp;
        self.spoken.gap(sender, gap, self.oddities);
    }
}
