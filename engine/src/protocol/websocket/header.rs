//! Takes the first bytes of a frame, gives what they say (RFC 6455 §5.2).

use super::Role;

/// The longest frame header: two bytes, eight of length, four of mask.
pub(super) const MAX_HEADER: usize = 14;

/// The most payload of a control frame (RFC 6455 §5.5).
pub(super) const MAX_CONTROL: u64 = 125;

/// The longest frame that is believed where it is not known that there are frames; servers stop far below 1 GiB.
const MAX_PLAUSIBLE: u64 = 1 << 30;

/// What a frame is (RFC 6455 §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
    Reserved { control: bool },
}

impl Opcode {
    fn of(byte: u8) -> Self {
        match byte & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            other => Self::Reserved { control: other >= 8 },
        }
    }

    /// Whether it begins a data message.
    pub(super) fn begins_message(self) -> bool {
        matches!(self, Self::Text | Self::Binary)
    }

    /// Whether it carries a message's payload.
    pub(super) fn is_data(self) -> bool {
        matches!(self, Self::Text | Self::Binary | Self::Continuation)
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong | Self::Reserved { control: true })
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) opcode: Opcode,
    pub(super) fin: bool,
    pub(super) rsv1: bool,
    pub(super) rsv2_or_3: bool,
    pub(super) mask: Option<[u8; 4]>,
    /// Payload bytes, at most 2^63 - 1 in a right frame.
    pub(super) length: u64,
    /// Whether a shorter form would have done.
    pub(super) overlong: bool,
    /// Bytes of the header itself.
    pub(super) size: usize,
}

impl FrameHeader {
    /// The header that `bytes` begin with; `None` if they are too few.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
        let (length, overlong, rest) = match second & 0x7f {
            126 => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                let length = u64::from(u16::from_be_bytes(*length));
                (length, length < 126, rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk::<8>()?;
                let length = u64::from_be_bytes(*length);
                (length, length <= u64::from(u16::MAX), rest)
            }
            short => (u64::from(short), false, rest),
        };
        let (mask, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let (mask, rest) = rest.split_first_chunk::<4>()?;
            (Some(*mask), rest)
        };
        Some(Self {
            opcode: Opcode::of(first),
            fin: first & 0x80 != 0,
            rsv1: first & 0x40 != 0,
            rsv2_or_3: first & 0x30 != 0,
            mask,
            length,
            overlong,
            size: bytes.len() - rest.len(),
        })
    }

    /// RFC 6455 §5.2: "the most significant bit MUST be 0".
    pub(super) fn length_is_impossible(&self) -> bool {
        self.length >> 63 != 0
    }
}

/// Whether `bytes` may be frames sent by `role`, beginning with a header. Fewer than two bytes never are.
#[must_use]
pub fn looks_like_frames(bytes: &[u8], role: Role) -> bool {
    let &[first, second, ..] = bytes else {
        return false;
    };
    if !plausible_start(first, second, role) {
        return false;
    }
    let mut rest = bytes;
    while let Some(header) = FrameHeader::parse(rest) {
        if header.overlong || header.length > MAX_PLAUSIBLE {
            return false;
        }
        let next = usize::try_from(header.length).ok().and_then(|length| header.size.checked_add(length));
        match next.and_then(|next| rest.get(next..)) {
            Some(next) => rest = next,
            None => return true,
        }
        if let [first, second, ..] = *rest
            && !plausible_start(first, second, role)
        {
            return false;
        }
    }
    true
}

/// Whether a frame of `role` may begin with these two bytes.
fn plausible_start(first: u8, second: u8, role: Role) -> bool {
    let opcode = Opcode::of(first);
    let (fin, rsv1, rsv2_or_3) = (first & 0x80 != 0, first & 0x40 != 0, first & 0x30 != 0);
    let masked = second & 0x80 != 0;
    let kind = match opcode {
        Opcode::Reserved { .. } => false,
        Opcode::Text | Opcode::Binary => true,
        Opcode::Continuation => !rsv1,
        Opcode::Close | Opcode::Ping | Opcode::Pong => fin && !rsv1 && u64::from(second & 0x7f) <= MAX_CONTROL,
    };
    kind && !rsv2_or_3 && masked == (role == Role::Client)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lengths_in_all_forms() {
        for (bytes, length, overlong, size) in [
            (&[0x82, 5][..], 5, false, 2),
            (&[0x82, 126, 1, 0], 256, false, 4),
            (&[0x82, 126, 0, 125], 125, true, 4),
            (&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], 65536, false, 10),
            (&[0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255], 65535, true, 10),
            (&[0x82, 255, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4], 65536, false, MAX_HEADER),
        ] {
            let header = FrameHeader::parse(bytes).unwrap();
            assert_eq!((header.length, header.overlong, header.size), (length, overlong, size));
            for cut in 0..bytes.len() {
                assert_eq!(FrameHeader::parse(&bytes[..cut]), None);
            }
        }
    }

    #[test]
    fn frames_are_recognised() {
        // RFC 6455 §5.7.
        let server = b"\x81\x05Hello\x89\x05Hello\x82\x7e\x01\x00";
        let client = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        assert!(looks_like_frames(server, Role::Server));
        assert!(!looks_like_frames(server, Role::Client));
        assert!(looks_like_frames(client, Role::Client));
        assert!(!looks_like_frames(client, Role::Server));
        for other in
            [&b"HTTP/1.1 200 OK\r\n"[..], b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01", b"\r\n", b"", b"\x81"]
        {
            assert!(!looks_like_frames(other, Role::Server));
            assert!(!looks_like_frames(other, Role::Client));
        }
    }
}
