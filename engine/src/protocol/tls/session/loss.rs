//! Takes holes and records that cannot be read, gives holes in the plaintext, and the place where reading goes on.

use super::open::Opened;
use super::{PlaintextSink, Session, Work};
use crate::protocol::GapCause;
use crate::protocol::tls::early::Fate;
use crate::protocol::tls::record::Record;
use crate::protocol::tls::search::Search;
use crate::protocol::tls::side::Epoch;
use crate::protocol::tls::{APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, RECORD_HEADER};
use crate::stream::{Direction, Gap};

/// The length of a hole of which nobody can tell how long it is: more than any capture, less than what sums overflow by.
pub const UNKNOWN_LENGTH: u64 = 1 << 48;

/// Protected records in a row that may go by unread: so many a key may come late, or a handshake have without its keys.
const MAX_UNREAD: u64 = 64;

/// The first records of a TLS 1.3 server may be tickets (RFC 8446 §4.6.1), which are not data: servers send up to four.
const TICKETS: u64 = 4;

/// The first record after TLS 1.2 changes keys holds a Finished message (RFC 5246 §7.4.9): its header and 12 bytes.
const FINISHED_LENGTH: u64 = 16;

impl Session {
    /// Bytes of `sender` are missing.
    pub(super) fn lose<S: PlaintextSink>(&mut self, sender: Direction, gap: Gap, work: &mut Work<'_, S>) {
        let side = self.side(sender);
        if side.closed || gap.length == 0 {
            return;
        }
        if let Some(search) = &mut side.search {
            return search.lose(gap.length);
        }
        let skipped = side.records.skipped();
        let length = usize::try_from(gap.length).unwrap_or(usize::MAX);
        if skipped >= length {
            side.records.restart(skipped - length);
            return;
        }
        if skipped > 0 {
            side.records.restart(0);
            return self.start_search(sender, gap.length - skipped as u64, gap);
        }
        match side.records.broken() {
            Some((kind, fragment, missing)) if length <= missing => {
                side.records.restart(missing - length);
                self.lost_record(sender, kind, fragment, gap, work);
            }
            Some((CHANGE_CIPHER_SPEC, fragment, missing)) => {
                side.records.restart(0);
                self.lost_record(sender, CHANGE_CIPHER_SPEC, fragment, gap, work);
                self.start_search(sender, gap.length - missing as u64, gap);
            }
            _ => {
                let held = side.records.restart(0).len() as u64;
                self.start_search(sender, held.saturating_add(gap.length), gap);
            }
        }
    }

    /// A record whose header was seen is not whole.
    fn lost_record<S: PlaintextSink>(
        &mut self,
        sender: Direction,
        kind: u8,
        fragment: usize,
        gap: Gap,
        work: &mut Work<'_, S>,
    ) {
        let side = self.side(sender);
        match side.epoch {
            Epoch::Clear => match kind {
                HANDSHAKE => {
                    side.messages.lose();
                    self.check_hellos(sender);
                }
                CHANGE_CIPHER_SPEC => self.change_cipher_spec(sender),
                _ => {}
            },
            Epoch::Protected if kind == CHANGE_CIPHER_SPEC => self.change_cipher_spec(sender),
            Epoch::Protected | Epoch::Early | Epoch::Handshake | Epoch::Application => {
                self.pass(sender, kind, fragment, Some(gap), work);
            }
        }
    }

    /// A protected record that could not be decrypted.
    pub(super) fn unread<S: PlaintextSink>(&mut self, sender: Direction, record: Record<'_>, work: &mut Work<'_, S>) {
        let side = self.side(sender);
        if side.keys.is_some() {
            side.failed = true;
        } else {
            side.blind = true;
        }
        self.pass(sender, record.kind, record.fragment.len(), None, work);
        let side = self.side(sender);
        if side.unread > MAX_UNREAD || self.negotiation.server.is_some() && self.negotiation.protection().is_none() {
            self.lose_direction(sender, work);
        }
    }

    /// A protected record goes by.
    fn pass<S: PlaintextSink>(
        &mut self,
        sender: Direction,
        kind: u8,
        fragment: usize,
        gap: Option<Gap>,
        work: &mut Work<'_, S>,
    ) {
        self.seek(sender, work.secrets);
        let asked = self.sides[Direction::Client as usize].carried;
        // Where the next keys are there, they will tell whether it was data.
        let guess = self.side(sender).epoch != Epoch::Handshake || !self.has_keys(sender, work.secrets);
        let accepted = self.early.fate == Fate::Accepted;
        let tls13 = self.negotiation.is_tls13();
        let side = self.side(sender);
        let sequence = side.sequence;
        side.sequence = sequence.wrapping_add(1);
        side.unread += 1;
        if tls13 || kind == HANDSHAKE {
            side.lose_messages();
        }
        let overhead = side.keys.as_ref().map(|keys| keys.opener.overhead());
        let length = match (side.epoch, overhead) {
            // What does not authenticate is nothing to go by, its header included.
            (Epoch::Protected | Epoch::Application, Some(_)) if gap.is_none() => UNKNOWN_LENGTH,
            _ if kind != APPLICATION_DATA || !guess => return,
            (Epoch::Application, Some(_)) if sender == Direction::Server && sequence < TICKETS => UNKNOWN_LENGTH,
            (Epoch::Protected | Epoch::Application, Some(overhead)) => {
                overhead.map_or(UNKNOWN_LENGTH, |overhead| fragment.saturating_sub(overhead) as u64)
            }
            (Epoch::Protected, None) => UNKNOWN_LENGTH,
            // What a server says first, without keys, may be tickets, or the rest of a handshake.
            (Epoch::Application | Epoch::Handshake, None) if sender == Direction::Server && asked => UNKNOWN_LENGTH,
            (Epoch::Application, None) if sender == Direction::Client => UNKNOWN_LENGTH,
            (Epoch::Early, _) if accepted => UNKNOWN_LENGTH,
            // A client's first record is its Finished.
            (Epoch::Handshake, None) if sender == Direction::Client && sequence > 0 => UNKNOWN_LENGTH,
            _ => return,
        };
        self.owe(sender, length, gap, work);
    }

    /// A hole in the plaintext, told as soon as it is known that any direction can be read.
    pub(super) fn owe<S: PlaintextSink>(
        &mut self,
        sender: Direction,
        length: u64,
        gap: Option<Gap>,
        work: &mut Work<'_, S>,
    ) {
        let side = self.side(sender);
        if side.told || length == 0 {
            return;
        }
        let (since, stamp) = (side.last, work.stamp);
        let gap = gap.unwrap_or(Gap { length, cause: GapCause::Missing, since, stamp });
        let before = side.owed.map_or(0, |owed| owed.length);
        let length = before.saturating_add(length).min(UNKNOWN_LENGTH);
        side.owed = Some(Gap { length, ..side.owed.unwrap_or(gap) });
        if self.sides.iter().any(|side| side.reads) {
            self.settle(work);
        }
    }

    /// Tells the holes that are not told yet.
    pub(super) fn settle<S: PlaintextSink>(&mut self, work: &mut Work<'_, S>) {
        for sender in [Direction::Client, Direction::Server] {
            let side = self.side(sender);
            if let Some(gap) = side.owed.take() {
                side.told = gap.length >= UNKNOWN_LENGTH;
                work.sink.gap(sender, gap);
            }
        }
    }

    /// Records were passed over before the one that was decrypted: `across` what a search went over, and its hole.
    pub(super) fn tell_skipped<S: PlaintextSink>(
        &mut self,
        sender: Direction,
        opened: &Opened,
        across: Option<(u64, Gap)>,
        work: &mut Work<'_, S>,
    ) {
        let side = self.side(sender);
        let first = side.sequence.wrapping_sub(opened.skipped + 1);
        if opened.left == Some(Epoch::Handshake) {
            // What was taken for data was of the handshake; what was not is counted now.
            side.owed = None;
        }
        let gap = across.map(|(_, gap)| gap);
        let length = match (side.epoch, opened.left) {
            _ if opened.skipped == 0 => 0,
            (Epoch::Protected | Epoch::Application, None) => {
                let no_data = match side.epoch {
                    Epoch::Protected if first == 0 => Some(FINISHED_LENGTH),
                    Epoch::Application if first < TICKETS && sender == Direction::Server => None,
                    _ => Some(0),
                };
                let lost = || {
                    let overhead = (RECORD_HEADER + opened.overhead?) as u64;
                    across?.0.checked_sub(overhead.checked_mul(opened.skipped)?)?.checked_sub(no_data?)
                };
                lost().unwrap_or(UNKNOWN_LENGTH)
            }
            (Epoch::Protected, Some(_)) if opened.skipped == 1 => 0,
            (Epoch::Protected | Epoch::Application, Some(_)) => UNKNOWN_LENGTH,
            (Epoch::Early | Epoch::Handshake | Epoch::Clear, _) => 0,
        };
        self.owe(sender, length, gap, work);
        if self.sides.iter().any(|side| side.reads) {
            self.settle(work);
        }
    }

    /// What comes is not the beginning of a record.
    pub(super) fn lose_track<S: PlaintextSink>(&mut self, sender: Direction, work: &mut Work<'_, S>) {
        let side = self.side(sender);
        let (since, stamp) = (side.last, work.stamp);
        let held = side.records.restart(0);
        self.start_search(sender, 0, Gap { length: 0, cause: GapCause::Missing, since, stamp });
        if let Some(search) = &mut self.side(sender).search {
            search.feed(&held);
        }
    }

    fn start_search(&mut self, sender: Direction, lost: u64, gap: Gap) {
        self.check_hellos(sender);
        let side = self.side(sender);
        if !side.closed {
            side.lose_messages();
            side.search = Some(Box::new(Search::new(lost, gap)));
        }
    }

    /// Without a hello there is nothing to go on to.
    fn check_hellos(&mut self, sender: Direction) {
        let negotiation = &self.negotiation;
        let missing = match sender {
            Direction::Client => negotiation.client.is_none(),
            Direction::Server => negotiation.version().is_none() || negotiation.client.is_none(),
        };
        if missing {
            self.give_up();
        }
    }

    /// Looks for a record; gives the bytes after it.
    pub(super) fn search<S: PlaintextSink>(
        &mut self,
        sender: Direction,
        bytes: &[u8],
        scratch: &mut [u8],
        work: &mut Work<'_, S>,
    ) -> Option<Vec<u8>> {
        let mut search = self.side(sender).search.take()?;
        search.feed(bytes);
        while search.advance()
            && let Some(record) = Record::of(search.candidate())
        {
            let (before, gap) = (search.before(), search.gap);
            // RFC 5246 §7.1: in the clear, and like nothing else.
            if self.side(sender).epoch == Epoch::Clear && record.kind == CHANGE_CIPHER_SPEC && record.fragment == [1] {
                self.change_cipher_spec(sender);
                return Some(search.after());
            }
            let overhead = self.side(sender).keys.as_ref().and_then(|keys| keys.opener.overhead()).unwrap_or(0);
            let lost = before.div_ceil((RECORD_HEADER + overhead) as u64);
            if let Some(opened) = self.open(sender, record, lost, scratch, work.secrets) {
                self.tell_skipped(sender, &opened, Some((before, gap)), work);
                if let Some(content) = scratch.get(..opened.length) {
                    self.content(sender, record.kind, content, work);
                }
                return Some(search.after());
            }
            if !self.side(sender).trials.any() || !self.has_keys(sender, work.secrets) {
                self.lose_direction(sender, work);
                return None;
            }
            search.reject();
        }
        self.side(sender).search = Some(search);
        None
    }

    /// The rest of a direction cannot be read.
    fn lose_direction<S: PlaintextSink>(&mut self, sender: Direction, work: &mut Work<'_, S>) {
        self.owe(sender, UNKNOWN_LENGTH, None, work);
        self.side(sender).close();
    }

    /// The direction ends.
    pub(super) fn finish<S: PlaintextSink>(&mut self, sender: Direction, work: &mut Work<'_, S>) {
        if let Some(search) = self.side(sender).search.take() {
            self.owe(sender, UNKNOWN_LENGTH, Some(search.gap), work);
        }
    }
}
