//! Takes bytes where a frame begins, gives its header, and whether it may be one (RFC 9113 §4.1, §6).

/// The length of a frame header.
pub const HEADER: usize = 9;

/// The largest frame that is allowed before anything is said, and the largest there can be (RFC 9113 §6.5.2).
pub const DEFAULT_MAX_FRAME: u32 = 1 << 14;
pub const MAX_FRAME: u32 = (1 << 24) - 1;

/// The types of RFC 9113 §6.
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
    /// RFC 9218 §7.1; browsers send it.
    pub const PRIORITY_UPDATE: u8 = 16;
}

/// The flags of RFC 9113 §6.
pub mod flag {
    /// Of SETTINGS and PING.
    pub const ACK: u8 = 0x1;
    pub const END_STREAM: u8 = 0x1;
    pub const END_HEADERS: u8 = 0x4;
    pub const PADDED: u8 = 0x8;
    pub const PRIORITY: u8 = 0x20;
}

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameHeader {
    /// Of the payload.
    pub length: u32,
    pub kind: u8,
    pub flags: u8,
    pub reserved: bool,
    pub stream: u32,
}

impl FrameHeader {
    /// `None` for fewer than `HEADER` bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let [high, middle, low, kind, flags, id @ ..] = bytes.first_chunk::<HEADER>()?;
        let id = u32::from_be_bytes(*id);
        Some(Self {
            length: u32::from_be_bytes([0, *high, *middle, *low]),
            kind: *kind,
            flags: *flags,
            reserved: id >> 31 != 0,
            stream: stream_id(id),
        })
    }

    /// Whether it has this flag.
    #[must_use]
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// How long the fields before the data or the field block are.
    #[must_use]
    pub fn prefix(&self) -> u32 {
        let padded = u32::from(self.has(flag::PADDED));
        match self.kind {
            kind::DATA => padded,
            // RFC 9113 §6.2: the stream that it depends on, and a weight.
            kind::HEADERS => padded + if self.has(flag::PRIORITY) { 5 } else { 0 },
            kind::PUSH_PROMISE => padded + 4,
            kind::RST_STREAM => 4,
            kind::GOAWAY => 8,
            _ => 0,
        }
    }

    /// Whether an endpoint would send it: the right size, a stream where there has to be one, flags that mean something.
    #[must_use]
    pub fn is_plausible(&self, max_frame: u32) -> bool {
        let Self { length, kind, flags, reserved, stream } = *self;
        let on_stream = stream != 0;
        let fits = match kind {
            kind::DATA => on_stream && flags & !(flag::END_STREAM | flag::PADDED) == 0,
            kind::HEADERS => {
                let known = flag::END_STREAM | flag::END_HEADERS | flag::PADDED | flag::PRIORITY;
                on_stream && length > 0 && flags & !known == 0
            }
            kind::PRIORITY => on_stream && length == 5 && flags == 0,
            kind::RST_STREAM => on_stream && length == 4 && flags == 0,
            kind::SETTINGS => {
                // RFC 9113 §6.5: an acknowledgement is empty.
                !on_stream && (flags == 0 && length.is_multiple_of(6) || flags == flag::ACK && length == 0)
            }
            kind::PUSH_PROMISE => on_stream && length > 4 && flags & !(flag::END_HEADERS | flag::PADDED) == 0,
            kind::PING => !on_stream && length == 8 && flags & !flag::ACK == 0,
            kind::GOAWAY => !on_stream && length >= 8 && flags == 0,
            kind::WINDOW_UPDATE => length == 4 && flags == 0,
            kind::CONTINUATION => on_stream && flags & !flag::END_HEADERS == 0,
            kind::PRIORITY_UPDATE => !on_stream && length >= 4 && flags == 0,
            _ => false,
        };
        fits && !reserved && length <= max_frame
    }
}

/// A stream's number, without the reserved bit before it (RFC 9113 §4.1).
pub(super) fn stream_id(word: u32) -> u32 {
    word & (u32::MAX >> 1)
}

/// The name of an error code (RFC 9113 §7); `None` for others.
#[must_use]
pub fn error_name(code: u32) -> Option<&'static str> {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    NAMES.get(usize::try_from(code).ok()?).copied()
}
