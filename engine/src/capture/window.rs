//! Takes a [`Source`], gives a window on its bytes that moves forward and never copies what it lends.

use std::io;
use std::ops::Range;

use super::source::Source;

/// The window's size at first: some hundreds of packets a read, and little to keep for each open file.
const INITIAL_SIZE: usize = 1 << 20;

/// How the bytes ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// At the end of the file; also while they have not ended.
    Clean,
    /// At the end of a file whose compression goes on.
    Cut(&'static str),
    /// By an error of the file system.
    Failed(io::Error),
    /// By an error of the compression.
    Damaged(&'static str, io::Error),
}

/// A buffer of `bytes[start..end]` that grows only as data really arrive.
#[derive(Debug)]
pub(super) struct Window {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    ending: Ending,
    ended: bool,
}

impl Window {
    pub(super) fn new(source: Source) -> Self {
        let buffer = vec![0; INITIAL_SIZE];
        Self { source, buffer, start: 0, end: 0, offset: 0, ending: Ending::Clean, ended: false }
    }

    /// Has at least `wanted` bytes, reading no more often than is needed; `false` where the source ends before.
    ///
    /// The caller bounds `wanted`. What was lent before is gone.
    pub(super) fn fill(&mut self, wanted: usize) -> bool {
        while self.end - self.start < wanted {
            if self.ended {
                return false;
            }
            self.make_room(wanted);
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end = self.end.saturating_add(count).min(self.buffer.len()),
                Err(error) => {
                    self.ended = true;
                    self.ending = self.source.explain(error);
                }
            }
        }
        true
    }

    /// Leaves at least one byte free behind `end`, for data of which `wanted` bytes are needed in one piece.
    fn make_room(&mut self, wanted: usize) {
        if self.start > 0 && self.buffer.len() - self.start < wanted {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            // Full, so that all of it came from the source: a lying length alone claims no memory.
            let doubled = self.buffer.len().saturating_mul(2);
            self.buffer.resize(doubled.min(wanted.max(self.buffer.len() + 1)), 0);
        }
    }

    /// What is there now.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Moves over `count` bytes, at most those that are there, and gives where `part` of them stands, to be
    /// [`lent`](Self::lent) before anything is read.
    pub(super) fn take(&mut self, count: usize, part: Range<usize>) -> Range<usize> {
        let count = count.min(self.end - self.start);
        let at = |index: usize| self.start + index.min(count);
        let range = at(part.start)..at(part.end);
        self.start += count;
        self.offset = self.offset.saturating_add(count as u64);
        range
    }

    /// Moves over `count` bytes, reading but not keeping them; `false` where the source ends before.
    pub(super) fn discard(&mut self, mut count: u64) -> bool {
        loop {
            let now = usize::try_from(count).unwrap_or(usize::MAX).min(self.end - self.start);
            self.take(now, 0..0);
            count -= now as u64;
            if count == 0 {
                return true;
            }
            if !self.fill(1) {
                return false;
            }
        }
    }

    /// The bytes at a place that [`take`](Self::take) gave.
    pub(super) fn lent(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// How many bytes of the (decompressed) source stand before the window.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn ending(&self) -> &Ending {
        &self.ending
    }

    pub(super) fn take_ending(&mut self) -> Ending {
        std::mem::replace(&mut self.ending, Ending::Clean)
    }

    pub(super) fn compression(&self) -> Option<&'static str> {
        self.source.compression()
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }
}
