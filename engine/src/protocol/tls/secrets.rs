//! Takes key logs, and sessions whose secrets became known; gives the secrets of a connection.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use xxhash_rust::xxh3::xxh3_128;

use super::derive::MASTER_LENGTH;
use super::key_log::{Label, Line};

/// The most secrets that are kept: those of 800,000 TLS 1.3 connections, more than are followed at a time.
pub const MAX_SECRETS: usize = 1 << 22;

/// The most sessions that may be resumed: half of them are forgotten when there are more. Servers forget them, too.
pub const MAX_SESSIONS: usize = 1 << 16;

type Map<K, V> = HashMap<K, V, RandomState>;
type Master = [u8; MASTER_LENGTH];

/// What a capture's TLS connections share: secrets of key logs, and sessions that may be resumed.
#[derive(Default)]
pub struct Secrets {
    by_random: Map<(Label, [u8; 32]), Box<[u8]>>,
    by_premaster: Map<[u8; 8], Box<[u8]>>,
    /// Sessions of key logs.
    by_session: Map<u128, Master>,
    /// Sessions of connections: newer ones, older ones.
    sessions: [Map<u128, Master>; 2],
    /// Grows with each key log that brings something.
    edition: u64,
    /// Whether there are premaster secrets, which are of use only with what a handshake says before its keys are needed.
    premaster: bool,
    /// Where records are decrypted: one for all connections.
    pub(super) scratch: Vec<u8>,
}

impl Secrets {
    /// Takes the lines of a key log: a file in the form of `SSLKEYLOGFILE`, or a pcapng Decryption Secrets Block. Gives how
    /// many secrets it holds; all else in it is passed over.
    pub fn add_key_log(&mut self, text: &[u8]) -> usize {
        let found = text.split(|byte| matches!(byte, b'\n' | b'\r' | b'\0')).filter_map(Line::parse);
        let added = found.filter_map(|line| self.add(line)).count();
        self.edition += u64::from(added > 0);
        added
    }

    /// `None` if there are too many already.
    fn add(&mut self, line: Line) -> Option<()> {
        if self.by_random.len() + self.by_premaster.len() + self.by_session.len() >= MAX_SECRETS {
            return None;
        }
        match line {
            Line::Secret(label, random, secret) => {
                self.premaster |= label == Label::Premaster;
                self.by_random.insert((label, random), secret);
            }
            Line::EncryptedPremaster(encrypted, secret) => {
                self.premaster = true;
                self.by_premaster.insert(encrypted, secret);
            }
            Line::Session(id, master) => {
                self.by_session.insert(SessionKey::Id(&id).digest(), master);
            }
        }
        Some(())
    }

    /// Whether no key log held a secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edition == 0
    }

    /// What was not found in one edition is in none but a later one.
    pub(super) fn edition(&self) -> u64 {
        self.edition
    }

    pub(super) fn has_premasters(&self) -> bool {
        self.premaster
    }

    pub(super) fn by_random(&self, label: Label, random: &[u8; 32]) -> Option<&[u8]> {
        self.by_random.get(&(label, *random)).map(|secret| &**secret)
    }

    /// The premaster secret whose encrypted form begins so.
    pub(super) fn by_encrypted(&self, encrypted: &[u8; 8]) -> Option<&[u8]> {
        self.by_premaster.get(encrypted).map(|secret| &**secret)
    }

    /// The master secret of a session, from key logs or from the connection that began it.
    pub(super) fn by_session(&self, key: u128) -> Option<Master> {
        let [newer, older] = &self.sessions;
        self.by_session.get(&key).or_else(|| newer.get(&key)).or_else(|| older.get(&key)).copied()
    }

    /// Another connection may resume this session.
    pub(super) fn remember(&mut self, key: u128, master: Master) {
        let [newer, older] = &mut self.sessions;
        if newer.len() >= MAX_SESSIONS / 2 {
            *older = std::mem::take(newer);
        }
        newer.insert(key, master);
    }
}

/// What a session is resumed by (RFC 5246 §7.3, RFC 5077 §3).
pub(super) enum SessionKey<'a> {
    Id(&'a [u8]),
    Ticket(&'a [u8]),
}

impl SessionKey<'_> {
    pub(super) fn digest(&self) -> u128 {
        match self {
            Self::Id(id) => xxh3_128(id),
            // Not those of an id with the same bytes.
            Self::Ticket(ticket) => !xxh3_128(ticket),
        }
    }
}
