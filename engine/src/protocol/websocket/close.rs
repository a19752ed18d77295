//! Takes the payload of a Close frame, gives its code and reason (RFC 6455 §5.5.1, §7.4).

use super::header::MAX_CONTROL;
use super::observed::{Violation, Violations};
use crate::protocol::Stamp;

/// A Close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// `None` where the frame has none, or it was not captured.
    pub code: Option<u16>,
    /// Empty where the frame has none; `None` where it was not captured. Bytes that are not UTF-8 are replaced.
    pub reason: Option<String>,
    /// Of the frame's last byte.
    pub stamp: Stamp,
}

/// The unmasked beginning of a Close frame's payload.
#[derive(Clone, Debug)]
pub(super) struct ClosePayload {
    bytes: [u8; MAX_CONTROL as usize],
    length: usize,
}

impl ClosePayload {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; MAX_CONTROL as usize], length: 0 }
    }

    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// What it says. `whole` unless some of it was not captured.
    pub(super) fn read(&self, whole: bool, stamp: Stamp, violations: &mut Violations) -> Close {
        let payload = self.bytes.get(..self.length).unwrap_or_default();
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            // RFC 6455 §5.5.1: a body begins with a two-byte code.
            if whole && !payload.is_empty() {
                violations.insert(Violation::ClosePayloadOneByte);
            }
            return Close { code: None, reason: whole.then(String::new), stamp };
        };
        let code = u16::from_be_bytes(*code);
        match code {
            // RFC 6455 §7.4.1 and the registry of §11.7 (1012 to 1014); §7.4.2: 3000 to 4999.
            1000..=1003 | 1007..=1014 | 3000..=4999 => {}
            // RFC 6455 §7.4.1: never on the wire.
            1005 | 1006 | 1015 => violations.insert(Violation::CloseCodeReserved),
            _ => violations.insert(Violation::CloseCodeInvalid),
        }
        if !whole {
            return Close { code: Some(code), reason: None, stamp };
        }
        // RFC 6455 §5.5.1: the reason is UTF-8.
        if std::str::from_utf8(reason).is_err() {
            violations.insert(Violation::CloseReasonNotUtf8);
        }
        Close { code: Some(code), reason: Some(String::from_utf8_lossy(reason).into_owned()), stamp }
    }
}
