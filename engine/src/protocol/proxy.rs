//! Takes the first bytes of a connection, gives the PROXY protocol header there (versions 1 and 2).
//!
//! Section numbers are those of haproxy's `proxy-protocol.txt`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use memchr::memchr;

/// §2.1: the longest header of version 1, with its CRLF.
const V1_MAX: usize = 107;

const V1_PREFIX: &[u8] = b"PROXY ";

/// §2.2.
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family and protocol, length.
const V2_FIXED: usize = 16;

/// What a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyParse {
    /// No PROXY protocol.
    No,
    /// Perhaps: more bytes are needed, never more than 65,551 in all.
    Need,
    /// A header; the connection's own bytes follow it.
    Header(ProxyHeader),
    /// A broken header: what is wrong, and its length if that can be told.
    Bad(&'static str, Option<usize>),
}

/// A PROXY protocol header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// 1 or 2.
    pub version: u8,
    /// In bytes, all included.
    pub length: usize,
    /// Who connected, where that is an internet address.
    pub source: Option<SocketAddr>,
    /// What it connected to.
    pub destination: Option<SocketAddr>,
    /// The proxy's own connection, such as a health check (version 2, `LOCAL`).
    pub local: bool,
    /// Something odd that leaves the addresses usable.
    pub defect: Option<&'static str>,
}

/// Parses the header that `bytes` begin with.
#[must_use]
pub fn parse(bytes: &[u8]) -> ProxyParse {
    if begins(bytes, V1_PREFIX) {
        parse_v1(bytes)
    } else if begins(bytes, V2_SIGNATURE) {
        parse_v2(bytes)
    } else {
        ProxyParse::No
    }
}

/// Whether `bytes` are `prefix`, as far as both go.
fn begins(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.iter().zip(prefix).all(|(byte, expected)| byte == expected)
}

fn parse_v1(bytes: &[u8]) -> ProxyParse {
    let window = &bytes[..bytes.len().min(V1_MAX)];
    let Some(feed) = memchr(b'\n', window) else {
        return if bytes.len() < V1_MAX { ProxyParse::Need } else { ProxyParse::Bad("proxy-v1-too-long", None) };
    };
    let length = feed + 1;
    let Some(line) = window[..feed].strip_suffix(b"\r") else {
        return ProxyParse::Bad("proxy-v1-bare-line-feed", Some(length));
    };
    let header = ProxyHeader { version: 1, length, source: None, destination: None, local: false, defect: None };
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    let family = words.next().unwrap_or_default();
    if family == b"UNKNOWN" {
        // §2.1: what follows UNKNOWN is to be ignored.
        return ProxyParse::Header(header);
    }
    let mut next = || words.next().unwrap_or_default();
    let addresses = match family {
        b"TCP4" => (word::<Ipv4Addr>(next()).map(IpAddr::V4), word::<Ipv4Addr>(next()).map(IpAddr::V4)),
        b"TCP6" => (word::<Ipv6Addr>(next()).map(IpAddr::V6), word::<Ipv6Addr>(next()).map(IpAddr::V6)),
        _ => return ProxyParse::Bad("proxy-v1-unknown-family", Some(length)),
    };
    let ports = (port(next()), port(next()));
    let ((Some(source), Some(destination)), (Some(source_port), Some(destination_port)), None) =
        (addresses, ports, words.next())
    else {
        return ProxyParse::Bad("proxy-v1-malformed", Some(length));
    };
    ProxyParse::Header(ProxyHeader {
        source: Some(SocketAddr::new(source, source_port)),
        destination: Some(SocketAddr::new(destination, destination_port)),
        ..header
    })
}

fn word<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// §2.1: a decimal number without leading zeros.
fn port(digits: &[u8]) -> Option<u16> {
    let plain = digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || digits.first() != Some(&b'0'));
    plain.then(|| word(digits)).flatten()
}

fn parse_v2(bytes: &[u8]) -> ProxyParse {
    let Some((fixed, rest)) = bytes.split_first_chunk::<V2_FIXED>() else {
        return ProxyParse::Need;
    };
    let [.., version_and_command, family_and_protocol, high, low] = *fixed;
    let body = usize::from(u16::from_be_bytes([high, low]));
    let length = V2_FIXED + body;
    // §2.2: "the highest four bits contains the version ... must be sent as \x2".
    if version_and_command >> 4 != 2 {
        return ProxyParse::Bad("proxy-v2-unknown-version", None);
    }
    let local = match version_and_command & 0x0f {
        0 => true,
        1 => false,
        _ => return ProxyParse::Bad("proxy-v2-unknown-command", Some(length)),
    };
    let Some(body) = rest.get(..body) else {
        return ProxyParse::Need;
    };
    let header = ProxyHeader { version: 2, length, source: None, destination: None, local, defect: None };
    let (addresses, extensions) = match (family_and_protocol >> 4, family_and_protocol & 0x0f) {
        // AF_UNSPEC, and whatever a LOCAL says: to be ignored.
        (0, _) => (None, None),
        _ if local => (None, None),
        (1..=3, 3..) | (4.., _) => return ProxyParse::Bad("proxy-v2-unknown-family", Some(length)),
        (1, _) => match inet(body) {
            Some((addresses, rest)) => (Some(addresses), Some(rest)),
            None => return ProxyParse::Bad("proxy-v2-short-addresses", Some(length)),
        },
        (2, _) => match inet6(body) {
            Some((addresses, rest)) => (Some(addresses), Some(rest)),
            None => return ProxyParse::Bad("proxy-v2-short-addresses", Some(length)),
        },
        // AF_UNIX: two paths of 108 bytes.
        (_, _) => match body.get(216..) {
            Some(rest) => (None, Some(rest)),
            None => return ProxyParse::Bad("proxy-v2-short-addresses", Some(length)),
        },
    };
    let defect = (!extensions.is_none_or(extensions_fit)).then_some("proxy-v2-extensions-malformed");
    let (source, destination) = addresses.unzip();
    ProxyParse::Header(ProxyHeader { source, destination, defect, ..header })
}

type Addresses = (SocketAddr, SocketAddr);

fn inet(body: &[u8]) -> Option<(Addresses, &[u8])> {
    let (source, rest) = body.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<4>()?;
    with_ports(Ipv4Addr::from(*source).into(), Ipv4Addr::from(*destination).into(), rest)
}

fn inet6(body: &[u8]) -> Option<(Addresses, &[u8])> {
    let (source, rest) = body.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    with_ports(Ipv6Addr::from(*source).into(), Ipv6Addr::from(*destination).into(), rest)
}

fn with_ports(source: IpAddr, destination: IpAddr, rest: &[u8]) -> Option<(Addresses, &[u8])> {
    let (&[a, b, c, d], rest) = rest.split_first_chunk::<4>()?;
    let source = SocketAddr::new(source, u16::from_be_bytes([a, b]));
    let destination = SocketAddr::new(destination, u16::from_be_bytes([c, d]));
    Some(((source, destination), rest))
}

/// §2.2: type, two bytes of length, value; up to the header's end.
fn extensions_fit(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let Some((&[_, high, low], after)) = rest.split_first_chunk::<3>() else {
            return false;
        };
        let Some(after) = after.get(usize::from(u16::from_be_bytes([high, low]))..) else {
            return false;
        };
        rest = after;
    }
    true
}
