//! What a reader of HTTP/2 frames gives.

use super::fields::FieldList;
use crate::protocol::Stamp;
use crate::protocol::http1::Completeness;

/// A header block was read: HEADERS and what continues it.
#[derive(Debug)]
pub struct Block<'a> {
    pub stream: u32,
    pub fields: &'a FieldList,
    /// As sent, as far as it was captured and is kept.
    pub compressed: &'a [u8],
    /// Whether the sender's side of the stream ends with it.
    pub end_stream: bool,
    /// Of the first byte of the first frame's header.
    pub first: Stamp,
    /// The frame of the last byte, the greatest time of its frames.
    pub last: Stamp,
    /// The frames that carried it, each once, in the order of their bytes.
    pub frames: &'a [u64],
    /// Whether all fields are known.
    pub completeness: Completeness,
}

/// What a gap did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// It lies within one frame; what follows is still understood.
    InStep,
    /// It may hide frames of any stream.
    Lost,
}

/// The names under which a reader tells what is odd between frames.
pub mod defect {
    /// The client's beginning is not the connection preface (RFC 9113 §3.4).
    pub const PREFACE_INVALID: &str = "http2-preface-invalid";
    /// A frame that no endpoint would send: too large (RFC 9113 §4.2), or of another protocol.
    pub const FRAME_INVALID: &str = "http2-frame-invalid";
    /// A frame too small for what it has to hold (RFC 9113 §4.2), or of more padding than payload (§6.1).
    pub const FRAME_SIZE: &str = "http2-frame-size";
    /// RFC 9113 §6.10: CONTINUATION that continues nothing.
    pub const CONTINUATION_UNEXPECTED: &str = "continuation-unexpected";
}

/// Takes what a reader finds, in the order of the stream.
pub trait FrameSink {
    /// A header block ended, or cannot be read on.
    fn head(&mut self, block: &Block<'_>);

    /// A piece of a stream's data, without padding.
    fn data(&mut self, stream: u32, bytes: &[u8], stamp: Stamp);

    /// So much of a stream's data is not there.
    fn data_missing(&mut self, stream: u32, length: u64, stamp: Stamp);

    /// The sender's side of the stream ended with data.
    fn end_stream(&mut self, stream: u32, stamp: Stamp);

    /// RST_STREAM (RFC 9113 §6.4); the error code is `None` where it was not captured.
    fn reset(&mut self, stream: u32, code: Option<u32>, stamp: Stamp);

    /// GOAWAY (RFC 9113 §6.8).
    fn go_away(&mut self, last_stream: u32, code: u32, stamp: Stamp);

    /// SETTINGS begins (RFC 9113 §6.5), no acknowledgement; `first` if it is the first frame of the connection.
    fn settings(&mut self, first: bool);

    /// One of its settings.
    fn setting(&mut self, id: u16, value: u32);

    /// Settings may have gone by that were not captured.
    fn settings_missing(&mut self);

    /// Something is odd between blocks; those carry their own defects.
    fn defect(&mut self, name: &'static str, stamp: Stamp);

    /// Bytes were passed over in search of the next frame; `stamp` is that of the last one.
    fn lost(&mut self, bytes: u64, stamp: Stamp);
}
