//! Takes what an IP packet carries, gives the IP packet inside, if it is a tunnel.
//!
//! Each protocol has a module, which tells strictly whether bytes are its own: other traffic may use the same UDP port.
//! Lengths inside are not checked against those outside where mirrors cut packets to fit into the tunnel, as AWS does
//! beyond the target's MTU, and switches with ERSPAN: what is missing then is what the inner header says.

mod erspan;
mod geneve;
mod gre;
mod gtp;
mod tally;
mod udp;
mod vxlan;

pub(super) use tally::Around;
pub use tally::Tunnels;

use super::ip::{self, Packet};
use super::link::{self, Network};

/// How many tunnels may be around one packet; a mirror of an overlay network has two.
pub(super) const MAX_TUNNELS: usize = 4;

/// IP protocol numbers.
const IPV4: u8 = 4;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const GRE: u8 = 47;

/// Transparent Ethernet bridging, as an EtherType.
const ETHERNET: u16 = 0x6558;

/// The least number that is an EtherType and not a length (IEEE 802.3).
const MIN_ETHER_TYPE: u16 = 0x600;

/// The tunnels, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Vxlan,
    Geneve,
    Gre,
    Erspan,
    GtpU,
    IpInIp,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Vxlan, Self::Geneve, Self::Gre, Self::Erspan, Self::GtpU, Self::IpInIp];

    const fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::GtpU => "gtp-u",
            Self::IpInIp => "ip-in-ip",
        }
    }

    /// Whether the inner packet is always there as a whole, so that its lengths have to fit.
    const fn carries_whole_packets(self) -> bool {
        matches!(self, Self::GtpU | Self::IpInIp)
    }
}

/// What a tunnel holds: what its headers announce, and how many bytes behind it were not captured.
struct Payload<'a> {
    kind: Kind,
    network: Network<'a>,
    missing: u32,
}

/// What an IP packet is, seen as a tunnel.
pub(super) enum Tunnel<'a> {
    /// A tunnel, the IP packet in it, and how many bytes behind that were not captured.
    Around(Kind, &'a [u8], u32),
    /// No tunnel, or one that holds no IP packet.
    Other,
    /// A tunnel of which too little was captured.
    Malformed(&'static str),
}

/// Whether a tunnel may follow an IP header.
pub(super) const fn is_announced(protocol: u8) -> bool {
    matches!(protocol, IPV4 | UDP | IPV6 | GRE)
}

/// Whether the datagram may be a tunnel whose fragment at `offset` is this; `None`: only its first fragment tells.
pub(super) fn may_be_in(protocol: u8, offset: usize, fragment: &[u8]) -> Option<bool> {
    match protocol {
        UDP if offset != 0 => None,
        UDP => udp::has_tunnel_port(fragment),
        _ => Some(true),
    }
}

/// Takes the headers of a tunnel off.
pub(super) fn open<'a>(packet: &Packet<'a>, protocol: u8) -> Tunnel<'a> {
    let whole = |kind, network| Some(Payload { kind, network, missing: packet.missing });
    let payload = match protocol {
        IPV4 | IPV6 if !is_version(packet.payload, if protocol == IPV4 { 4 } else { 6 }) => None,
        IPV4 | IPV6 => whole(Kind::IpInIp, Network::Ip(packet.payload)),
        GRE => gre::payload(packet.payload).and_then(|(kind, network)| whole(kind, network)),
        UDP => udp::payload(packet),
        _ => None,
    };
    match payload {
        Some(Payload { kind, network: Network::Ip(bytes), missing }) if is_likely(kind, bytes, missing) => {
            Tunnel::Around(kind, bytes, missing)
        }
        // What was captured whole and makes no sense is not what it seemed to be.
        Some(Payload { network: Network::Malformed(reason), missing: 1.., .. }) => Tunnel::Malformed(reason),
        _ => Tunnel::Other,
    }
}

fn is_version(bytes: &[u8], version: u8) -> bool {
    bytes.first().is_none_or(|byte| byte >> 4 == version)
}

fn is_likely(kind: Kind, bytes: &[u8], missing: u32) -> bool {
    ip::may_begin(bytes, missing)
        && (!kind.carries_whole_packets() || !ip::has_header(bytes) || ip::is_plausible(bytes, missing))
}

/// What a protocol type announces that is an EtherType, or a whole Ethernet frame.
fn protocol_type(kind: u16, rest: &[u8]) -> Network<'_> {
    match kind {
        ETHERNET => link::ethernet(rest),
        MIN_ETHER_TYPE.. => link::ether_type(kind, rest),
        _ => Network::Other,
    }
}
