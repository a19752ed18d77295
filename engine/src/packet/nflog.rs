//! Takes a record of the Linux netfilter log (`LINKTYPE_NFLOG`), gives the IP packet in it.

use super::link::Network;

/// The attribute that holds the packet.
const NFULA_PAYLOAD: u16 = 9;

/// More than any attribute's type, so that a greater number is in the other byte order.
const MAX_ATTRIBUTE: u16 = 0xff;

/// Address family, version, resource; then attributes: length (with this header), type, value, padding to four bytes.
///
/// Lengths and types are in the byte order of the host that captured, which is told by the types being small.
pub(super) fn network(data: &[u8]) -> Network<'_> {
    let Some(([family, version, _, _], mut rest)) = data.split_first_chunk::<4>() else {
        return Network::Malformed("NFLOG header cut off");
    };
    // AF_INET, AF_INET6; version 0 is the only one.
    if !matches!(family, 2 | 10) || *version != 0 {
        return Network::Other;
    }
    while let Some((header, _)) = rest.split_first_chunk::<4>() {
        let little = [u16::from_le_bytes([header[0], header[1]]), u16::from_le_bytes([header[2], header[3]])];
        let [length, kind] = if little[1] > MAX_ATTRIBUTE { little.map(u16::swap_bytes) } else { little };
        let length = usize::from(length);
        if length < header.len() {
            return Network::Malformed("NFLOG attribute shorter than its header");
        }
        if kind == NFULA_PAYLOAD {
            let end = length.min(rest.len());
            return Network::Ip(&rest[header.len()..end]);
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Network::Other
}
