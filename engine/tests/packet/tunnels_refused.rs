//! What is no tunnel, though its port or protocol number is one's.

use wsanalyze_engine::packet::Decoder;

use super::build::{datagram, erspan_iii, ethernet, geneve, gre, gtp_u, ipv4, ipv4_with, ipv6_with, udp, vxlan};
use super::{RAW, decode, describe, record, v4};

const OTHER: &str = "other protocol";

/// The packet with one byte changed.
fn changed(packet: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut packet = packet.to_vec();
    packet[at] = byte;
    packet
}

fn frame() -> Vec<u8> {
    ethernet(0x0800, &ipv4(b"hello"))
}

fn in_gre(flags: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    ipv4_with(47, 1, 0, &[], &gre(flags, protocol, payload))
}

/// The places of the header of UDP, and of what follows, in a datagram.
const UDP: usize = 20;
const TUNNEL: usize = 28;

#[test]
fn vxlan_has_one_flag() {
    let packet = datagram(4789, &vxlan(&frame()));
    assert_eq!(decode(record(RAW, &packet)), v4("hello+0"));
    for (at, byte) in [(0, 0), (0, 0x0c), (0, 0x18), (0, 0x88 | 1), (1, 1), (2, 1), (3, 1), (7, 1)] {
        assert_eq!(decode(record(RAW, &changed(&packet, TUNNEL + at, byte))), OTHER, "{at} {byte}");
    }
    let policy = changed(&packet, TUNNEL, 0x88);
    assert_eq!(decode(record(RAW, &changed(&policy, TUNNEL + 1, 0x80))), OTHER);
}

#[test]
fn geneve_has_one_version_and_options_that_fit() {
    let packet = datagram(6081, &geneve(0x6558, &[1, 4, 0, 1, 0, 0, 0, 0], &frame()));
    assert_eq!(decode(record(RAW, &packet)), v4("hello+0"));
    for (at, byte) in [
        (0, 0x42), // version
        (0, 63),   // options beyond the end
        (0, 1),    // an option cut by the options' length
        (1, 0x80), // a control message
        (1, 0x01), // reserved
        (7, 1),    // reserved
        (11, 2),   // an option beyond the options
        (2, 0x01), // no EtherType
        (2, 0x08), // an EtherType of something else (0x0858)
    ] {
        assert_eq!(decode(record(RAW, &changed(&packet, TUNNEL + at, byte))), OTHER, "{at} {byte}");
    }
    assert_eq!(decode(record(RAW, &changed(&packet, TUNNEL + 1, 0x40))), v4("hello+0"));
}

#[test]
fn gre_has_one_version_and_no_routing() {
    let packet = in_gre(0, 0x0800, &ipv4(b"hello"));
    for (at, byte) in [(0, 0x40), (0, 0x08), (0, 0x01), (1, 0x80), (1, 1), (2, 0x01), (3, 0x06)] {
        assert_eq!(decode(record(RAW, &changed(&packet, 20 + at, byte))), OTHER, "{at} {byte}");
    }
    // A sequence number that is not announced is no IP packet.
    assert_eq!(decode(record(RAW, &in_gre(0, 0x0800, &[&[0, 0, 0, 9][..], &ipv4(b"hello")].concat()))), OTHER);
    assert_eq!(decode(record(RAW, &in_gre(0xb000, 0x0800, &[])[..28])), "malformed: GRE header cut off");
}

#[test]
fn erspan_has_its_versions() {
    let second = [&[0x10, 5, 0, 3, 0, 0, 0, 1][..], &frame()].concat();
    assert_eq!(decode(record(RAW, &in_gre(0x1000, 0x88be, &second))), v4("hello+0"));
    assert_eq!(decode(record(RAW, &in_gre(0x1000, 0x88be, &changed(&second, 0, 0x20)))), OTHER);
    let third = erspan_iii(0, false, &frame());
    assert_eq!(decode(record(RAW, &in_gre(0x1000, 0x22eb, &third))), v4("hello+0"));
    assert_eq!(decode(record(RAW, &in_gre(0x1000, 0x22eb, &changed(&third, 0, 0x10)))), OTHER);
    assert_eq!(decode(record(RAW, &in_gre(0x1000, 0x22eb, &erspan_iii(1, false, &frame())))), OTHER);
    let short = in_gre(0x1000, 0x22eb, &third);
    assert_eq!(decode(record(RAW, &short[..38])), "malformed: ERSPAN header cut off");
}

#[test]
fn gtp_u_has_its_own_length() {
    let packet = datagram(2152, &gtp_u(0, &ipv4(b"hello")));
    assert_eq!(decode(record(RAW, &packet)), v4("hello+0"));
    for (at, byte) in [(0, 0x50), (0, 0x20), (0, 0x38), (1, 1), (1, 254), (3, 0), (3, packet[TUNNEL + 3] + 1)] {
        assert_eq!(decode(record(RAW, &changed(&packet, TUNNEL + at, byte))), OTHER, "{at} {byte}");
    }
    // An extension header of no length, one beyond the end, and one behind the other without an end.
    for extensions in [vec![0, 0, 0, 0x85, 0, 0, 0, 0], vec![0, 0, 0, 0x85, 200, 0, 0, 0], [1, 0, 0, 0x85].repeat(20)] {
        let packet = datagram(2152, &gtp_u(4, &[extensions, ipv4(b"hello")].concat()));
        assert_eq!(decode(record(RAW, &packet)), OTHER);
    }
    // The user's packet is never cut.
    let inner = ipv4(b"hello");
    assert_eq!(decode(record(RAW, &datagram(2152, &gtp_u(0, &inner[..inner.len() - 1])))), OTHER);
}

#[test]
fn ip_in_ip_holds_the_version_that_it_announces() {
    let inner = ipv4(b"hello");
    for packet in [
        ipv4_with(41, 1, 0, &[], &inner),
        ipv6_with(41, &inner),
        ipv4_with(4, 1, 0, &[], &changed(&inner, 0, 0x65)),
        ipv4_with(4, 1, 0, &[], &changed(&inner, 0, 0x44)),
        ipv4_with(4, 1, 0, &[], &changed(&inner, 3, 19)),
        ipv4_with(4, 1, 0, &[], &inner[..inner.len() - 1]),
    ] {
        assert_eq!(decode(record(RAW, &packet)), OTHER);
    }
}

#[test]
fn udp_lengths_have_to_fit() {
    let packet = datagram(4789, &vxlan(&frame()));
    for (high, low) in [(0, 7), (0, packet[UDP + 5] + 1), (0xff, 0)] {
        let lies = changed(&changed(&packet, UDP + 4, high), UDP + 5, low);
        assert_eq!(decode(record(RAW, &lies)), OTHER);
    }
    assert_eq!(decode(record(RAW, &packet[..UDP + 6])), OTHER);
}

#[test]
fn other_things_inside() {
    let arp = ethernet(0x0806, &[0; 28]);
    for packet in [
        datagram(4789, &vxlan(&arp)),
        datagram(4789, &vxlan(&ethernet(0x0800, &[0; 40]))),
        datagram(4789, &vxlan(&ethernet(0x8100, &[0, 5]))),
        datagram(4789, &vxlan(&[])),
        datagram(6081, &geneve(0x6558, &[], &arp)),
        datagram(2152, &gtp_u(0, &[])),
        datagram(4789, &vxlan(&ethernet(0x0800, &datagram(53, b"who is it")))),
        // The port that it comes from, and another one.
        datagram(53, &vxlan(&frame())),
    ] {
        let mut decoder = Decoder::new();
        assert_eq!(describe(&decoder.decode(&record(RAW, &packet))), OTHER);
        assert_eq!(decoder.take_tunnels().to_string(), "");
    }
    let mut answer = datagram(53, &vxlan(&frame()));
    answer[UDP..UDP + 2].copy_from_slice(&4789_u16.to_be_bytes());
    assert_eq!(decode(record(RAW, &answer)), OTHER);
}

#[test]
fn fragments_of_other_datagrams_are_not_kept() {
    let whole = udp(53, &[0; 32]);
    let piece = |at: usize, more: bool| {
        let field = u16::try_from(at / 8).unwrap() | if more { 0x2000 } else { 0 };
        ipv4_with(17, 9, field, &[], &whole[at..if more { at + 16 } else { whole.len() }])
    };
    let mut decoder = Decoder::new();
    for packet in [piece(0, true), piece(16, true), piece(32, false)] {
        assert_eq!(describe(&decoder.decode(&record(RAW, &packet))), OTHER);
    }
    // Behind the first fragment's back it may be a tunnel.
    for (packet, expected) in [(piece(32, false), "fragment"), (piece(0, true), OTHER), (piece(16, true), OTHER)] {
        assert_eq!(describe(&decoder.decode(&record(RAW, &packet))), expected);
    }
    assert_eq!(decoder.incomplete_datagrams(), 0);
}

#[test]
fn nothing_on_a_port_is_malformed_for_its_port() {
    for port in [4789, 8472, 6081, 2152] {
        for byte in 0..=255 {
            for length in 0..80 {
                let packet = datagram(port, &vec![byte; length]);
                assert_eq!(decode(record(RAW, &packet)), OTHER, "{port} {byte} {length}");
            }
        }
    }
}
