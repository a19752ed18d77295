//! Segments in tunnels: each kind, one in another, in fragments, cut.

use proptest::collection::vec;
use proptest::prelude::*;
use wsanalyze_engine::capture::Record;
use wsanalyze_engine::packet::{Decoded, Decoder};

use super::build::{
    TCP_HEADER, datagram, erspan_iii, ethernet, geneve, gre, gtp_u, ipv4, ipv4_fragment, ipv4_with, ipv6,
    ipv6_fragment, ipv6_with, tcp, udp, vxlan,
};
use super::{RAW, decode, describe, record, v4, v6};

/// Takes an IP packet, gives one around it.
type Wrap = fn(&[u8]) -> Vec<u8>;

/// How this packet is announced, as an EtherType and as an IP protocol.
fn ether_type(packet: &[u8]) -> u16 {
    if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd }
}

fn protocol(packet: &[u8]) -> u8 {
    if packet[0] >> 4 == 4 { 4 } else { 41 }
}

fn ether(packet: &[u8]) -> Vec<u8> {
    ethernet(ether_type(packet), packet)
}

fn in_gre(flags: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    ipv4_with(47, 1, 0, &[], &gre(flags, protocol, payload))
}

/// Each tunnel, and what it is told as.
const TUNNELS: [(&str, Wrap); 26] = [
    ("vxlan", |packet| datagram(4789, &vxlan(&ether(packet)))),
    ("vxlan", |packet| datagram(8472, &vxlan(&ether(packet)))),
    ("vxlan", |packet| ipv6_with(17, &udp(4789, &vxlan(&ether(packet))))),
    ("vxlan", |packet| datagram(4789, &vxlan(&ethernet(0x8100, &[&[0, 5], &ether(packet)[12..]].concat())))),
    ("vxlan", |packet| datagram(4789, &[&[0x88, 0x48, 1, 2, 0, 0, 42, 0][..], &ether(packet)].concat())),
    ("geneve", |packet| datagram(6081, &geneve(0x6558, &[], &ether(packet)))),
    ("geneve", |packet| {
        datagram(6081, &geneve(ether_type(packet), &[1, 8, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], packet))
    }),
    ("geneve", |packet| ipv6_with(17, &udp(6081, &geneve(0x6558, &[1, 4, 0x80, 0], &ether(packet))))),
    ("gre", |packet| in_gre(0, ether_type(packet), packet)),
    ("gre", |packet| in_gre(0xb000, ether_type(packet), packet)),
    ("gre", |packet| in_gre(0x8000, 0x6558, &ether(packet))),
    ("gre", |packet| in_gre(0x2000, 0x8847, &[&[0, 1, 0, 64, 0, 1, 1, 64], packet].concat())),
    ("gre", |packet| ipv6_with(47, &gre(0x1000, 0x6558, &ether(packet)))),
    ("erspan", |packet| in_gre(0, 0x88be, &ether(packet))),
    ("erspan", |packet| in_gre(0x1000, 0x88be, &[&[0x10, 5, 0, 3, 0, 0, 0, 1][..], &ether(packet)].concat())),
    ("erspan", |packet| in_gre(0x3000, 0x22eb, &erspan_iii(0, false, &ether(packet)))),
    ("erspan", |packet| in_gre(0x1000, 0x22eb, &erspan_iii(0, true, &ether(packet)))),
    ("erspan", |packet| in_gre(0x1000, 0x22eb, &erspan_iii(2, true, packet))),
    ("gtp-u", |packet| datagram(2152, &gtp_u(0, packet))),
    ("gtp-u", |packet| datagram(2152, &gtp_u(2, &[&[0, 1, 0, 0x85], packet].concat()))),
    ("gtp-u", |packet| datagram(2152, &gtp_u(4, &[&[0, 0, 0, 0x85, 1, 0, 9, 0], packet].concat()))),
    ("gtp-u", |packet| {
        datagram(2152, &gtp_u(7, &[&[0, 1, 2, 0xc0, 1, 0, 9, 0x85, 2, 1, 2, 3, 4, 5, 6, 0], packet].concat()))
    }),
    ("gtp-u", |packet| ipv6_with(17, &udp(2152, &gtp_u(0, packet)))),
    ("ip-in-ip", |packet| ipv4_with(protocol(packet), 1, 0, &[], packet)),
    ("ip-in-ip", |packet| ipv6_with(protocol(packet), packet)),
    ("ip-in-ip", |packet| ipv6_with(60, &[&[protocol(packet), 0, 1, 4, 0, 0, 0, 0], packet].concat())),
];

fn all(mut judge: impl FnMut(&str, Wrap)) {
    for (index, (kind, wrap)) in TUNNELS.into_iter().enumerate() {
        // Of the failing one, the number.
        judge(&format!("{index} {kind}"), wrap);
    }
}

#[test]
fn each_kind() {
    for (index, (kind, wrap)) in TUNNELS.into_iter().enumerate() {
        let packet = ether_or_raw(&wrap(&ipv4(b"hello")));
        let mut decoder = Decoder::new();
        let record = record(1, &packet);
        let Decoded::Segment(segment) = decoder.decode(&record) else { panic!("{index} {kind}") };
        assert_eq!(
            (segment.payload, segment.missing, segment.ip_id, segment.checksum_bad(), segment.verifiable.is_some()),
            (&b"hello"[..], 0, 0x1234, false, true),
            "{index} {kind}"
        );
        assert_eq!((segment.frame, segment.time), (7, 1_000));
        assert_eq!(decoder.take_tunnels().to_string(), format!("{kind}: 1"));
    }
}

fn ether_or_raw(packet: &[u8]) -> Vec<u8> {
    // Short frames are padded.
    [ether(packet), vec![0; 6]].concat()
}

#[test]
fn ipv6_inside() {
    let packet = ipv6(b"hello");
    for outer in [
        datagram(4789, &vxlan(&ether(&packet))),
        datagram(6081, &geneve(0x86dd, &[], &packet)),
        in_gre(0, 0x86dd, &packet),
        in_gre(0x1000, 0x22eb, &erspan_iii(2, false, &packet)),
        datagram(2152, &gtp_u(0, &packet)),
        ipv4_with(41, 1, 0, &[], &packet),
        ipv6_with(41, &packet),
    ] {
        assert_eq!(decode(record(RAW, &outer)), v6("hello+0"));
    }
}

#[test]
fn a_wrong_checksum_is_that_of_the_inner_segment() {
    all(|kind, wrap| {
        let mut inner = ipv4(b"hello");
        let last = inner.len() - 1;
        inner[last] ^= 1;
        let packet = wrap(&inner);
        let mut decoder = Decoder::new();
        let record = record(RAW, &packet);
        let Decoded::Segment(segment) = decoder.decode(&record) else { panic!("{kind}") };
        assert!(segment.checksum_bad(), "{kind}");
    });
}

#[test]
fn a_cut_record_tells_how_much_is_missing() {
    all(|kind, wrap| {
        let packet = wrap(&ipv4(b"hello, world"));
        let header = packet.len() - 12;
        for captured in header..packet.len() {
            let mut cut = record(RAW, &packet[..captured]);
            cut.original_len = u32::try_from(packet.len()).unwrap();
            let there = &"hello, world"[..captured - header];
            assert_eq!(decode(cut), v4(&format!("{there}+{}", packet.len() - captured)), "{kind} {captured}");
        }
        // Less of it must not pass for something else: it may hide a segment.
        for captured in header - TCP_HEADER - 19..header - TCP_HEADER + 14 {
            let mut cut = record(RAW, &packet[..captured]);
            cut.original_len = u32::try_from(packet.len()).unwrap();
            assert!(decode(cut).starts_with("malformed"), "{kind} {captured}");
        }
    });
}

/// AWS cuts what does not fit in the target's MTU, switches what is longer than the session's; outer lengths then fit.
#[test]
fn a_mirror_that_cuts_packets_leaves_the_inner_lengths() {
    let inner = ipv4(b"hello, world");
    let cut = &inner[..inner.len() - 7];
    for outer in [
        datagram(4789, &vxlan(&ether(cut))),
        datagram(6081, &geneve(0x6558, &[], &ether(cut))),
        in_gre(0x1000, 0x88be, &[&[0x10, 5, 4, 3, 0, 0, 0, 1][..], &ether(cut)].concat()),
        // An overlay's packet, cut by the mirror.
        datagram(4789, &vxlan(&ether(&ipv4_with(4, 1, 0, &[], &inner)[..20 + cut.len()]))),
    ] {
        assert_eq!(decode(record(RAW, &outer)), v4("hello+7"));
    }
}

#[test]
fn padding_behind_the_datagram_is_no_payload() {
    for wrap in [TUNNELS[0].1, TUNNELS[5].1, TUNNELS[18].1] {
        let mut inner = ipv4(b"hello");
        // Segmentation offload left no length, so that only those outside tell where it ends.
        inner[2..4].fill(0);
        let outer = [wrap(&inner), vec![0; 9]].concat();
        assert_eq!(decode(record(RAW, &outer)), v4("hello+0"));
    }
}

#[test]
fn segmentation_offload_leaves_no_outer_length() {
    let mut outer = datagram(4789, &vxlan(&ether(&ipv4(b"hello"))));
    outer[2..4].fill(0);
    outer[24..26].fill(0);
    assert_eq!(decode(record(RAW, &outer)), v4("hello+0"));
}

#[test]
fn as_many_as_four_in_another() {
    let mut decoder = Decoder::new();
    let mut packet = ipv4(b"hello");
    for (depth, (_, wrap)) in (1..).zip([TUNNELS[0], TUNNELS[8], TUNNELS[23], TUNNELS[0], TUNNELS[5]]) {
        packet = wrap(&packet);
        let expected = if depth <= 4 { v4("hello+0") } else { "malformed: too many tunnels".to_owned() };
        assert_eq!(describe(&decoder.decode(&record(RAW, &packet))), expected, "{depth}");
    }
    // Each packet counts once for each kind around it.
    assert_eq!(decoder.take_tunnels().to_string(), "vxlan: 4, gre: 3, ip-in-ip: 2");
}

/// `packet` in fragments, of which the first holds `first` bytes; as IPv6 if its own header is.
fn split(packet: &[u8], first: usize) -> Vec<Vec<u8>> {
    let (header, payload) = packet.split_at(if packet[0] >> 4 == 4 { 20 } else { 40 });
    [(0, &payload[..first]), (first, &payload[first..])]
        .into_iter()
        .map(|(offset, bytes)| {
            if header.len() == 20 {
                let mut piece = ipv4_fragment(77, offset, offset == 0, bytes);
                piece[9] = header[9];
                piece
            } else {
                let mut piece = ipv6_fragment(77, offset, offset == 0, bytes);
                piece[40] = header[6];
                piece
            }
        })
        .collect()
}

#[test]
fn fragments_outside() {
    all(|kind, wrap| {
        let mut pieces = split(&wrap(&ipv4(b"hello")), 16);
        for _ in 0..2 {
            let mut decoder = Decoder::new();
            assert_eq!(describe(&decoder.decode(&record(RAW, &pieces[0]))), "fragment", "{kind}");
            assert_eq!(describe(&decoder.decode(&record(RAW, &pieces[1]))), v4("hello+0"), "{kind}");
            assert_eq!(decoder.incomplete_datagrams(), 0);
            pieces.reverse();
        }
    });
}

#[test]
fn fragments_inside_and_fragments_in_fragments() {
    all(|kind, wrap| {
        let mut decoder = Decoder::new();
        let inner: Vec<Vec<u8>> = split(&ipv4(b"hello"), 16).iter().map(|piece| wrap(piece)).collect();
        assert_eq!(describe(&decoder.decode(&record(RAW, &inner[0]))), "fragment", "{kind}");
        assert_eq!(describe(&decoder.decode(&record(RAW, &inner[1]))), v4("hello+0"), "{kind}");
        let pieces: Vec<Vec<u8>> = inner.iter().flat_map(|packet| split(packet, 24)).collect();
        for piece in &pieces[..3] {
            assert_eq!(describe(&decoder.decode(&record(RAW, piece))), "fragment", "{kind}");
        }
        assert_eq!(describe(&decoder.decode(&record(RAW, &pieces[3]))), v4("hello+0"), "{kind}");
        assert_eq!(decoder.incomplete_datagrams(), 0);
    });
}

#[test]
fn a_datagram_seen_bare_and_in_a_tunnel_is_whole_twice() {
    let pieces = split(&ipv4(b"hello"), 16);
    let mut decoder = Decoder::new();
    for (packet, expected) in [
        (pieces[0].clone(), "fragment".to_owned()),
        (TUNNELS[0].1(&pieces[0]), "fragment".to_owned()),
        (pieces[1].clone(), v4("hello+0")),
        (TUNNELS[0].1(&pieces[1]), v4("hello+0")),
    ] {
        assert_eq!(describe(&decoder.decode(&record(RAW, &packet))), expected);
    }
    assert_eq!(decoder.incomplete_datagrams(), 0);
}

#[test]
fn fragments_of_a_tunnel_that_do_not_come_are_told() {
    let mut decoder = Decoder::new();
    let pieces = split(&TUNNELS[0].1(&ipv4(b"hello")), 16);
    assert!(matches!(decoder.decode(&record(RAW, &pieces[1])), Decoded::Fragment));
    // It may be anything.
    assert_eq!(decoder.incomplete_datagrams(), 0);
    let mut decoder = Decoder::new();
    assert!(matches!(decoder.decode(&record(RAW, &pieces[0])), Decoded::Fragment));
    assert_eq!(decoder.incomplete_datagrams(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever is around it and wherever it was cut, the segment and what is missing of it are the same.
    #[test]
    fn any_tunnels_in_any_order(
        order in vec(0..TUNNELS.len(), 0..5),
        payload in vec(any::<u8>(), 0..100),
        cut in any::<prop::sample::Index>(),
    ) {
        let packet = order.iter().fold(ipv4(&payload), |packet, index| TUNNELS[*index].1(&packet));
        let missing = cut.index(payload.len() + 1);
        let data = &packet[..packet.len() - missing];
        let original_len = u32::try_from(packet.len()).unwrap();
        let record = Record { frame: 1, time: 0, link_type: RAW, data, original_len };
        let mut decoder = Decoder::new();
        let Decoded::Segment(segment) = decoder.decode(&record) else { return Err(TestCaseError::fail("no segment")) };
        prop_assert_eq!(segment.payload, &payload[..payload.len() - missing]);
        prop_assert_eq!(segment.missing as usize, missing);
        prop_assert!(!segment.checksum_bad());
        let whole = tcp(&payload, false);
        prop_assert_eq!(segment.verifiable, (missing == 0).then_some(&whole[..]));
    }
}
