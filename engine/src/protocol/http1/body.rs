//! Takes a body in any pieces, gives its size, where it ends and, if asked, its hash. Nothing of it is kept.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::chunked::ChunkWalker;
use super::framing::Framing;
use crate::protocol::named_set::named_set;

named_set! {
    /// What is odd in one body.
    set BodyDefects;
    /// Something odd in a body.
    enum BodyDefect {
        ChunkSizeMalformed = "chunk-size-malformed",
        ChunkSizePadded = "chunk-size-padded",
        ChunkLineTooLong = "chunk-line-too-long",
        /// A line that ends with LF alone.
        ChunkBareLineFeed = "chunk-bare-line-feed",
        /// CR within a line.
        ChunkBareReturn = "chunk-bare-return",
        /// No line end after a chunk's data.
        ChunkDataEnd = "chunk-data-end",
        TrailersTooLong = "trailers-too-long",
    }
}

/// What a gap did to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapOutcome {
    /// All of it was payload; what follows is still understood.
    Inside,
    /// It may have hidden the end.
    Lost,
}

#[derive(Clone, Debug)]
enum Walk {
    Length { left: u64 },
    Chunked(ChunkWalker),
    UntilClose,
    Lost,
}

#[derive(Clone)]
enum Hash {
    Off,
    /// Nothing hashed yet.
    Empty,
    /// Of a body that came in one piece.
    Whole(u64),
    Running(Box<Xxh3>),
}

/// Walks one body.
#[derive(Clone)]
pub struct BodyReader {
    walk: Walk,
    bytes: u64,
    hash: Hash,
    defects: BodyDefects,
}

impl BodyReader {
    /// A body framed by `framing`; hashed if `hashed`.
    #[must_use]
    pub fn new(framing: Framing, hashed: bool) -> Self {
        let walk = match framing {
            Framing::None => Walk::Length { left: 0 },
            Framing::Length(left) => Walk::Length { left },
            Framing::Chunked => Walk::Chunked(ChunkWalker::new()),
            Framing::UntilClose => Walk::UntilClose,
        };
        Self { walk, bytes: 0, hash: if hashed { Hash::Empty } else { Hash::Off }, defects: BodyDefects::default() }
    }

    /// Takes what belongs to the body from the beginning of `bytes`; gives how much that was.
    ///
    /// Less than given only when the body is done or lost.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            match self.advance(&bytes[at..]) {
                0 => break,
                taken => at += taken,
            }
        }
        at
    }

    /// As `feed`, but no further than to the next thing that is odd, so that each is known by its place.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        match &mut self.walk {
            Walk::Length { left } => {
                let run = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left = left.saturating_sub(run as u64);
                self.payload(&bytes[..run]);
                run
            }
            Walk::UntilClose => {
                self.payload(bytes);
                bytes.len()
            }
            Walk::Chunked(_) => self.advance_chunked(bytes),
            Walk::Lost => 0,
        }
    }

    fn advance_chunked(&mut self, bytes: &[u8]) -> usize {
        let before = self.defects;
        let mut at = 0;
        while at < bytes.len() && self.defects == before {
            let Walk::Chunked(walker) = &mut self.walk else {
                break;
            };
            if walker.is_done() {
                break;
            }
            let step = walker.step(&bytes[at..], &mut self.defects);
            if walker.is_lost() {
                self.walk = Walk::Lost;
            }
            if step.payload {
                self.payload(&bytes[at..at + step.consumed]);
            }
            at += step.consumed;
        }
        at
    }

    fn payload(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if bytes.is_empty() {
            return;
        }
        let done = self.done();
        match &mut self.hash {
            Hash::Off => {}
            Hash::Empty if done => self.hash = Hash::Whole(xxh3_64(bytes)),
            Hash::Running(running) => running.update(bytes),
            Hash::Empty | Hash::Whole(_) => {
                let mut running = Box::new(Xxh3::new());
                running.update(bytes);
                self.hash = Hash::Running(running);
            }
        }
    }

    /// Skips `length` bytes that were not captured.
    pub fn gap(&mut self, length: u64) -> GapOutcome {
        if length == 0 {
            return GapOutcome::Inside;
        }
        let inside = match &mut self.walk {
            Walk::Length { left } if length <= *left => {
                *left = left.saturating_sub(length);
                true
            }
            Walk::Chunked(walker) => walker.gap(length),
            Walk::UntilClose => true,
            Walk::Length { .. } | Walk::Lost => false,
        };
        self.hash = Hash::Off;
        if inside {
            self.bytes = self.bytes.saturating_add(length);
            GapOutcome::Inside
        } else {
            self.walk = Walk::Lost;
            GapOutcome::Lost
        }
    }

    /// Whether its end was reached; with `UntilClose` it never is.
    #[must_use]
    pub fn done(&self) -> bool {
        match &self.walk {
            Walk::Length { left } => *left == 0,
            Walk::Chunked(walker) => walker.is_done(),
            Walk::UntilClose | Walk::Lost => false,
        }
    }

    /// Whether its end cannot be found any more.
    #[must_use]
    pub fn lost(&self) -> bool {
        matches!(self.walk, Walk::Lost)
    }

    /// Whether the connection's end is its end.
    #[must_use]
    pub fn ends_with_connection(&self) -> bool {
        matches!(self.walk, Walk::UntilClose)
    }

    /// Payload bytes so far, with those in gaps.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was odd so far.
    #[must_use]
    pub fn defects(&self) -> BodyDefects {
        self.defects
    }

    /// The XXH3 (64 bits) of the payload so far; `None` if not asked for, if there was none or if some is missing.
    #[must_use]
    pub fn hash(&self) -> Option<u64> {
        match &self.hash {
            Hash::Off | Hash::Empty => None,
            Hash::Whole(hash) => Some(*hash),
            Hash::Running(running) => Some(running.digest()),
        }
    }
}
