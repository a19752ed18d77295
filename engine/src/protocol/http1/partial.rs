//! Takes the pieces of a head that does not come in one, gives the whole, and the frames that carried it.

use super::head::{MAX_HEAD, find_head_end};
use super::message::MAX_FRAMES;
use super::resync::{Certain, MAX_CERTAIN_LINE, certain_start};
use super::start_line::{Looks, is_control, looks_like_start};
use crate::protocol::Stamp;

/// What carried one head.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct Carried<'a> {
    pub(in crate::protocol) first: Stamp,
    pub(in crate::protocol) last: Stamp,
    pub(in crate::protocol) frames: &'a [u64],
}

/// The frames of a head that is not complete yet.
#[derive(Clone, Debug)]
pub(in crate::protocol) struct Span {
    first: Stamp,
    pub(super) last: Stamp,
    frames: Vec<u64>,
}

impl Span {
    pub(in crate::protocol) fn new(stamp: Stamp) -> Self {
        Self { first: stamp, last: stamp, frames: vec![stamp.frame] }
    }

    pub(in crate::protocol) fn extend(&mut self, stamp: Stamp) {
        self.last = self.last.extended_to(stamp);
        if self.frames.contains(&stamp.frame) {
            return;
        }
        if self.frames.len() >= MAX_FRAMES {
            self.frames.pop();
        }
        self.frames.push(stamp.frame);
    }

    pub(in crate::protocol) fn carried(&self) -> Carried<'_> {
        Carried { first: self.first, last: self.last, frames: &self.frames }
    }
}

/// What the bytes collected so far turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    /// A head that ends after so many of the collected bytes.
    Complete(usize),
    TooLong,
    Http2Preface,
    NotAStart,
}

/// How long a start-line is looked at again with every piece: its method and blanks, or a status line, are shorter.
/// After that only a control byte decides, so that a long target in small pieces costs no more than in one.
const SHORT_LINE: usize = 128;

/// The beginning of a segment among the bytes collected.
#[derive(Clone, Copy, Debug)]
struct Segment {
    at: usize,
    stamp: Stamp,
    /// The stamp of what was collected before it.
    before: Stamp,
}

/// The beginning of a head.
#[derive(Debug)]
pub(super) struct PartialHead {
    pub(super) bytes: Vec<u8>,
    pub(super) span: Span,
    /// Whether it was found in an unknown place, where only a certain start-line counts.
    pub(super) searching: bool,
    /// Whether its start-line is known to be one.
    pub(super) confirmed: bool,
    /// The last segment that began while the start-line was not known to be one.
    segment: Option<Segment>,
    /// Whether the bytes were never looked at together.
    fresh: bool,
    /// How much was searched for the head's end.
    searched: usize,
}

/// What is left when collected bytes turn out to be no head.
#[derive(Debug)]
pub(super) struct Rejected {
    /// How many bytes are given up, and the stamp of the last one.
    pub(super) skipped: usize,
    pub(super) last: Stamp,
    /// What was collected from the last segment's beginning on, to be tried anew.
    pub(super) rest: Option<PartialHead>,
    /// Whether the bytes that were just fed begin a segment.
    pub(super) candidate: bool,
}

impl PartialHead {
    pub(super) fn new(stamp: Stamp, searching: bool) -> Self {
        Self {
            bytes: Vec::new(),
            span: Span::new(stamp),
            searching,
            confirmed: false,
            segment: None,
            fresh: true,
            searched: 0,
        }
    }

    /// What follows comes in another frame than what came before.
    pub(super) fn begin_segment(&mut self, stamp: Stamp) {
        if !self.confirmed {
            self.segment = Some(Segment { at: self.bytes.len(), stamp, before: self.span.last });
        }
    }

    /// Takes the beginning of `bytes`, at least one; gives how much.
    pub(super) fn extend(&mut self, bytes: &[u8], stamp: Stamp) -> (usize, Progress) {
        let before = self.bytes.len();
        let taken = &bytes[..bytes.len().min(MAX_HEAD.saturating_sub(before))];
        let fresh = std::mem::replace(&mut self.fresh, false);
        let short = before < SHORT_LINE || self.bytes.last() == Some(&b'\r');
        self.bytes.extend_from_slice(taken);
        self.span.extend(stamp);
        let too_long = self.searching && self.bytes.len() >= MAX_CERTAIN_LINE;
        if !self.confirmed && (fresh || short || too_long || taken.iter().any(|byte| is_control(*byte))) {
            match self.look() {
                Looks::Request | Looks::Response => self.confirmed = true,
                Looks::Http2Preface => return (taken.len(), Progress::Http2Preface),
                Looks::No => return (taken.len(), Progress::NotAStart),
                Looks::Maybe => {}
            }
        }
        if let Some(end) = find_head_end(&self.bytes, self.searched) {
            return (taken.len(), Progress::Complete(end));
        }
        self.searched = self.bytes.len();
        let progress = if self.searched >= MAX_HEAD { Progress::TooLong } else { Progress::More };
        (taken.len(), progress)
    }

    /// What the start-line looks like, given where it was found.
    pub(super) fn look(&self) -> Looks {
        if self.searching {
            match certain_start(&self.bytes) {
                Certain::Yes => {}
                Certain::Maybe => return Looks::Maybe,
                Certain::No => return Looks::No,
            }
        }
        looks_like_start(&self.bytes)
    }

    /// After `NotAStart`, when there were `before` bytes before the last ones, with `last` as their stamp.
    ///
    /// There is no line end among the `before`, or the line would have been judged then: no other place to try in them
    /// than a segment's beginning.
    pub(super) fn reject(&self, before: usize, last: Stamp) -> Rejected {
        match self.segment {
            Some(segment) if segment.at < before => {
                let mut rest = Self::new(segment.stamp, true);
                rest.bytes.extend_from_slice(self.bytes.get(segment.at..before).unwrap_or_default());
                Rejected { skipped: segment.at, last: segment.before, rest: Some(rest), candidate: false }
            }
            segment => Rejected { skipped: before, last, rest: None, candidate: segment.is_some() },
        }
    }
}
