//! Takes the files of one vantage point in their order, gives their records as one capture.
//!
//! Frames are counted on across the files. Who rotates files cuts connections anywhere; here they run on.

use std::collections::VecDeque;

use super::ledger::TIMES;
use super::{CaptureError, Entry, Reader, Record, Summary, TakeSecrets};

/// A step of the clock from one record to the next that is worth remembering, in nanoseconds: longer than what threads
/// of a capturing program are apart.
const MIN_STEP: i64 = 50_000_000;

/// How many of them are remembered, the largest; a clock is set a few times, and the rest are silences.
const MAX_STEPS: usize = 256;

/// How much earlier than the end of the last file the next one may begin, in nanoseconds, and still follow it.
const OVERLAP: i64 = 1_000_000_000;

/// Opens one file.
pub type Opener = Box<dyn FnOnce() -> Result<Reader, CaptureError> + Send>;

/// From this frame on, the clock was wrong by `by` nanoseconds, which are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    pub frame: u64,
    pub by: i64,
}

/// How far the time went from the record before to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub frame: u64,
    pub by: i64,
}

/// One file that was read, or could not be.
#[derive(Debug)]
pub struct Part {
    pub summary: Summary,
    /// How many frames were numbered in it.
    pub frames: u64,
}

/// The files that wait.
struct Waiting {
    opener: Opener,
    /// When it begins, where that decides whether it follows.
    begins: Option<i64>,
}

/// Reads the files of one vantage point, in one pass.
pub struct Series {
    reader: Reader,
    waiting: VecDeque<Waiting>,
    parts: Vec<Part>,
    take: Option<Box<dyn FnMut() -> TakeSecrets + Send>>,
    shifts: VecDeque<Shift>,
    shift: i64,
    /// The time of the last record.
    last: Option<i64>,
    latest: Option<i64>,
    steps: Vec<Step>,
    /// The first and the last time in the file that is being read.
    span: (Option<i64>, Option<i64>),
    /// The file that was read last is in the books.
    closed: bool,
    bytes_before: u64,
    frames_before: u64,
    late_secrets: bool,
}

impl Series {
    /// Opens the first file; the others when their turn comes.
    ///
    /// # Errors
    /// The first file cannot be read, is empty, or is no capture; or there is none.
    pub fn open(openers: Vec<Opener>) -> Result<Self, CaptureError> {
        let mut waiting: VecDeque<Waiting> =
            openers.into_iter().map(|opener| Waiting { opener, begins: None }).collect();
        let Some(first) = waiting.pop_front() else { return Err(CaptureError::Empty) };
        Ok(Self {
            reader: (first.opener)()?,
            waiting,
            parts: Vec::new(),
            take: None,
            shifts: VecDeque::new(),
            shift: 0,
            last: None,
            latest: None,
            steps: Vec::new(),
            span: (None, None),
            closed: false,
            bytes_before: 0,
            frames_before: 0,
            late_secrets: false,
        })
    }

    /// Has a file follow only if it does not begin before the end of the one before it: otherwise it is of another
    /// vantage point, and reading ends there. `begins` are the times of the first records, in the order of the files.
    #[must_use]
    pub fn only_in_time(mut self, begins: &[i64]) -> Self {
        for (file, begins) in self.waiting.iter_mut().zip(begins.iter().skip(1)) {
            file.begins = Some(*begins);
        }
        self
    }

    /// Corrects the clock; `shifts` in the order of their frames.
    #[must_use]
    pub fn corrected(mut self, shifts: &[Shift]) -> Self {
        self.shifts = shifts.iter().copied().collect();
        self
    }

    /// Has what `taker` makes for each file given the key logs that it carries.
    pub fn hand_secrets_to(&mut self, mut taker: Box<dyn FnMut() -> TakeSecrets + Send>) {
        self.reader.hand_secrets_to(taker());
        self.take = Some(taker);
    }

    /// The next record, with the index of its file; or `None` at the end of the last file.
    #[expect(clippy::should_implement_trait, reason = "an Iterator cannot lend its items")]
    pub fn next(&mut self) -> Option<(usize, Record<'_>)> {
        let mut entry = loop {
            match self.reader.advance() {
                Some(entry) => break entry,
                None if self.open_next() => {}
                None => return None,
            }
        };
        self.number(&mut entry);
        Some((self.parts.len(), self.reader.lend(entry)))
    }

    /// How many bytes were taken from the files so far, before decompression.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_before.saturating_add(self.reader.bytes_read())
    }

    /// What is known of the files: those that were read, and how many were left.
    #[must_use]
    pub fn finish(mut self) -> Parts {
        self.close();
        self.steps.sort_by_key(|step| step.frame);
        Parts { files: self.parts, left: self.waiting.len(), steps: self.steps, late_secrets: self.late_secrets }
    }

    fn number(&mut self, entry: &mut Entry) {
        entry.frame = entry.frame.saturating_add(self.frames_before);
        while let Some(shift) = self.shifts.front().filter(|shift| shift.frame <= entry.frame) {
            self.shift = shift.by;
            self.shifts.pop_front();
        }
        entry.time = entry.time.saturating_add(self.shift).clamp(*TIMES.start(), *TIMES.end());
        let step = self.last.map_or(0, |last| entry.time.saturating_sub(last));
        if step.saturating_abs() >= MIN_STEP {
            self.remember(Step { frame: entry.frame, by: step });
        }
        self.last = Some(entry.time);
        let (first, last) = self.span;
        self.span = (Some(first.map_or(entry.time, |first| first.min(entry.time))), last.max(self.last));
        self.latest = self.latest.max(self.last);
    }

    /// Keeps the largest steps.
    fn remember(&mut self, step: Step) {
        if self.steps.len() < MAX_STEPS {
            self.steps.push(step);
        } else if let Some(least) = self.steps.iter_mut().min_by_key(|other| other.by.saturating_abs())
            && least.by.saturating_abs() < step.by.saturating_abs()
        {
            *least = step;
        }
    }

    /// Opens the next file that can be read and follows; `false` where there is none.
    fn open_next(&mut self) -> bool {
        // What begins in the first half of a short file was recorded beside it.
        let half = self.span.0.zip(self.span.1).map_or(OVERLAP, |(first, last)| last.saturating_sub(first) / 2);
        let early = |begins: i64| self.latest.is_some_and(|latest| begins < latest.saturating_sub(half.min(OVERLAP)));
        if self.waiting.front().is_none_or(|file| file.begins.is_some_and(early)) {
            return false;
        }
        let Some(file) = self.waiting.pop_front() else { return false };
        self.close();
        match (file.opener)() {
            Ok(mut reader) => {
                if let Some(taker) = &mut self.take {
                    reader.hand_secrets_to(taker());
                }
                self.reader = reader;
                self.closed = false;
            }
            Err(error) => {
                let problems = vec![format!("the file cannot be read: {error}")];
                let summary = Summary { problems, cut_at: Some(0), ..Summary::default() };
                self.parts.push(Part { summary, frames: 0 });
            }
        }
        true
    }

    /// Puts the file that was read last into the books.
    fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let mut summary = self.reader.summary().clone();
        let frames = self.reader.ledger.frames();
        (summary.first_time, summary.last_time) = std::mem::take(&mut self.span);
        // What a later file carries may have been needed in an earlier one.
        self.late_secrets |= summary.late_secrets > 0 || summary.secrets > 0 && !self.parts.is_empty();
        self.parts.push(Part { summary, frames });
        self.frames_before = self.frames_before.saturating_add(frames);
        self.bytes_before = self.bytes_before.saturating_add(self.reader.bytes_read());
    }
}

/// The files of a series, when it was read.
#[derive(Debug)]
pub struct Parts {
    pub files: Vec<Part>,
    /// How many of the last files were not read, as they do not follow.
    pub left: usize,
    /// The largest steps of the clock, in the order of their frames.
    pub steps: Vec<Step>,
    /// Whether decryption secrets came after a packet, which they may have been needed for.
    pub late_secrets: bool,
}
