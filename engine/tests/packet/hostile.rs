//! Any bytes at all: no panic, and no payload that was not there.

use proptest::collection::vec;
use proptest::prelude::*;
use wsanalyze_engine::capture::Record;
use wsanalyze_engine::packet::{Decoded, Decoder};

use super::build::{
    datagram, erspan_iii, ethernet, geneve, gre, gtp_u, ipv4, ipv4_fragment, ipv4_with, ipv6, ipv6_fragment, ipv6_with,
    pppoe, sll, sll2, tcp, vxlan,
};

/// The link types that are read, and one that is not.
const LINK_TYPES: [u32; 15] = [0, 1, 9, 12, 14, 50, 51, 101, 108, 113, 228, 229, 239, 276, 7];

/// Decodes records in a row, with one decoder.
fn survives(link_type: u32, packets: &[Vec<u8>], cut: u32) {
    let mut decoder = Decoder::new();
    let total: usize = packets.iter().map(Vec::len).sum();
    for (frame, data) in (1..).zip(packets) {
        let original_len = u32::try_from(data.len()).unwrap().saturating_add(cut);
        let record = Record { frame, time: 0, link_type, data, original_len };
        if let Decoded::Segment(segment) = decoder.decode(&record) {
            assert!(segment.payload.len() <= total);
            assert_eq!(segment.frame, frame);
            // Whatever it says.
            let _ = segment.checksum_bad();
        }
    }
    assert!(decoder.incomplete_datagrams() <= packets.len() as u64);
}

/// Sound packets of many kinds, all as Ethernet.
fn samples() -> Vec<Vec<u8>> {
    let whole = tcp(b"some payload of a segment", false);
    vec![
        ethernet(0x0800, &ipv4(b"payload")),
        ethernet(0x86dd, &ipv6(b"payload")),
        ethernet(0x86dd, &ipv6_with(0, &[vec![6, 0, 1, 4, 0, 0, 0, 0], tcp(b"payload", true)].concat())),
        ethernet(0x8100, &[&[0, 1, 8, 0][..], &ipv4(b"payload")].concat()),
        ethernet(0x8847, &[&[0, 1, 1, 64][..], &ipv4(b"payload")].concat()),
        ethernet(0x8864, &pppoe(0x21, &ipv4(b"payload"))),
        ethernet(0x0800, &ipv4_fragment(1, 0, true, &whole[..32])),
        ethernet(0x0800, &ipv4_fragment(1, 32, false, &whole[32..])),
        ethernet(0x86dd, &ipv6_fragment(1, 0, true, &whole[..32])),
        ethernet(0x86dd, &ipv6_fragment(1, 32, false, &whole[32..])),
        sll(0x0800, 4, [0; 8], &ipv4(b"payload")),
        sll2(0x86dd, 4, [0; 8], &ipv6(b"payload")),
        ethernet(0x0800, &datagram(4789, &vxlan(&ethernet(0x0800, &ipv4(b"payload"))))),
        ethernet(0x0800, &datagram(6081, &geneve(0x86dd, &[1, 4, 0, 1, 0, 0, 0, 0], &ipv6(b"payload")))),
        ethernet(0x0800, &datagram(2152, &gtp_u(4, &[&[0, 0, 0, 0x85, 1, 0, 9, 0], &ipv4(b"payload")[..]].concat()))),
        ethernet(0x0800, &ipv4_with(47, 1, 0, &[], &gre(0xb000, 0x0800, &ipv4(b"payload")))),
        ethernet(
            0x86dd,
            &ipv6_with(47, &gre(0x1000, 0x22eb, &erspan_iii(0, true, &ethernet(0x0800, &ipv4(b"payload"))))),
        ),
        ethernet(0x0800, &ipv4_with(4, 1, 0, &[], &ipv4_with(41, 1, 0, &[], &ipv6(b"payload")))),
        ethernet(0x0800, &datagram(4789, &vxlan(&ethernet(0x0800, &ipv4_fragment(1, 0, true, &whole[..32]))))),
        ethernet(0x0800, &datagram(4789, &vxlan(&ethernet(0x0800, &ipv4_fragment(1, 32, false, &whole[32..]))))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn random_bytes(
        link_type in prop::sample::select(LINK_TYPES.to_vec()),
        packets in vec(vec(any::<u8>(), 0..120), 1..8),
        cut in prop_oneof![Just(0), any::<u32>()],
    ) {
        survives(link_type, &packets, cut);
    }

    #[test]
    fn mutated_packets(
        order in vec(any::<prop::sample::Index>(), 1..30),
        changes in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..20),
        length in any::<prop::sample::Index>(),
        cut in prop_oneof![Just(0), 0_u32..2_000, any::<u32>()],
    ) {
        let samples = samples();
        let mut packets: Vec<Vec<u8>> = order.iter().map(|index| index.get(&samples).clone()).collect();
        for (packet, at, byte) in changes {
            let packet = packet.index(packets.len());
            let at = at.index(packets[packet].len());
            packets[packet][at] = byte;
        }
        let last = packets.len() - 1;
        let length = length.index(packets[last].len());
        packets[last].truncate(length);
        survives(1, &packets, cut);
    }

    #[test]
    fn fragments_of_any_shape(
        shapes in vec((0_u16..3, 0_usize..40, any::<bool>(), 0_usize..10), 1..60),
        far in 0_usize..8_191,
    ) {
        let packets: Vec<Vec<u8>> = shapes
            .iter()
            .map(|(id, offset, more, units)| {
                let offset = if *id == 2 { far * 8 } else { offset * 8 };
                ipv4_fragment(*id, offset, *more, &vec![6; units * 8])
            })
            .collect();
        survives(101, &packets, 0);
    }

    /// However a datagram is cut in pieces and in whichever order they come, it is put together as it was.
    #[test]
    fn fragments_in_any_order(cuts in vec(1_usize..60, 0..8), order in any::<u64>(), size in 32_usize..500) {
        let whole = tcp(&(0..=255).cycle().take(size).collect::<Vec<u8>>(), false);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut * 8).filter(|cut| *cut < whole.len()).collect();
        at.extend([0, whole.len()]);
        at.sort_unstable();
        at.dedup();
        // In one piece it is no fragment.
        if at.len() == 2 {
            return Ok(());
        }
        let mut packets: Vec<Vec<u8>> = at
            .windows(2)
            .map(|pair| ipv4_fragment(5, pair[0], pair[1] < whole.len(), &whole[pair[0]..pair[1]]))
            .collect();
        let count = packets.len();
        let mut state = order | 1;
        for index in (1..count).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            packets.swap(index, usize::try_from(state >> 33).unwrap() % (index + 1));
        }
        let mut decoder = Decoder::new();
        for (index, data) in packets.iter().enumerate() {
            let original_len = u32::try_from(data.len()).unwrap();
            let record = Record { frame: index as u64, time: 0, link_type: 101, data, original_len };
            match decoder.decode(&record) {
                Decoded::Segment(segment) => {
                    prop_assert_eq!(index, count - 1);
                    prop_assert_eq!(segment.payload, &whole[32..]);
                    prop_assert!(!segment.checksum_bad());
                }
                Decoded::Fragment => prop_assert!(index < count - 1),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
