//! Takes the payload of one frame in any pieces, gives what is in it (RFC 9113 §6).

use super::block::PartialBlock;
use super::event::{FrameSink, Hole, defect};
use super::fields::BlockDefect;
use super::frame::{FrameHeader, flag, kind, stream_id};
use super::reader::FrameReader;
use crate::protocol::Stamp;
use crate::protocol::http1::Completeness;

/// The most bytes before the data or the field block: GOAWAY has 8.
const MAX_PREFIX: usize = 8;

/// The length of one setting (RFC 9113 §6.5.1).
const SETTING: u32 = 6;

/// The payload of a frame: a prefix that is read as a whole, a body, padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload {
    header: FrameHeader,
    prefix: [u8; MAX_PREFIX],
    prefix_length: usize,
    prefix_left: u32,
    body_left: u32,
    padding_left: u32,
    /// Whether the body is passed over: it is not understood, or does not matter.
    skipped: bool,
}

impl Payload {
    /// The payload after `header`.
    pub(super) fn begin(
        header: FrameHeader,
        stamp: Stamp,
        reader: &mut FrameReader,
        sink: &mut impl FrameSink,
    ) -> Self {
        let mut payload = Self {
            header,
            prefix: [0; MAX_PREFIX],
            prefix_length: 0,
            prefix_left: 0,
            body_left: header.length,
            padding_left: 0,
            skipped: true,
        };
        if !reader.expects(header) {
            if let Some(block) = &mut reader.block {
                block.defects.insert(BlockDefect::ContinuationMissing);
                reader.give_up_block(Completeness::Cut, sink);
            } else {
                sink.defect(defect::CONTINUATION_UNEXPECTED, stamp);
                reader.decoder.forget();
            }
        }
        let prefix = match header.kind {
            kind::SETTINGS if header.has(flag::ACK) => return payload,
            kind::SETTINGS => {
                sink.settings(reader.first);
                header.length.min(SETTING)
            }
            kind::CONTINUATION if reader.block.is_none() => return payload,
            kind::DATA | kind::HEADERS | kind::RST_STREAM | kind::PUSH_PROMISE | kind::GOAWAY | kind::CONTINUATION => {
                header.prefix()
            }
            _ => return payload,
        };
        let Some(body) = header.length.checked_sub(prefix) else {
            // RFC 9113 §4.2.
            sink.defect(defect::FRAME_SIZE, stamp);
            return payload;
        };
        if matches!(header.kind, kind::HEADERS | kind::PUSH_PROMISE) {
            reader.block = Some(PartialBlock::new(header, reader.frame_first, stamp));
        }
        (payload.prefix_left, payload.body_left, payload.skipped) = (prefix, body, false);
        if prefix == 0 {
            payload.end_prefix(stamp, sink);
        }
        payload
    }

    /// Whether there is no more of it.
    pub(super) fn is_over(&self) -> bool {
        self.prefix_left == 0 && self.body_left == 0 && self.padding_left == 0
    }

    /// Takes the beginning of `bytes`, at least one; gives how much.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        stamp: Stamp,
        reader: &mut FrameReader,
        sink: &mut impl FrameSink,
    ) -> usize {
        if self.prefix_left > 0 {
            let piece = take(&mut self.prefix_left, bytes);
            for (place, byte) in self.prefix.iter_mut().skip(self.prefix_length).zip(piece) {
                *place = *byte;
            }
            self.prefix_length += piece.len();
            reader.see(stamp);
            if self.prefix_left == 0 {
                self.end_prefix(stamp, sink);
            }
            return piece.len();
        }
        if self.body_left == 0 {
            reader.see(stamp);
            return take(&mut self.padding_left, bytes).len();
        }
        let piece = take(&mut self.body_left, bytes);
        if self.skipped {
            return piece.len();
        }
        match self.header.kind {
            kind::DATA => sink.data(self.header.stream, piece, stamp),
            kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION => {
                if let Some(block) = &mut reader.block {
                    block.extend(piece, stamp);
                }
            }
            _ => {}
        }
        piece.len()
    }

    /// What comes before the body is complete.
    fn end_prefix(&mut self, stamp: Stamp, sink: &mut impl FrameSink) {
        let [length, ..] = self.prefix;
        let [first, second] = [0, 4].map(|at| {
            let word = self.prefix.get(at..).and_then(<[u8]>::first_chunk::<4>);
            word.map_or(0, |word| u32::from_be_bytes(*word))
        });
        match self.header.kind {
            kind::DATA | kind::HEADERS | kind::PUSH_PROMISE if self.header.has(flag::PADDED) => {
                self.padding_left = u32::from(length);
                if self.padding_left > self.body_left {
                    // RFC 9113 §6.1: an error of the connection.
                    sink.defect(defect::FRAME_SIZE, stamp);
                    self.padding_left = self.body_left;
                }
                self.body_left -= self.padding_left;
            }
            kind::RST_STREAM => sink.reset(self.header.stream, Some(first), stamp),
            kind::GOAWAY => sink.go_away(stream_id(first), second, stamp),
            kind::SETTINGS if self.prefix_length == SETTING as usize => {
                let [high, low, a, b, c, d, ..] = self.prefix;
                sink.setting(u16::from_be_bytes([high, low]), u32::from_be_bytes([a, b, c, d]));
                if let Some(left) = self.body_left.checked_sub(SETTING) {
                    (self.prefix_length, self.prefix_left, self.body_left) = (0, SETTING, left);
                }
            }
            _ => {}
        }
    }

    /// The payload is over.
    pub(super) fn end(&mut self, stamp: Stamp, reader: &mut FrameReader, sink: &mut impl FrameSink) {
        let FrameHeader { kind, stream, .. } = self.header;
        match kind {
            kind::DATA if self.header.has(flag::END_STREAM) => sink.end_stream(stream, stamp),
            kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION if self.header.has(flag::END_HEADERS) => {
                reader.end_block(sink);
            }
            _ => {}
        }
    }

    /// `length` bytes are not there.
    pub(super) fn gap(
        &mut self,
        length: u64,
        completeness: Completeness,
        stamp: Stamp,
        reader: &mut FrameReader,
        sink: &mut impl FrameSink,
    ) -> Hole {
        let mut missing = u32::try_from(length).unwrap_or(u32::MAX);
        let of_prefix = skip(&mut self.prefix_left, &mut missing);
        let of_body = skip(&mut self.body_left, &mut missing);
        skip(&mut self.padding_left, &mut missing);
        if !self.skipped {
            self.lose(of_prefix, of_body, completeness, stamp, reader, sink);
        }
        if missing == 0 {
            return Hole::InStep;
        }
        // Its end is in the hole.
        if self.header.kind == kind::DATA {
            self.end(stamp, reader, sink);
        }
        Hole::Lost
    }

    /// So much of the prefix and of the body is missing.
    fn lose(
        &mut self,
        of_prefix: u32,
        of_body: u32,
        completeness: Completeness,
        stamp: Stamp,
        reader: &mut FrameReader,
        sink: &mut impl FrameSink,
    ) {
        match self.header.kind {
            // With the prefix it is unknown how much is padding.
            kind::DATA if of_body > 0 => sink.data_missing(self.header.stream, of_body.into(), stamp),
            kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION if of_prefix > 0 || of_body > 0 => {
                reader.break_block(completeness, sink);
                self.skipped = true;
            }
            kind::RST_STREAM if of_prefix > 0 => sink.reset(self.header.stream, None, stamp),
            kind::SETTINGS => sink.settings_missing(),
            _ => {}
        }
        if of_prefix > 0 {
            self.body_left = self.body_left.saturating_add(std::mem::take(&mut self.prefix_left));
            self.skipped = self.skipped || self.header.kind != kind::DATA;
        }
    }
}

/// The beginning of `bytes` that belongs to a part of which so much is `left`.
fn take<'a>(left: &mut u32, bytes: &'a [u8]) -> &'a [u8] {
    let length = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left = left.saturating_sub(u32::try_from(length).unwrap_or(u32::MAX));
    &bytes[..length]
}

/// Passes over as much as is `missing` of a part of which so much is `left`; gives how much that is.
fn skip(left: &mut u32, missing: &mut u32) -> u32 {
    let skipped = (*left).min(*missing);
    *left -= skipped;
    *missing -= skipped;
    skipped
}
