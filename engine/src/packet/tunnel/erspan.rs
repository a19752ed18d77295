//! Takes what switches mirror (ERSPAN, draft-foschiano-erspan-03 §4), gives what the frame in it carries.

use crate::packet::link::{self, Network};

/// Version and VLAN, class of service to session, reserved and index.
const TYPE_II_HEADER: usize = 8;

/// The first four bytes as in type II, timestamp, security group, and what the frame is.
const TYPE_III_HEADER: usize = 12;

/// What platforms add to type III.
const SUBHEADER: usize = 8;

/// The version in the first four bits.
const TYPE_II: u8 = 1;
const TYPE_III: u8 = 2;

/// What a frame of type III is.
const ETHERNET: u8 = 0;
const IP: u8 = 2;

/// Type I has no header of its own, and no sequence number in that of GRE.
pub(super) fn type_i(bytes: &[u8]) -> Network<'_> {
    link::ethernet(bytes)
}

/// Type II; `None` if it says another version.
pub(super) fn type_ii(bytes: &[u8]) -> Option<Network<'_>> {
    match bytes.split_first_chunk::<TYPE_II_HEADER>() {
        Some((header, rest)) => (header[0] >> 4 == TYPE_II).then(|| link::ethernet(rest)),
        None => Some(Network::Malformed("ERSPAN header cut off")),
    }
}

/// Type III; `None` if it says another version.
pub(super) fn type_iii(bytes: &[u8]) -> Option<Network<'_>> {
    let Some((header, rest)) = bytes.split_first_chunk::<TYPE_III_HEADER>() else {
        return Some(Network::Malformed("ERSPAN header cut off"));
    };
    if header[0] >> 4 != TYPE_III {
        return None;
    }
    let has_subheader = header[11] & 1 != 0;
    let Some(rest) = rest.get(if has_subheader { SUBHEADER } else { 0 }..) else {
        return Some(Network::Malformed("ERSPAN header cut off"));
    };
    Some(match header[10] >> 2 & 0x1f {
        ETHERNET => link::ethernet(rest),
        IP => Network::Ip(rest),
        _ => Network::Other,
    })
}
