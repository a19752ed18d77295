//! Any bytes at all: no panic, and no more out than in.

use std::io;

use proptest::collection::vec;
use proptest::prelude::*;
use wsanalyze_engine::capture::Summary;

use super::build::{LITTLE, Pcap, Pcapng};
use super::{Owned, Trickle, samples, try_read};

/// Reads to the end and checks what holds of every file.
fn survives(file: &[u8]) {
    let read = try_read(io::Cursor::new(file.to_vec()));
    let trickled = try_read(Trickle::new(file));
    // How much a decoder gives before damage depends on the pieces that it is fed.
    if !matches!(file, [0x1f, 0x8b, ..] | [0x28, 0xb5, ..]) {
        assert_eq!(read.as_ref().ok(), trickled.as_ref().ok());
    }
    for (records, summary) in [read, trickled].into_iter().flatten() {
        is_consistent(file, &records, &summary);
    }
}

fn is_consistent(file: &[u8], records: &[Owned], summary: &Summary) {
    let bytes: usize = records.iter().map(|record| record.data.len()).sum();
    assert!(summary.compression.is_some() || bytes + 12 * records.len() <= file.len());
    assert_eq!((summary.packets, summary.bytes), (records.len() as u64, bytes as u64));
    assert!(records.windows(2).all(|pair| pair[0].frame < pair[1].frame));
    assert!(records.iter().all(|record| record.original_len as usize >= record.data.len()));
    assert!(summary.problems.iter().all(|problem| !problem.contains('\n')));
    assert_eq!(summary.first_time.is_some(), summary.last_time.is_some());
    assert!(summary.first_time <= summary.last_time);
}

/// A number that readers get wrong.
fn awkward() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        0_u32..64,
        prop::sample::select(vec![u32::MAX, u32::MAX - 3, 1 << 31, 1 << 24, (1 << 24) + 1, 0x1a2b_3c4d, 0x0a0d_0d0a]),
    ]
}

proptest! {
    #[test]
    fn random_bytes(file in vec(any::<u8>(), 0..2_000)) {
        survives(&file);
    }

    #[test]
    fn random_bytes_after_a_header(which in 0_usize..5, rest in vec(any::<u8>(), 0..2_000)) {
        let header = match which {
            0 => Pcap::little().header(),
            1 => Pcap { magic: 0xa1b2_cd34, ..Pcap::big() }.header(),
            2 => [Pcapng(LITTLE).section(), Pcapng(LITTLE).interface(1, 0, &[])].concat(),
            3 => vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0],
            _ => vec![0x28, 0xb5, 0x2f, 0xfd],
        };
        survives(&[header, rest].concat());
    }

    #[test]
    fn blocks_of_any_kind(blocks in vec((0_u32..12, vec(any::<u8>(), 0..80)), 0..20)) {
        let ng = Pcapng(LITTLE);
        let blocks: Vec<u8> = blocks.iter().flat_map(|(kind, body)| ng.block(*kind, body)).collect();
        survives(&[ng.section(), ng.interface(1, 0, &[]), blocks].concat());
    }

    #[test]
    fn mutated_files(
        sample in any::<prop::sample::Index>(),
        numbers in vec((any::<prop::sample::Index>(), awkward()), 0..4),
        bytes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let samples = samples();
        let mut file = sample.get(&samples).1.clone();
        for (at, number) in numbers {
            let at = at.index(file.len() / 4) * 4;
            file[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        for (at, byte) in bytes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        survives(&file);
        survives(&file[..cut.index(file.len())]);
    }

    #[test]
    fn mutated_compressed_files(
        gzip in any::<bool>(),
        bytes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let plain = Pcap::little().records(50);
        let mut file = if gzip {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            io::Write::write_all(&mut encoder, &plain).unwrap();
            encoder.finish().unwrap()
        } else {
            zstd::encode_all(&plain[..], 1).unwrap()
        };
        for (at, byte) in bytes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        survives(&file);
    }
}
