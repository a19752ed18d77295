//! Takes a head, gives how the body after it ends (RFC 9112 §6.3).

use super::field::trim_blanks;
use super::head::Head;
use crate::protocol::named_set::named_set;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// Chunked transfer coding (RFC 9112 §7.1).
    Chunked,
    /// With the connection.
    UntilClose,
}

named_set! {
    /// What is odd in the headers that tell a body's length.
    set FramingDefects;
    /// Something odd in the headers that tell a body's length.
    enum FramingDefect {
        /// Both lengths; a way to smuggle requests.
        ContentLengthWithTransferEncoding = "content-length-with-transfer-encoding",
        /// The same length several times.
        ContentLengthRepeated = "content-length-repeated",
        ContentLengthConflict = "content-length-conflict",
        ContentLengthNegative = "content-length-negative",
        /// Not a decimal number, or above 2^64.
        ContentLengthMalformed = "content-length-malformed",
        /// With a status that has no body.
        ContentLengthForbidden = "content-length-forbidden",
        TransferEncodingForbidden = "transfer-encoding-forbidden",
        TransferEncodingHttp10 = "transfer-encoding-http10",
        /// `identity`, which RFC 7230 took away.
        TransferEncodingIdentity = "transfer-encoding-identity",
        TransferEncodingEmpty = "transfer-encoding-empty",
        /// Chunked twice.
        ChunkedRepeated = "chunked-repeated",
        /// A coding follows chunked.
        ChunkedNotFinal = "chunked-not-final",
        /// A request coded otherwise than chunked: its end cannot be known.
        RequestNotChunked = "request-not-chunked",
    }
}

/// How a body ends, and what was odd in saying so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramingDecision {
    pub framing: Framing,
    /// Whether what follows the head is no HTTP/1.x any more: 101, or 2xx to CONNECT.
    pub switches: bool,
    pub defects: FramingDefects,
}

/// How the body of a request ends.
#[must_use]
pub fn request_framing(head: &Head<'_>) -> FramingDecision {
    let mut defects = FramingDefects::default();
    let framing = match transfer_coding(head, &mut defects) {
        Coding::Chunked => Framing::Chunked,
        Coding::Other => {
            // RFC 9112 §6.3 item 4: the length cannot be known; a server answers 400 and closes.
            if !defects.contains(FramingDefect::ChunkedNotFinal) {
                defects.insert(FramingDefect::RequestNotChunked);
            }
            Framing::UntilClose
        }
        // RFC 9112 §6.3 item 7: without a length a request has no body.
        Coding::None => content_length(head, &mut defects).map_or(Framing::None, Framing::Length),
    };
    FramingDecision { framing, switches: false, defects }
}

/// How the body of a response ends; `request_method` is that of the request it answers, if that was seen.
#[must_use]
pub fn response_framing(head: &Head<'_>, request_method: Option<&[u8]>) -> FramingDecision {
    let mut defects = FramingDefects::default();
    let status = head.status().unwrap_or_default();
    let none = |switches, defects| FramingDecision { framing: Framing::None, switches, defects };
    // RFC 9110 §8.6, RFC 9112 §6.1: neither length in 1xx, 204 and 2xx to CONNECT.
    let connected = request_method == Some(b"CONNECT") && (200..300).contains(&status);
    if (100..200).contains(&status) || status == 204 || connected {
        if head.get(b"content-length").is_some() {
            defects.insert(FramingDefect::ContentLengthForbidden);
        }
        if head.get(b"transfer-encoding").is_some() {
            defects.insert(FramingDefect::TransferEncodingForbidden);
        }
        // RFC 9112 §6.3 items 1 and 2.
        return none(status == 101 || connected, defects);
    }
    if status == 304 || request_method == Some(b"HEAD") {
        return none(false, defects);
    }
    let framing = match transfer_coding(head, &mut defects) {
        Coding::Chunked => Framing::Chunked,
        // RFC 9112 §6.3 item 4.
        Coding::Other => Framing::UntilClose,
        // RFC 9112 §6.3 items 6 and 8.
        Coding::None => content_length(head, &mut defects).map_or(Framing::UntilClose, Framing::Length),
    };
    FramingDecision { framing, switches: false, defects }
}

/// What the final transfer coding is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    None,
    Chunked,
    Other,
}

fn transfer_coding(head: &Head<'_>, defects: &mut FramingDefects) -> Coding {
    let mut last = Coding::None;
    let mut chunked = 0_u32;
    let mut present = false;
    let mut identity = false;
    for value in head.all(b"transfer-encoding") {
        present = true;
        for item in value.split(|byte| *byte == b',') {
            let name = trim_blanks(item.split(|byte| *byte == b';').next().unwrap_or_default());
            if name.is_empty() {
                continue;
            }
            if name.eq_ignore_ascii_case(b"identity") {
                identity = true;
            } else if name.eq_ignore_ascii_case(b"chunked") {
                chunked = chunked.saturating_add(1);
                last = Coding::Chunked;
            } else {
                last = Coding::Other;
            }
        }
    }
    if !present {
        return Coding::None;
    }
    if identity {
        defects.insert(FramingDefect::TransferEncodingIdentity);
    } else if last == Coding::None {
        defects.insert(FramingDefect::TransferEncodingEmpty);
    }
    if last == Coding::None {
        return last;
    }
    if head.version().is_some_and(|version| version < (1, 1)) {
        // RFC 9112 §6.1: faulty framing. Some recipients ignore the header; who sends it does chunk.
        defects.insert(FramingDefect::TransferEncodingHttp10);
    }
    if head.get(b"content-length").is_some() {
        // RFC 9112 §6.3 item 3: Transfer-Encoding overrides.
        defects.insert(FramingDefect::ContentLengthWithTransferEncoding);
    }
    if chunked > 0 && last != Coding::Chunked {
        defects.insert(FramingDefect::ChunkedNotFinal);
    }
    if chunked > 1 {
        // RFC 9112 §6.1: never chunked more than once.
        defects.insert(FramingDefect::ChunkedRepeated);
    }
    last
}

/// The length, if a valid one is given; the first, if they differ.
fn content_length(head: &Head<'_>, defects: &mut FramingDefects) -> Option<u64> {
    let mut length = None;
    for value in head.all(b"content-length") {
        for item in value.split(|byte| *byte == b',').map(trim_blanks) {
            // RFC 9110 §8.6: digits only.
            match (parse_length(item), length) {
                (Some(new), None) => length = Some(new),
                (Some(new), Some(old)) if new == old => defects.insert(FramingDefect::ContentLengthRepeated),
                // RFC 9112 §6.3 item 5: unrecoverable for a recipient.
                (Some(_), Some(_)) => defects.insert(FramingDefect::ContentLengthConflict),
                (None, _) if item.first() == Some(&b'-') => defects.insert(FramingDefect::ContentLengthNegative),
                (None, _) => defects.insert(FramingDefect::ContentLengthMalformed),
            }
        }
    }
    length
}

fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}
