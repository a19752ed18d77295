//! Takes the fields of a TCP header, gives the segment as the streams see it.

use std::fmt;

use super::Endpoint;

/// The control bits of a TCP header (RFC 9293 §3.1), all twelve with the reserved ones, as Wireshark shows them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// No more data from the sender.
    #[must_use]
    pub const fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// Synchronise sequence numbers: a connection opens.
    #[must_use]
    pub const fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// Reset the connection.
    #[must_use]
    pub const fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// Push.
    #[must_use]
    pub const fn psh(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// The acknowledgment number counts.
    #[must_use]
    pub const fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
        let set = names.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 != 0);
        formatter.write_str("Flags(")?;
        for (index, (_, name)) in set.enumerate() {
            formatter.write_str(if index == 0 { "" } else { "|" })?;
            formatter.write_str(name)?;
        }
        formatter.write_str(")")
    }
}

/// One TCP segment, borrowed from its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The record's frame number; of a fragmented segment, that of the fragment that completed it.
    pub frame: u64,
    /// That record's time, in nanoseconds since the epoch.
    pub time: i64,
    /// Who sent it.
    pub source: Endpoint,
    /// Who was to get it.
    pub destination: Endpoint,
    /// The number of its first byte, or of its SYN.
    pub sequence: u32,
    /// The next byte that its sender expects.
    pub acknowledgment: u32,
    /// The control bits.
    pub flags: Flags,
    /// The window field, not scaled.
    pub window: u16,
    /// The captured payload.
    pub payload: &'a [u8],
    /// How many bytes of payload follow that were on the wire and not captured.
    pub missing: u32,
    /// The IPv4 identification; 0 for IPv6.
    pub ip_id: u32,
    /// Header and payload, where all that the checksum covers was captured.
    pub verifiable: Option<&'a [u8]>,
}

impl Segment<'_> {
    /// Whether the checksum is wrong (RFC 9293 §3.1); computed now, over all of the segment.
    ///
    /// `false` where a part is not there to check. Often true of segments captured on the host that sent them, before
    /// its network card filled in the checksum.
    #[must_use]
    pub fn checksum_bad(&self) -> bool {
        self.verifiable.is_some_and(|bytes| checksum(self.source, self.destination, bytes) != 0)
    }
}

/// The checksum over pseudo-header and segment, its own field included: 0 where it is right.
fn checksum(source: Endpoint, destination: Endpoint, segment: &[u8]) -> u16 {
    /// TCP's protocol number.
    const PROTOCOL: u64 = 6;
    // An IPv4-mapped prefix would count; the sum of the four bytes behind it is that of the IPv4 pseudo-header.
    let addresses = [source.address, destination.address].into_iter().map(|address| {
        let octets = address.octets();
        sum(if address.is_v4() { &octets[12..] } else { &octets })
    });
    let mut total: u64 = addresses.sum::<u64>() + PROTOCOL + segment.len() as u64 + sum(segment);
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    !u16::try_from(total).unwrap_or(0)
}

/// The sum of the 16-bit words, the last one padded with zero; a segment of 2^32 bytes stays below 2^48.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let whole: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
    whole + rest.first().map_or(0, |byte| u64::from(*byte) << 8)
}
