//! Takes one direction's bytes after a handshake, gives counts of its WebSocket frames (RFC 6455 §5); and the validity
//! of handshakes (§4).

mod close;
mod handshake;
mod header;
mod observed;
mod walker;

pub use close::Close;
pub use handshake::{
    DeflateParameters, HandshakeRequest, HandshakeResponse, accept_for, accept_matches, answers, is_extended_connect,
    key_valid, offers,
};
pub use header::looks_like_frames;
pub use observed::{Counts, Violation, Violations};
pub use walker::{FIRST_PAYLOAD, FrameWalker};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends masked frames (RFC 6455 §5.1).
    Client,
    /// Sends unmasked frames.
    Server,
}
