//! Files that are no captures, and what is said of them.

use std::io;

use wsanalyze_engine::capture::CaptureError;

use super::build::{LITTLE, Pcap, Pcapng};
use super::try_read;

fn refused(bytes: &[u8]) -> String {
    let error = try_read(io::Cursor::new(bytes.to_vec())).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn nothing_at_all() {
    assert!(matches!(try_read(io::empty()), Err(CaptureError::Empty)));
    assert_eq!(refused(b""), "the file is empty (zero bytes)");
}

#[test]
fn other_files_are_told_by_their_first_bytes() {
    let tar = [&[b'x'; 257][..], b"ustar", &[0; 250]].concat();
    let erf = [&[1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 0, 32, 0, 0, 0, 14][..], &[0; 16]].concat().repeat(3);
    for (bytes, looks, first_bytes) in [
        (
            &b"snoop\0\0\0\0\0\0\x02\0\0\0\x04"[..],
            "a snoop capture; convert it with editcap -F pcapng",
            "73 6e 6f 6f 70 00 00 00",
        ),
        (b"GMBU\0\x02", "a Network Monitor 2 capture; convert it with editcap -F pcapng", "47 4d 42 55 00 02"),
        (&erf, "an ERF capture; convert it with editcap -F pcapng", "01 02 03 04 05 06 07 08"),
        (
            b"12:00:00.000000 IP 10.0.0.1",
            "text; captures are written with tcpdump -w, not by redirecting what it prints",
            "31 32 3a 30 30 3a 30 30",
        ),
        (
            b"\xff\xfe1\x002\x00",
            "text; captures are written with tcpdump -w, not by redirecting what it prints",
            "ff fe 31 00 32 00",
        ),
        (b"x", "text; captures are written with tcpdump -w, not by redirecting what it prints", "78"),
        (b"PK\x03\x04\x14\0", "a zip archive; unpack it first", "50 4b 03 04 14 00"),
        (b"\xfd7zXZ\0\0", "an xz file; unpack it first", "fd 37 7a 58 5a 00 00"),
        (&tar, "a tar archive; unpack it first", "78 78 78 78 78 78 78 78"),
    ] {
        let expected =
            format!("not a packet capture (pcap or pcapng): it looks like {looks} (first bytes: {first_bytes})");
        assert_eq!(refused(bytes), expected);
    }
    assert_eq!(refused(&[1, 2, 3]), "not a packet capture (pcap or pcapng): unknown format (first bytes: 01 02 03)");
}

#[test]
fn a_file_that_is_compressed_twice() {
    let once = zstd::encode_all(&Pcap::little().records(1)[..], 1).unwrap();
    let twice = zstd::encode_all(&once[..], 1).unwrap();
    assert_eq!(
        refused(&twice),
        "not a packet capture (pcap or pcapng): it is compressed twice; unpack it once (first bytes: 28 b5 2f fd 00 58 89 01)"
            .replace("00 58 89 01", &once[4..8].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "))
    );
}

#[test]
fn a_header_that_is_not_whole() {
    let file = Pcap::little().header();
    assert_eq!(refused(&file[..23]), "the file ends inside the pcap header: expected 24 bytes; got 23");
    let ixia = Pcap { magic: 0x1c00_01ac, ..Pcap::little() }.header();
    assert_eq!(refused(&ixia[..24]), "the file ends inside the pcap header: expected 28 bytes; got 24");
    let section = Pcapng(LITTLE).section();
    assert_eq!(refused(&section[..27]), "the file ends inside the pcapng header: expected 28 bytes; got 27");
}

#[test]
fn a_section_header_that_makes_no_sense() {
    let mut section = Pcapng(LITTLE).section();
    section[12] = 9;
    assert_eq!(refused(&section), "the pcapng header is damaged: a section has version 9; expected 1");
    section[4] = 16;
    assert_eq!(refused(&section), "the pcapng header is damaged: a block claims 16 bytes; expected at least 28");
    section[8] = 0;
    assert_eq!(
        refused(&section),
        "not a packet capture (pcap or pcapng): unknown format (first bytes: 0a 0d 0d 0a 10 00 00 00)"
    );
}
