//! Whatever the network and the capture do to the packets, the streams stay what they were.

use proptest::prelude::*;
use wsanalyze_engine::stream::Direction;

use crate::build::{ACK, Event, FIN, Packet, handshake, number, packet, run};

/// Turns of a conversation: who speaks, and how much.
fn turns() -> impl Strategy<Value = Vec<(bool, usize)>> {
    prop::collection::vec((any::<bool>(), 1usize..400), 1..12)
}

fn byte(direction: bool, offset: usize) -> u8 {
    (offset as u8).wrapping_mul(31).wrapping_add(u8::from(direction) * 101) ^ ((offset >> 8) as u8)
}

/// A conversation as packets: cut by `cuts`, each turn acknowledging all before it; numbers the packets.
fn conversation(turns: &[(bool, usize)], cuts: &[usize], isn: (u32, u32)) -> (Vec<Packet>, [Vec<u8>; 2]) {
    let mut packets = handshake(isn.0, isn.1);
    let mut streams = [Vec::new(), Vec::new()];
    let mut cut = cuts.iter().cycle();
    let at = |streams: &[Vec<u8>; 2], client: bool| {
        let (isn, length) = if client { (isn.0, streams[0].len()) } else { (isn.1, streams[1].len()) };
        isn.wrapping_add(1).wrapping_add(length as u32)
    };
    for (client, length) in turns {
        let index = usize::from(!client);
        let bytes: Vec<u8> = (0..*length).map(|n| byte(*client, streams[index].len() + n)).collect();
        let acknowledgment = at(&streams, !client);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*cut.next().unwrap()).clamp(1, rest.len()));
            packets.push(packet(*client, at(&streams, *client), acknowledgment, ACK, now));
            streams[index].extend_from_slice(now);
            rest = later;
        }
    }
    packets.push(packet(true, at(&streams, true), at(&streams, false), FIN | ACK, b""));
    packets.push(packet(false, at(&streams, false), at(&streams, true).wrapping_add(1), FIN | ACK, b""));
    number(&mut packets);
    (packets, streams)
}

/// Moves each packet by less than `window` places.
fn disorder(packets: &mut [Packet], keys: &[usize], window: usize) {
    let mut order: Vec<(usize, usize)> =
        (0..packets.len()).map(|index| (index + keys[index % keys.len()] % window, index)).collect();
    order.sort();
    let shuffled: Vec<Packet> = order.iter().map(|(_, index)| packets[*index].clone()).collect();
    packets.clone_from_slice(&shuffled);
}

fn renumber(packets: &mut [Packet]) {
    for (index, packet) in packets.iter_mut().enumerate() {
        packet.frame = index as u64 + 1;
        packet.time = 1_000_000_000 + index as i64 * 10_000_000;
    }
}

/// Every turn's bytes are handed over before those that answer them.
fn causal(events: &[Event], turns: &[(bool, usize)]) -> bool {
    let mut needed = Vec::new();
    let (mut client, mut server) = (0usize, 0usize);
    for (from_client, length) in turns {
        needed.push((
            *from_client,
            if *from_client { client } else { server },
            if *from_client { server } else { client },
        ));
        *(if *from_client { &mut client } else { &mut server }) += length;
    }
    let (mut given_client, mut given_server) = (0usize, 0usize);
    events.iter().all(|event| match event {
        Event::Data(direction, data, _) => {
            let from_client = *direction == Direction::Client;
            let (ours, theirs) =
                if from_client { (&mut given_client, given_server) } else { (&mut given_server, given_client) };
            let end = *ours + data.len();
            *ours = end;
            needed
                .iter()
                .filter(|(who, start, _)| *who == from_client && *start < end)
                .all(|(_, _, other)| *other <= theirs)
        }
        _ => true,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn disorder_copies_and_retransmissions_change_nothing(
        turns in turns(),
        cuts in prop::collection::vec(1usize..200, 1..8),
        isn in (any::<u32>(), prop_oneof![any::<u32>(), (u32::MAX - 300)..=u32::MAX]),
        keys in prop::collection::vec(0usize..20, 1..50),
        again in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0usize..50, 0usize..80), 0..10),
    ) {
        let (mut packets, streams) = conversation(&turns, &cuts, isn);
        let total = packets.len();
        for (index, copy, earlier, later) in again {
            let at = index.index(total);
            let mut other = packets[at].clone();
            if !copy && !other.payload.is_empty() {
                // Sent again, in another cut.
                other.ip_id += 10_000;
                let stream = &streams[usize::from(!other.from_client)];
                let base = if other.from_client { isn.0 } else { isn.1 }.wrapping_add(1);
                // What it acknowledges it had: it does not send again what that answered.
                let flight = packets.iter().filter(|one| one.from_client == other.from_client && one.acknowledgment == other.acknowledgment);
                let first = flight.filter(|one| !one.payload.is_empty()).map(|one| one.sequence.wrapping_sub(base) as usize).min().unwrap();
                let start = (other.sequence.wrapping_sub(base) as usize).saturating_sub(earlier).max(first);
                let end = (other.sequence.wrapping_sub(base) as usize + other.payload.len()).min(start + 1 + later);
                other.payload = stream[start..end.max(start + 1).min(stream.len())].to_vec();
                other.sequence = base.wrapping_add(start as u32);
            }
            packets.insert((at + 1).min(packets.len()), other);
        }
        disorder(&mut packets, &keys, 20);
        renumber(&mut packets);
        let told = run(&packets);
        prop_assert_eq!(told.len(), 1, "{:?}", told);
        prop_assert_eq!(told[0].bytes(Direction::Client), streams[0].clone());
        prop_assert_eq!(told[0].bytes(Direction::Server), streams[1].clone());
        prop_assert!(causal(&told[0].events, &turns), "{:?}", told[0].events);
        prop_assert_eq!(told[0].facts.conflicts, 0);
        for event in &told[0].events {
            if let Event::Data(direction, data, frame) = event {
                let carrier = packets.iter().find(|packet| packet.frame == *frame).unwrap();
                prop_assert_eq!(carrier.from_client, *direction == Direction::Client);
                prop_assert!(carrier.payload.windows(data.len()).any(|window| window == data.as_slice()));
            }
        }
    }

    #[test]
    fn losses_are_gaps_of_the_right_size(
        turns in turns(),
        cuts in prop::collection::vec(1usize..200, 1..8),
        isn in (any::<u32>(), any::<u32>()),
        lost in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        keys in prop::collection::vec(0usize..6, 1..50),
    ) {
        let (mut packets, streams) = conversation(&turns, &cuts, isn);
        for index in lost {
            let at = 2 + index.index(packets.len() - 4);
            packets.remove(at);
            if packets.len() < 6 {
                break;
            }
        }
        disorder(&mut packets, &keys, 6);
        renumber(&mut packets);
        let told = run(&packets);
        prop_assert_eq!(told.len(), 1);
        for (direction, whole) in [(Direction::Client, &streams[0]), (Direction::Server, &streams[1])] {
            let seen = told[0].stream(direction);
            prop_assert_eq!(seen.len(), whole.len());
            prop_assert!(seen.iter().zip(whole).all(|(ours, theirs)| ours.is_none_or(|byte| byte == *theirs)));
        }
    }

    #[test]
    fn nonsense_neither_panics_nor_grows(
        packets in prop::collection::vec((any::<bool>(), any::<u32>(), any::<u32>(), any::<u8>(), 0usize..2000, any::<u32>(), 0u16..3), 0..400),
        near in any::<bool>(),
    ) {
        let mut made: Vec<Packet> = packets.into_iter().map(|(from_client, sequence, acknowledgment, flags, length, missing, port)| {
            let squeeze = |number: u32| if near { number % 5000 } else { number };
            let mut made = packet(from_client, squeeze(sequence), squeeze(acknowledgment), u16::from(flags), &vec![7; length]);
            made.missing = if missing % 7 == 0 { missing } else { 0 };
            made.client_port = 50_000 + port;
            made
        }).collect();
        number(&mut made);
        let told = run(&made);
        let packets: u64 = told.iter().map(|one| one.facts.of_client.packets + one.facts.of_server.packets).sum();
        prop_assert!(packets <= made.len() as u64);
    }
}

#[test]
fn a_hole_that_never_fills_does_not_keep_everything() {
    let mut packets = handshake(0, 0);
    let chunk = vec![b'x'; 1400];
    let mut sequence = 2u32;
    // More than four times what may wait.
    for _ in 0..3000 {
        packets.push(packet(true, sequence, 1, ACK, &chunk));
        sequence += 1400;
    }
    number(&mut packets);
    let told = run(&packets);
    let first_gap = told[0].events.iter().position(|event| matches!(event, Event::Gap(..))).unwrap();
    assert_eq!(first_gap, 0);
    assert!(told[0].events.len() > 3000);
}
