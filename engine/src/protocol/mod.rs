//! Takes the bytes of one connection, gives HTTP messages, WebSocket frame counts and what stands around them.
//!
//! Nothing here knows of TCP or does I/O: bytes are fed in, in any pieces; gaps are told as such.

mod named_set;

pub mod conversation;
pub mod http1;
pub mod http2;
pub mod proxy;
pub mod tls;
pub mod websocket;

/// Where bytes come from: the record that carried them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The frame's number, counted as Wireshark does.
    pub frame: u64,
    /// When it was captured, in nanoseconds since the epoch.
    pub time: i64,
}

impl Stamp {
    /// The stamp of a unit that went on to `next`: the frame of its last byte, the greatest of its times.
    ///
    /// Bytes come in stream order, which is not always the order of capture.
    #[must_use]
    pub fn extended_to(self, next: Self) -> Self {
        Self { frame: next.frame, time: self.time.max(next.time) }
    }
}

/// Why bytes are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapCause {
    /// The segment was not captured.
    Missing,
    /// The frame was captured, and cut by the snapshot length.
    Truncated,
}
