//! Takes the bytes of a TLS connection and the secrets of key logs, gives what the connection says in the clear, and the
//! plaintext of TLS 1.2 and 1.3 where the secrets are there.
//!
//! `record` tells records apart, `opener` decrypts and authenticates one, `messages` puts handshake messages together,
//! `negotiation` holds what they agree on; `key_log` and `secrets` know the secrets, `derive` makes keys of them. `session`
//! joins them to one connection. Nothing is handed on that does not authenticate.

mod alerts;
mod cbc;
mod cursor;
mod derive;
mod early;
mod hello;
mod key_log;
mod messages;
mod negotiation;
mod opener;
mod record;
mod search;
mod secrets;
mod session;
mod side;
mod sniff;
mod suites;

pub use messages::MAX_HELLO;
pub use secrets::{MAX_SECRETS, MAX_SESSIONS, Secrets};
pub use session::{PlaintextSink, Session, UNKNOWN_LENGTH};
pub use sniff::{TlsSniff, sniff};

/// The content types of records (RFC 8446 §5.1; RFC 6520 §3).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// The handshake types of hello messages (RFC 8446 §4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// The bytes before a record's fragment: type, version, length.
const RECORD_HEADER: usize = 5;

/// The longest fragment: RFC 5246 §6.2.3 allows 2048 bytes more than the plaintext's 2^14 (RFC 8446 §5.2: 256).
const MAX_FRAGMENT: u16 = (1 << 14) + 2048;

/// Versions as hello messages write them.
const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;
