//! Takes what the frame readers of one connection find, gives it to the streams; keeps what SETTINGS say.

use super::super::oddities::Oddities;
use super::streams::Streams;
use crate::protocol::Stamp;
use crate::protocol::http2::{Block, FrameReader, FrameSink};
use crate::stream::Direction;

/// The settings that matter here (RFC 9113 §6.5.2, RFC 8441 §3).
const HEADER_TABLE_SIZE: u16 = 1;
const MAX_FRAME_SIZE: u16 = 5;
const ENABLE_CONNECT_PROTOCOL: u16 = 8;

/// Bytes in which no frames were found: what was asked and answered there is not known.
const HTTP2_UNREAD: &str = "http2-unread-bytes";

/// What a side said about itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    table: Option<u32>,
    max_frame: Option<u32>,
    pub(super) connect_protocol: Option<bool>,
    /// Something may have been said that was not captured.
    missing: bool,
}

impl Said {
    /// Tells the reader of the other side, which has to keep to it.
    pub(super) fn tell(&self, reader: &mut FrameReader) {
        if self.missing {
            reader.allow_anything();
        }
        if let Some(size) = self.table {
            reader.allow_table(size);
        }
        if let Some(size) = self.max_frame {
            reader.allow_frames(size);
        }
    }
}

/// Takes the frames of `sender`.
pub(super) struct Sink<'a> {
    pub(super) sender: Direction,
    pub(super) streams: &'a mut Streams,
    pub(super) oddities: &'a mut Oddities,
    /// Since when frames are looked for.
    pub(super) looking: Option<i64>,
    pub(super) said: Said,
}

impl FrameSink for Sink<'_> {
    fn head(&mut self, block: &Block<'_>) {
        self.streams.head(self.sender, block);
    }

    fn data(&mut self, stream: u32, bytes: &[u8], stamp: Stamp) {
        self.streams.data(self.sender, stream, bytes, stamp);
    }

    fn data_missing(&mut self, stream: u32, length: u64, stamp: Stamp) {
        self.streams.data_missing(self.sender, stream, length, stamp);
    }

    fn end_stream(&mut self, stream: u32, stamp: Stamp) {
        self.streams.end(self.sender, stream, stamp);
    }

    fn reset(&mut self, stream: u32, code: Option<u32>, stamp: Stamp) {
        self.streams.reset(self.sender, stream, code, stamp);
    }

    fn go_away(&mut self, last_stream: u32, code: u32, stamp: Stamp) {
        self.streams.go_away(self.sender, last_stream, code, stamp);
    }

    fn settings(&mut self, first: bool) {
        if first {
            self.said.connect_protocol.get_or_insert(false);
        }
    }

    fn setting(&mut self, id: u16, value: u32) {
        match id {
            HEADER_TABLE_SIZE => self.said.table = Some(self.said.table.map_or(value, |before| before.max(value))),
            MAX_FRAME_SIZE => self.said.max_frame = Some(value),
            // RFC 8441 §3: not taken back.
            ENABLE_CONNECT_PROTOCOL if value == 1 => self.said.connect_protocol = Some(true),
            _ => {}
        }
    }

    fn settings_missing(&mut self) {
        self.said.missing = true;
    }

    fn defect(&mut self, name: &'static str, stamp: Stamp) {
        self.oddities.add(self.sender, name, stamp, None);
    }

    fn lost(&mut self, bytes: u64, stamp: Stamp) {
        let since = self.looking.take().unwrap_or(stamp.time);
        self.oddities.unread(self.sender, HTTP2_UNREAD, stamp, Some(since), Some(bytes));
    }
}
