//! Takes one direction of an HTTP/2 connection in any pieces, gives its header blocks and what else matters of its frames.
//!
//! `payload` reads what is in a frame, `search` finds the next one after a hole.

use super::block::PartialBlock;
use super::event::{Block, FrameSink, Hole, defect};
use super::fields::{BlockDefect, FieldList};
use super::frame::{DEFAULT_MAX_FRAME, FrameHeader, HEADER, MAX_FRAME, kind};
use super::hpack::Decoder;
use super::payload::Payload;
use super::search::{Found, Search};
use crate::protocol::http1::Completeness;
use crate::protocol::{GapCause, Stamp};

/// What a client begins with (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Where a reader is.
#[derive(Debug)]
enum State {
    Preface { at: usize },
    Header,
    Payload(Payload),
    Lost(Search),
}

/// Reads the frames of one direction.
#[derive(Debug)]
pub struct FrameReader {
    state: State,
    /// The beginning of a header that came in pieces.
    pending: [u8; HEADER],
    pending_length: usize,
    /// Of the first byte of the current frame.
    pub(super) frame_first: Stamp,
    /// The frame of the last bytes.
    frame: Option<u64>,
    /// The header block that goes on.
    pub(super) block: Option<PartialBlock>,
    pub(super) fields: FieldList,
    pub(super) decoder: Decoder,
    max_frame: u32,
    /// Whether no frame was read yet since the connection's beginning.
    pub(super) first: bool,
}

impl FrameReader {
    /// At the beginning of what a client sends.
    #[must_use]
    pub fn of_client() -> Self {
        Self { state: State::Preface { at: 0 }, ..Self::of_server() }
    }

    /// At the beginning of what a server sends.
    #[must_use]
    pub fn of_server() -> Self {
        Self {
            state: State::Header,
            pending: [0; HEADER],
            pending_length: 0,
            frame_first: Stamp::default(),
            frame: None,
            block: None,
            fields: FieldList::default(),
            decoder: Decoder::new(),
            max_frame: DEFAULT_MAX_FRAME,
            first: true,
        }
    }

    /// Somewhere in what either sends.
    #[must_use]
    pub fn mid_stream() -> Self {
        Self {
            state: State::Lost(Search::default()),
            decoder: Decoder::mid_stream(),
            max_frame: MAX_FRAME,
            first: false,
            ..Self::of_server()
        }
    }

    /// The receiver allows frames of this size (SETTINGS_MAX_FRAME_SIZE, RFC 9113 §6.5.2).
    ///
    /// One that is lowered takes effect some time later.
    pub fn allow_frames(&mut self, size: u32) {
        self.max_frame = self.max_frame.max(size.min(MAX_FRAME));
    }

    /// The receiver allows a table of this size (SETTINGS_HEADER_TABLE_SIZE, RFC 9113 §6.5.2).
    pub fn allow_table(&mut self, size: u32) {
        self.decoder.allow(Some(size));
    }

    /// What the receiver allows may have been said where it was not captured.
    pub fn allow_anything(&mut self) {
        self.max_frame = MAX_FRAME;
        self.decoder.allow(None);
    }

    /// Whether it is not known where the next frame begins.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost(_))
    }

    /// Reads `bytes`.
    pub fn feed(&mut self, bytes: &[u8], stamp: Stamp, sink: &mut impl FrameSink) {
        let mut at = 0;
        while at < bytes.len() {
            at += self.advance(&bytes[at..], stamp, sink);
        }
        self.frame = Some(stamp.frame);
    }

    /// Reads some of `bytes`, of which there is at least one; gives how many.
    fn advance(&mut self, bytes: &[u8], stamp: Stamp, sink: &mut impl FrameSink) -> usize {
        match &mut self.state {
            State::Preface { at } => {
                let rest = PREFACE.get(*at..).unwrap_or_default();
                let length = rest.len().min(bytes.len());
                if rest.get(..length) != bytes.get(..length) {
                    sink.defect(defect::PREFACE_INVALID, stamp);
                    let taken = *at;
                    self.lose(Search::within(stamp, taken), sink);
                    return 0;
                }
                *at += length;
                if *at == PREFACE.len() {
                    self.state = State::Header;
                }
                length
            }
            State::Header => self.header(bytes, stamp, sink),
            State::Payload(payload) => {
                let mut payload = *payload;
                let taken = payload.feed(bytes, stamp, self, sink);
                self.go_on(payload, stamp, sink);
                taken
            }
            State::Lost(search) => {
                if let Some(found) = search.feed(bytes, stamp, self.max_frame) {
                    self.find(found, sink);
                }
                bytes.len()
            }
        }
    }

    /// Collects a header from the beginning of `bytes`; gives how many were taken.
    fn header(&mut self, bytes: &[u8], stamp: Stamp, sink: &mut impl FrameSink) -> usize {
        let before = self.pending_length;
        if before == 0 {
            self.frame_first = stamp;
        }
        let taken = bytes.len().min(HEADER.saturating_sub(before));
        let (Some(place), Some(piece)) = (self.pending.get_mut(before..before + taken), bytes.get(..taken)) else {
            return bytes.len();
        };
        place.copy_from_slice(piece);
        self.pending_length += taken;
        self.see(stamp);
        if self.pending_length == HEADER {
            self.pending_length = 0;
            self.begin_frame(stamp, sink);
        }
        taken
    }

    fn begin_frame(&mut self, stamp: Stamp, sink: &mut impl FrameSink) {
        let Some(header) = FrameHeader::parse(&self.pending) else {
            return;
        };
        // RFC 9113 §4.2: larger than allowed ends the connection, or was never a frame.
        if header.length > self.max_frame {
            sink.defect(defect::FRAME_INVALID, stamp);
            self.give_up_block(Completeness::Cut, sink);
            self.lose(Search::within(stamp, HEADER), sink);
            return;
        }
        let payload = Payload::begin(header, stamp, self, sink);
        self.first = false;
        self.go_on(payload, stamp, sink);
    }

    /// Goes on with the payload, or after it.
    fn go_on(&mut self, mut payload: Payload, stamp: Stamp, sink: &mut impl FrameSink) {
        if payload.is_over() {
            payload.end(stamp, self, sink);
            self.state = State::Header;
        } else {
            self.state = State::Payload(payload);
        }
    }

    /// `length` bytes are not there; `stamp` is where that was found.
    pub fn gap(&mut self, length: u64, cause: GapCause, stamp: Stamp, sink: &mut impl FrameSink) -> Hole {
        if length == 0 {
            return Hole::InStep;
        }
        let completeness = match cause {
            GapCause::Missing => Completeness::Gap,
            GapCause::Truncated => Completeness::Truncated,
        };
        self.frame = None;
        if let State::Payload(payload) = &mut self.state {
            let mut payload = *payload;
            let outcome = payload.gap(length, completeness, stamp, self, sink);
            if outcome == Hole::InStep {
                self.go_on(payload, stamp, sink);
                return outcome;
            }
        }
        self.give_up_block(completeness, sink);
        if let State::Lost(search) = &mut self.state {
            search.stop();
        } else {
            self.lose(Search::default(), sink);
        }
        Hole::Lost
    }

    /// The stream ended.
    pub fn end(&mut self, sink: &mut impl FrameSink) {
        self.give_up_block(Completeness::Cut, sink);
        if let State::Lost(search) = &mut self.state {
            search.stop();
            if let Some((bytes, stamp)) = search.lost() {
                sink.lost(bytes, stamp);
            }
        }
        self.state = State::Lost(Search::default());
    }

    /// Nobody knows where the next frame begins.
    fn lose(&mut self, search: Search, sink: &mut impl FrameSink) {
        self.pending_length = 0;
        self.decoder.forget();
        self.first = false;
        self.state = State::Lost(search);
        sink.settings_missing();
    }

    /// Goes on with the frames that were found.
    fn find(&mut self, found: Found, sink: &mut impl FrameSink) {
        if let State::Lost(search) = &self.state
            && let Some((bytes, stamp)) = search.lost()
        {
            sink.lost(bytes, stamp);
        }
        self.state = State::Header;
        let mut rest = found.bytes.as_slice();
        for (length, stamp) in found.pieces {
            let (piece, after) = rest.split_at(length.min(rest.len()));
            rest = after;
            self.feed(piece, stamp, sink);
        }
    }

    /// Bytes of a frame came.
    pub(super) fn see(&mut self, stamp: Stamp) {
        if let Some(block) = &mut self.block {
            block.span.extend(stamp);
        }
    }

    /// Whether a frame of this kind may come now.
    pub(super) fn expects(&self, header: FrameHeader) -> bool {
        match &self.block {
            // RFC 9113 §6.10.
            Some(block) => header.kind == kind::CONTINUATION && header.stream == block.stream,
            None => header.kind != kind::CONTINUATION,
        }
    }

    /// The header block that is open ended.
    pub(super) fn end_block(&mut self, sink: &mut impl FrameSink) {
        if let Some(block) = self.block.take() {
            self.tell(&block, Completeness::Complete, sink);
        }
    }

    /// The header block that is open has no end.
    pub(super) fn give_up_block(&mut self, completeness: Completeness, sink: &mut impl FrameSink) {
        if let Some(block) = self.block.take() {
            self.tell(&block, completeness, sink);
            self.decoder.forget();
        }
    }

    /// A part of the header block that is open is missing.
    pub(super) fn break_block(&mut self, completeness: Completeness, sink: &mut impl FrameSink) {
        if let Some(mut block) = self.block.take() {
            self.tell(&block, completeness, sink);
            self.decoder.forget();
            block.told = true;
            self.block = Some(block);
        }
    }

    /// Tells a header block, as far as it is there.
    fn tell(&mut self, block: &PartialBlock, completeness: Completeness, sink: &mut impl FrameSink) {
        if block.told {
            return;
        }
        let fields = &mut self.fields;
        fields.begin(block.bytes.len());
        fields.defects = block.defects;
        let decoded = self.decoder.decode(&block.bytes, |field| fields.push(field));
        let whole = completeness == Completeness::Complete && !block.too_long;
        if block.too_long {
            fields.defects.insert(BlockDefect::HeaderBlockTooLong);
            self.decoder.forget();
        } else if decoded.is_err() && whole {
            fields.defects.insert(BlockDefect::HpackInvalid);
        }
        let lossy = [BlockDefect::HpackInvalid, BlockDefect::HpackStateLost, BlockDefect::HeadTooLong];
        let completeness = match completeness {
            Completeness::Complete if !whole => Completeness::Cut,
            Completeness::Complete if lossy.iter().any(|defect| fields.defects.contains(*defect)) => Completeness::Gap,
            other => other,
        };
        if block.promised {
            return;
        }
        let carried = block.span.carried();
        sink.head(&Block {
            stream: block.stream,
            fields,
            compressed: &block.bytes,
            end_stream: block.end_stream,
            first: carried.first,
            last: carried.last,
            frames: carried.frames,
            completeness,
        });
    }
}
