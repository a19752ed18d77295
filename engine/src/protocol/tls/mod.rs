//! Takes the first bytes of a stream, gives whether it is TLS and what the hello messages say. Nothing is decrypted.

mod cursor;
mod hello;
mod reader;
mod sniff;

pub use hello::{ClientHello, Hello, ServerHello};
pub use reader::{HelloProgress, HelloReader, MAX_HELLO};
pub use sniff::{TlsSniff, sniff};

/// The content type of handshake records (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;

/// The handshake types of hello messages (RFC 8446 §4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// The bytes before a record's fragment: type, version, length.
const RECORD_HEADER: usize = 5;

/// The longest fragment: RFC 5246 §6.2.3 allows 2048 bytes more than the plaintext's 2^14 (RFC 8446 §5.2: 256).
const MAX_FRAGMENT: u16 = (1 << 14) + 2048;
