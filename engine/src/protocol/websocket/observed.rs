//! What is counted and noted of one direction's frames.

use crate::protocol::named_set::named_set;

named_set! {
    /// What RFC 6455 forbids, and was seen.
    set Violations;
    /// Something that RFC 6455 forbids.
    enum Violation {
        /// §5.1.
        ClientUnmasked = "client-unmasked",
        /// §5.1.
        ServerMasked = "server-masked",
        /// §5.2; RFC 7692 §6: without permessage-deflate, or not on a message's first frame.
        Rsv1 = "rsv1-unexpected",
        /// §5.2.
        Rsv2Or3 = "rsv2-or-3-unexpected",
        /// §5.2.
        OpcodeReserved = "opcode-reserved",
        /// §5.2.
        LengthNotMinimal = "length-not-minimal",
        /// §5.2: the length's top bit is set.
        LengthImpossible = "length-impossible",
        /// §5.5: more than 125 bytes.
        ControlTooLong = "control-too-long",
        /// §5.5.
        ControlFragmented = "control-fragmented",
        /// §5.4.
        ContinuationWithoutStart = "continuation-without-start",
        /// §5.4.
        MessageWithinMessage = "message-within-message",
        /// §5.5.1.
        DataAfterClose = "data-after-close",
        /// §5.5.1.
        ClosePayloadOneByte = "close-payload-one-byte",
        /// §7.4.2.
        CloseCodeInvalid = "close-code-invalid",
        /// §7.4.1: 1005, 1006 or 1015.
        CloseCodeReserved = "close-code-reserved",
        /// §5.5.1.
        CloseReasonNotUtf8 = "close-reason-not-utf8",
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames whose header was read.
    pub frames: u64,
    /// Text messages that began.
    pub text: u64,
    /// Binary messages that began.
    pub binary: u64,
    /// Continuation frames.
    pub continuation: u64,
    pub ping: u64,
    pub pong: u64,
    /// Close frames.
    pub close: u64,
    /// Frames with a reserved opcode.
    pub reserved: u64,
    /// Data messages that began compressed (RFC 7692).
    pub compressed: u64,
    /// Payload of data frames as sent, gaps within frames included.
    pub payload_bytes: u64,
    /// Payload of control frames.
    pub control_bytes: u64,
    /// Bytes after the walker was lost.
    pub unparsed_bytes: u64,
    /// Bytes that were not captured.
    pub missing_bytes: u64,
}

impl Counts {
    /// Data messages that began.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.text.saturating_add(self.binary)
    }
}
