//! Takes the first bytes of what may be a message, gives whether it is one and its start-line (RFC 9112 §3, §4).

use memchr::{memchr, memchr_iter};

use super::head::{HeadDefect, HeadDefects};

/// The longest method taken for one. Registered methods have at most 17 letters (`UPDATEREDIRECTREF`); more room is
/// given to extensions, and without a limit any text would have to be kept until its first space.
pub const MAX_METHOD: usize = 32;

/// The longest run of blanks between two words of a start-line; one is right (RFC 9112 §3), some senders pad.
const MAX_BLANKS: usize = 16;

/// Methods that make a request even where its line was cut off before the version.
const KNOWN_METHODS: [&[u8]; 15] = [
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"DELETE",
    b"OPTIONS",
    b"CONNECT",
    b"PATCH",
    b"TRACE",
    b"PROPFIND",
    b"REPORT",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
];

/// The request line that opens the HTTP/2 connection preface (RFC 9113 §3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// The version of messages that have no start-line (RFC 9113 §8.3.1); no line has it, which has a minor version, too.
pub const HTTP2_VERSION: &[u8] = b"HTTP/2";

/// A start-line; the slices are as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// RFC 9112 §3.
    Request {
        method: &'a [u8],
        /// As sent; where the line was cut off (`version` is empty), its beginning.
        target: &'a [u8],
        /// Such as `HTTP/1.1`; empty where the line was cut off before it.
        version: &'a [u8],
    },
    /// RFC 9112 §4.
    Response {
        /// Such as `HTTP/1.1`.
        version: &'a [u8],
        /// Zero where it was not captured.
        status: u16,
        reason: &'a [u8],
    },
}

impl<'a> StartLine<'a> {
    /// Such as `HTTP/1.1`; empty where the line was cut off before it.
    #[must_use]
    pub fn version(&self) -> &'a [u8] {
        let (Self::Request { version, .. } | Self::Response { version, .. }) = self;
        version
    }
}

/// What bytes look like.
///
/// More bytes never change an answer other than `Maybe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// A request of HTTP/1.x.
    Request,
    /// A response of HTTP/1.x.
    Response,
    /// The connection preface of HTTP/2.
    Http2Preface,
    /// Too short to tell; a complete line never is.
    Maybe,
    /// Something else (HTTP/0.9 is, too).
    No,
}

/// Tells what the message that begins with `bytes` is, after any empty lines (RFC 9112 §2.2).
#[must_use]
pub fn looks_like_start(bytes: &[u8]) -> Looks {
    let line = &bytes[empty_lines(bytes)..];
    if line.starts_with(HTTP2_PREFACE) {
        return Looks::Http2Preface;
    }
    match status_line(line) {
        Shape::Yes(_) => Looks::Response,
        Shape::Maybe => Looks::Maybe,
        Shape::No => match request_line(line) {
            Shape::Yes(_) => Looks::Request,
            Shape::Maybe => Looks::Maybe,
            Shape::No => Looks::No,
        },
    }
}

/// The length of the line ends that `bytes` begin with.
pub(super) fn empty_lines(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// Parses a line (without its line end). One that was cut off (`!complete`) may lack its version.
pub(super) fn parse<'a>(line: &'a [u8], complete: bool, defects: &mut HeadDefects) -> Option<StartLine<'a>> {
    if line.starts_with(HTTP2_PREFACE) {
        return None;
    }
    if let Shape::Yes(at) = status_line(line) {
        return parse_status(line, at, defects);
    }
    match request_line(line) {
        Shape::Yes(after_method) => parse_request(line, after_method, defects),
        Shape::Maybe if !complete => parse_cut_request(line),
        _ => None,
    }
}

fn parse_status<'a>(line: &'a [u8], at: usize, defects: &mut HeadDefects) -> Option<StartLine<'a>> {
    let version = line.get(..VERSION_LENGTH)?;
    let digits = line.get(at..at.checked_add(3)?)?;
    let status = digits.iter().fold(0, |value: u16, digit| value * 10 + u16::from(digit.wrapping_sub(b'0') % 10));
    let rest = line.get(at + 3..)?;
    note_version(version, defects);
    if at != VERSION_LENGTH + 1 || line.get(VERSION_LENGTH) != Some(&b' ') {
        defects.insert(HeadDefect::StartLineBlanks);
    }
    // RFC 9112 §4: three digits and a space; the space is often forgotten where no reason follows.
    if rest.first().is_some_and(|byte| *byte != b' ') {
        defects.insert(HeadDefect::StatusLineMalformed);
    }
    // RFC 9110 §15: the first digit is the class, 1 to 5.
    if !(100..600).contains(&status) {
        defects.insert(HeadDefect::StatusOutOfRange);
    }
    Some(StartLine::Response { version, status, reason: rest.trim_ascii() })
}

fn parse_request<'a>(line: &'a [u8], after_method: usize, defects: &mut HeadDefects) -> Option<StartLine<'a>> {
    let method = line.get(..after_method)?;
    let rest = line.get(after_method..)?;
    // The last one: a target with spaces in it may hold the others.
    let at = versions(rest).last()?;
    let (before, from_version) = rest.split_at_checked(at)?;
    let (version, after) = from_version.split_at_checked(VERSION_LENGTH)?;
    let target = before.trim_ascii();
    note_version(version, defects);
    // RFC 9112 §3: single spaces.
    if before.len() != target.len() + 2 || before.first() != Some(&b' ') || before.last() != Some(&b' ') {
        defects.insert(HeadDefect::StartLineBlanks);
    }
    if !after.is_empty() {
        defects.insert(if after.trim_ascii().is_empty() {
            HeadDefect::StartLineBlanks
        } else {
            HeadDefect::RequestLineTrailing
        });
    }
    // RFC 9112 §3.2: no whitespace in a target; RFC 3986 §2: ASCII only.
    if target.iter().any(|byte| matches!(byte, b' ' | b'\t')) {
        defects.insert(HeadDefect::TargetWhitespace);
    }
    if !target.is_ascii() {
        defects.insert(HeadDefect::TargetNotAscii);
    }
    Some(StartLine::Request { method, target, version })
}

/// A request line without its end: only a well-known method and a byte of target make it one.
fn parse_cut_request(line: &[u8]) -> Option<StartLine<'_>> {
    let end = line.iter().position(|byte| *byte == b' ')?;
    let (method, rest) = line.split_at_checked(end)?;
    let target = rest.trim_ascii();
    let known = KNOWN_METHODS.contains(&method) && !target.is_empty();
    known.then_some(StartLine::Request { method, target, version: b"" })
}

fn note_version(version: &[u8], defects: &mut HeadDefects) {
    // RFC 9112 §2.3: the name is case-sensitive.
    if !version.starts_with(b"HTTP/") {
        defects.insert(HeadDefect::VersionCase);
    }
    if !matches!(version.get(5..), Some(b"1.0" | b"1.1")) {
        defects.insert(HeadDefect::VersionUnknown);
    }
}

/// Whether bytes are a thing; `Yes` with where its second word begins or its first ends.
enum Shape {
    Yes(usize),
    Maybe,
    No,
}

/// The length of `HTTP/1.1`.
const VERSION_LENGTH: usize = 8;

/// Whether `bytes` begin with `HTTP/d.d`, in any case.
fn version(bytes: &[u8]) -> Shape {
    for (index, byte) in bytes.iter().take(VERSION_LENGTH).enumerate() {
        let fits = match index {
            0 => byte.eq_ignore_ascii_case(&b'h'),
            1 | 2 => byte.eq_ignore_ascii_case(&b't'),
            3 => byte.eq_ignore_ascii_case(&b'p'),
            4 => *byte == b'/',
            6 => *byte == b'.',
            _ => byte.is_ascii_digit(),
        };
        if !fits {
            return Shape::No;
        }
    }
    if bytes.len() < VERSION_LENGTH { Shape::Maybe } else { Shape::Yes(VERSION_LENGTH) }
}

/// Whether `bytes` begin with a version and a status; `Yes` with where the status begins.
fn status_line(bytes: &[u8]) -> Shape {
    let Shape::Yes(after) = version(bytes) else {
        return version(bytes);
    };
    let rest = &bytes[after..];
    let blanks = count_blanks(rest);
    if blanks > MAX_BLANKS {
        return Shape::No;
    }
    let status = &rest[blanks..];
    if status.iter().take(3).any(|byte| !byte.is_ascii_digit()) || (blanks == 0 && !status.is_empty()) {
        return Shape::No;
    }
    if status.len() < 3 { Shape::Maybe } else { Shape::Yes(after + blanks) }
}

/// Whether `bytes` begin with a method, a target and a version; `Yes` with where the method ends.
fn request_line(bytes: &[u8]) -> Shape {
    let Some(method) = bytes.iter().take(MAX_METHOD + 1).position(|byte| !is_token_byte(*byte)) else {
        return if bytes.len() <= MAX_METHOD { Shape::Maybe } else { Shape::No };
    };
    let rest = &bytes[method..];
    let blanks = count_blanks(rest);
    if method == 0 || blanks == 0 || blanks > MAX_BLANKS {
        return Shape::No;
    }
    let line_end = memchr(b'\n', rest);
    let line = &rest[..line_end.unwrap_or(rest.len())];
    // Binary data ends at its first control byte; a carriage return may still become a line end.
    let control = line.iter().position(|byte| is_control(*byte)).filter(|at| {
        let line_end = line[*at] == b'\r' && *at + 1 == line.len();
        !line_end
    });
    let text = &line[..control.unwrap_or(line.len())];
    if versions(text).next().is_some() {
        Shape::Yes(method)
    } else if line_end.is_some() || control.is_some() {
        Shape::No
    } else {
        Shape::Maybe
    }
}

/// Where in `rest` (what follows a method) versions stand after a blank and a target.
fn versions(rest: &[u8]) -> impl Iterator<Item = usize> {
    let target = count_blanks(rest);
    memchr_iter(b'/', rest).filter_map(move |slash| {
        let at = slash.checked_sub(4)?;
        let blank_before = at.checked_sub(1).and_then(|before| rest.get(before)).is_some_and(is_blank);
        (at > target && blank_before && matches!(version(&rest[at..]), Shape::Yes(_))).then_some(at)
    })
}

fn count_blanks(bytes: &[u8]) -> usize {
    bytes.iter().take(MAX_BLANKS + 1).take_while(|byte| is_blank(byte)).count()
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether `byte` is a control byte other than a tab.
pub(super) fn is_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || byte == 0x7f
}

/// Whether `byte` may stand in a token (RFC 9110 §5.6.2).
pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[usize::from(byte)]
}

/// By byte: every name is checked, so that it is looked up.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let symbols = b"!#$%&'*+-.^_`|~";
    let mut index = 0;
    while index < symbols.len() {
        table[symbols[index] as usize] = true;
        index += 1;
    }
    table
};
