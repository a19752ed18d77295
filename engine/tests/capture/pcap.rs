//! Classic pcap and its variants.

use wsanalyze_engine::capture::MAX_RECORD;

use super::build::Pcap;
use super::read;

#[test]
fn both_byte_orders_and_resolutions() {
    for (file, fraction) in [
        (Pcap::little(), 123_456_000),
        (Pcap::big(), 123_456_000),
        (Pcap { magic: 0xa1b2_3c4d, ..Pcap::little() }, 123_456),
        (Pcap { magic: 0xa1b2_3c4d, ..Pcap::big() }, 123_456),
        (Pcap { magic: 0xa1b2_cd34, ..Pcap::big() }, 123_456_000),
        (Pcap { magic: 0x1c00_01ac, ..Pcap::little() }, 123_456),
        (Pcap { magic: 0x1c00_01ab, ..Pcap::big() }, 123_456_000),
    ] {
        let (records, summary) = read(&file.records(3));
        assert_eq!(records.iter().map(|record| record.frame).collect::<Vec<_>>(), [1, 2, 3], "{file:?}");
        assert_eq!(records[2].time, 1_700_000_002_000_000_000 + fraction, "{file:?}");
        assert_eq!((records[2].data.as_slice(), records[2].original_len), (&[2; 22][..], 22), "{file:?}");
        assert_eq!(records[0].link_type, 1, "{file:?}");
        assert_eq!((summary.format, summary.compression, summary.snaplen), ("pcap", None, 65_535), "{file:?}");
        assert_eq!((summary.packets, summary.bytes, summary.link_types), (3, 63, vec![1]), "{file:?}");
        assert_eq!((summary.first_time, summary.last_time), (Some(records[0].time), Some(records[2].time)), "{file:?}");
        assert_eq!((summary.out_of_order, summary.truncated, summary.dropped), (0, 0, None), "{file:?}");
        assert_eq!((summary.cut_at, summary.problems), (None, vec![]), "{file:?}");
    }
}

#[test]
fn a_header_alone_is_a_capture_without_packets() {
    let (records, summary) = read(&Pcap::little().header());
    assert_eq!((records.len(), summary.packets, summary.first_time), (0, 0, None));
    assert_eq!(summary.problems, Vec::<String>::new());
}

#[test]
fn the_length_of_the_frame_check_sequence_is_no_link_type() {
    let (_, summary) = read(&Pcap { network: 0x2400_0071, ..Pcap::little() }.records(1));
    assert_eq!(summary.link_types, [113]);
}

#[test]
fn old_versions_put_the_original_length_first() {
    for (version, lengths) in
        [((2, 2), [100, 4]), ((543, 0), [100, 4]), ((2, 3), [100, 4]), ((2, 3), [4, 100]), ((2, 4), [4, 100])]
    {
        let file = Pcap { version, ..Pcap::little() };
        let (records, summary) = read(&[file.header(), file.raw_record(1, 0, lengths, b"abcd")].concat());
        assert_eq!((records[0].data.as_slice(), records[0].original_len), (&b"abcd"[..], 100), "{version:?}");
        assert_eq!(summary.truncated, 1, "{version:?}");
    }
}

#[test]
fn aix_writes_nanoseconds_and_its_own_link_types() {
    for (network, link_type) in [(6, 1), (24, 0)] {
        let file = Pcap { version: (2, 2), network, ..Pcap::big() };
        let (records, _) = read(&file.records(1));
        assert_eq!((records[0].time, records[0].link_type), (1_700_000_000_000_123_456, link_type));
    }
}

#[test]
fn times_out_of_order_are_counted() {
    let file = Pcap::little();
    let times = [5, 3, 4, 4, 1, 9];
    let records: Vec<u8> = times.into_iter().flat_map(|seconds| file.record(seconds, 0, b"x")).collect();
    let (_, summary) = read(&[file.header(), records].concat());
    assert_eq!(summary.out_of_order, 2);
    assert_eq!((summary.first_time, summary.last_time), (Some(1_000_000_000), Some(9_000_000_000)));
}

#[test]
fn times_that_no_clock_shows_are_cut_and_counted() {
    let file = Pcap::little();
    let (records, summary) = read(&[file.header(), file.record(u32::MAX, u32::MAX, b"x")].concat());
    assert_eq!((records[0].time, summary.absurd_times), (4_294_967_296_000_000_000, 1));
}

#[test]
fn an_original_length_below_the_captured_one_is_raised() {
    let file = Pcap::little();
    let (records, summary) = read(&[file.header(), file.raw_record(1, 0, [4, 2], b"abcd")].concat());
    assert_eq!((records[0].data.len(), records[0].original_len, summary.truncated), (4, 4, 0));
}

#[test]
fn a_record_may_be_longer_than_snaplen_and_than_the_buffer() {
    let file = Pcap { snaplen: 64, ..Pcap::little() };
    let long: Vec<u8> = (0..MAX_RECORD).map(|index| index.to_le_bytes()[1]).collect();
    let bytes = [file.header(), file.record(1, 0, b"before"), file.record(2, 0, &long), file.record(3, 0, b"after")];
    let (records, summary) = read(&bytes.concat());
    assert_eq!(records[1].data, long);
    assert_eq!(records[2].data, b"after");
    assert_eq!(summary.problems, Vec::<String>::new());
}
