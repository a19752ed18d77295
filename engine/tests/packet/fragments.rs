//! Datagrams in pieces.

use wsanalyze_engine::packet::{Decoded, Decoder};

use super::build::{ipv4, ipv4_fragment, ipv6_fragment, tcp};
use super::{RAW, describe, record};

/// A segment with a payload that tells its places.
fn segment(v6: bool) -> Vec<u8> {
    tcp(&(0..=255).cycle().take(1_000).collect::<Vec<u8>>(), v6)
}

/// The pieces of `bytes`, each of `size`.
fn pieces(bytes: &[u8], size: usize, v6: bool) -> Vec<Vec<u8>> {
    let count = bytes.len().div_ceil(size);
    let piece = |(index, piece): (usize, &[u8])| {
        let (offset, more) = (index * size, index + 1 < count);
        if v6 { ipv6_fragment(77, offset, more, piece) } else { ipv4_fragment(77, offset, more, piece) }
    };
    bytes.chunks(size).enumerate().map(piece).collect()
}

/// Feeds packets, one a frame; all but the last must wait. Gives whether the last completes `expected`.
fn completes(packets: &[Vec<u8>], expected: &[u8]) {
    let mut decoder = Decoder::new();
    let (last, waiting) = packets.split_last().unwrap();
    for (frame, packet) in (1..).zip(waiting) {
        let mut record = record(RAW, packet);
        record.frame = frame;
        assert_eq!(describe(&decoder.decode(&record)), "fragment", "frame {frame}");
    }
    let mut record = record(RAW, last);
    (record.frame, record.time) = (99, 5_555);
    let Decoded::Segment(segment) = decoder.decode(&record) else { panic!("not complete") };
    assert_eq!(segment.payload, &expected[32..]);
    assert_eq!((segment.frame, segment.time, segment.missing), (99, 5_555, 0));
    assert_eq!(segment.ip_id, if segment.source.address.is_v4() { 77 } else { 0 });
    assert!(!segment.checksum_bad());
    assert_eq!(decoder.incomplete_datagrams(), 0);
}

#[test]
fn in_order_backwards_and_mixed() {
    for v6 in [false, true] {
        let whole = segment(v6);
        for size in [8, 16, 256, 1_000, 1_024] {
            let mut packets = pieces(&whole, size, v6);
            completes(&packets, &whole);
            packets.reverse();
            completes(&packets, &whole);
            packets.rotate_left(1);
            completes(&packets, &whole);
        }
    }
}

#[test]
fn duplicates_change_nothing() {
    let whole = segment(false);
    let packets = pieces(&whole, 256, false);
    let twice = [&packets[1..2], &packets[1..], &packets[2..3], &packets[..1]].concat();
    completes(&twice, &whole);
}

#[test]
fn where_fragments_overlap_the_first_bytes_win() {
    let whole = segment(false);
    let wrong = vec![0xee; whole.len()];
    let piece = |bytes: &[u8], from: usize, to: usize| ipv4_fragment(77, from, to < bytes.len(), &bytes[from..to]);
    let end = whole.len();
    // Over the end, over the start, over a hole, inside, over everything.
    completes(&[piece(&whole, 0, 512), piece(&whole, 512, end)], &whole);
    completes(&[piece(&whole, 256, end), piece(&wrong, 512, 768), piece(&whole, 0, 256)], &whole);
    completes(
        &[piece(&whole, 256, 512), piece(&whole, 768, end), piece(&whole, 0, 256), piece(&whole, 256, end)],
        &whole,
    );
    let patched = [&whole[..256], &wrong[256..512], &whole[512..]].concat();
    let mut decoder = Decoder::new();
    for packet in [piece(&wrong, 256, 512), piece(&whole, 0, 512)] {
        assert_eq!(describe(&decoder.decode(&record(RAW, &packet))), "fragment");
    }
    let last = piece(&whole, 248, end);
    let record = record(RAW, &last);
    let Decoded::Segment(segment) = decoder.decode(&record) else { panic!() };
    assert_eq!(segment.payload, &patched[32..]);
    assert!(segment.checksum_bad());
}

#[test]
fn datagrams_are_told_apart() {
    let mut decoder = Decoder::new();
    let whole = segment(false);
    let first = ipv4_fragment(1, 0, true, &whole[..512]);
    let mut reversed = ipv4_fragment(1, 512, false, &whole[512..]);
    reversed[12..20].rotate_left(4);
    let other = ipv4_fragment(2, 512, false, &whole[512..]);
    for packet in [&first, &reversed, &other] {
        assert_eq!(describe(&decoder.decode(&record(RAW, packet))), "fragment");
    }
    assert_eq!(decoder.incomplete_datagrams(), 3);
    let own = ipv4_fragment(1, 512, false, &whole[512..]);
    assert!(matches!(decoder.decode(&record(RAW, &own)), Decoded::Segment(_)));
    assert_eq!(decoder.incomplete_datagrams(), 2);
}

#[test]
fn other_packets_may_come_between() {
    let mut decoder = Decoder::new();
    let whole = segment(false);
    let packets = pieces(&whole, 512, false);
    let plain = ipv4(b"hello");
    assert!(matches!(decoder.decode(&record(RAW, &packets[0])), Decoded::Fragment));
    assert!(matches!(decoder.decode(&record(RAW, &plain)), Decoded::Segment(_)));
    assert!(matches!(decoder.decode(&record(RAW, &packets[1])), Decoded::Fragment));
    assert!(matches!(decoder.decode(&record(RAW, &packets[2])), Decoded::Segment(_)));
}

#[test]
fn a_fragment_that_was_cut_leaves_a_hole() {
    let mut decoder = Decoder::new();
    let packets = pieces(&segment(false), 512, false);
    let cut = &packets[0][..100];
    for packet in [cut, &packets[1], &packets[2]] {
        assert_eq!(describe(&decoder.decode(&record(RAW, packet))), "fragment");
    }
    assert_eq!(decoder.incomplete_datagrams(), 1);
    // The same fragment from another capture fills it.
    assert!(matches!(decoder.decode(&record(RAW, &packets[0])), Decoded::Segment(_)));
}

#[test]
fn an_old_datagram_is_given_up() {
    let whole = segment(false);
    let packets = pieces(&whole, 1_024, false);
    for (later, expected) in [(32_768, true), (32_769, false)] {
        let mut decoder = Decoder::new();
        let mut first = record(RAW, &packets[0]);
        first.frame = 1;
        assert!(matches!(decoder.decode(&first), Decoded::Fragment));
        let mut second = record(RAW, &packets[1]);
        second.frame = 1 + later;
        assert_eq!(matches!(decoder.decode(&second), Decoded::Segment(_)), expected, "{later} frames later");
    }
}

#[test]
fn fragments_that_lie() {
    let long = ipv4_fragment(1, 65_528, false, &[0; 8]);
    let uneven = ipv4_fragment(1, 0, true, &[0; 9]);
    let empty = ipv6_fragment(1, 8, true, &[]);
    for (packet, expected) in [
        (&long, "malformed: fragment beyond the longest datagram"),
        (&uneven, "malformed: fragment's length not a multiple of 8"),
        (&empty, "malformed: fragment's length not a multiple of 8"),
    ] {
        let mut decoder = Decoder::new();
        assert_eq!(describe(&decoder.decode(&record(RAW, packet))), expected);
        assert_eq!(decoder.incomplete_datagrams(), 0);
    }
    let disagree = "malformed: fragments disagree about the datagram's length";
    let mut decoder = Decoder::new();
    for (offset, more, expected) in [
        (64, false, "fragment"),
        (64, true, "fragment"),
        (72, true, disagree),
        (56, false, disagree),
        (80, false, disagree),
    ] {
        let packet = ipv4_fragment(1, offset, more, &[0; 8]);
        assert_eq!(describe(&decoder.decode(&record(RAW, &packet))), expected, "{offset} {more}");
    }
    let mut decoder = Decoder::new();
    for (offset, more, expected) in [(64, true, "fragment"), (56, false, disagree)] {
        let packet = ipv4_fragment(1, offset, more, &[0; 8]);
        assert_eq!(describe(&decoder.decode(&record(RAW, &packet))), expected, "{offset} {more}");
    }
}

#[test]
fn a_fragment_inside_a_fragmented_datagram() {
    let mut decoder = Decoder::new();
    let inner = [6, 0, 0, 1, 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8];
    let mut first = ipv6_fragment(9, 0, true, &inner);
    first[40] = 44;
    let last = ipv6_fragment(9, 16, false, &[0; 8]);
    assert_eq!(describe(&decoder.decode(&record(RAW, &first))), "fragment");
    assert_eq!(describe(&decoder.decode(&record(RAW, &last))), "malformed: fragment inside a fragmented datagram");
}
