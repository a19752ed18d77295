//! Takes a client's early data, gives it once it is known that the server accepts it (RFC 8446 §2.3, §4.2.10).

use crate::protocol::Stamp;

/// The most early data of a connection that is held. Servers allow 14 or 16 KiB (`max_early_data_size`), as a rule.
const MAX_EARLY: usize = 64 * 1024;

/// What became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    #[default]
    Undecided,
    Accepted,
    /// The client sends it again, if it wants to.
    Rejected,
}

/// The early data of a connection.
#[derive(Debug, Default)]
pub(super) struct Early {
    pub(super) fate: Fate,
    held: Vec<(Vec<u8>, Stamp)>,
    length: usize,
    /// Whether there was too much of it.
    pub(super) overflown: bool,
}

impl Early {
    /// Holds early data.
    pub(super) fn hold(&mut self, content: &[u8], stamp: Stamp) {
        self.length += content.len();
        if self.overflown || self.length > MAX_EARLY {
            self.held = Vec::new();
            self.overflown = true;
        } else if !content.is_empty() {
            self.held.push((content.to_vec(), stamp));
        }
    }

    /// What is held; nothing is held afterwards.
    pub(super) fn take(&mut self) -> Vec<(Vec<u8>, Stamp)> {
        std::mem::take(&mut self.held)
    }
}
