//! Takes a UDP datagram (RFC 768), gives what the tunnel holds that its destination port announces.

use super::{Kind, Payload, geneve, gtp, vxlan};
use crate::packet::ip::Packet;

/// Source port, destination port, length, checksum.
const HEADER: usize = 8;

/// IANA's port for VXLAN, and that of Linux before there was one.
const VXLAN: u16 = 4789;
const VXLAN_OF_LINUX: u16 = 8472;
const GENEVE: u16 = 6081;
const GTP_U: u16 = 2152;

/// Whether a datagram that begins so goes to the port of a tunnel; `None` if that was not captured.
pub(super) fn has_tunnel_port(bytes: &[u8]) -> Option<bool> {
    let port = u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]);
    Some(matches!(port, VXLAN | VXLAN_OF_LINUX | GENEVE | GTP_U))
}

/// The payload; `None` if it is no tunnel's.
pub(super) fn payload<'a>(packet: &Packet<'a>) -> Option<Payload<'a>> {
    if !has_tunnel_port(packet.payload)? {
        return None;
    }
    let (header, rest) = packet.payload.split_first_chunk::<HEADER>()?;
    let (rest, missing) = match usize::from(u16::from_be_bytes([header[4], header[5]])) {
        // Longer than the field can say (RFC 2675 §4), or left so by segmentation offload.
        0 => (rest, packet.missing),
        length => {
            let length = length.checked_sub(HEADER)?;
            let captured = rest.get(..length).unwrap_or(rest);
            let missing = u32::try_from(length - captured.len()).ok().filter(|missing| *missing <= packet.missing)?;
            (captured, missing)
        }
    };
    let (kind, network) = match u16::from_be_bytes([header[2], header[3]]) {
        GENEVE => (Kind::Geneve, geneve::payload(rest)),
        GTP_U => (Kind::GtpU, gtp::payload(rest, missing)),
        _ => (Kind::Vxlan, vxlan::payload(rest)),
    };
    Some(Payload { kind, network: network?, missing })
}
