//! Takes bytes that may begin with a frame, gives whether they do: where the beginning of a connection or what is before
//! them was not captured.

use super::frame::{DEFAULT_MAX_FRAME, FrameHeader, HEADER, flag, kind};

/// How many frames in a row are certain to be frames: other bytes have a header in the right place once in 2^20 times.
const CERTAIN: usize = 2;

/// The settings that are in use (RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1).
const SETTINGS: std::ops::RangeInclusive<u8> = 1..=9;

/// Stream numbers that a single frame is believed with; a connection has rarely more.
const MAX_BELIEVED_STREAM: u32 = 1 << 24;

/// What bytes look like. More bytes never change an answer other than `Maybe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LooksHttp2 {
    Yes,
    Maybe,
    No,
}

/// Who sends a frame, as far as it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// It begins a request.
    Client,
    /// It begins a response.
    Server,
}

/// Whether `bytes`, which are the first of a server, are its SETTINGS (RFC 9113 §3.4).
#[must_use]
pub fn looks_like_settings(bytes: &[u8]) -> LooksHttp2 {
    let Some(header) = FrameHeader::parse(bytes) else {
        // The length is at most 2^14, so that the first byte is zero, as are those that name the stream.
        let fits = bytes.iter().enumerate().all(|(at, byte)| match at {
            1 | 2 => true,
            3 => *byte == kind::SETTINGS,
            4 => *byte <= flag::ACK,
            _ => *byte == 0,
        });
        return if fits { LooksHttp2::Maybe } else { LooksHttp2::No };
    };
    let settings = header.kind == kind::SETTINGS && header.is_plausible(DEFAULT_MAX_FRAME);
    if settings { LooksHttp2::Yes } else { LooksHttp2::No }
}

/// Whether `bytes` begin with frames: several, or one that can hardly be anything else.
#[must_use]
pub fn looks_like_http2(bytes: &[u8]) -> LooksHttp2 {
    looks(bytes, DEFAULT_MAX_FRAME, false)
}

/// The same where the connection is known to be HTTP/2.
pub(super) fn looks_like_frames(bytes: &[u8], max_frame: u32) -> LooksHttp2 {
    looks(bytes, max_frame, true)
}

fn looks(bytes: &[u8], max_frame: u32, is_http2: bool) -> LooksHttp2 {
    let mut rest = bytes;
    for _ in 0..CERTAIN {
        let Some(header) = FrameHeader::parse(rest) else {
            return if may_begin(rest, max_frame) { LooksHttp2::Maybe } else { LooksHttp2::No };
        };
        if !header.is_plausible(max_frame) {
            return LooksHttp2::No;
        }
        let payload = rest.get(HEADER..).unwrap_or_default();
        match is_certain(header, payload, is_http2) {
            LooksHttp2::Maybe => {}
            certain => return certain,
        }
        let Some(next) = usize::try_from(header.length).ok().and_then(|length| payload.get(length..)) else {
            return LooksHttp2::Maybe;
        };
        rest = next;
    }
    LooksHttp2::Yes
}

/// Whether less than a header may become one.
fn may_begin(bytes: &[u8], max_frame: u32) -> bool {
    let short = bytes.first().is_none_or(|high| u32::from(*high) << 16 <= max_frame);
    short && bytes.get(3).is_none_or(|kind| *kind <= kind::PRIORITY_UPDATE)
}

/// Whether a frame alone is certain to be one; `Maybe` where it takes another.
fn is_certain(header: FrameHeader, payload: &[u8], is_http2: bool) -> LooksHttp2 {
    let FrameHeader { length, kind, stream, .. } = header;
    let word = |bytes: &[u8]| bytes.first_chunk::<4>().map(|word| u32::from_be_bytes(*word));
    let certain = match kind {
        kind::SETTINGS if length > 0 => {
            payload.first_chunk::<2>().map(|[high, id]| *high == 0 && SETTINGS.contains(id))
        }
        kind::PING => Some(true),
        // RFC 9113 §6.9: an increment of zero is an error.
        kind::WINDOW_UPDATE => word(payload).map(|increment| (1..=u32::MAX >> 1).contains(&increment)),
        kind::RST_STREAM => word(payload).map(|code| super::frame::error_name(code).is_some()),
        kind::GOAWAY => payload.get(4..).and_then(word).map(|code| super::frame::error_name(code).is_some()),
        kind::HEADERS if header.has(flag::END_HEADERS) && stream < MAX_BELIEVED_STREAM && stream % 2 == 1 => {
            // With a table that is in use, blocks may begin with anything.
            if !is_http2 && speaker_of(header, payload).is_none() {
                return LooksHttp2::Maybe;
            }
            Some(true)
        }
        _ => return LooksHttp2::Maybe,
    };
    match certain {
        Some(true) => LooksHttp2::Yes,
        Some(false) => LooksHttp2::No,
        None => LooksHttp2::Maybe,
    }
}

/// Who sends the frames that `bytes` begin with, where the first tells.
#[must_use]
pub fn speaker(bytes: &[u8]) -> Option<Speaker> {
    let header = FrameHeader::parse(bytes)?;
    (header.kind == kind::HEADERS).then(|| speaker_of(header, bytes.get(HEADER..).unwrap_or_default()))?
}

/// RFC 7541 Appendix A: a block that begins with a name of the static table, as those of requests and responses do.
fn speaker_of(header: FrameHeader, payload: &[u8]) -> Option<Speaker> {
    let at = usize::try_from(header.prefix()).ok()?;
    match payload.get(at)? {
        // :method, :path, :scheme; also with another value.
        0x82..=0x87 | 0x42..=0x47 => Some(Speaker::Client),
        // :status.
        0x88..=0x8e | 0x48..=0x4e => Some(Speaker::Server),
        _ => None,
    }
}
