//! What a reader of HTTP/1.x messages gives, and what it asks.

use super::framing::Framing;
use super::head::Head;
use crate::protocol::Stamp;

/// The most frames that are named for one head; a real head is in one or two. After that only the last is kept.
pub const MAX_FRAMES: usize = 64;

/// Request or response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    Request,
    Response,
}

/// How much of a head was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    Complete,
    /// It goes on in a segment that was not captured.
    Gap,
    /// It goes on beyond the snapshot length.
    Truncated,
    /// The stream ended within it.
    Cut,
}

/// A head was read.
#[derive(Debug)]
pub struct HeadEvent<'a> {
    pub head: Head<'a>,
    pub kind: MessageKind,
    /// Of its first byte.
    pub first: Stamp,
    /// The frame of its last byte, the greatest time of its frames.
    pub last: Stamp,
    /// The frames that carried it, each once, in the order of their bytes.
    pub frames: &'a [u64],
    pub completeness: Completeness,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A body, then the next message.
    Body(Framing),
    /// The next message; the same as `Body(Framing::None)`.
    NoBody,
    /// Something else, or not known yet: the reader stops, and leaves what follows unread, until it is resumed.
    Hold,
}

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Before a message.
    Start,
    Head,
    Body,
    /// Looking for the next start-line.
    Lost,
    /// Stopped by `Next::Hold`, or before an HTTP/2 connection preface.
    Held,
}

/// The names under which a reader tells what is odd between messages.
pub mod defect {
    /// Bytes where a start-line should be.
    pub const UNEXPECTED_BYTES: &str = "unexpected-bytes";
    /// HTTP/2 begins where a start-line should be.
    pub const HTTP2_PREFACE: &str = "http2-preface";
    /// A head longer than what is kept.
    pub const HEAD_TOO_LONG: &str = "head-too-long";
}

/// Takes what a reader finds, in the order of the stream.
pub trait MessageSink {
    /// A head was read; the answer tells what follows it.
    ///
    /// It is not asked for after a head that is not complete: then the reader is lost, and no `body_end` comes.
    fn head(&mut self, message: HeadEvent<'_>) -> Next;

    /// More of a body, as it is on the wire: with its chunk framing.
    fn body(&mut self, _bytes: &[u8]) {}

    /// A message ended: `bytes` of body (transfer codings taken off, gaps counted), `last` as of a head.
    ///
    /// Comes once after each complete head, also where there is no body, unless the head was answered by `Hold`
    /// (then once after the reader was resumed). `complete` tells whether the body's end was reached.
    fn body_end(&mut self, bytes: u64, hash: Option<u64>, last: Stamp, complete: bool);

    /// Something is odd between messages or in a body (see `defect` and `BodyDefect`); heads carry their own defects.
    fn defect(&mut self, name: &'static str, stamp: Stamp);

    /// Bytes were skipped in search of the next start-line; `stamp` is that of the last one.
    fn lost(&mut self, bytes: u64, stamp: Stamp);
}
