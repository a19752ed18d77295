//! Takes PPP frames, as they are on serial lines and inside PPPoE, gives the IP packet in them.

use super::link::{self, Network};

/// RFC 1662 §3.1: all stations, unnumbered information.
const ADDRESS_AND_CONTROL: &[u8] = &[0xff, 0x03];

/// A frame with or without address and control fields (`LINKTYPE_PPP`).
pub(super) fn frame(data: &[u8]) -> Network<'_> {
    let data = data.strip_prefix(ADDRESS_AND_CONTROL).unwrap_or(data);
    let (protocol, rest) = match data {
        // RFC 1661 §6.5: a protocol compressed to one byte is odd, the first of two is even.
        [low, rest @ ..] if low & 1 != 0 => (u16::from(*low), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return Network::Malformed("PPP header cut off"),
    };
    match protocol {
        0x0021 | 0x0057 => Network::Ip(rest),
        0x0281 | 0x0283 => link::mpls(rest),
        _ => Network::Other,
    }
}

/// A frame in HDLC-like framing, PPP's or Cisco's (`LINKTYPE_PPP_HDLC`).
pub(super) fn hdlc(data: &[u8]) -> Network<'_> {
    match data {
        // Cisco: unicast or broadcast, zero, EtherType.
        [0x0f | 0x8f, 0, high, low, rest @ ..] => link::ether_type(u16::from_be_bytes([*high, *low]), rest),
        _ => frame(data),
    }
}

/// A PPPoE packet (RFC 2516 §4): version and type, code, session, length.
pub(super) fn over_ethernet(data: &[u8]) -> Network<'_> {
    match data {
        // Code 0 is a session's data.
        [0x11, 0, _, _, _, _, rest @ ..] => frame(rest),
        [_, _, _, _, _, _, ..] => Network::Other,
        _ => Network::Malformed("PPPoE header cut off"),
    }
}
