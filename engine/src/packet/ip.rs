//! Takes an IP packet, gives the TCP segment, the fragment, or what may be a tunnel that it carries.

use super::fragments::{Key, Piece, Whole};
use super::{Address, tunnel};

/// How many extension headers may stand before TCP; RFC 8200 §4.1 lists seven, all but one of them once.
const MAX_EXTENSION_HEADERS: usize = 16;

const IPV4_HEADER_MIN: usize = 20;
const IPV6_HEADER: usize = 40;

const HOP_BY_HOP: u8 = 0;
const TCP: u8 = 6;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;

/// An IP packet, and what stands behind its headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) id: u32,
    pub(super) payload: &'a [u8],
    /// Bytes of the payload that were not captured.
    pub(super) missing: u32,
    /// A routing header changes the destination on the way, so that the checksum cannot be told.
    pub(super) rerouted: bool,
}

/// What an IP packet carries.
#[derive(Debug)]
pub(super) enum Carried<'a> {
    Tcp(Packet<'a>),
    Fragment(Piece<'a>),
    /// What may be a tunnel, and its protocol number.
    Tunnel(Packet<'a>, u8),
    Other,
    Malformed(&'static str),
}

/// Goes through the IP headers. `cut` is how many bytes behind `bytes` the snapshot length cut off.
pub(super) fn carried(bytes: &[u8], cut: u32) -> Carried<'_> {
    match bytes.first().map(|byte| byte >> 4) {
        Some(4) => version_4(bytes, cut),
        Some(6) => version_6(bytes, cut),
        Some(_) => Carried::Malformed("IP version neither 4 nor 6"),
        None => Carried::Malformed("IP header cut off"),
    }
}

/// Goes through the headers that were inside a fragmented datagram.
pub(super) fn reassembled(whole: &Whole) -> Carried<'_> {
    let packet = Packet {
        source: whole.key.source,
        destination: whole.key.destination,
        id: if whole.key.source.is_v4() { whole.key.id } else { 0 },
        payload: &whole.bytes,
        missing: 0,
        rerouted: whole.rerouted,
    };
    match upper_layer(packet, whole.next_header) {
        Carried::Fragment(_) => Carried::Malformed("fragment inside a fragmented datagram"),
        carried => carried,
    }
}

/// Whether the lengths in the IP header agree with what was on the wire.
pub(super) fn is_plausible(bytes: &[u8], cut: u32) -> bool {
    let on_wire = bytes.len().saturating_add(cut as usize);
    if let Some(header) = bytes.first_chunk::<IPV6_HEADER>().filter(|header| header[0] >> 4 == 6) {
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        return IPV6_HEADER + length <= on_wire;
    }
    bytes.first_chunk::<IPV4_HEADER_MIN>().is_some_and(|header| {
        let header_length = usize::from(header[0] & 0xf) * 4;
        let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
        header[0] >> 4 == 4
            && header_length >= IPV4_HEADER_MIN
            && (total == 0 || (header_length..=on_wire).contains(&total))
    })
}

/// Whether an IP header is there, whatever it says.
pub(super) fn has_header(bytes: &[u8]) -> bool {
    let length = if bytes.first().is_some_and(|byte| byte >> 4 == 6) { IPV6_HEADER } else { IPV4_HEADER_MIN };
    bytes.len() >= length
}

/// Whether an IP packet may begin here; of a header that is not whole the rest must have been cut off.
pub(super) fn may_begin(bytes: &[u8], cut: u32) -> bool {
    let sound = match bytes {
        [] => true,
        [first, rest @ ..] if first >> 4 == 4 => {
            let header_length = usize::from(first & 0xf) * 4;
            let total = rest.get(1..3).map_or(0, |field| usize::from(u16::from_be_bytes([field[0], field[1]])));
            header_length >= IPV4_HEADER_MIN && (total == 0 || total >= header_length)
        }
        [first, ..] => first >> 4 == 6,
    };
    sound && (cut > 0 || has_header(bytes))
}

/// RFC 791 §3.1.
fn version_4(bytes: &[u8], cut: u32) -> Carried<'_> {
    let Some(header) = bytes.first_chunk::<IPV4_HEADER_MIN>() else {
        return Carried::Malformed("IPv4 header cut off");
    };
    let header_length = usize::from(header[0] & 0xf) * 4;
    if header_length < IPV4_HEADER_MIN {
        return Carried::Malformed("IPv4 header length less than 5");
    }
    // Segmentation offload leaves 0 where the packet is longer than the field can say.
    let length = match u16::from_be_bytes([header[2], header[3]]) {
        0 => None,
        total => match usize::from(total).checked_sub(header_length) {
            None => return Carried::Malformed("IPv4 total length less than its header"),
            length => length,
        },
    };
    let Some(rest) = bytes.get(header_length..) else {
        return Carried::Malformed("IPv4 header cut off");
    };
    let (payload, missing) = payload(rest, length, cut);
    let packet = Packet {
        source: Address::from_v4([header[12], header[13], header[14], header[15]]),
        destination: Address::from_v4([header[16], header[17], header[18], header[19]]),
        id: u16::from_be_bytes([header[4], header[5]]).into(),
        payload,
        missing,
        rerouted: false,
    };
    let protocol = header[9];
    let fragment = u16::from_be_bytes([header[6], header[7]]);
    let (more, offset) = (fragment & 0x2000 != 0, usize::from(fragment & 0x1fff) * 8);
    if more || offset != 0 {
        piece(packet, packet.id, protocol, protocol, offset, more)
    } else {
        upper_layer(packet, protocol)
    }
}

/// RFC 8200 §3.
fn version_6(bytes: &[u8], cut: u32) -> Carried<'_> {
    let Some((header, rest)) = bytes.split_first_chunk::<IPV6_HEADER>() else {
        return Carried::Malformed("IPv6 header cut off");
    };
    let [_, _, _, _, high, low, next_header, _, addresses @ ..] = header;
    // 0: a jumbogram (RFC 2675 §3), or left so by segmentation offload.
    let length = match u16::from_be_bytes([*high, *low]) {
        0 => None,
        length => Some(usize::from(length)),
    };
    let (payload, missing) = payload(rest, length, cut);
    let address = |at: usize| {
        let octets = addresses.get(at..).and_then(|octets| octets.first_chunk());
        Address::from_v6(octets.copied().unwrap_or_default())
    };
    let packet = Packet { source: address(0), destination: address(16), id: 0, payload, missing, rerouted: false };
    upper_layer(packet, *next_header)
}

/// Cuts off what stands behind the packet (Ethernet's padding), and counts what is missing at its end.
fn payload(rest: &[u8], length: Option<usize>, cut: u32) -> (&[u8], u32) {
    match length {
        None => (rest, cut),
        Some(length) => {
            let (captured, missing) = (rest.get(..length).unwrap_or(rest), length.saturating_sub(rest.len()));
            (captured, u32::try_from(missing).unwrap_or(u32::MAX))
        }
    }
}

/// Goes through the extension headers (RFC 8200 §4; IPv4 has the authentication header) to the TCP header.
fn upper_layer(mut packet: Packet<'_>, mut next_header: u8) -> Carried<'_> {
    for _ in 0..=MAX_EXTENSION_HEADERS {
        if next_header == TCP {
            return Carried::Tcp(packet);
        }
        if tunnel::is_announced(next_header) {
            return Carried::Tunnel(packet, next_header);
        }
        if !is_extension(&packet, next_header) {
            return Carried::Other;
        }
        let Some(header) = packet.payload.first_chunk::<8>() else {
            return Carried::Malformed("IPv6 extension header cut off");
        };
        let units = usize::from(header[1]);
        let length = match next_header {
            FRAGMENT => {
                let field = u16::from_be_bytes([header[2], header[3]]);
                let (offset, more) = (usize::from(field & 0xfff8), field & 1 != 0);
                // RFC 6946: an atomic fragment is the whole packet.
                if more || offset != 0 {
                    let id = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
                    packet.payload = &packet.payload[header.len()..];
                    // RFC 8200 §4.5: addresses and identification alone tell which datagram it belongs to.
                    return piece(packet, id, 0, header[0], offset, more);
                }
                header.len()
            }
            // RFC 4302 §2.2: in units of four bytes, less two.
            AUTHENTICATION => (units + 2) * 4,
            _ => (units + 1) * 8,
        };
        packet.rerouted |= next_header == ROUTING && header[3] != 0;
        next_header = header[0];
        let Some(rest) = packet.payload.get(length..) else {
            return Carried::Malformed("IPv6 extension header cut off");
        };
        packet.payload = rest;
    }
    Carried::Malformed("too many IPv6 extension headers")
}

/// IPv4 knows the authentication header only.
fn is_extension(packet: &Packet<'_>, next_header: u8) -> bool {
    match next_header {
        AUTHENTICATION => true,
        HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION_OPTIONS | MOBILITY => !packet.source.is_v4(),
        _ => false,
    }
}

/// A fragment, unless it is one of a protocol that is not looked into. Only the first one's next header counts.
fn piece(packet: Packet<'_>, id: u32, protocol: u8, next_header: u8, offset: usize, more: bool) -> Carried<'_> {
    let wanted = if tunnel::is_announced(next_header) {
        tunnel::may_be_in(next_header, offset, packet.payload)
    } else if next_header == TCP || is_extension(&packet, next_header) {
        Some(true)
    } else {
        return Carried::Other;
    };
    let Packet { source, destination, payload, missing, rerouted, .. } = packet;
    let key = Key { source, destination, id, protocol, tunnels: 0 };
    Carried::Fragment(Piece { key, next_header, offset, more, payload, missing, rerouted, wanted })
}
