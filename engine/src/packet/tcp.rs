//! Takes what an IP packet carries, gives the TCP segment (RFC 9293 §3.1).

use super::ip::Packet;
use super::{Decoded, Endpoint, Flags, Segment};

/// Ports, sequence and acknowledgment number, data offset and flags: with less, nothing can be said of a segment.
const NEEDED: usize = 14;

/// The header without options.
const HEADER_MIN: u32 = 20;

/// Reads a segment of which at least the first [`NEEDED`] bytes were captured.
pub(super) fn segment<'a>(packet: &Packet<'a>, frame: u64, time: i64) -> Decoded<'a> {
    let bytes = packet.payload;
    let Some(header) = bytes.first_chunk::<NEEDED>() else {
        return Decoded::Malformed("TCP header cut off");
    };
    let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let header_length = u32::from(header[12] >> 4) * 4;
    let on_wire = packet.missing.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    if header_length < HEADER_MIN {
        return Decoded::Malformed("TCP data offset less than 5");
    }
    let Some(payload_on_wire) = on_wire.checked_sub(header_length) else {
        return Decoded::Malformed("TCP data offset beyond the segment");
    };
    let payload = bytes.get(header_length as usize..).unwrap_or_default();
    let window = bytes.get(14..).and_then(|rest| rest.first_chunk()).map_or(0, |field| u16::from_be_bytes(*field));
    Decoded::Segment(Segment {
        frame,
        time,
        source: Endpoint { address: packet.source, port: port(0) },
        destination: Endpoint { address: packet.destination, port: port(2) },
        sequence: number(4),
        acknowledgment: number(8),
        flags: Flags(u16::from_be_bytes([header[12] & 0x0f, header[13]])),
        window,
        payload,
        missing: payload_on_wire.saturating_sub(u32::try_from(payload.len()).unwrap_or(u32::MAX)),
        ip_id: packet.id,
        verifiable: (packet.missing == 0 && !packet.rerouted).then_some(bytes),
    })
}
