//! Takes bytes of which nobody knows where a frame begins, gives where one does: at the beginning of a segment.

use std::collections::VecDeque;

use super::looks::{LooksHttp2, looks_like_frames};
use crate::protocol::Stamp;

/// The most bytes that are kept until it is certain that they are frames: one frame of the usual size and a header.
const MAX_KEPT: usize = 17 * 1024;

/// Looks for a frame.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// What begins with a segment and may be frames.
    bytes: Vec<u8>,
    /// The pieces in which it came.
    pieces: VecDeque<(usize, Stamp)>,
    /// The segment that does not begin with a frame.
    passed: Option<u64>,
    /// Bytes passed over, and the stamp of the last.
    lost: u64,
    last: Stamp,
}

/// Where frames begin.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) bytes: Vec<u8>,
    pub(super) pieces: VecDeque<(usize, Stamp)>,
}

impl Search {
    /// A search after the segment of `stamp`, of which so many bytes were taken for a frame.
    pub(super) fn within(stamp: Stamp, taken: usize) -> Self {
        Self { passed: Some(stamp.frame), lost: taken as u64, last: stamp, ..Self::default() }
    }

    /// Takes bytes; gives them, with what was kept before, when it is clear that they are frames.
    pub(super) fn feed(&mut self, bytes: &[u8], stamp: Stamp, max_frame: u32) -> Option<Found> {
        if self.passed == Some(stamp.frame) {
            self.pass_over(bytes.len(), stamp);
            return None;
        }
        self.passed = None;
        self.bytes.extend_from_slice(bytes);
        self.pieces.push_back((bytes.len(), stamp));
        while !self.pieces.is_empty() {
            match looks_like_frames(&self.bytes, max_frame) {
                LooksHttp2::Yes => {
                    let (bytes, pieces) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.pieces));
                    return Some(Found { bytes, pieces });
                }
                LooksHttp2::Maybe if self.bytes.len() <= MAX_KEPT => return None,
                LooksHttp2::Maybe | LooksHttp2::No => self.drop_segment(),
            }
        }
        self.passed = Some(stamp.frame);
        None
    }

    /// Passes over the first segment that is kept.
    fn drop_segment(&mut self) {
        let frame = self.pieces.front().map(|(_, stamp)| stamp.frame);
        while let Some((length, stamp)) = self.pieces.front().copied().filter(|(_, stamp)| Some(stamp.frame) == frame) {
            self.pieces.pop_front();
            self.bytes.drain(..length.min(self.bytes.len()));
            self.pass_over(length, stamp);
        }
    }

    /// There is a hole, or the end: nothing that is kept begins with a frame.
    pub(super) fn stop(&mut self) {
        while !self.pieces.is_empty() {
            self.drop_segment();
        }
        self.passed = None;
    }

    fn pass_over(&mut self, length: usize, stamp: Stamp) {
        self.lost = self.lost.saturating_add(length as u64);
        self.last = stamp;
    }

    /// How many bytes were passed over, and the stamp of the last.
    pub(super) fn lost(&self) -> Option<(u64, Stamp)> {
        (self.lost > 0).then_some((self.lost, self.last))
    }
}
