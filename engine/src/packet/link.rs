//! Takes a record's bytes and its link type, gives the IP packet in them.

use super::{cooked, nflog, ppp};

/// `LINKTYPE_ETHERNET`.
pub(super) const ETHERNET: u32 = 1;

/// How many headers may stand between the first EtherType and the IP header: tags and SNAP; real ones have up to three.
const MAX_LAYERS: usize = 8;

/// How many MPLS labels may be stacked; real stacks have up to about ten.
const MAX_LABELS: usize = 16;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const MPLS_UNICAST: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;

/// IEEE 802.1Q, 802.1ad, and what switches used before 802.1ad.
const VLAN_TAGS: [u16; 5] = [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];

/// Up to here the field is the length of an IEEE 802.3 frame, and 802.2 LLC follows.
const MAX_LENGTH: u16 = 1500;

/// What a link layer carries.
#[derive(Debug)]
pub(super) enum Network<'a> {
    /// What should be an IP packet, with what stands behind it.
    Ip(&'a [u8]),
    Other,
    Malformed(&'static str),
    UnknownLink,
}

/// Finds what the link layer carries (`LINKTYPE_*` as tcpdump.org lists them).
pub(super) fn network(link_type: u32, data: &[u8]) -> Network<'_> {
    match link_type {
        0 | 108 => loopback(data),
        ETHERNET => ethernet(data),
        9 => ppp::frame(data),
        // What systems wrote as raw IP, the assigned number, and one for each version of IP.
        12 | 14 | 101 | 228 | 229 => Network::Ip(data),
        50 => ppp::hdlc(data),
        51 => ppp::over_ethernet(data),
        113 => cooked::version_1(data),
        239 => nflog::network(data),
        276 => cooked::version_2(data),
        _ => Network::UnknownLink,
    }
}

/// Destination, source, EtherType.
pub(super) fn ethernet(data: &[u8]) -> Network<'_> {
    match data {
        [_, _, _, _, _, _, _, _, _, _, _, _, high, low, rest @ ..] => {
            ether_type(u16::from_be_bytes([*high, *low]), rest)
        }
        _ => Network::Malformed("Ethernet header cut off"),
    }
}

/// Finds what an EtherType (or the length of an 802.3 frame) announces.
pub(super) fn ether_type(mut kind: u16, mut rest: &[u8]) -> Network<'_> {
    for _ in 0..MAX_LAYERS {
        let inner = match kind {
            IPV4 | IPV6 => return Network::Ip(rest),
            MPLS_UNICAST | MPLS_MULTICAST => return mpls(rest),
            PPPOE_SESSION => return ppp::over_ethernet(rest),
            0..=MAX_LENGTH => match rest {
                // SNAP with the OUI of RFC 1042 or of IEEE 802.1H, whose protocols are EtherTypes.
                [0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8, rest @ ..] => rest,
                // RFC 948: IP's own service access point.
                [0x06, 0x06, 0x03, rest @ ..] => return Network::Ip(rest),
                _ => return Network::Other,
            },
            _ if VLAN_TAGS.contains(&kind) => rest.get(2..).unwrap_or_default(),
            _ => return Network::Other,
        };
        let Some((next, after)) = inner.split_first_chunk::<2>() else {
            return Network::Malformed("VLAN tag or SNAP header cut off");
        };
        (kind, rest) = (u16::from_be_bytes(*next), after);
    }
    Network::Malformed("too many VLAN tags")
}

/// Skips labels to the bottom of the stack (RFC 3032 §2.1). What follows is told by its first bits (RFC 4928 §3).
pub(super) fn mpls(mut rest: &[u8]) -> Network<'_> {
    for _ in 0..MAX_LABELS {
        let Some((label, after)) = rest.split_first_chunk::<4>() else {
            return Network::Malformed("MPLS label cut off");
        };
        rest = after;
        if label[2] & 1 != 0 {
            let version = rest.first().map(|byte| byte >> 4);
            return if matches!(version, Some(4 | 6)) { Network::Ip(rest) } else { Network::Other };
        }
    }
    Network::Malformed("too many MPLS labels")
}

/// An address family in four bytes: in the byte order of the host that captured, or (108) of the network.
fn loopback(data: &[u8]) -> Network<'_> {
    let Some((family, rest)) = data.split_first_chunk::<4>() else {
        return Network::Malformed("loopback header cut off");
    };
    let is_ip = |family: u32| match family {
        // AF_INET; AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin.
        2 | 10 | 23 | 24 | 28 | 30 => true,
        _ => false,
    };
    if is_ip(u32::from_le_bytes(*family)) || is_ip(u32::from_be_bytes(*family)) {
        Network::Ip(rest)
    } else {
        Network::Other
    }
}
