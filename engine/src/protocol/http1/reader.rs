//! Takes one direction's bytes and gaps, gives its HTTP/1.x messages to a sink.

use super::body::{BodyDefects, BodyReader, GapOutcome};
use super::framing::Framing;
use super::head::{Head, MAX_HEAD, find_head_end};
use super::message::{Completeness, HeadEvent, MessageSink, Next, Position, defect};
use super::partial::{Carried, PartialHead, Progress};
use super::resync::{Certain, Skipped, search};
use super::start_line::{Looks, empty_lines, looks_like_start};
use crate::protocol::{GapCause, Stamp};

enum State {
    Start,
    Head(Box<PartialHead>),
    Body {
        reader: BodyReader,
        last: Stamp,
        told: BodyDefects,
    },
    /// `candidate` where the next byte begins a line or a segment.
    Lost {
        candidate: bool,
    },
    /// `last` of the head that was answered by `Hold`, if that is why.
    Held {
        last: Option<Stamp>,
    },
}

/// Reads one direction of a connection.
///
/// How the bytes are cut into calls of `feed` changes nothing; where their frame changes does: a segment's beginning is
/// where a message may be found again.
pub struct MessageReader {
    state: State,
    hash_bodies: bool,
    /// The frame of the last bytes.
    frame: Option<u64>,
    skipped: Skipped,
    /// Bytes taken before it was clear that they are HTTP/2.
    unread: Vec<u8>,
}

impl MessageReader {
    /// A reader at the beginning of a message; hashes bodies if `hash_bodies` (meant for requests).
    #[must_use]
    pub fn new(hash_bodies: bool) -> Self {
        Self { state: State::Start, hash_bodies, frame: None, skipped: Skipped::default(), unread: Vec::new() }
    }

    /// A reader somewhere in a stream whose beginning was not captured: it looks for a start-line first.
    #[must_use]
    pub fn mid_stream(hash_bodies: bool) -> Self {
        Self { state: State::Lost { candidate: true }, ..Self::new(hash_bodies) }
    }

    /// Where it is.
    #[must_use]
    pub fn position(&self) -> Position {
        match &self.state {
            State::Start => Position::Start,
            State::Head(head) if head.searching && !head.confirmed => Position::Lost,
            State::Head(_) => Position::Head,
            State::Body { .. } => Position::Body,
            State::Lost { .. } => Position::Lost,
            State::Held { .. } => Position::Held,
        }
    }

    /// Bytes that were taken, but belong to what follows where the reader is held before an HTTP/2 preface.
    pub fn take_unread(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unread)
    }

    /// Reads `bytes`; gives how many were taken: less than all only if the reader is held.
    pub fn feed(&mut self, bytes: &[u8], stamp: Stamp, sink: &mut impl MessageSink) -> usize {
        if self.frame != Some(stamp.frame) && !bytes.is_empty() {
            self.frame = Some(stamp.frame);
            match &mut self.state {
                State::Lost { candidate } => *candidate = true,
                State::Head(head) => head.begin_segment(stamp),
                _ => {}
            }
        }
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            // Each step takes a byte, or goes on to a state in which the next one does.
            at += match &mut self.state {
                State::Start => self.start(rest, stamp, sink),
                State::Head(_) => self.more_head(rest, stamp, sink),
                State::Body { .. } => self.body(rest, stamp, sink),
                State::Lost { candidate } => {
                    let candidate = *candidate;
                    self.search(rest, candidate, stamp)
                }
                State::Held { .. } => break,
            };
        }
        at
    }

    /// `length` bytes are not there. `stamp` is where that was found: for `Truncated` the frame that was cut.
    pub fn gap(&mut self, length: u64, cause: GapCause, stamp: Stamp, sink: &mut impl MessageSink) {
        if length == 0 || matches!(self.state, State::Held { .. }) {
            return;
        }
        self.frame = None;
        match std::mem::replace(&mut self.state, State::Lost { candidate: true }) {
            State::Head(head) => {
                let completeness = match cause {
                    GapCause::Missing => Completeness::Gap,
                    GapCause::Truncated => Completeness::Truncated,
                };
                self.cut_head(&head, completeness, sink);
            }
            State::Body { mut reader, mut last, told } => {
                if cause == GapCause::Truncated {
                    last = last.extended_to(stamp);
                }
                match reader.gap(length) {
                    GapOutcome::Inside if !reader.done() => self.state = State::Body { reader, last, told },
                    GapOutcome::Inside => {
                        sink.body_end(reader.bytes(), reader.hash(), last, true);
                        self.state = State::Start;
                    }
                    GapOutcome::Lost => sink.body_end(reader.bytes(), None, last, false),
                }
            }
            State::Start | State::Lost { .. } | State::Held { .. } => {}
        }
    }

    /// The stream ended.
    pub fn end(&mut self, sink: &mut impl MessageSink) {
        match std::mem::replace(&mut self.state, State::Start) {
            State::Head(head) => self.cut_head(&head, Completeness::Cut, sink),
            State::Body { reader, last, .. } => {
                let complete = reader.ends_with_connection();
                let hash = reader.hash().filter(|_| complete);
                sink.body_end(reader.bytes(), hash, last, complete);
            }
            held @ State::Held { .. } => self.state = held,
            State::Start | State::Lost { .. } => {}
        }
        self.skipped.tell(sink);
    }

    /// Goes on after `Hold`, with what follows the head that was held.
    pub fn resume(&mut self, next: Next, sink: &mut impl MessageSink) {
        if let State::Held { last } = self.state {
            self.state = State::Start;
            if let Some(last) = last {
                self.follow(next, last, sink);
            }
        }
    }

    fn start(&mut self, bytes: &[u8], stamp: Stamp, sink: &mut impl MessageSink) -> usize {
        // RFC 9112 §2.2: empty lines before a start-line are ignored.
        let empty = empty_lines(bytes);
        let bytes = &bytes[empty..];
        if bytes.is_empty() {
            return empty;
        }
        let window = &bytes[..bytes.len().min(MAX_HEAD)];
        let taken = match looks_like_start(window) {
            Looks::No => {
                self.unexpected(stamp, sink);
                0
            }
            Looks::Http2Preface => {
                self.http2(Vec::new(), stamp, sink);
                0
            }
            Looks::Request | Looks::Response => match find_head_end(window, 0) {
                Some(end) => {
                    // The common case: a head in one segment, read where it is.
                    let frames = [stamp.frame];
                    let carried = Carried { first: stamp, last: stamp, frames: &frames };
                    self.whole_head(&window[..end], carried, sink);
                    end
                }
                None => self.begin_head(window, stamp, sink),
            },
            Looks::Maybe => self.begin_head(window, stamp, sink),
        };
        empty + taken
    }

    fn begin_head(&mut self, bytes: &[u8], stamp: Stamp, sink: &mut impl MessageSink) -> usize {
        self.state = State::Head(Box::new(PartialHead::new(stamp, false)));
        self.more_head(bytes, stamp, sink)
    }

    fn more_head(&mut self, bytes: &[u8], stamp: Stamp, sink: &mut impl MessageSink) -> usize {
        let State::Head(mut head) = std::mem::replace(&mut self.state, State::Start) else {
            return 0;
        };
        let (before, last) = (head.bytes.len(), head.span.last);
        let (taken, progress) = head.extend(bytes, stamp);
        match progress {
            Progress::More => {
                self.state = State::Head(head);
                taken
            }
            Progress::Complete(end) => {
                let whole = head.bytes.get(..end).unwrap_or_default();
                self.whole_head(whole, head.span.carried(), sink);
                end.saturating_sub(before)
            }
            Progress::TooLong => {
                sink.defect(defect::HEAD_TOO_LONG, stamp);
                self.skipped.add(head.bytes.len(), stamp);
                self.state = State::Lost { candidate: head.bytes.ends_with(b"\n") };
                taken
            }
            Progress::Http2Preface => {
                head.bytes.truncate(before);
                self.http2(head.bytes, stamp, sink);
                0
            }
            Progress::NotAStart => {
                if !head.searching {
                    sink.defect(defect::UNEXPECTED_BYTES, stamp);
                }
                let rejected = head.reject(before, last);
                self.skipped.add(rejected.skipped, rejected.last);
                self.state = match rejected.rest {
                    Some(rest) => State::Head(Box::new(rest)),
                    None => State::Lost { candidate: rejected.candidate },
                };
                0
            }
        }
    }

    fn whole_head(&mut self, bytes: &[u8], carried: Carried<'_>, sink: &mut impl MessageSink) {
        self.skipped.tell(sink);
        match Head::parse(bytes) {
            Some(head) => {
                let next = sink.head(event(head, carried, Completeness::Complete));
                self.follow(next, carried.last, sink);
            }
            None => {
                self.unexpected(carried.last, sink);
                self.skipped.add(bytes.len(), carried.last);
            }
        }
    }

    /// A head ends before its empty line. A start-line that was cut off is known by where it is only.
    fn cut_head(&mut self, head: &PartialHead, completeness: Completeness, sink: &mut impl MessageSink) {
        let known = head.confirmed || !head.searching;
        match Head::parse(&head.bytes).filter(|_| known) {
            Some(parsed) => {
                self.skipped.tell(sink);
                sink.head(event(parsed, head.span.carried(), completeness));
            }
            None => self.skipped.add(head.bytes.len(), head.span.last),
        }
    }

    fn follow(&mut self, next: Next, last: Stamp, sink: &mut impl MessageSink) {
        let framing = match next {
            Next::Body(framing) => framing,
            Next::NoBody => Framing::None,
            Next::Hold => {
                self.state = State::Held { last: Some(last) };
                return;
            }
        };
        let reader = BodyReader::new(framing, self.hash_bodies);
        self.state = if reader.done() {
            sink.body_end(0, None, last, true);
            State::Start
        } else {
            State::Body { reader, last, told: BodyDefects::default() }
        };
    }

    fn body(&mut self, bytes: &[u8], stamp: Stamp, sink: &mut impl MessageSink) -> usize {
        let State::Body { reader, last, told } = &mut self.state else {
            return 0;
        };
        let taken = reader.advance(bytes);
        if taken > 0 {
            *last = last.extended_to(stamp);
            sink.body(&bytes[..taken]);
        }
        if reader.defects() != *told {
            for name in reader.defects().names().filter(|name| told.names().all(|old| old != *name)) {
                sink.defect(name, stamp);
            }
            *told = reader.defects();
        }
        if reader.done() {
            sink.body_end(reader.bytes(), reader.hash(), *last, true);
            self.state = State::Start;
        } else if reader.lost() {
            sink.body_end(reader.bytes(), None, *last, false);
            self.state = State::Lost { candidate: false };
        }
        taken
    }

    fn search(&mut self, bytes: &[u8], candidate: bool, stamp: Stamp) -> usize {
        let search = search(bytes, candidate);
        self.skipped.add(search.skipped, stamp);
        self.state = match search.found {
            Certain::Yes => State::Start,
            Certain::Maybe => State::Head(Box::new(PartialHead::new(stamp, true))),
            Certain::No => State::Lost { candidate: search.candidate },
        };
        search.skipped
    }

    /// What should be a start-line is not: on to the next line.
    fn unexpected(&mut self, stamp: Stamp, sink: &mut impl MessageSink) {
        sink.defect(defect::UNEXPECTED_BYTES, stamp);
        self.state = State::Lost { candidate: false };
    }

    fn http2(&mut self, unread: Vec<u8>, stamp: Stamp, sink: &mut impl MessageSink) {
        sink.defect(defect::HTTP2_PREFACE, stamp);
        self.unread = unread;
        self.state = State::Held { last: None };
    }
}

fn event<'a>(head: Head<'a>, carried: Carried<'a>, completeness: Completeness) -> HeadEvent<'a> {
    let Carried { first, last, frames } = carried;
    HeadEvent { kind: head.kind(), head, first, last, frames, completeness }
}
