//! Takes the pieces of one header block, keeps them until it is complete (RFC 9113 §4.3).

use super::fields::BlockDefects;
use super::frame::{FrameHeader, flag, kind};
use crate::protocol::Stamp;
use crate::protocol::http1::{MAX_HEAD, Span};

/// The longest block that is decoded: compressed it is not longer than the head is allowed to be. Frames of CONTINUATION
/// without an end (RFC 9113 §10.5) cost no more than this.
pub const MAX_BLOCK: usize = MAX_HEAD;

/// A header block that is not complete.
#[derive(Debug)]
pub(super) struct PartialBlock {
    pub(super) stream: u32,
    /// Whether it is that of a PUSH_PROMISE.
    pub(super) promised: bool,
    pub(super) end_stream: bool,
    pub(super) bytes: Vec<u8>,
    pub(super) span: Span,
    pub(super) defects: BlockDefects,
    /// Whether there was more than is kept.
    pub(super) too_long: bool,
    /// Whether it was told as far as it was captured, so that the rest does not matter.
    pub(super) told: bool,
}

impl PartialBlock {
    /// Of HEADERS or PUSH_PROMISE; `first` is the stamp of the first byte of their header, `last` that of the last.
    pub(super) fn new(header: FrameHeader, first: Stamp, last: Stamp) -> Self {
        let promised = header.kind == kind::PUSH_PROMISE;
        let mut span = Span::new(first);
        span.extend(last);
        Self {
            stream: header.stream,
            promised,
            end_stream: !promised && header.has(flag::END_STREAM),
            bytes: Vec::new(),
            span,
            defects: BlockDefects::default(),
            too_long: false,
            told: false,
        }
    }

    pub(super) fn extend(&mut self, bytes: &[u8], stamp: Stamp) {
        self.span.extend(stamp);
        let room = if self.told { 0 } else { MAX_BLOCK.saturating_sub(self.bytes.len()) };
        self.too_long |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}
