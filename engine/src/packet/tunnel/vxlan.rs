//! Takes VXLAN (RFC 7348 §5), gives what the Ethernet frame in it carries.

use crate::packet::link::{self, Network};

/// Flags, reserved, network identifier, reserved.
const HEADER: usize = 8;

/// The network identifier is valid; the only flag of RFC 7348.
const INSTANCE: u8 = 0x08;

/// A group policy is in the reserved bytes (draft-smith-vxlan-group-policy §2.1), as Linux and Cisco ACI send them.
const GROUP_POLICY: u8 = 0x80;

/// Its own flags: don't learn, policy applied.
const POLICY_FLAGS: u8 = 0x48;

/// The payload; `None` if a bit is set that senders leave zero.
pub(super) fn payload(bytes: &[u8]) -> Option<Network<'_>> {
    let ([flags, reserved @ .., _, _, _, last], rest) = bytes.split_first_chunk::<HEADER>()?;
    let known = match *flags {
        INSTANCE => *reserved == [0; 3],
        flags if flags == INSTANCE | GROUP_POLICY => reserved[0] & !POLICY_FLAGS == 0,
        _ => false,
    };
    (known && *last == 0).then(|| link::ethernet(rest))
}
