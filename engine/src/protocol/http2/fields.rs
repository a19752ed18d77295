//! Takes the fields of one header block, gives them as lines `name: value`, with the places of names and values.
//!
//! The places are what counts: a line end within a value would be another field's beginning only to who reads the lines.

use super::hpack::Field;
use crate::protocol::http1::{FieldPlace, MAX_FIELDS, MAX_HEAD};
use crate::protocol::named_set::named_set;

named_set! {
    /// What is odd in one header block.
    set BlockDefects;
    /// Something odd in a header block.
    enum BlockDefect {
        /// A reference to a field that was sent before the capture, or in a hole.
        HpackStateLost = "hpack-state-lost",
        /// RFC 7541: what peers end a connection for.
        HpackInvalid = "hpack-invalid",
        /// RFC 9113 §8.2.1: NUL, CR or LF, or a blank at an end.
        FieldValueInvalid = "field-value-invalid",
        /// RFC 9113 §8.2.1: an uppercase letter, a control byte, or a colon that does not come first.
        FieldNameInvalid = "field-name-invalid",
        /// RFC 9113 §8.3: after another field.
        PseudoHeaderLate = "pseudo-header-late",
        /// RFC 9113 §8.3.
        PseudoHeaderRepeated = "pseudo-header-repeated",
        /// RFC 9113 §8.3: one that is not defined.
        PseudoHeaderUnknown = "pseudo-header-unknown",
        /// RFC 9113 §8.3.1, §8.3.2.
        PseudoHeaderMissing = "pseudo-header-missing",
        /// RFC 9113 §8.2.2: such as Connection or Upgrade.
        ConnectionSpecificField = "connection-specific-field",
        /// More than `MAX_FIELDS`; the rest was not looked at.
        TooManyHeaders = "too-many-headers",
        /// Longer than is kept; the rest was not looked at.
        HeadTooLong = "head-too-long",
        /// Longer than `MAX_BLOCK`; the rest was not decoded.
        HeaderBlockTooLong = "header-block-too-long",
        /// RFC 9113 §6.10: another frame came where CONTINUATION had to.
        ContinuationMissing = "continuation-missing",
    }
}

/// RFC 9113 §8.3.1, §8.3.2, RFC 8441 §4.
const PSEUDO_HEADERS: [&[u8]; 6] = [b":method", b":scheme", b":authority", b":path", b":protocol", b":status"];

/// RFC 9113 §8.2.2.
const CONNECTION_SPECIFIC: [&[u8]; 5] =
    [b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"];

/// How long the fields of a small block may be: a few bytes can refer to many long fields (RFC 7541 §7.3). Servers take
/// 16 to 64 KiB.
const MAX_EXPANDED: usize = 64 * 1024;

/// The fields of one header block.
#[derive(Debug, Default)]
pub struct FieldList {
    text: Vec<u8>,
    /// The longest that the text may be.
    limit: usize,
    places: Vec<FieldPlace>,
    pub(super) defects: BlockDefects,
    /// Whether a field came that is no pseudo-header.
    regular: bool,
    /// Which of `PSEUDO_HEADERS` came, a bit each.
    pseudo_headers: u8,
}

impl FieldList {
    /// Begins anew, with a block of this length.
    pub(super) fn begin(&mut self, block: usize) {
        // Without the table fields are at most 8/5 of their codes (RFC 7541 Appendix B), and some punctuation.
        self.limit = block.saturating_mul(4).clamp(MAX_EXPANDED, MAX_HEAD);
        self.text.clear();
        self.places.clear();
        self.defects = BlockDefects::default();
        self.regular = false;
        self.pseudo_headers = 0;
    }

    /// The fields as lines.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where in `text` they are.
    #[must_use]
    pub fn places(&self) -> &[FieldPlace] {
        &self.places
    }

    /// What is odd in them.
    #[must_use]
    pub fn defects(&self) -> BlockDefects {
        self.defects
    }

    /// The first value of the pseudo-header `name`.
    #[must_use]
    pub fn pseudo(&self, name: &[u8]) -> Option<&[u8]> {
        let place = self.places.iter().find(|place| self.slice(place.name) == name)?;
        Some(self.slice(place.value))
    }

    /// Whether there is any pseudo-header.
    #[must_use]
    pub fn has_pseudo(&self) -> bool {
        self.pseudo_headers != 0
    }

    fn slice(&self, (start, end): (usize, usize)) -> &[u8] {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn push(&mut self, field: Field<'_>) {
        let (Some(name), Some(value)) = (field.name, field.value) else {
            self.defects.insert(BlockDefect::HpackStateLost);
            return;
        };
        if self.places.len() >= MAX_FIELDS {
            self.defects.insert(BlockDefect::TooManyHeaders);
            return;
        }
        if self.text.len().saturating_add(name.len()).saturating_add(value.len()) > self.limit {
            self.defects.insert(BlockDefect::HeadTooLong);
            return;
        }
        self.check(name, value);
        let name = self.append(name);
        self.text.extend_from_slice(b": ");
        let value = self.append(value);
        self.text.extend_from_slice(b"\r\n");
        self.places.push(FieldPlace { name, value });
    }

    /// Appends bytes; those that would end a line are shown as spaces.
    fn append(&mut self, bytes: &[u8]) -> (usize, usize) {
        let start = self.text.len();
        self.text.extend(bytes.iter().map(|byte| if ends_line(*byte) { b' ' } else { *byte }));
        (start, self.text.len())
    }

    fn check(&mut self, name: &[u8], value: &[u8]) {
        let (pseudo, rest) = match name.split_first() {
            Some((b':', rest)) => (true, rest),
            _ => (false, name),
        };
        let blank = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        let late = pseudo && self.regular;
        self.regular |= !pseudo;
        let defined = PSEUDO_HEADERS.iter().position(|defined| *defined == name);
        let bit = defined.map_or(0, |at| 1 << at);
        let repeated = self.pseudo_headers & bit != 0;
        self.pseudo_headers |= bit;
        for (odd, defect) in [
            (rest.is_empty() || rest.iter().any(|byte| is_odd_in_name(*byte)), BlockDefect::FieldNameInvalid),
            (
                value.iter().any(|byte| ends_line(*byte)) || blank(value.first()) || blank(value.last()),
                BlockDefect::FieldValueInvalid,
            ),
            (late, BlockDefect::PseudoHeaderLate),
            (pseudo && defined.is_none(), BlockDefect::PseudoHeaderUnknown),
            (repeated, BlockDefect::PseudoHeaderRepeated),
            (!pseudo && CONNECTION_SPECIFIC.contains(&name), BlockDefect::ConnectionSpecificField),
        ] {
            if odd {
                self.defects.insert(defect);
            }
        }
    }
}

/// RFC 9113 §8.2.1: what must not be in a value, as HTTP/1.1 would read it otherwise.
fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\r' | b'\n')
}

/// RFC 9113 §8.2.1: "0x00-0x20, 0x41-0x5a, or 0x7f-0xff", and a colon after the first byte.
fn is_odd_in_name(byte: u8) -> bool {
    matches!(byte, 0..=0x20 | b'A'..=b'Z' | 0x7f.. | b':')
}
