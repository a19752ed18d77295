//! Takes a head as it was read, gives what requests and responses have in common.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use crate::protocol::Stamp;
use crate::protocol::http1::{Completeness, FramingDefects, Head, HeadDefects, HeadEvent};

/// The longest head that is kept with an exchange that speaks of WebSocket: real handshakes have 0.3 to 4 KiB. The
/// second look gives longer ones, too.
const MAX_KEPT_HEAD: usize = 16 * 1024;

/// A message of an exchange: its head, and what its body came to.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) first: Stamp,
    pub(super) last: Stamp,
    pub(super) frames: Box<[u64]>,
    pub(super) completeness: Completeness,
    /// Of the head's bytes, if it is complete.
    pub(super) head_hash: Option<u64>,
    /// The head's bytes, where they are kept.
    pub(super) head: Option<Box<[u8]>>,
    pub(super) defects: MessageDefects,
    pub(super) body: Option<Body>,
}

/// What a body came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    pub(super) bytes: u64,
    pub(super) hash: Option<u64>,
}

/// What is odd in a message.
#[derive(Debug, Default)]
pub(super) struct MessageDefects {
    head: HeadDefects,
    framing: FramingDefects,
    /// Body defects, and what was left out of the tables.
    others: Vec<&'static str>,
}

/// Only a part of a head is kept.
const HEAD_NOT_KEPT_WHOLE: &str = "head-not-kept-whole";
/// Only a part of a value is kept.
const VALUE_CUT: &str = "value-cut";
/// The body's end was not captured.
const BODY_INCOMPLETE: &str = "body-incomplete";

impl Message {
    /// From a head; `kept` if its bytes are to be kept, `cut` if a column could not take a value whole.
    pub(super) fn new(event: &HeadEvent<'_>, framing: FramingDefects, kept: bool, cut: bool) -> Self {
        let raw = event.head.raw();
        let mut defects = MessageDefects { head: event.head.defects(), framing, others: Vec::new() };
        if cut {
            defects.add(VALUE_CUT);
        }
        if kept && raw.len() > MAX_KEPT_HEAD {
            defects.add(HEAD_NOT_KEPT_WHOLE);
        }
        let complete = event.completeness == Completeness::Complete;
        Self {
            first: event.first,
            last: event.last,
            frames: event.frames.into(),
            completeness: event.completeness,
            head_hash: complete.then(|| xxh3_64(event.head.sent())),
            head: kept.then(|| raw[..raw.len().min(MAX_KEPT_HEAD)].into()),
            defects,
            body: None,
        }
    }

    /// The body ended.
    pub(super) fn end_body(&mut self, body: Body, complete: bool) {
        self.body = Some(body);
        if !complete {
            self.defects.add(BODY_INCOMPLETE);
        }
    }

    pub(super) fn state(&self) -> &'static str {
        match self.completeness {
            Completeness::Complete => "complete",
            Completeness::Gap => "gap",
            Completeness::Truncated => "truncated",
            Completeness::Cut => "cut",
        }
    }
}

impl MessageDefects {
    pub(super) fn add(&mut self, name: &'static str) {
        if !self.others.contains(&name) {
            self.others.push(name);
        }
    }

    /// Their names, with the message's before them.
    pub(super) fn names(&self, prefix: &'static str) -> impl Iterator<Item = Cow<'static, str>> {
        let names = self.head.names().chain(self.framing.names()).chain(self.others.iter().copied());
        names.map(move |name| Cow::Owned(format!("{prefix}:{name}")))
    }
}

/// Whether a head says `yes`; where it was cut off before saying so, it may have said it.
pub(super) fn said(yes: bool, completeness: Completeness) -> Option<bool> {
    (yes || completeness == Completeness::Complete).then_some(yes)
}

/// Whether a head has a header of the WebSocket handshake (RFC 6455 §11.3).
pub(super) fn has_websocket_header(head: &Head<'_>) -> bool {
    const PREFIX: &[u8] = b"sec-websocket-";
    head.headers().any(|header| header.name.get(..PREFIX.len()).is_some_and(|name| name.eq_ignore_ascii_case(PREFIX)))
}

/// The version as digits, such as `1.1` or `2`.
pub(super) fn version_text<'a>(head: &Head<'a>) -> Option<&'a [u8]> {
    // After `HTTP/`.
    head.start().version().get(5..)
}
