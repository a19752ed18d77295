//! Takes the bytes of a message's head, gives its start-line and headers (RFC 9112 §3 to §5).

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::field::{self, FieldPlace, Fields, trim_blanks};
use super::message::MessageKind;
use super::start_line::{self, HTTP2_VERSION, StartLine, empty_lines};
use crate::protocol::named_set::named_set;

/// The longest head that is parsed. Real servers stop at 8 KiB to 1 MiB (Go); this bounds what a connection can make
/// us keep.
pub const MAX_HEAD: usize = 256 * 1024;

/// The most headers that are looked at; servers stop at about 100.
pub const MAX_FIELDS: usize = 2000;

named_set! {
    /// What is odd in one head.
    set HeadDefects;
    /// Something odd in a head.
    enum HeadDefect {
        /// Several blanks, or tabs, around the words of the start-line.
        StartLineBlanks = "start-line-blanks",
        /// `http/1.1`.
        VersionCase = "version-case",
        /// Neither 1.0 nor 1.1.
        VersionUnknown = "version-unknown",
        /// Text after the version of a request line.
        RequestLineTrailing = "request-line-trailing",
        TargetWhitespace = "target-whitespace",
        TargetNotAscii = "target-not-ascii",
        /// No space after the status.
        StatusLineMalformed = "status-line-malformed",
        /// Not 100 to 599.
        StatusOutOfRange = "status-out-of-range",
        /// A line that ends with LF alone.
        BareLineFeed = "bare-line-feed",
        /// A header over several lines.
        ObsFold = "obs-fold",
        WhitespaceBeforeFirstHeader = "whitespace-before-first-header",
        WhitespaceBeforeColon = "whitespace-before-colon",
        HeaderWithoutColon = "header-without-colon",
        HeaderNameEmpty = "header-name-empty",
        HeaderNameInvalid = "header-name-invalid",
        NulByte = "nul-byte",
        /// A control byte other than a tab, a carriage return within a line included.
        ControlByte = "control-byte",
        /// More than `MAX_FIELDS`; the rest was not looked at.
        TooManyHeaders = "too-many-headers",
        /// Longer than `MAX_HEAD`; the rest was not looked at.
        HeadTooLong = "head-too-long",
    }
}

/// One header line (or several, folded).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// As sent, without whitespace after it.
    pub name: &'a [u8],
    /// Without whitespace around it; the lines of a folded value are joined by a space.
    pub value: Cow<'a, [u8]>,
}

/// A parsed head; complete, or as far as it was captured.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    raw: &'a [u8],
    /// Other than `raw` where that was compressed.
    sent: &'a [u8],
    start: StartLine<'a>,
    fields: Fields,
    defects: HeadDefects,
    complete: bool,
}

impl<'a> Head<'a> {
    /// Parses the head that `bytes` begin with; what follows it is not looked at.
    ///
    /// A head that was cut off is parsed as far as it goes, without its last, incomplete line. `None` where it does
    /// not begin like a message.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut defects = HeadDefects::default();
        let message = bytes.get(empty_lines(bytes)..)?;
        let too_long = message.len() > MAX_HEAD;
        let raw = if too_long { &message[..MAX_HEAD] } else { message };
        let feed = memchr(b'\n', raw);
        let line = match feed {
            Some(feed) => &raw[..field::line_end(raw, 0, feed, &mut defects)],
            None => raw.strip_suffix(b"\r").unwrap_or(raw),
        };
        let start = start_line::parse(line, feed.is_some(), &mut defects)?;
        let parsed = field::parse(raw, feed.map_or(raw.len(), |feed| feed + 1), &mut defects);
        if parsed.end.is_none() && too_long {
            defects.insert(HeadDefect::HeadTooLong);
        }
        let head = &raw[..parsed.end.unwrap_or(raw.len())];
        note_control_bytes(head, &mut defects);
        Some(Self { raw: head, sent: head, start, fields: parsed.fields, defects, complete: parsed.end.is_some() })
    }

    /// A head that was sent otherwise than as lines, as HTTP/2 does: `raw` shows it as lines, `places` tells where in it
    /// the fields are, `sent` is what went by.
    pub fn of_fields(
        raw: &'a [u8],
        sent: &'a [u8],
        start: StartLine<'a>,
        places: impl IntoIterator<Item = FieldPlace>,
        complete: bool,
    ) -> Self {
        Self { raw, sent, start, fields: Fields::at(places), defects: HeadDefects::default(), complete }
    }

    /// The bytes as lines, from the start-line to the empty line.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The bytes as sent.
    #[must_use]
    pub fn sent(&self) -> &'a [u8] {
        self.sent
    }

    /// Whether it was sent as HTTP/2 does.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        self.start.version() == HTTP2_VERSION
    }

    /// Whether its empty line is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The first line.
    #[must_use]
    pub fn start(&self) -> StartLine<'a> {
        self.start
    }

    /// Whether it is a request or a response.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self.start {
            StartLine::Request { .. } => MessageKind::Request,
            StartLine::Response { .. } => MessageKind::Response,
        }
    }

    /// The version as major and minor; `None` where it was cut off.
    #[must_use]
    pub fn version(&self) -> Option<(u8, u8)> {
        match self.start.version() {
            [_, _, _, _, b'/', major, b'.', minor] => Some((major.wrapping_sub(b'0'), minor.wrapping_sub(b'0'))),
            _ => None,
        }
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.start {
            StartLine::Response { status, .. } => Some(status),
            StartLine::Request { .. } => None,
        }
    }

    /// The method of a request.
    #[must_use]
    pub fn method(&self) -> Option<&'a [u8]> {
        match self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Response { .. } => None,
        }
    }

    /// What is odd in it.
    #[must_use]
    pub fn defects(&self) -> HeadDefects {
        self.defects
    }

    /// The headers, in order, duplicates included.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> {
        let raw = self.raw;
        self.fields.iter().map(move |field| Header { name: field.name(raw), value: field.value(raw) })
    }

    /// All values of `name` (in any case), in order.
    pub fn all(&self, name: &[u8]) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let raw = self.raw;
        let named = move |field: &&field::Field| field.name(raw).eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(move |field| field.value(raw))
    }

    /// The first value of `name`.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<Cow<'a, [u8]>> {
        self.all(name).next()
    }

    /// All values of `name` as one, as RFC 9110 §5.3 allows to read them.
    #[must_use]
    pub fn joined(&self, name: &[u8]) -> Option<Cow<'a, [u8]>> {
        let mut values = self.all(name);
        let first = values.next()?;
        let Some(second) = values.next() else {
            return Some(first);
        };
        let mut joined = first.into_owned();
        for value in std::iter::once(second).chain(values) {
            joined.extend_from_slice(b", ");
            joined.extend_from_slice(&value);
        }
        Some(Cow::Owned(joined))
    }

    /// Whether a comma list (RFC 9110 §5.6.1) over all lines of `name` has `token`, in any case.
    #[must_use]
    pub fn lists_token(&self, name: &[u8], token: &[u8]) -> bool {
        self.all(name)
            .any(|value| value.split(|byte| *byte == b',').any(|item| trim_blanks(item).eq_ignore_ascii_case(token)))
    }
}

/// Where the head that `buffer` begins with ends (after its empty line).
///
/// `from` is how much of the buffer was searched before: 0, or its length at that time, so that a head that comes in
/// pieces is read once. Empty lines before the start-line are not its end.
#[must_use]
pub fn find_head_end(buffer: &[u8], from: usize) -> Option<usize> {
    // The line feed before the empty line may be the last or the last but one of what was searched.
    let start = from.saturating_sub(2).max(empty_lines(buffer));
    let rest = buffer.get(start..)?;
    memchr_iter(b'\n', rest).find_map(|feed| match rest.get(feed + 1..)? {
        [b'\n', ..] => Some(start + feed + 2),
        [b'\r', b'\n', ..] => Some(start + feed + 3),
        _ => None,
    })
}

/// RFC 9110 §5.5: NUL, CR and LF are dangerous in a value, other control bytes invalid. Branch-free, as it sees all bytes.
fn note_control_bytes(head: &[u8], defects: &mut HeadDefects) {
    let mut control = false;
    let mut nul = false;
    for byte in head {
        nul |= *byte == 0;
        control |= (*byte < 0x20 && !matches!(byte, b'\t' | b'\r' | b'\n' | 0)) | (*byte == 0x7f);
    }
    let bare_return = memchr_iter(b'\r', head).any(|at| head.get(at + 1).is_some_and(|next| *next != b'\n'));
    if nul {
        defects.insert(HeadDefect::NulByte);
    }
    if control || bare_return {
        defects.insert(HeadDefect::ControlByte);
    }
}
