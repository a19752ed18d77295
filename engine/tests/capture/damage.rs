//! Files that are broken in the middle: what stands before is read, and the note says where and why.

use wsanalyze_engine::capture::{MAX_RECORD, Summary};

use super::build::{LITTLE, Pcap, Pcapng};
use super::{problem, read};

const NG: Pcapng = Pcapng(LITTLE);

/// A file with one packet, then `block`, then another packet.
fn around(block: &[u8]) -> (usize, u64, Summary) {
    let packet = NG.enhanced(0, 1, b"x", &[]);
    let start = [NG.section(), NG.interface(1, 0, &[]), packet.clone()].concat();
    let (records, summary) = read(&[&start, block, &packet].concat());
    assert_eq!(summary.cut_at.unwrap_or(start.len() as u64), start.len() as u64);
    (records.len(), records.last().unwrap().frame, summary)
}

#[test]
fn the_end_in_the_middle_of_a_record() {
    let file = Pcap::little().records(3);
    let (records, summary) = read(&file[..file.len() - 1]);
    assert_eq!(records.len(), 2);
    assert_eq!(
        problem(&summary),
        "the file ends in the middle of a packet record (after packet 2); all before it was read"
    );
    assert_eq!(summary.cut_at, Some((file.len() - 16 - 22) as u64));
    let (_, summary) = read(&file[..30]);
    assert_eq!(
        problem(&summary),
        "the file ends in the middle of a packet record (before the first packet); all before it was read"
    );
}

#[test]
fn a_record_that_claims_too_much() {
    let file = Pcap::big();
    let claim = u32::try_from(MAX_RECORD + 1).unwrap();
    let bytes = [file.records(2), file.raw_record(1, 1, [claim, claim], &[0; 100])].concat();
    let (records, summary) = read(&bytes);
    assert_eq!(records.len(), 2);
    assert_eq!(
        problem(&summary),
        "reading stopped at byte 97 (after packet 2): a packet record claims 16777217 bytes; expected at most 16777216"
    );
    assert_eq!(summary.cut_at, Some(97));
}

#[test]
fn a_block_whose_lengths_differ() {
    let mut block = NG.enhanced(0, 1, b"x", &[]);
    let end = block.len() - 4;
    block[end] = 8;
    let (records, _, summary) = around(&block);
    assert_eq!(records, 1);
    assert_eq!(
        problem(&summary),
        "reading stopped at byte 84 (after packet 1): a block claims 36 bytes at its start and 8 at its end"
    );
    let mut unknown = NG.block(0x77, &[0; 8]);
    unknown[16] = 21;
    assert_eq!(
        problem(&around(&unknown).2),
        "reading stopped at byte 84 (after packet 1): a block claims 20 bytes at its start and 21 at its end"
    );
}

#[test]
fn a_block_of_an_impossible_length() {
    let (records, _, summary) = around(&LITTLE.u32s(&[6, 11, 11]));
    assert_eq!(records, 1);
    assert_eq!(
        problem(&summary),
        "reading stopped at byte 84 (after packet 1): a block claims 11 bytes; expected at least 12"
    );
    let summary = around(&LITTLE.u32s(&[6, u32::MAX, 0])).2;
    assert_eq!(
        problem(&summary),
        "reading stopped at byte 84 (after packet 1): a block claims 4294967295 bytes; expected at most 16842752"
    );
    let summary = around(&LITTLE.u32s(&[0x77, u32::MAX, 0])).2;
    assert_eq!(problem(&summary), "the file ends in the middle of a block (after packet 1); all before it was read");
    let summary = around(&LITTLE.u32s(&[0x0a0d_0d0a, 12, 0x1a2b_3c4d])).2;
    assert_eq!(
        problem(&summary),
        "reading stopped at byte 84 (after packet 1): a block claims 12 bytes; expected at least 28"
    );
}

#[test]
fn a_section_that_nobody_can_read() {
    let mut section = NG.section();
    section[12] = 2;
    let summary = around(&section).2;
    assert_eq!(problem(&summary), "reading stopped at byte 84 (after packet 1): a section has version 2; expected 1");
    section[8] = 0;
    let summary = around(&section).2;
    assert_eq!(
        problem(&summary),
        "reading stopped at byte 84 (after packet 1): a section header has no byte-order magic"
    );
}

#[test]
fn a_packet_that_is_broken_in_a_sound_block_is_left_out_and_numbered() {
    let claims = |lengths| NG.block(6, &NG.packet_body([0; 4], 1, lengths, b"abcd", &[]));
    for (block, what) in [
        (claims([5, 5]), "a packet that claims more bytes than its block has"),
        (claims([u32::MAX, 4]), "a packet that claims more bytes than its block has"),
        (NG.block(6, &[0; 16]), "a packet block that is too short"),
        (NG.block(3, &[]), "a packet block that is too short"),
        (NG.block(2, &[]), "a packet block that is too short"),
        (NG.enhanced(1, 1, b"x", &[]), "a packet of interface 1, which is not described"),
        (NG.enhanced(u32::MAX, 1, b"x", &[]), "a packet of interface 4294967295, which is not described"),
        (NG.obsolete(7, 0, 1, b"x"), "a packet of interface 7, which is not described"),
    ] {
        let (records, last, summary) = around(&block.repeat(3));
        assert_eq!((records, last, summary.packets), (2, 5, 2), "{what}");
        let expected = format!("left out: {what} (after packet 2); so were others like it, if there are any");
        assert_eq!(problem(&summary), expected);
        assert_eq!(summary.cut_at, None);
    }
    let (records, last, summary) = around(&NG.block(1, &[1, 0, 0, 0]));
    assert_eq!((records, last), (2, 2));
    assert!(problem(&summary).starts_with("left out: an interface description is too short (after packet 1)"));
}

#[test]
fn more_interfaces_than_any_host_has() {
    let many = NG.interface(1, 0, &[]).repeat(70_000);
    let file = [NG.section(), many, NG.enhanced(65_535, 1, b"x", &[]), NG.enhanced(65_536, 1, b"y", &[])].concat();
    let (records, summary) = read(&file);
    assert_eq!(records.len(), 1);
    assert_eq!(
        summary.problems,
        [
            "the file describes more than 65536 interfaces; packets of the others were left out",
            "left out: a packet of interface 65536, which is not described (after packet 2); so were others like it, if there are any",
        ]
    );
}
