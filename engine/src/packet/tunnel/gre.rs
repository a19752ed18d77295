//! Takes GRE (RFC 2784 §2, RFC 2890 §2), gives what it carries.

use super::{Kind, erspan, protocol_type};
use crate::packet::link::Network;

/// Flags and version, protocol type.
const HEADER: usize = 4;

/// What stands behind the header, four bytes each: checksum with reserved bytes, key, sequence number.
const CHECKSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;

const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

/// The payload; `None` if another bit is set: routing (RFC 1701), reserved, or a version (1 is PPTP's, RFC 2637).
pub(super) fn payload(bytes: &[u8]) -> Option<(Kind, Network<'_>)> {
    let ([flags_high, flags_low, high, low], rest) = bytes.split_first_chunk::<HEADER>()?;
    let flags = u16::from_be_bytes([*flags_high, *flags_low]);
    if flags & !(CHECKSUM | KEY | SEQUENCE) != 0 {
        return None;
    }
    let kind = u16::from_be_bytes([*high, *low]);
    let erspan = matches!(kind, ERSPAN | ERSPAN_III);
    let fields = usize::try_from(flags.count_ones()).unwrap_or_default() * 4;
    let network = match (rest.get(fields..), kind) {
        (None, _) => Network::Malformed("GRE header cut off"),
        (Some(rest), ERSPAN) if flags & SEQUENCE == 0 => erspan::type_i(rest),
        (Some(rest), ERSPAN) => erspan::type_ii(rest)?,
        (Some(rest), ERSPAN_III) => erspan::type_iii(rest)?,
        (Some(rest), kind) => protocol_type(kind, rest),
    };
    Some((if erspan { Kind::Erspan } else { Kind::Gre }, network))
}
