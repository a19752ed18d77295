//! Takes the fragments of handshake records, gives handshake messages, however they are split (RFC 8446 §5.1).

use std::borrow::Cow;

use super::cursor::Cursor;

/// The longest handshake message that is kept. Real hellos have 0.2 to 4 KiB, post-quantum key shares included; longer
/// messages are certificates, of which nothing is read.
pub const MAX_HELLO: usize = 64 * 1024;

/// Type and length of a handshake message.
const MESSAGE_HEADER: usize = 4;

/// What is held of a direction's handshake messages.
#[derive(Debug, Default)]
pub(super) struct Messages {
    held: Vec<u8>,
    /// Bytes of a message that is not kept that are still to come.
    skipped: usize,
    /// Whether a message's beginning was lost: what follows cannot be told apart.
    broken: bool,
}

impl Messages {
    /// The next message, with its header; `None` if the fragment is used up.
    pub(super) fn next<'a>(&mut self, fragment: &mut Cursor<'a>) -> Option<Cow<'a, [u8]>> {
        if self.broken {
            return None;
        }
        self.skip(fragment);
        if self.held.is_empty()
            && let Some(length) = length(fragment.0)
            && let Some(whole) = fragment.take(length)
        {
            return Some(Cow::Borrowed(whole));
        }
        self.hold(fragment, MESSAGE_HEADER);
        let length = length(&self.held)?;
        if length > MAX_HELLO {
            self.skipped = length - MESSAGE_HEADER;
            self.held = Vec::new();
            // It does not end in this fragment, which is shorter.
            self.skip(fragment);
            return None;
        }
        self.hold(fragment, length);
        (self.held.len() == length).then(|| Cow::Owned(std::mem::take(&mut self.held)))
    }

    fn skip(&mut self, fragment: &mut Cursor<'_>) {
        let passed = self.skipped.min(fragment.0.len());
        self.skipped -= passed;
        fragment.take(passed);
    }

    fn hold(&mut self, fragment: &mut Cursor<'_>, wanted: usize) {
        let missing = wanted.saturating_sub(self.held.len()).min(fragment.0.len());
        self.held.extend_from_slice(fragment.take(missing).unwrap_or_default());
    }

    /// A record is lost: messages are told apart again after the next change of keys.
    pub(super) fn lose(&mut self) {
        *self = Self { broken: true, ..Self::default() };
    }

    /// Other keys: messages do not go across (RFC 8446 §5.1).
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }
}

fn length(message: &[u8]) -> Option<usize> {
    let &[_, high, middle, low] = message.first_chunk::<MESSAGE_HEADER>()?;
    Some(MESSAGE_HEADER + (usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)))
}
