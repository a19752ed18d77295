//! gzip and zstd: whole, in several parts, cut off, damaged.

use std::io::{self, Write};

use wsanalyze_engine::capture::{CaptureError, Reader};

use super::build::Pcap;
use super::{Owned, Trickle, problem, read, samples, try_read};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    // As the command does; without it changed bytes go unseen.
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

type Compress = fn(&[u8]) -> Vec<u8>;

const METHODS: [(&str, Compress); 2] = [("gzip", gzip), ("zstd", zstd)];

/// A file that does not compress to nothing.
fn long_file() -> (Vec<u8>, Vec<Owned>) {
    let file = Pcap::little();
    let mut bytes = file.header();
    let mut state = 1_u32;
    for index in 0..2_000 {
        let data: Vec<u8> = (0..100)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        bytes.extend(file.record(index, 0, &data));
    }
    let records = read(&bytes).0;
    (bytes, records)
}

#[test]
fn compressed_files_read_as_plain_ones() {
    for (name, file) in samples() {
        let (records, mut summary) = read(&file);
        for (method, compress) in METHODS {
            let packed = compress(&file);
            summary.compression = Some(method);
            assert_eq!(read(&packed), (records.clone(), summary.clone()), "{method} {name}");
            assert_eq!(try_read(Trickle::new(&packed)).unwrap(), (records.clone(), summary.clone()), "{method} {name}");
            // In two parts, cut in the middle of a record.
            let (first, second) = file.split_at(file.len() / 2 + 1);
            let parts = [compress(first), compress(&[]), compress(second)].concat();
            assert_eq!(read(&parts), (records.clone(), summary.clone()), "{method} {name}");
        }
    }
}

#[test]
fn progress_is_counted_in_compressed_bytes() {
    let (file, _) = long_file();
    for (method, compress) in METHODS {
        let packed = compress(&file);
        let mut reader = Reader::from_read(Box::new(io::Cursor::new(packed.clone()))).unwrap();
        assert!(reader.bytes_read() < packed.len() as u64, "{method}");
        while reader.next().is_some() {}
        assert_eq!(reader.bytes_read(), packed.len() as u64, "{method}");
    }
}

#[test]
fn a_zstd_file_may_begin_with_a_skippable_frame() {
    let file = Pcap::little().records(3);
    let packed = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(&file)].concat();
    assert_eq!(read(&packed).0, read(&file).0);
}

#[test]
fn a_cut_stream_gives_what_stands_before_the_cut() {
    let (file, records) = long_file();
    for (method, compress) in METHODS {
        let packed = compress(&file);
        let mut most = 0;
        for length in (0..packed.len()).step_by(97) {
            let Ok((part, summary)) = try_read(io::Cursor::new(packed[..length].to_vec())) else {
                assert!(length < 150_000, "{method} cut at {length}");
                continue;
            };
            assert_eq!(part, records[..part.len()], "{method} cut at {length}");
            let expected = match part.len() {
                0 => format!("the {method} stream is cut off (before the first packet); all before that was read"),
                count => format!("the {method} stream is cut off (after packet {count}); all before that was read"),
            };
            assert_eq!(problem(&summary), expected);
            most = most.max(part.len());
        }
        // zstd gives its blocks of up to 128 KiB whole.
        assert!(most > 1_000, "{method}: {most}");
    }
}

#[test]
fn a_damaged_stream_gives_what_stands_before_the_damage() {
    let (file, records) = long_file();
    for (method, compress) in METHODS {
        let mut packed = compress(&file);
        let at = packed.len() - 20_000;
        packed[at..at + 1_000].fill(0xff);
        let (part, summary) = read(&packed);
        // Where only the checksum tells, at the end, what was changed was read before.
        let same = part.iter().zip(&records).take_while(|(part, record)| part == record).count();
        assert!(same > 500, "{method}: {same}");
        assert!(summary.cut_at.is_some() && !summary.problems.is_empty(), "{method}");
    }
}

#[test]
fn what_follows_a_compressed_stream_is_noted() {
    let file = Pcap::little().records(3);
    for (method, compress) in METHODS {
        let (records, summary) = read(&[&compress(&file)[..], b"something else"].concat());
        assert_eq!(records.len(), 3);
        let expected = format!("the {method} stream is damaged (after packet 3): ");
        assert!(problem(&summary).starts_with(&expected), "{:?}", summary.problems);
        assert_eq!(summary.cut_at, Some(file.len() as u64));
    }
}

#[test]
fn a_stream_that_breaks_before_the_header_is_refused() {
    for (method, compress) in METHODS {
        let packed = compress(&Pcap::little().records(3));
        let cut = try_read(io::Cursor::new(packed[..9].to_vec())).unwrap_err();
        assert_eq!(cut.to_string(), format!("the {method} stream is cut off before a capture's header could be read"));
        let broken = try_read(io::Cursor::new([&packed[..4], &[0xff; 60]].concat())).unwrap_err();
        assert!(matches!(broken, CaptureError::Compression { .. }), "{broken:?}");
        assert!(matches!(try_read(io::Cursor::new(compress(&[]))), Err(CaptureError::Empty)));
    }
}

#[test]
fn a_zstd_window_that_asks_for_too_much_memory_is_refused() {
    // RFC 8878 §3.1.1.1.2: a window descriptor of 2^41 bytes.
    let bytes = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00];
    let error = try_read(io::Cursor::new(bytes.to_vec())).unwrap_err();
    assert!(error.to_string().starts_with("the zstd stream is damaged ("), "{error}");
}

#[test]
fn a_bomb_costs_time_and_no_memory() {
    let zeros = gzip(&vec![0; 64 << 20]);
    let bomb = [gzip(&Pcap::little().header()), zeros].concat();
    let mut reader = Reader::from_read(Box::new(io::Cursor::new(bomb))).unwrap();
    let mut count = 0_u64;
    while let Some(record) = reader.next() {
        assert!(record.data.is_empty());
        count += 1;
    }
    assert_eq!(count, (64 << 20) / 16);
}
