//! What stands before the IP header.

use super::build::{ethernet, ipv4, ipv6, pppoe, sll, sll2};
use super::{ETHERNET, RAW, decode, record, v4, v6};

/// Decodes `header` with an IPv4 and an IPv6 packet behind it.
fn carries(link_type: u32, header: impl Fn(u8, &[u8]) -> Vec<u8>) {
    assert_eq!(decode(record(link_type, &header(4, &ipv4(b"hello")))), v4("hello+0"));
    assert_eq!(decode(record(link_type, &header(6, &ipv6(b"hello")))), v6("hello+0"));
}

fn ether_type(version: u8) -> u16 {
    if version == 4 { 0x0800 } else { 0x86dd }
}

fn join(header: &[u8], rest: &[u8]) -> Vec<u8> {
    [header, rest].concat()
}

/// A tag or anything else that ends with an EtherType.
fn announce(header: &[u8], version: u8, ip: &[u8]) -> Vec<u8> {
    [header, &ether_type(version).to_be_bytes(), ip].concat()
}

#[test]
fn raw_ip() {
    for link_type in [12, 14, RAW, 228, 229] {
        carries(link_type, |_, ip| ip.to_vec());
    }
}

#[test]
fn ethernet_and_its_tags() {
    carries(ETHERNET, |version, ip| ethernet(ether_type(version), ip));
    for tag in [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300] {
        carries(ETHERNET, |version, ip| ethernet(tag, &announce(&[0, 5], version, ip)));
        let inner = |version, ip: &[u8]| announce(&[0, 5, 0x81, 0x00, 0x60, 6], version, ip);
        carries(ETHERNET, |version, ip| ethernet(tag, &inner(version, ip)));
    }
    let seven = [0, 5, 0x81, 0].repeat(6);
    carries(ETHERNET, |version, ip| ethernet(0x8100, &announce(&join(&seven, &[0, 5]), version, ip)));
    let eight = ethernet(0x8100, &announce(&join(&seven, &[0, 5, 0x81, 0, 0, 5]), 4, &ipv4(b"")));
    assert_eq!(decode(record(ETHERNET, &eight)), "malformed: too many VLAN tags");
}

#[test]
fn padding_and_frame_check_sequences_are_no_payload() {
    let short = ethernet(0x0800, &ipv4(b"x"));
    assert_eq!(decode(record(ETHERNET, &join(&short, &[0; 20]))), v4("x+0"));
    let v6_padded = join(&ethernet(0x86dd, &ipv6(b"x")), b"FCS!");
    assert_eq!(decode(record(ETHERNET, &v6_padded)), v6("x+0"));
}

#[test]
fn llc_and_snap() {
    for oui in [0, 0xf8] {
        let snap = [0xaa, 0xaa, 3, 0, 0, oui];
        carries(ETHERNET, |version, ip| ethernet(60, &announce(&snap, version, ip)));
        carries(ETHERNET, |version, ip| {
            ethernet(0x8100, &[&[0, 5, 0, 60][..], &announce(&snap, version, ip)].concat())
        });
    }
    carries(ETHERNET, |_, ip| ethernet(60, &join(&[6, 6, 3], ip)));
    assert_eq!(decode(record(ETHERNET, &ethernet(60, &[0x42, 0x42, 3, 0, 0]))), "other protocol");
}

#[test]
fn mpls() {
    for kind in [0x8847, 0x8848] {
        carries(ETHERNET, |_, ip| ethernet(kind, &join(&[0, 1, 1, 64], ip)));
        carries(ETHERNET, |_, ip| ethernet(kind, &join(&[0, 1, 0, 64, 0, 2, 0, 64, 0, 3, 1, 64], ip)));
    }
    // A pseudowire's control word.
    assert_eq!(decode(record(ETHERNET, &ethernet(0x8847, &[0, 1, 1, 64, 0, 0, 0, 0]))), "other protocol");
    assert_eq!(decode(record(ETHERNET, &ethernet(0x8847, &[0, 1, 1]))), "malformed: MPLS label cut off");
    let endless = [0, 1, 0, 64].repeat(20);
    assert_eq!(decode(record(ETHERNET, &ethernet(0x8847, &endless))), "malformed: too many MPLS labels");
}

#[test]
fn ppp_in_all_its_wrappings() {
    let protocol = |version| if version == 4 { 0x21 } else { 0x57 };
    carries(9, |version, ip| join(&[0xff, 3, 0, protocol(version)], ip));
    carries(9, |version, ip| join(&[0, protocol(version)], ip));
    carries(9, |version, ip| join(&[protocol(version)], ip));
    carries(9, |_, ip| join(&[0xff, 3, 2, 0x81, 0, 1, 1, 64], ip));
    carries(50, |version, ip| join(&[0xff, 3, 0, protocol(version)], ip));
    carries(50, |version, ip| announce(&[0x0f, 0], version, ip));
    carries(50, |version, ip| announce(&[0x8f, 0], version, ip));
    carries(51, |version, ip| pppoe(protocol(version).into(), ip));
    carries(ETHERNET, |version, ip| ethernet(0x8864, &pppoe(protocol(version).into(), ip)));
    let lcp = pppoe(0xc021, &[1, 1, 0, 4]);
    assert_eq!(decode(record(ETHERNET, &ethernet(0x8864, &lcp))), "other protocol");
    assert_eq!(decode(record(51, &[0x11, 0xa7, 0, 1, 0, 0])), "other protocol");
}

#[test]
fn loopback_families_of_all_systems() {
    for (family, version) in [(2_u32, 4), (10, 6), (23, 6), (24, 6), (28, 6), (30, 6)] {
        for bytes in [family.to_le_bytes(), family.to_be_bytes()] {
            for link_type in [0, 108] {
                let (ip, expected) = if version == 4 { (ipv4(b"x"), v4("x+0")) } else { (ipv6(b"x"), v6("x+0")) };
                assert_eq!(decode(record(link_type, &join(&bytes, &ip))), expected);
            }
        }
    }
    assert_eq!(decode(record(0, &[7, 0, 0, 0, 1])), "other protocol");
}

#[test]
fn linux_cooked() {
    let address = [2, 0, 0, 0, 0, 1, 0, 0];
    carries(113, |version, ip| sll(ether_type(version), 4, address, ip));
    carries(276, |version, ip| sll2(ether_type(version), 4, address, ip));
    carries(113, |version, ip| sll(0x8100, 0, address, &announce(&[0, 5], version, ip)));
    carries(276, |version, ip| sll2(0x8100, 0, address, &announce(&[0, 5], version, ip)));
    // 802.2; other small numbers are Linux's own.
    carries(113, |version, ip| sll(4, 0, address, &announce(&[0xaa, 0xaa, 3, 0, 0, 0], version, ip)));
    assert_eq!(decode(record(113, &sll(1, 0, address, &ipv4(b"x")))), "other protocol");
    assert_eq!(decode(record(276, &sll2(0x0806, 0, address, &[0; 28]))), "other protocol");
}

#[test]
fn cooked_records_in_a_file_that_says_ethernet() {
    for address in [
        [2, 0, 0, 0, 0, 1, 0, 0],
        [0; 8],
        // Addresses that look like an EtherType to a reader of Ethernet.
        [8, 0, 0x27, 1, 2, 3, 0, 0],
        [8, 0, 0x45, 1, 2, 3, 0, 0],
        [8, 6, 0x27, 1, 2, 3, 0, 0],
        [0x81, 0, 0x27, 1, 2, 3, 0, 0],
        [0x86, 0xdd, 0x27, 1, 2, 3, 0, 0],
    ] {
        carries(ETHERNET, |version, ip| sll(ether_type(version), 4, address, ip));
        carries(ETHERNET, |version, ip| sll2(ether_type(version), 0, address, ip));
    }
}

#[test]
fn nothing_is_mistaken_for_a_cooked_record() {
    let address = [2, 0, 0, 0, 0, 1, 0, 0];
    // Packet types and lengths that are impossible, a length beyond the frame.
    for bytes in [
        sll(0x0800, 9, address, &ipv4(b"x")),
        sll2(0x0800, 9, address, &ipv4(b"x")),
        sll(0x0800, 0, address, &ipv4(b"x")[..40]),
        sll(0x0800, 0, address, &[0x41; 40]),
        sll(0x0806, 0, address, &ipv4(b"x")),
    ] {
        let decoded = decode(record(ETHERNET, &bytes));
        assert!(!decoded.contains(" > "), "{decoded}");
    }
    // A packet that Ethernet makes sense of is what it says.
    assert_eq!(decode(record(ETHERNET, &ethernet(0x0806, &[0; 46]))), "other protocol");
    assert_eq!(decode(record(ETHERNET, &ethernet(0x88cc, &[0; 46]))), "other protocol");
}

#[test]
fn a_cooked_record_may_be_cut_too() {
    let whole = sll(0x0800, 0, [0; 8], &ipv4(b"hello"));
    let mut cut = record(ETHERNET, &whole[..whole.len() - 2]);
    cut.original_len += 2;
    assert_eq!(decode(cut), v4("hel+2"));
}

#[test]
fn netfilter_log() {
    let log = |family: u8, little: bool, ip: &[u8]| {
        let number = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let length = u16::try_from(ip.len() + 4).unwrap();
        let prefix = [&[family, 0, 0, 5][..], &number(7), &number(10), b"a\0\0\0"].concat();
        [prefix, number(length).to_vec(), number(9).to_vec(), ip.to_vec()].concat()
    };
    for little in [true, false] {
        carries(239, |version, ip| log(if version == 4 { 2 } else { 10 }, little, ip));
    }
    assert_eq!(decode(record(239, &log(7, true, &ipv4(b"x")))), "other protocol");
    assert_eq!(decode(record(239, &[2, 0, 0, 5])), "other protocol");
    let lies = [2, 0, 0, 5, 3, 0, 9, 0, 1, 2, 3, 4];
    assert_eq!(decode(record(239, &lies)), "malformed: NFLOG attribute shorter than its header");
}

#[test]
fn link_types_that_are_not_read() {
    for link_type in [6, 10, 104, 105, 127, 195, 65_535, u32::MAX] {
        assert_eq!(decode(record(link_type, &ipv4(b"x"))), format!("unknown link {link_type}"));
    }
}

#[test]
fn headers_that_are_cut_off() {
    for (link_type, bytes, expected) in [
        (ETHERNET, &[0; 13][..], "malformed: Ethernet header cut off"),
        (ETHERNET, &ethernet(0x8100, &[0, 5, 8])[..], "malformed: VLAN tag or SNAP header cut off"),
        (ETHERNET, &ethernet(0x8100, &[0])[..], "malformed: VLAN tag or SNAP header cut off"),
        (113, &[0; 15][..], "malformed: SLL header cut off"),
        (276, &[0; 19][..], "malformed: SLL2 header cut off"),
        (0, &[2, 0, 0][..], "malformed: loopback header cut off"),
        (9, &[0xff, 3, 0][..], "malformed: PPP header cut off"),
        (51, &[0x11, 0, 0, 7, 0][..], "malformed: PPPoE header cut off"),
        (239, &[2, 0, 0][..], "malformed: NFLOG header cut off"),
        (RAW, &[][..], "malformed: IP header cut off"),
    ] {
        assert_eq!(decode(record(link_type, bytes)), expected);
    }
}
