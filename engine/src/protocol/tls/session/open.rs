//! Takes a protected record, gives its content by the keys and the sequence number that fit.

use crate::protocol::tls::derive::next_secret;
use crate::protocol::tls::early::Fate;
use crate::protocol::tls::key_log::Label;
use crate::protocol::tls::opener::Opener;
use crate::protocol::tls::record::Record;
use crate::protocol::tls::secrets::Secrets;
use crate::protocol::tls::side::{Epoch, Keys};
use crate::protocol::tls::suites::{Hash, Protection, Suite};
use crate::stream::Direction;

use super::Session;

/// A record that was decrypted.
pub(super) struct Opened {
    /// Of what it holds, in the scratch buffer.
    pub(super) length: usize,
    /// How many records of its epoch were passed over before it.
    pub(super) skipped: u64,
    /// The epoch that ended before it.
    pub(super) left: Option<Epoch>,
    /// By how much a record's fragment is longer than what it holds, where that is known.
    pub(super) overhead: Option<usize>,
}

impl Session {
    /// Decrypts a record before which up to `lost` records may be lost.
    pub(super) fn open(
        &mut self,
        sender: Direction,
        record: Record<'_>,
        lost: u64,
        scratch: &mut [u8],
        secrets: &mut Secrets,
    ) -> Option<Opened> {
        self.seek(sender, secrets);
        self.seek_early(sender, record, secrets, scratch);
        let side = &mut self.sides[sender as usize];
        let first = side.sequence == 0;
        if let Some(keys) = &side.keys {
            let ahead = hint(keys, side.nonce, record, lost);
            for ahead in ahead.into_iter().chain([0]) {
                if let Some(length) = keys.opener.open(side.sequence.wrapping_add(ahead), record, scratch) {
                    let opened = Opened { length, skipped: ahead, left: None, overhead: keys.opener.overhead() };
                    side.nonce = keys.opener.explicit_nonce(record);
                    side.sequence = side.sequence.wrapping_add(ahead + 1);
                    side.authenticated(record.fragment.len());
                    if first && side.epoch == Epoch::Protected {
                        self.negotiation.proved(secrets);
                    }
                    return Some(opened);
                }
            }
        }
        self.try_others(sender, record, lost, scratch, secrets)
    }

    /// Tries later sequence numbers, and the keys that may come next.
    fn try_others(
        &mut self,
        sender: Direction,
        record: Record<'_>,
        lost: u64,
        scratch: &mut [u8],
        secrets: &mut Secrets,
    ) -> Option<Opened> {
        let epoch = self.sides[sender as usize].epoch;
        let following = epoch.following(self.negotiation.is_tls13());
        let mut next: Vec<(Epoch, Keys)> =
            following.iter().filter_map(|next| Some((*next, self.keys(sender, *next, secrets)?))).collect();
        let side = &mut self.sides[sender as usize];
        let length = record.fragment.len();
        // Records that could not be read may have been of the next epoch; after a KeyUpdate there are none.
        let unread = if epoch == Epoch::Application { 0 } else { side.unread };
        for ahead in 0..=lost.saturating_add(unread) {
            if let Some(keys) = side.keys.as_ref().filter(|_| (1..=lost).contains(&ahead)) {
                let sequence = side.sequence.wrapping_add(ahead);
                let overhead = keys.opener.overhead();
                if !side.trials.spend(length) {
                    return None;
                }
                if let Some(content) = keys.opener.open(sequence, record, scratch) {
                    side.nonce = keys.opener.explicit_nonce(record);
                    side.sequence = sequence.wrapping_add(1);
                    side.authenticated(length);
                    return Some(Opened { length: content, skipped: ahead, left: None, overhead });
                }
            }
            for at in 0..next.len() {
                if !side.trials.spend(length) {
                    return None;
                }
                if let Some(content) = next[at].1.opener.open(ahead, record, scratch) {
                    let (epoch, keys) = next.swap_remove(at);
                    let overhead = keys.opener.overhead();
                    let left = Some(side.epoch);
                    self.enter(sender, epoch, keys, ahead + 1, record);
                    return Some(Opened { length: content, skipped: ahead, left, overhead });
                }
            }
        }
        None
    }

    /// A record showed that an epoch began.
    fn enter(&mut self, sender: Direction, epoch: Epoch, keys: Keys, sequence: u64, record: Record<'_>) {
        let side = &mut self.sides[sender as usize];
        let nonce = keys.opener.explicit_nonce(record);
        side.enter(epoch, Some(keys));
        side.sequence = sequence;
        side.nonce = nonce;
        side.authenticated(record.fragment.len());
        // RFC 8446 §4.5: a client whose early data is accepted says EndOfEarlyData first.
        if sender == Direction::Client && self.early.fate == Fate::Undecided {
            self.early.fate = Fate::Rejected;
            self.early.take();
        }
    }

    /// Looks for the keys of a direction's epoch, if they were not looked for in these secrets.
    pub(super) fn seek(&mut self, sender: Direction, secrets: &Secrets) {
        let side = &self.sides[sender as usize];
        if side.keys.is_some() || side.epoch == Epoch::Early || side.sought == Some(secrets.edition()) {
            return;
        }
        let keys = self.keys(sender, side.epoch, secrets);
        let side = &mut self.sides[sender as usize];
        side.keys = keys;
        side.sought = Some(secrets.edition());
    }

    /// Early data's keys show only by a record.
    fn seek_early(&mut self, sender: Direction, record: Record<'_>, secrets: &Secrets, scratch: &mut [u8]) {
        let side = &self.sides[sender as usize];
        if side.keys.is_none() && side.epoch == Epoch::Early {
            let keys = self.early_keys(record, side.sequence, secrets, scratch);
            self.sides[sender as usize].keys = keys;
        }
    }

    /// Whether there are any keys to try.
    pub(super) fn has_keys(&mut self, sender: Direction, secrets: &Secrets) -> bool {
        let side = &self.sides[sender as usize];
        let following = side.epoch.following(self.negotiation.is_tls13());
        side.keys.is_some() || following.iter().any(|epoch| self.keys(sender, *epoch, secrets).is_some())
    }

    /// The keys of an epoch, if the secrets are there.
    fn keys(&mut self, sender: Direction, epoch: Epoch, secrets: &Secrets) -> Option<Keys> {
        let label = match (epoch, sender) {
            (Epoch::Clear | Epoch::Early, _) => return None,
            (Epoch::Protected, _) => {
                let opener = self.negotiation.opener(sender, secrets)?;
                return Some(Keys { opener, secret: None });
            }
            (Epoch::Handshake, Direction::Client) => Label::ClientHandshake,
            (Epoch::Handshake, Direction::Server) => Label::ServerHandshake,
            (Epoch::Application, Direction::Client) => Label::ClientApplication,
            (Epoch::Application, Direction::Server) => Label::ServerApplication,
        };
        let (protection, suite) = (self.negotiation.protection()?, self.negotiation.suite()?);
        let side = &self.sides[sender as usize];
        if side.epoch == Epoch::Application && epoch == Epoch::Application && side.keys.is_some() {
            let secret = next_secret(suite.hash, side.keys.as_ref()?.secret.as_deref()?)?;
            return tls13_keys(protection, suite.hash, &secret);
        }
        let random = &self.negotiation.client.as_ref()?.random;
        tls13_keys(protection, suite.hash, secrets.by_random(label, random)?)
    }

    /// The keys of early data, whose suite is that of a session that was not seen: one of those that the client offers.
    fn early_keys(&self, record: Record<'_>, sequence: u64, secrets: &Secrets, scratch: &mut [u8]) -> Option<Keys> {
        let client = self.negotiation.client.as_ref()?;
        let secret = secrets.by_random(Label::ClientEarly, &client.random)?;
        let suites = client.cipher_suites.iter().filter_map(|number| Suite::of(*number));
        let mut keys = suites.filter_map(|suite| tls13_keys(suite.protection?, suite.hash, secret));
        keys.find(|keys| keys.opener.open(sequence, record, scratch).is_some())
    }

    /// The sender changes its keys (RFC 8446 §4.6.3, §7.2).
    pub(super) fn key_update(&mut self, sender: Direction, secrets: &Secrets) {
        if self.side(sender).epoch == Epoch::Application
            && let Some(keys) = self.keys(sender, Epoch::Application, secrets)
        {
            self.side(sender).enter(Epoch::Application, Some(keys));
        }
    }
}

/// The secret of a hash is as long as its output (RFC 8446 §7.1).
fn tls13_keys(protection: Protection, hash: Hash, secret: &[u8]) -> Option<Keys> {
    let fits = match hash {
        Hash::Sha256 => secret.len() == 32,
        Hash::Sha384 => secret.len() == 48,
    };
    let opener = fits.then(|| Opener::tls13(protection, hash, secret))??;
    Some(Keys { opener, secret: Some(secret.into()) })
}

/// How many records were lost, as the nonce tells that the record carries: nearly all senders count in it.
fn hint(keys: &Keys, last: Option<u64>, record: Record<'_>, lost: u64) -> Option<u64> {
    let ahead = keys.opener.explicit_nonce(record)?.checked_sub(last?)?.checked_sub(1)?;
    (1..=lost).contains(&ahead).then_some(ahead)
}
