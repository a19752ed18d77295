//! Takes a header block, gives the head of a request or response as HTTP/1.x has it (RFC 9113 §8.3).

use crate::protocol::http1::{Completeness, HTTP2_VERSION, Head, HeadEvent, MessageKind, StartLine};
use crate::protocol::http2::Block;

/// RFC 9113 §8.3.1, §8.3.2: what has to be there is not.
pub(super) const PSEUDO_HEADER_MISSING: &str = "pseudo-header-missing";

/// The head of a request.
pub(super) fn request<'a>(block: &'a Block<'a>) -> HeadEvent<'a> {
    let pseudo = |name| block.fields.pseudo(name);
    let method = pseudo(b":method").unwrap_or_default();
    // RFC 9113 §8.5: CONNECT has no path, its authority is what the request-target is in HTTP/1.1.
    let connects = method == b"CONNECT" && pseudo(b":protocol").is_none();
    let target = if connects { pseudo(b":authority") } else { pseudo(b":path") };
    let start = StartLine::Request { method, target: target.unwrap_or_default(), version: HTTP2_VERSION };
    event(block, start, MessageKind::Request)
}

/// The head of a final response.
pub(super) fn response<'a>(block: &'a Block<'a>) -> HeadEvent<'a> {
    let start = StartLine::Response { version: HTTP2_VERSION, status: status(block).unwrap_or_default(), reason: b"" };
    event(block, start, MessageKind::Response)
}

/// The status of a response, if it is one: three digits (RFC 9110 §15), and nothing else.
pub(super) fn status(block: &Block<'_>) -> Option<u16> {
    let digits = <[u8; 3]>::try_from(block.fields.pseudo(b":status")?).ok()?;
    let status = digits.iter().try_fold(0, |value: u16, digit| {
        digit.is_ascii_digit().then(|| value.saturating_mul(10).saturating_add(u16::from(digit - b'0')))
    });
    status.filter(|status| *status >= 100)
}

/// Whether a complete head lacks what it has to have.
pub(super) fn is_lacking(block: &Block<'_>, kind: MessageKind) -> bool {
    let has = |name| block.fields.pseudo(name).is_some();
    let connects = block.fields.pseudo(b":method") == Some(b"CONNECT") && !has(b":protocol");
    block.completeness == Completeness::Complete
        && match kind {
            MessageKind::Response => status(block).is_none(),
            MessageKind::Request if connects => !has(b":authority"),
            MessageKind::Request => !(has(b":method") && has(b":scheme") && has(b":path")),
        }
}

fn event<'a>(block: &'a Block<'a>, start: StartLine<'a>, kind: MessageKind) -> HeadEvent<'a> {
    let places = block.fields.places().iter().copied();
    let complete = block.completeness == Completeness::Complete;
    HeadEvent {
        head: Head::of_fields(block.fields.text(), block.compressed, start, places, complete),
        kind,
        first: block.first,
        last: block.last,
        frames: block.frames,
        completeness: block.completeness,
    }
}
