//! Takes Linux "cooked" records (SLL and SLL2, from `tcpdump -i any`), gives the IP packet in them.

use super::ip;
use super::link::{Network, ether_type};

/// Packet type, ARPHRD type, address length, address, protocol.
const VERSION_1_HEADER: usize = 16;

/// Protocol, reserved, interface, ARPHRD type, packet type, address length, address.
const VERSION_2_HEADER: usize = 20;

/// The protocol number for 802.2 LLC; `ether_type` takes it for a length, which comes to the same.
const LLC: u16 = 4;

/// The greatest packet type (`PACKET_KERNEL`).
const MAX_PACKET_TYPE: u8 = 7;

/// The room for the address.
const MAX_ADDRESS: u8 = 8;

/// `LINKTYPE_LINUX_SLL`.
pub(super) fn version_1(data: &[u8]) -> Network<'_> {
    match data.split_first_chunk::<VERSION_1_HEADER>() {
        Some((header, rest)) => protocol(u16::from_be_bytes([header[14], header[15]]), rest),
        None => Network::Malformed("SLL header cut off"),
    }
}

/// `LINKTYPE_LINUX_SLL2`.
pub(super) fn version_2(data: &[u8]) -> Network<'_> {
    match data.split_first_chunk::<VERSION_2_HEADER>() {
        Some((header, rest)) => protocol(u16::from_be_bytes([header[0], header[1]]), rest),
        None => Network::Malformed("SLL2 header cut off"),
    }
}

fn protocol(kind: u16, rest: &[u8]) -> Network<'_> {
    match kind {
        // Other small numbers are Linux's own (ETH_P_802_3, ETH_P_CAN …), not lengths.
        0..0x600 if kind != LLC => Network::Other,
        _ => ether_type(kind, rest),
    }
}

/// The IP packet of a cooked record in a file that says Ethernet: merging captures of `-i any` makes such files.
///
/// For records of which Ethernet makes no sense. All that can be checked is, so that nothing is mistaken for one.
pub(super) fn disguised(data: &[u8], cut: u32) -> Option<&[u8]> {
    let carried = match data {
        [0, packet_type, _, _, 0, address, ..] if is_cooked(*packet_type, *address) => version_1(data),
        _ => Network::Other,
    };
    let carried = match (carried, data) {
        (Network::Ip(bytes), _) => Network::Ip(bytes),
        (_, [_, _, 0, 0, _, _, _, _, _, _, packet_type, address, ..]) if is_cooked(*packet_type, *address) => {
            version_2(data)
        }
        _ => Network::Other,
    };
    match carried {
        Network::Ip(bytes) if ip::is_plausible(bytes, cut) => Some(bytes),
        _ => None,
    }
}

fn is_cooked(packet_type: u8, address: u8) -> bool {
    packet_type <= MAX_PACKET_TYPE && address <= MAX_ADDRESS
}
