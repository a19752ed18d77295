//! Takes GENEVE (RFC 8926 §3.4), gives what it carries.

use super::protocol_type;
use crate::packet::link::Network;

/// Version and options' length, flags, protocol type, network identifier, reserved.
const HEADER: usize = 8;

/// Class, type, length.
const OPTION_HEADER: usize = 4;

/// An option in it has to be understood by who takes the tunnel off. The other flag marks control messages, which hold
/// nobody's packet.
const CRITICAL: u8 = 0x40;

/// The payload; `None` if it is another version, a control message, or a bit is set that senders leave zero.
pub(super) fn payload(bytes: &[u8]) -> Option<Network<'_>> {
    let ([first, flags, high, low, _, _, _, reserved], rest) = bytes.split_first_chunk::<HEADER>()?;
    // The version is in the two high bits.
    if first >> 6 != 0 || flags & !CRITICAL != 0 || *reserved != 0 {
        return None;
    }
    let length = usize::from(first & 0x3f) * 4;
    let Some((options, rest)) = rest.split_at_checked(length) else {
        return Some(Network::Malformed("GENEVE options cut off"));
    };
    are_options(options).then(|| protocol_type(u16::from_be_bytes([*high, *low]), rest))
}

/// Whether the lengths of the options come to that of all (RFC 8926 §3.5).
fn are_options(mut options: &[u8]) -> bool {
    while let Some(([_, _, _, length], rest)) = options.split_first_chunk::<OPTION_HEADER>() {
        let Some(next) = rest.get(usize::from(length & 0x1f) * 4..) else { return false };
        options = next;
    }
    options.is_empty()
}
