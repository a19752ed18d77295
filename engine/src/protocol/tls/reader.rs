//! Takes the first bytes of one direction in any pieces, gives its hello message.

use super::cursor::Cursor;
use super::hello::{ClientHello, Hello, ServerHello};
use super::messages::MAX_HELLO;
use super::{CLIENT_HELLO, HANDSHAKE, MAX_FRAGMENT, RECORD_HEADER, SERVER_HELLO};

/// Type and length of a handshake message.
const MESSAGE_HEADER: usize = 4;

/// What was found so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelloProgress {
    /// The hello goes on.
    Need,
    Found(Hello),
    /// There is no hello: why.
    NotHello(&'static str),
}

/// Puts a hello together from records, however they are split.
#[derive(Clone, Debug, Default)]
pub struct HelloReader {
    header: Vec<u8>,
    /// Bytes left of the current record's fragment.
    fragment_left: usize,
    message: Vec<u8>,
    verdict: Option<HelloProgress>,
}

impl HelloReader {
    /// A reader at the beginning of a direction.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads on. Once it is not `Need` any more, the answer stays.
    pub fn feed(&mut self, bytes: &[u8]) -> HelloProgress {
        let mut rest = Cursor(bytes);
        while self.verdict.is_none() && !rest.is_empty() {
            if self.fragment_left == 0 {
                self.record_header(&mut rest);
            } else {
                self.fragment(&mut rest);
            }
        }
        self.verdict.clone().unwrap_or(HelloProgress::Need)
    }

    fn record_header(&mut self, bytes: &mut Cursor<'_>) {
        let missing = RECORD_HEADER.saturating_sub(self.header.len()).min(bytes.0.len());
        self.header.extend_from_slice(bytes.take(missing).unwrap_or_default());
        let &[kind, major, minor, high, low] = self.header.as_slice() else {
            return;
        };
        self.header.clear();
        let length = u16::from_be_bytes([high, low]);
        if kind == 21 {
            self.verdict = Some(HelloProgress::NotHello("alert"));
        } else if kind != HANDSHAKE || major != 3 || minor > 4 {
            self.verdict = Some(HelloProgress::NotHello("not-a-handshake"));
        } else if length == 0 || length > MAX_FRAGMENT {
            // RFC 8446 §5.1: no empty handshake fragments.
            self.verdict = Some(HelloProgress::NotHello("record-length"));
        }
        self.fragment_left = length.into();
    }

    fn fragment(&mut self, bytes: &mut Cursor<'_>) {
        let wanted = self.wanted().saturating_sub(self.message.len());
        let taken = self.fragment_left.min(bytes.0.len()).min(wanted);
        self.message.extend_from_slice(bytes.take(taken).unwrap_or_default());
        self.fragment_left = self.fragment_left.saturating_sub(taken);
        let Some(&kind) = self.message.first() else {
            return;
        };
        if !matches!(kind, CLIENT_HELLO | SERVER_HELLO) {
            self.verdict = Some(HelloProgress::NotHello("not-a-hello"));
        } else if self.message.len() >= MESSAGE_HEADER && self.wanted() > MAX_HELLO {
            self.verdict = Some(HelloProgress::NotHello("hello-too-long"));
        } else if self.message.len() >= MESSAGE_HEADER && self.message.len() == self.wanted() {
            let body = self.message.get(MESSAGE_HEADER..).unwrap_or_default();
            self.verdict = Some(HelloProgress::Found(if kind == CLIENT_HELLO {
                Hello::Client(ClientHello::parse(body))
            } else {
                Hello::Server(ServerHello::parse(body))
            }));
        }
        if self.verdict.is_some() {
            self.message = Vec::new();
        }
    }

    /// How long the message is, as far as that is known.
    fn wanted(&self) -> usize {
        match *self.message.as_slice() {
            [_, high, middle, low, ..] => {
                MESSAGE_HEADER + (usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
            }
            _ => MESSAGE_HEADER,
        }
    }
}
