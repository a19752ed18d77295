//! Takes GTP-U (3GPP TS 29.281 §5), gives the IP packet in it.

use crate::packet::link::Network;

/// Version and flags, message type, length, tunnel endpoint identifier.
const HEADER: usize = 8;

/// Version 1 and protocol type GTP; the spare bit is zero.
const VERSION: u8 = 0x30;

/// An extension header, a sequence number, an N-PDU number follows: then the fields for all three are there.
const EXTENSION: u8 = 0x04;
const OPTIONAL: u8 = 0x07;

/// A G-PDU: a user's packet.
const G_PDU: u8 = 255;

/// Sequence number, N-PDU number, type of the first extension header.
const OPTIONAL_FIELDS: usize = 4;

/// How many extension headers may follow; networks use one or two.
const MAX_EXTENSION_HEADERS: usize = 16;

const CUT_OFF: Network<'_> = Network::Malformed("GTP-U header cut off");

/// The payload; `None` if it is another version, another message, or its length is not that of the datagram.
pub(super) fn payload(bytes: &[u8], missing: u32) -> Option<Network<'_>> {
    let ([first, message, high, low, ..], rest) = bytes.split_first_chunk::<HEADER>()?;
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let on_wire = rest.len().saturating_add(missing as usize);
    if first & !OPTIONAL != VERSION || *message != G_PDU || length != on_wire {
        return None;
    }
    if first & OPTIONAL == 0 {
        return Some(Network::Ip(rest));
    }
    let Some((optional, rest)) = rest.split_first_chunk::<OPTIONAL_FIELDS>() else { return Some(CUT_OFF) };
    // Without its flag the type means nothing (TS 29.281 §5.1).
    let kind = if first & EXTENSION == 0 { 0 } else { optional[3] };
    behind_extension_headers(kind, rest)
}

/// Skips extension headers (TS 29.281 §5.2.1): their length in fours, content, the next one's type; 0 is the last.
fn behind_extension_headers(mut kind: u8, mut rest: &[u8]) -> Option<Network<'_>> {
    for _ in 0..=MAX_EXTENSION_HEADERS {
        if kind == 0 {
            return Some(Network::Ip(rest));
        }
        let Some(length) = rest.first().map(|units| usize::from(*units) * 4) else { return Some(CUT_OFF) };
        let Some((header, behind)) = rest.split_at_checked(length) else { return Some(CUT_OFF) };
        kind = *header.last()?;
        rest = behind;
    }
    None
}
