//! TCP headers: fields, options, lengths that lie, records cut at every byte.

use wsanalyze_engine::capture::Record;
use wsanalyze_engine::packet::{Decoded, Decoder, Flags};

use super::build::{TCP_HEADER, ethernet, ipv4, ipv4_with, ipv6, tcp};
use super::{ETHERNET, RAW, decode, record, v4};

#[test]
fn every_field() {
    let packet = ipv4(b"hello");
    let record = record(RAW, &packet);
    let mut decoder = Decoder::new();
    let Decoded::Segment(segment) = decoder.decode(&record) else { panic!() };
    assert_eq!(
        (segment.source.to_string(), segment.destination.to_string()),
        ("10.0.0.1:50000".into(), "10.0.0.2:8080".into())
    );
    assert_eq!((segment.sequence, segment.acknowledgment, segment.window), (100, 200, 512));
    assert_eq!((segment.payload, segment.missing), (&b"hello"[..], 0));
    assert!(segment.flags.psh() && segment.flags.ack());
    assert!(!segment.flags.syn() && !segment.flags.fin() && !segment.flags.rst());
}

#[test]
fn flags_are_told_apart_and_shown() {
    assert_eq!(format!("{:?}", Flags(0x012)), "Flags(SYN|ACK)");
    assert_eq!(format!("{:?}", Flags(0)), "Flags()");
    assert_eq!(format!("{:?}", Flags(0xfff)), "Flags(FIN|SYN|RST|PSH|ACK|URG|ECE|CWR|AE)");
    assert!(Flags(1).fin() && Flags(2).syn() && Flags(4).rst() && Flags(8).psh() && Flags(16).ack());
}

#[test]
fn the_checksum_covers_every_byte() {
    for (mut packet, start) in [(ipv4(b"hello"), 20), (ipv6(b"hello!"), 40)] {
        let bad = |packet: &[u8]| {
            let record = record(RAW, packet);
            let mut decoder = Decoder::new();
            let Decoded::Segment(segment) = decoder.decode(&record) else { panic!() };
            segment.checksum_bad()
        };
        assert!(!bad(&packet));
        for at in (start..packet.len()).filter(|at| *at != start + 12) {
            packet[at] ^= 0x10;
            assert!(bad(&packet), "byte {at}");
            packet[at] ^= 0x10;
        }
        // What is not there cannot be checked.
        packet[start + 16] ^= 1;
        assert!(bad(&packet));
        assert!(!bad(&packet[..packet.len() - 1]));
    }
}

#[test]
fn a_data_offset_that_lies() {
    for (offset, expected) in [
        (0, "malformed: TCP data offset less than 5"),
        (4, "malformed: TCP data offset less than 5"),
        (10, "malformed: TCP data offset beyond the segment"),
        (15, "malformed: TCP data offset beyond the segment"),
    ] {
        let mut packet = ipv4(b"hello");
        packet[32] = offset << 4;
        assert_eq!(decode(record(RAW, &packet)), expected, "{offset}");
    }
    for length in [14, 19] {
        let packet = ipv4_with(6, 1, 0, &[], &tcp(b"", false)[..length]);
        assert_eq!(decode(record(RAW, &packet)), "malformed: TCP data offset beyond the segment");
    }
    let packet = ipv4_with(6, 1, 0, &[], &tcp(b"", false)[..13]);
    assert_eq!(decode(record(RAW, &packet)), "malformed: TCP header cut off");
}

#[test]
fn a_segment_cut_inside_its_header_is_still_told() {
    let packet = ipv4(b"hello");
    for length in 14..=TCP_HEADER {
        let mut cut = record(RAW, &packet[..20 + length]);
        cut.original_len = u32::try_from(packet.len()).unwrap();
        assert_eq!(decode(cut), v4("+5"), "{length} bytes of the header");
    }
    let cut = record(RAW, &packet[..33]);
    assert_eq!(decode(cut), "malformed: TCP header cut off");
}

#[test]
fn a_record_cut_anywhere_tells_the_same_segment_or_none() {
    let payload = b"GET / HTTP/1.1\r\n";
    for whole in [ethernet(0x0800, &ipv4(payload)), ethernet(0x86dd, &ipv6(payload))] {
        let needed = whole.len() - payload.len() - TCP_HEADER + 14;
        for length in 0..=whole.len() {
            let original_len = u32::try_from(whole.len()).unwrap();
            let record = Record { frame: 1, time: 2, link_type: ETHERNET, data: &whole[..length], original_len };
            match Decoder::new().decode(&record) {
                Decoded::Segment(segment) => {
                    assert!(length >= needed);
                    assert_eq!((segment.sequence, segment.acknowledgment, segment.flags), (100, 200, Flags(0x18)));
                    assert_eq!(segment.payload, &payload[..segment.payload.len()]);
                    assert_eq!(segment.payload.len() + segment.missing as usize, payload.len());
                }
                Decoded::Malformed(_) => assert!(length < needed, "cut at {length}"),
                other => panic!("cut at {length}: {other:?}"),
            }
        }
    }
}
