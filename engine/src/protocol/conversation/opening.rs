//! Takes the first bytes of a direction, gives what two captures of the same bytes can be compared by.

use xxhash_rust::xxh3::xxh3_64;

/// How many bytes the digest covers: a request with its unique headers, little to wait for.
const DIGESTED: usize = 256;

/// How many are shown.
const SHOWN: usize = 32;

/// The beginning of a direction's stream.
#[derive(Debug)]
pub(super) struct Opening {
    /// Bytes so far, while they are too few for the digest.
    bytes: Vec<u8>,
    prefix: [u8; SHOWN],
    prefix_length: usize,
    digest: Option<u64>,
    done: bool,
}

impl Opening {
    /// `known` if the stream's beginning was captured.
    pub(super) fn new(known: bool) -> Self {
        Self { bytes: Vec::new(), prefix: [0; SHOWN], prefix_length: 0, digest: None, done: !known }
    }

    /// The stream's next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.done {
            return;
        }
        for (place, byte) in self.prefix.iter_mut().skip(self.prefix_length).zip(bytes) {
            *place = *byte;
            self.prefix_length += 1;
        }
        if self.bytes.is_empty()
            && let Some(whole) = bytes.get(..DIGESTED)
        {
            self.digest = Some(xxh3_64(whole));
            self.done = true;
            return;
        }
        let missing = DIGESTED.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..missing]);
        if self.bytes.len() == DIGESTED {
            self.digest = Some(xxh3_64(&self.bytes));
            self.stop();
        }
    }

    /// What follows is not the stream's beginning any more: there is a hole.
    pub(super) fn stop(&mut self) {
        self.bytes = Vec::new();
        self.done = true;
    }

    /// The hash of the first `DIGESTED` bytes, if there are so many.
    pub(super) fn digest(&self) -> Option<u64> {
        self.digest
    }

    /// The first bytes, if there are any.
    pub(super) fn prefix(&self) -> Option<&[u8]> {
        self.prefix.get(..self.prefix_length).filter(|prefix| !prefix.is_empty())
    }
}
