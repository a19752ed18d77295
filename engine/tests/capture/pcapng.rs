//! pcapng: interfaces, kinds of packet blocks, sections, counters.

use super::build::{LITTLE, Pcapng};
use super::{problem, read};

const NG: Pcapng = Pcapng(LITTLE);

#[test]
fn every_kind_of_packet_block() {
    for file in [Pcapng::little(), Pcapng::big()] {
        let (records, summary) = read(&file.sample());
        let seen: Vec<_> =
            records.iter().map(|record| (record.frame, record.time, record.link_type, record.data.len())).collect();
        assert_eq!(
            seen,
            [
                (1, 1_700_000_000_123_456_000, 1, 21),
                (2, 1_700_000_001_123_456_789, 113, 22),
                // A Simple Packet Block has no time of its own.
                (3, 1_700_000_001_123_456_789, 1, 23),
                (4, 1_700_000_003_000_000_000, 1, 24),
            ]
        );
        assert_eq!((summary.format, summary.snaplen, summary.packets, summary.bytes), ("pcapng", 262_144, 4, 90));
        assert_eq!((summary.link_types, summary.dropped, summary.secrets), (vec![1, 113], None, 0));
        assert_eq!((summary.cut_at, summary.problems), (None, vec![]));
    }
}

#[test]
fn a_section_begins_anew_in_its_own_byte_order() {
    let (records, summary) = read(&[Pcapng::little().sample(), Pcapng::big().sample()].concat());
    assert_eq!(records.iter().map(|record| record.frame).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(records[4].data, records[0].data);
    assert_eq!((records[4].time, records[4].link_type), (records[0].time, records[0].link_type));
    assert_eq!((summary.packets, summary.out_of_order), (8, 1));
    // The interfaces of the section before are gone.
    let (records, summary) = read(&[NG.sample(), NG.section(), NG.enhanced(0, 1, b"x", &[])].concat());
    assert_eq!(records.len(), 4);
    assert_eq!(
        problem(&summary),
        "left out: a packet of interface 0, which is not described (after packet 5); so were others like it, if there are any"
    );
}

#[test]
fn blocks_without_a_tcp_packet_are_skipped_and_numbered_as_wireshark_does() {
    // Name resolution, decryption secrets, an unknown block; journal, custom and Sysdig blocks are frames.
    for (kind, frame) in
        [(4, 2), (10, 2), (0x77, 2), (0x8000_0001, 2), (9, 3), (0xbad, 3), (0x4000_0bad, 3), (0x204, 3)]
    {
        let packet = NG.enhanced(0, 1, b"x", &[]);
        let file = [NG.section(), NG.interface(1, 0, &[]), packet.clone(), NG.block(kind, &[7; 40]), packet].concat();
        let (records, summary) = read(&file);
        assert_eq!((records.len(), records[1].frame, summary.packets), (2, frame, 2), "{kind:#x}");
        assert_eq!(summary.secrets, u32::from(kind == 10));
        assert_eq!(summary.problems, Vec::<String>::new());
    }
}

#[test]
fn a_block_that_is_skipped_may_be_of_any_length() {
    let file =
        [NG.section(), NG.interface(1, 0, &[]), NG.block(0x77, &vec![0; 40 << 20]), NG.enhanced(0, 1, b"x", &[])];
    let (records, summary) = read(&file.concat());
    assert_eq!((records.len(), summary.problems), (1, vec![]));
}

#[test]
fn simple_packets_are_cut_by_the_snapshot_length() {
    let file = [NG.section(), NG.interface(1, 10, &[]), NG.simple(30, &[5; 10]), NG.simple(7, &[6; 7])].concat();
    let (records, summary) = read(&file);
    assert_eq!((records[0].data.as_slice(), records[0].original_len), (&[5; 10][..], 30));
    assert_eq!((records[1].data.as_slice(), records[1].original_len), (&[6; 7][..], 7));
    assert_eq!((records[0].time, summary.first_time, summary.truncated), (0, None, 1));
}

#[test]
fn drops_are_what_the_capturer_says() {
    let file = |blocks: &[Vec<u8>]| {
        let start = [NG.section(), NG.interface(1, 0, &[]), NG.interface(1, 0, &[])].concat();
        read(&[start, blocks.concat()].concat()).1.dropped
    };
    let drops = |count: u64| NG.option(4, &count.to_le_bytes());
    assert_eq!(file(&[]), None);
    assert_eq!(file(&[NG.statistics(0, &[(4, 1000)])]), None);
    assert_eq!(file(&[NG.statistics(0, &[(5, 0), (7, 0)])]), Some(0));
    // Statistics are totals: the last one counts.
    assert_eq!(file(&[NG.statistics(0, &[(5, 2), (7, 3)]), NG.statistics(0, &[(5, 4), (7, 6)])]), Some(10));
    assert_eq!(file(&[NG.statistics(0, &[(7, 3)]), NG.statistics(1, &[(7, 4)])]), Some(7));
    // Packets count what was lost since the one before; the totals count the same once more.
    let packets = [NG.enhanced(0, 1, b"x", &drops(2)), NG.enhanced(0, 2, b"x", &drops(3)), NG.obsolete(1, 4, 3, b"x")];
    assert_eq!(file(&packets), Some(9));
    assert_eq!(file(&[packets.concat(), NG.statistics(0, &[(7, 6)])]), Some(10));
    // Interfaces that are not described, numbers that overflow.
    assert_eq!(file(&[NG.statistics(9, &[(7, 6)])]), None);
    assert_eq!(file(&[NG.statistics(0, &[(5, u64::MAX), (7, u64::MAX)]), NG.statistics(1, &[(7, 1)])]), Some(u64::MAX));
}

#[test]
fn a_length_without_the_padding_is_read_all_the_same() {
    let packet = NG.enhanced(0, 1_000_000, b"abcde", &[]);
    let mut unpadded = packet.clone();
    let length = u32::try_from(packet.len() - 3).unwrap().to_le_bytes();
    unpadded[4..8].copy_from_slice(&length);
    let end = unpadded.len() - 4;
    unpadded[end..].copy_from_slice(&length);
    let (records, summary) = read(&[NG.section(), NG.interface(1, 0, &[]), unpadded, packet].concat());
    assert_eq!(records.iter().map(|record| record.data.as_slice()).collect::<Vec<_>>(), [b"abcde", b"abcde"]);
    assert_eq!(summary.problems, Vec::<String>::new());
}

#[test]
fn snaplen_is_the_largest_and_none_is_larger() {
    let file = |snaplens: &[u32]| {
        let interfaces: Vec<u8> = snaplens.iter().flat_map(|snaplen| NG.interface(1, *snaplen, &[])).collect();
        read(&[NG.section(), interfaces].concat()).1.snaplen
    };
    assert_eq!(file(&[]), 0);
    assert_eq!(file(&[96, 65_535, 64]), 65_535);
    assert_eq!(file(&[96, 0, 64]), 0);
}

#[test]
fn key_logs_are_handed_over_before_the_packets_that_follow_them() {
    use std::sync::{Arc, Mutex};

    use wsanalyze_engine::capture::Reader;

    for ng in [Pcapng::little(), Pcapng::big()] {
        let secrets = |kind: u32, length: u32, lines: &[u8]| {
            let mut body = [ng.0.u32(kind), ng.0.u32(length)].concat();
            body.extend_from_slice(lines);
            body.resize(body.len().next_multiple_of(4), 0);
            ng.block(10, &body)
        };
        let tls = 0x544c_534b;
        let packet = ng.enhanced(0, 1, b"x", &[]);
        let file = [
            ng.section(),
            ng.interface(1, 0, &[]),
            packet.clone(),
            secrets(tls, 5, b"one\r\n"),
            packet.clone(),
            // Of another protocol (SSH); one that claims more than there is; one without anything.
            secrets(0x5353_484b, 3, b"ssh"),
            secrets(tls, 4000, b"two\n"),
            ng.block(10, b""),
            packet,
        ]
        .concat();
        let told = Arc::new(Mutex::new(Vec::new()));
        let taker = Arc::clone(&told);
        let mut reader = Reader::from_read(Box::new(std::io::Cursor::new(file))).unwrap();
        reader.hand_secrets_to(Box::new(move |lines| taker.lock().unwrap().push(lines.to_vec())));
        let mut after = Vec::new();
        while reader.next().is_some() {
            after.push(told.lock().unwrap().len());
        }
        assert_eq!(after, [0, 1, 2]);
        assert_eq!(*told.lock().unwrap(), [b"one\r\n".to_vec()[..5].to_vec(), b"two\n".to_vec()]);
        assert_eq!(reader.summary().secrets, 4);
    }
}
