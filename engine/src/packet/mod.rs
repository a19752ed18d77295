//! Takes one captured record, gives the TCP segment in it.
//!
//! `link` finds the IP packet, `ip` goes through its headers, `fragments` puts fragments together, `tunnel` takes off what
//! mirrors and overlay networks put around packets, `tcp` reads the segment.
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
mod tunnel;

pub use endpoint::{Address, Endpoint};
pub use segment::{Flags, Segment};
pub use tunnel::Tunnels;

use crate::capture::Record;
use fragments::{Fragments, Reassembled, Whole};
use ip::Carried;
use link::Network;
use tunnel::{Around, MAX_TUNNELS, Tunnel};

/// What a record holds.
#[derive(Clone, Debug)]
pub enum Decoded<'a> {
    /// A TCP segment.
    Segment(Segment<'a>),
    /// Something that is sound and not TCP over IP: UDP, ARP, ICMP, LLDP …
    OtherProtocol,
    /// A fragment of what may hold a TCP segment, kept until the rest of it comes.
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
    /// The datagrams that were put together for the record, one inside the other.
    whole: [Option<Whole>; MAX_TUNNELS + 1],
    tunnels: Tunnels,
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
            Carried::Other => Decoded::OtherProtocol,
            Carried::Malformed(reason) => Decoded::Malformed(reason),
            wrapped => self.unwrap(wrapped, record),
        }
    }

    /// Decodes what is in fragments, or in tunnels, or in both.
    fn unwrap<'a>(&'a mut self, mut carried: Carried<'a>, record: &Record<'a>) -> Decoded<'a> {
        let Self { fragments, whole, tunnels } = self;
        let mut whole = whole.iter_mut();
        let mut around = Around::default();
        loop {
            carried = match carried {
                Carried::Tcp(packet) => {
                    let decoded = tcp::segment(&packet, record.frame, record.time);
                    if matches!(decoded, Decoded::Segment(_)) {
                        tunnels.add(around);
                    }
                    return decoded;
                }
                Carried::Fragment(mut fragment) => {
                    fragment.key.tunnels = around.count();
                    match fragments.add(&fragment, record.frame) {
                        Reassembled::Whole(datagram) => match whole.next() {
                            Some(room) => ip::reassembled(room.insert(datagram)),
                            None => Carried::Malformed("fragments inside too many fragmented datagrams"),
                        },
                        Reassembled::Waiting => return Decoded::Fragment,
                        Reassembled::Unwanted => Carried::Other,
                        Reassembled::Refused(reason) => Carried::Malformed(reason),
                    }
                }
                Carried::Tunnel(packet, protocol) => match tunnel::open(&packet, protocol) {
                    Tunnel::Around(..) if around.is_full() => Carried::Malformed("too many tunnels"),
                    Tunnel::Around(kind, bytes, missing) => {
                        around.add(kind);
                        ip::carried(bytes, missing)
                    }
                    Tunnel::Other => Carried::Other,
                    Tunnel::Malformed(reason) => Carried::Malformed(reason),
                },
                Carried::Other => return Decoded::OtherProtocol,
                Carried::Malformed(reason) => return Decoded::Malformed(reason),
            }
        }
    }

    /// How many segments came in tunnels since this was asked last.
    pub fn take_tunnels(&mut self) -> Tunnels {
        std::mem::take(&mut self.tunnels)
    }

    /// How many fragmented datagrams could not be put together so far: a fragment did not come, or was cut, or the
    /// limits were reached.
    #[must_use]
    pub fn incomplete_datagrams(&self) -> u64 {
        self.fragments.incomplete()
    }
}
