//! What is known of one direction of a TLS connection: its place in the bytes, its keys, what went by unread.

use super::messages::Messages;
use super::opener::Opener;
use super::record::Records;
use super::search::Search;
use crate::stream::Gap;

/// The trial decryptions that a direction may make beyond one a record, in bytes: at its beginning, at most, and how many
/// each byte that was read adds. A hole of 200 records of 1400 bytes is found across; work stays in proportion.
const TRIALS_AT_START: u64 = 1 << 20;
const MAX_TRIALS: u64 = 4 << 20;
const TRIALS_PER_BYTE: u64 = 8;

/// Which keys are in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Epoch {
    #[default]
    Clear,
    /// TLS 1.2, after a ChangeCipherSpec (RFC 5246 §7.1).
    Protected,
    /// TLS 1.3 (RFC 8446 §7.1).
    Early,
    Handshake,
    Application,
}

impl Epoch {
    /// What may come next, where records between were lost or cannot be read.
    pub(super) fn following(self, tls13: bool) -> &'static [Self] {
        match self {
            Self::Clear | Self::Early if tls13 => &[Self::Handshake, Self::Application],
            Self::Handshake if tls13 => &[Self::Application],
            // After a KeyUpdate (RFC 8446 §4.6.3).
            Self::Application => &[Self::Application],
            Self::Clear => &[Self::Protected],
            Self::Protected | Self::Early | Self::Handshake => &[],
        }
    }
}

/// The keys of an epoch.
pub(super) struct Keys {
    pub(super) opener: Opener,
    /// TLS 1.3: what the next keys follow from.
    pub(super) secret: Option<Box<[u8]>>,
}

/// One direction.
#[derive(Default)]
pub(super) struct Side {
    pub(super) records: Records,
    pub(super) messages: Messages,
    pub(super) search: Option<Box<Search>>,
    pub(super) epoch: Epoch,
    pub(super) keys: Option<Keys>,
    /// The edition of the secrets in which the epoch's keys were not found.
    pub(super) sought: Option<u64>,
    /// The number of the epoch's next record.
    pub(super) sequence: u64,
    /// The part of the last record's nonce that it carried.
    pub(super) nonce: Option<u64>,
    /// Protected records in a row that could not be read.
    pub(super) unread: u64,
    pub(super) trials: Trials,
    /// A hole in the plaintext that is not told yet.
    pub(super) owed: Option<Gap>,
    /// Whether the last that was told is a hole of unknown length.
    pub(super) told: bool,
    /// The time of the last bytes.
    pub(super) last: Option<i64>,
    /// Whether any record was decrypted; and one of an epoch that carries data.
    pub(super) opened: bool,
    pub(super) reads: bool,
    /// Whether it carried any data.
    pub(super) carried: bool,
    /// Whether there was a protected record without keys; with keys that do not fit.
    pub(super) blind: bool,
    pub(super) failed: bool,
    /// Whether nothing more can be read.
    pub(super) closed: bool,
}

impl Side {
    /// Goes over to other keys.
    pub(super) fn enter(&mut self, epoch: Epoch, keys: Option<Keys>) {
        self.epoch = epoch;
        self.keys = keys;
        self.sought = None;
        self.sequence = 0;
        self.nonce = None;
        self.unread = 0;
        self.messages.restart();
    }

    /// A record of `length` bytes was decrypted.
    pub(super) fn authenticated(&mut self, length: usize) {
        self.opened = true;
        self.reads |= matches!(self.epoch, Epoch::Application | Epoch::Protected);
        self.unread = 0;
        self.trials.earn(length);
    }

    /// A record is lost. Messages that follow a handshake are short: the next record begins one.
    pub(super) fn lose_messages(&mut self) {
        match self.epoch {
            Epoch::Protected | Epoch::Application => self.messages.restart(),
            Epoch::Clear | Epoch::Early | Epoch::Handshake => self.messages.lose(),
        }
    }

    /// Nothing more can be read: what was held goes.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.records = Records::default();
        self.messages = Messages::default();
        self.search = None;
        self.keys = None;
    }

    /// Whether what could be read was read.
    pub(super) fn is_read(&self) -> bool {
        self.reads || (self.opened && !self.blind && !self.failed)
    }

    /// Whether there was nothing to be read.
    pub(super) fn is_silent(&self) -> bool {
        !(self.opened || self.blind || self.failed)
    }
}

/// The trial decryptions that may still be made, in bytes.
pub(super) struct Trials(u64);

impl Default for Trials {
    fn default() -> Self {
        Self(TRIALS_AT_START)
    }
}

impl Trials {
    fn earn(&mut self, length: usize) {
        self.0 = self.0.saturating_add(length as u64 * TRIALS_PER_BYTE).min(MAX_TRIALS);
    }

    /// Whether any may be made.
    pub(super) fn any(&self) -> bool {
        self.0 > 0
    }

    /// Whether one more may be made.
    pub(super) fn spend(&mut self, length: usize) -> bool {
        let left = self.0.checked_sub(length as u64);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}
