//! Takes one captured record, gives the TCP segment in it.
//!
//! `link` finds the IP packet, `ip` goes through its headers, `fragments` puts fragments together, `tcp` reads the segment.
//! Payloads are borrowed from the record, or from the decoder where a datagram had to be put together.

mod cooked;
mod endpoint;
mod fragments;
mod ip;
mod link;
mod nflog;
mod ppp;
mod segment;
mod tcp;

pub use endpoint::{Address, Endpoint};
pub use segment::{Flags, Segment};

use crate::capture::Record;
use fragments::{Fragments, Reassembled};
use ip::Carried;
use link::Network;

/// What a record holds.
#[derive(Clone, Debug)]
pub enum Decoded<'a> {
    /// A TCP segment.
    Segment(Segment<'a>),
    /// Something that is sound and not TCP over IP: UDP, ARP, ICMP, LLDP …
    OtherProtocol,
    /// A fragment of a TCP segment, kept until the rest of it comes.
    Fragment,
    /// Headers that contradict themselves or are cut off, and what is wrong.
    Malformed(&'static str),
    /// A link layer that is not read here: its `LINKTYPE_*`.
    UnknownLink(u32),
}

/// Decodes records, in the order in which they were captured.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: Fragments,
}

impl Decoder {
    /// A decoder that has no fragments yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes one record.
    pub fn decode<'a>(&'a mut self, record: &Record<'a>) -> Decoded<'a> {
        let captured = u32::try_from(record.data.len()).unwrap_or(u32::MAX);
        let cut = record.original_len.saturating_sub(captured);
        let network = match link::network(record.link_type, record.data) {
            Network::Ip(bytes) if ip::is_plausible(bytes, cut) => Network::Ip(bytes),
            doubtful if record.link_type == link::ETHERNET => {
                cooked::disguised(record.data, cut).map_or(doubtful, Network::Ip)
            }
            network => network,
        };
        let carried = match network {
            Network::Ip(bytes) => ip::carried(bytes, cut),
            Network::Other => Carried::Other,
            Network::Malformed(reason) => Carried::Malformed(reason),
            Network::UnknownLink => return Decoded::UnknownLink(record.link_type),
        };
        match carried {
            Carried::Tcp(packet) => tcp::segment(&packet, record.frame, record.time),
            Carried::Fragment(fragment) => match self.fragments.add(&fragment, record.frame) {
                Reassembled::Whole(packet) => match ip::reassembled(packet) {
                    Carried::Tcp(packet) => tcp::segment(&packet, record.frame, record.time),
                    Carried::Malformed(reason) => Decoded::Malformed(reason),
                    Carried::Other | Carried::Fragment(_) => Decoded::OtherProtocol,
                },
                Reassembled::Waiting => Decoded::Fragment,
                Reassembled::Refused(reason) => Decoded::Malformed(reason),
            },
            Carried::Other => Decoded::OtherProtocol,
            Carried::Malformed(reason) => Decoded::Malformed(reason),
        }
    }

    /// How many fragmented datagrams could not be put together so far: a fragment did not come, or was cut, or the
    /// limits were reached.
    #[must_use]
    pub fn incomplete_datagrams(&self) -> u64 {
        self.fragments.incomplete()
    }
}
