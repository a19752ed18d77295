//! IPv4 and IPv6 headers: lengths that lie, options, extension headers.

use wsanalyze_engine::packet::{Decoded, Decoder};

use super::build::{ipv4, ipv4_with, ipv6, ipv6_with, tcp};
use super::{RAW, decode, record, v4, v6};

#[test]
fn options_are_skipped() {
    for length in [4, 8, 40] {
        let packet = ipv4_with(6, 1, 0, &vec![1; length], &tcp(b"hello", false));
        assert_eq!(decode(record(RAW, &packet)), v4("hello+0"));
    }
}

#[test]
fn segmentation_offload_leaves_no_length() {
    let mut packet = ipv4(b"hello");
    packet[2..4].fill(0);
    assert_eq!(decode(record(RAW, &packet)), v4("hello+0"));
    let mut cut = record(RAW, &packet[..packet.len() - 2]);
    cut.original_len += 100;
    assert_eq!(decode(cut), v4("hel+100"));
    let mut packet = ipv6(b"hello");
    packet[4..6].fill(0);
    assert_eq!(decode(record(RAW, &packet)), v6("hello+0"));
}

#[test]
fn more_than_64_kib_in_one_packet() {
    let payload = vec![b'x'; 200_000];
    for packet in [ipv4(&payload), ipv6(&payload)] {
        let mut decoder = Decoder::new();
        let record = record(RAW, &packet);
        let Decoded::Segment(segment) = decoder.decode(&record) else { panic!() };
        assert_eq!((segment.payload.len(), segment.missing, segment.checksum_bad()), (200_000, 0, false));
    }
}

#[test]
fn a_length_beyond_the_record_is_missing() {
    let packet = ipv4(b"hello");
    assert_eq!(decode(record(RAW, &packet[..packet.len() - 3])), v4("he+3"));
    let packet = ipv6(b"hello");
    assert_eq!(decode(record(RAW, &packet[..packet.len() - 3])), v6("he+3"));
}

#[test]
fn the_identification_is_told() {
    for (packet, id) in [(ipv4(b""), 0x1234), (ipv6(b""), 0)] {
        let mut decoder = Decoder::new();
        let record = record(RAW, &packet);
        let Decoded::Segment(segment) = decoder.decode(&record) else { panic!() };
        assert_eq!((segment.ip_id, segment.frame, segment.time), (id, 7, 1_000));
    }
}

#[test]
fn extension_headers_are_skipped() {
    let end = tcp(b"hello", true);
    let options = |next: u8| vec![next, 1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for (first, headers) in [
        (0, options(6)),
        (60, options(6)),
        (135, options(6)),
        (0, [options(60), options(6)].concat()),
        // A routing header with nothing left to visit.
        (43, vec![6, 0, 0, 0, 0, 0, 0, 0]),
        // The authentication header counts in fours.
        (51, [vec![6, 4, 0, 0], vec![0; 20]].concat()),
        // An atomic fragment.
        (44, vec![6, 0, 0, 0, 0, 0, 0, 9]),
        (0, [options(44), vec![60, 0, 0, 0, 0, 0, 0, 9], options(6)].concat()),
    ] {
        let packet = ipv6_with(first, &[headers, end.clone()].concat());
        assert_eq!(decode(record(RAW, &packet)), v6("hello+0"), "{first}");
    }
    let authenticated = [vec![6, 4, 0, 0], vec![0; 20], tcp(b"hello", false)].concat();
    assert_eq!(decode(record(RAW, &ipv4_with(51, 1, 0, &[], &authenticated))), v4("hello+0"));
}

#[test]
fn extension_headers_that_lie() {
    let endless = [60, 0, 1, 4, 0, 0, 0, 0].repeat(40);
    assert_eq!(decode(record(RAW, &ipv6_with(60, &endless))), "malformed: too many IPv6 extension headers");
    assert_eq!(
        decode(record(RAW, &ipv6_with(0, &[6, 255, 0, 0, 0, 0, 0, 0, 1]))),
        "malformed: IPv6 extension header cut off"
    );
    assert_eq!(decode(record(RAW, &ipv6_with(0, &[6, 0, 0]))), "malformed: IPv6 extension header cut off");
}

#[test]
fn a_routing_header_leaves_the_checksum_unknown() {
    let mut segment = tcp(b"hello", true);
    segment[16] ^= 1;
    for (left, bad) in [(0, true), (1, false)] {
        let packet = ipv6_with(43, &[vec![6, 0, 0, left, 0, 0, 0, 0], segment.clone()].concat());
        let mut decoder = Decoder::new();
        let record = record(RAW, &packet);
        let Decoded::Segment(segment) = decoder.decode(&record) else { panic!() };
        assert_eq!(segment.checksum_bad(), bad);
    }
}

#[test]
fn other_protocols() {
    for protocol in [0, 1, 2, 4, 17, 41, 44, 47, 50, 60, 132] {
        assert_eq!(decode(record(RAW, &ipv4_with(protocol, 1, 0, &[], &[0; 40]))), "other protocol", "{protocol}");
    }
    for protocol in [1, 4, 17, 41, 47, 50, 58, 59] {
        assert_eq!(decode(record(RAW, &ipv6_with(protocol, &[0; 40]))), "other protocol", "{protocol}");
    }
    // Their fragments are not kept.
    assert_eq!(decode(record(RAW, &ipv4_with(17, 1, 0x2000, &[], &[0; 40]))), "other protocol");
}

#[test]
fn lengths_that_contradict_the_header() {
    let mut packet = ipv4(b"hello, world");
    packet[0] = 0x44;
    assert_eq!(decode(record(RAW, &packet)), "malformed: IPv4 header length less than 5");
    packet[0] = 0x4f;
    packet[2..4].copy_from_slice(&[0, 59]);
    assert_eq!(decode(record(RAW, &packet)), "malformed: IPv4 total length less than its header");
    packet[2..4].copy_from_slice(&[0, 60]);
    assert_eq!(decode(record(RAW, &packet[..59])), "malformed: IPv4 header cut off");
    assert_eq!(decode(record(RAW, &packet[..19])), "malformed: IPv4 header cut off");
    assert_eq!(decode(record(RAW, &ipv6(b"")[..39])), "malformed: IPv6 header cut off");
    for version in [0, 5, 7, 15] {
        packet[0] = version << 4 | 5;
        assert_eq!(decode(record(RAW, &packet)), "malformed: IP version neither 4 nor 6");
    }
}
