//! Takes the bytes of a head after its start-line, gives where its fields' names and values are.

use std::borrow::Cow;

use memchr::memchr;

use super::head::{HeadDefect, HeadDefects, MAX_FIELDS};
use super::start_line::is_token_byte;

/// Fields kept without allocating; ordinary heads have 5 to 30.
const INLINE_FIELDS: usize = 40;

/// Where one field is in the head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Field {
    name_start: u32,
    name_end: u32,
    value_start: u32,
    value_end: u32,
    /// Whether the value goes on over several lines.
    folded: bool,
}

impl Field {
    pub(super) fn name<'a>(&self, raw: &'a [u8]) -> &'a [u8] {
        raw.get(self.name_start as usize..self.name_end as usize).unwrap_or_default()
    }

    pub(super) fn value<'a>(&self, raw: &'a [u8]) -> Cow<'a, [u8]> {
        let value = raw.get(self.value_start as usize..self.value_end as usize).unwrap_or_default();
        if self.folded { Cow::Owned(unfold(value)) } else { Cow::Borrowed(value) }
    }
}

/// Where a field's name and value are in the bytes of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldPlace {
    pub name: (usize, usize),
    pub value: (usize, usize),
}

/// The fields of a head, in order.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    inline: [Field; INLINE_FIELDS],
    more: Vec<Field>,
    length: usize,
}

impl Fields {
    const fn new() -> Self {
        const EMPTY: Field = Field { name_start: 0, name_end: 0, value_start: 0, value_end: 0, folded: false };
        Self { inline: [EMPTY; INLINE_FIELDS], more: Vec::new(), length: 0 }
    }

    /// Fields whose places are known.
    pub(super) fn at(places: impl IntoIterator<Item = FieldPlace>) -> Self {
        let mut fields = Self::new();
        for FieldPlace { name, value } in places {
            fields.push(Field {
                name_start: offset(name.0),
                name_end: offset(name.1),
                value_start: offset(value.0),
                value_end: offset(value.1),
                folded: false,
            });
        }
        fields
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.inline.iter().take(self.length).chain(&self.more)
    }

    fn push(&mut self, field: Field) {
        match self.inline.get_mut(self.length) {
            Some(place) => *place = field,
            None => self.more.push(field),
        }
        self.length += 1;
    }

    fn last_mut(&mut self) -> Option<&mut Field> {
        if self.more.is_empty() {
            self.length.checked_sub(1).and_then(|last| self.inline.get_mut(last))
        } else {
            self.more.last_mut()
        }
    }
}

/// What lines were found.
pub(super) struct Parsed {
    pub(super) fields: Fields,
    /// Where the head ends, if its empty line is there.
    pub(super) end: Option<usize>,
}

/// Finds the fields in `raw` from `at` on, which is after the start-line. A last line without its end is dropped.
pub(super) fn parse(raw: &[u8], mut at: usize, defects: &mut HeadDefects) -> Parsed {
    let mut fields = Fields::new();
    // Whether the line before was a field that is kept, so that a folded line goes on with it.
    let mut open = false;
    let mut first = true;
    while let Some(length) = raw.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        let end = line_end(raw, at, at + length, defects);
        let line = &raw[at..end];
        if line.is_empty() {
            return Parsed { fields, end: Some(at + length + 1) };
        }
        if matches!(line[0], b' ' | b'\t') {
            if first {
                // RFC 9112 §2.2: a line with leading whitespace after the start-line is not a field.
                defects.insert(HeadDefect::WhitespaceBeforeFirstHeader);
            } else {
                // RFC 9112 §5.2: obs-fold, to be read as spaces.
                defects.insert(HeadDefect::ObsFold);
                if open && let Some(field) = fields.last_mut() {
                    extend(field, raw, end);
                }
            }
        } else if fields.length >= MAX_FIELDS {
            defects.insert(HeadDefect::TooManyHeaders);
            open = false;
        } else {
            let field = field(raw, at, end, defects);
            open = field.is_some();
            if let Some(field) = field {
                fields.push(field);
            }
        }
        first = false;
        at += length + 1;
    }
    Parsed { fields, end: None }
}

/// Where the line from `start` ends that has its line feed at `feed`.
pub(super) fn line_end(raw: &[u8], start: usize, feed: usize, defects: &mut HeadDefects) -> usize {
    match feed.checked_sub(1) {
        Some(before) if before >= start && raw.get(before) == Some(&b'\r') => before,
        _ => {
            // RFC 9112 §2.2: a recipient may take a single LF for a line end.
            defects.insert(HeadDefect::BareLineFeed);
            feed
        }
    }
}

/// The field in the line `raw[start..end]`, if it is one.
fn field(raw: &[u8], start: usize, end: usize, defects: &mut HeadDefects) -> Option<Field> {
    let line = &raw[start..end];
    let Some(colon) = memchr(b':', line) else {
        defects.insert(HeadDefect::HeaderWithoutColon);
        return None;
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let name_length = trim_end(name).len();
    if name_length < colon {
        // RFC 9112 §5.1: no whitespace between name and colon.
        defects.insert(HeadDefect::WhitespaceBeforeColon);
    }
    if name_length == 0 {
        defects.insert(HeadDefect::HeaderNameEmpty);
        return None;
    }
    if !name[..name_length].iter().all(|byte| is_token_byte(*byte)) {
        defects.insert(HeadDefect::HeaderNameInvalid);
    }
    let value_end = start + colon + 1 + trim_end(value).len();
    let value_start = value_end - trim_blanks(value).len();
    Some(Field {
        name_start: offset(start),
        name_end: offset(start + name_length),
        value_start: offset(value_start),
        value_end: offset(value_end),
        folded: false,
    })
}

/// Lets the value of `field` go on to `end`.
fn extend(field: &mut Field, raw: &[u8], end: usize) {
    let value = raw.get(field.value_start as usize..end).unwrap_or_default();
    field.value_end = offset(field.value_start as usize + trim_end(value).len());
    field.folded = true;
}

/// Joins the lines of a value with one space each (RFC 9112 §5.2).
fn unfold(value: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(value.len());
    for line in value.split(|byte| *byte == b'\n') {
        let text = trim_blanks(line.strip_suffix(b"\r").unwrap_or(line));
        if !joined.is_empty() && !text.is_empty() {
            joined.push(b' ');
        }
        joined.extend_from_slice(text);
    }
    joined
}

/// `bytes` without the optional whitespace (RFC 9110 §5.6.3) around them.
pub(super) fn trim_blanks(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    trim_end(&bytes[start..])
}

fn trim_end(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &bytes[..bytes.len() - blanks]
}

/// Heads are at most `MAX_HEAD` bytes, far below 2^32.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
