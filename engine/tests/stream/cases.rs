//! One behaviour each.

use wsanalyze_engine::protocol::GapCause;
use wsanalyze_engine::stream::{Direction, Opened};

use crate::build::{ACK, Event, FIN, Packet, RST, SYN, handshake, number, packet, run};

fn exchange(client: u32, server: u32) -> Vec<Packet> {
    let mut packets = handshake(client, server);
    let (c, s) = (client.wrapping_add(1), server.wrapping_add(1));
    packets.push(packet(true, c, s, ACK, b"request"));
    packets.push(packet(false, s, c.wrapping_add(7), ACK, b"answer"));
    packets.push(packet(true, c.wrapping_add(7), s.wrapping_add(6), FIN | ACK, b""));
    packets.push(packet(false, s.wrapping_add(6), c.wrapping_add(8), FIN | ACK, b""));
    packets.push(packet(true, c.wrapping_add(8), s.wrapping_add(7), ACK, b""));
    packets
}

fn ran(mut packets: Vec<Packet>) -> Vec<crate::build::Told> {
    number(&mut packets);
    run(&packets)
}

#[test]
fn a_plain_connection() {
    let told = ran(exchange(100, 900));
    assert_eq!(told.len(), 1);
    let one = &told[0];
    assert!(!one.mid_stream);
    assert_eq!(
        one.events,
        [
            Event::Data(Direction::Client, b"request".to_vec(), 4),
            Event::Data(Direction::Server, b"answer".to_vec(), 5),
            Event::End(Direction::Client),
            Event::End(Direction::Server),
        ]
    );
    assert_eq!(one.facts.opened, Opened::Established);
    let ended = one.facts.ended.unwrap();
    assert_eq!((ended.by, ended.reset, ended.stamp.frame), (Direction::Client, false, 6));
    assert_eq!((one.facts.of_client.packets, one.facts.of_server.packets), (5, 3));
    assert_eq!((one.facts.of_client.gaps, one.facts.of_client.retransmissions, one.facts.duplicates), (0, 0, 0));
}

#[test]
fn the_sequence_wraps() {
    for start in [u32::MAX - 10, u32::MAX - 4, u32::MAX - 1, u32::MAX, 0x7fff_fff8] {
        let told = ran(exchange(start, start.wrapping_sub(2)));
        assert_eq!(told[0].bytes(Direction::Client), b"request");
        assert_eq!(told[0].bytes(Direction::Server), b"answer");
    }
}

#[test]
fn an_answer_that_was_captured_first_waits_for_its_request() {
    let mut packets = exchange(1, 2);
    packets.swap(3, 4);
    let told = ran(packets);
    assert_eq!(told[0].events[0], Event::Data(Direction::Client, b"request".to_vec(), 5));
    assert_eq!(told[0].events[1], Event::Data(Direction::Server, b"answer".to_vec(), 4));
}

#[test]
fn a_request_that_was_not_captured_is_a_gap_before_its_answer() {
    let mut packets = exchange(1, 2);
    packets.remove(3);
    let told = ran(packets);
    assert_eq!(told[0].events[0], Event::Gap(Direction::Client, 7, GapCause::Missing));
    assert_eq!(told[0].events[1], Event::Data(Direction::Server, b"answer".to_vec(), 4));
    assert_eq!(told[0].facts.of_client.gap_bytes, 7);
}

#[test]
fn the_last_answer_is_missed_when_it_was_acknowledged() {
    let mut packets = exchange(1, 2);
    packets.remove(4);
    let told = ran(packets);
    assert_eq!(told[0].stream(Direction::Server), vec![None; 6]);
}

#[test]
fn a_hole_is_given_up_soon_after_it_was_acknowledged() {
    let mut packets = handshake(0, 0);
    packets.push(packet(true, 4, 1, ACK, b"def"));
    packets.push(packet(false, 1, 7, ACK, b""));
    for index in 0..40 {
        packets.push(packet(false, 1 + index, 7, ACK, b"x"));
    }
    number(&mut packets);
    let told = run(&packets);
    let position = told[0].events.iter().position(|event| matches!(event, Event::Gap(..))).unwrap();
    assert!(position == 0 && told[0].events.len() == 44, "{:?}", told[0].events);
    assert_eq!(told[0].stream(Direction::Client), [None, None, None, Some(b'd'), Some(b'e'), Some(b'f')]);
}

#[test]
fn what_comes_after_it_was_given_up_is_named() {
    let mut packets = handshake(0, 0);
    packets.push(packet(true, 4, 1, ACK, b"def"));
    for index in 0..40 {
        packets.push(packet(false, 1 + index, 7, ACK, b"x"));
    }
    packets.push(packet(true, 1, 41, ACK, b"abc"));
    let told = ran(packets);
    assert_eq!(told[0].defects(), ["late-packet"]);
}

#[test]
fn the_first_bytes_win_and_others_are_a_conflict() {
    let mut packets = exchange(0, 0);
    let mut evil = packets[3].clone();
    evil.payload = b"rEquEst".to_vec();
    packets.insert(5, evil);
    let told = ran(packets);
    assert_eq!(told[0].bytes(Direction::Client), b"request");
    assert_eq!(told[0].defects(), ["conflicting-overlap"]);
    assert_eq!(told[0].facts.conflicts, 1);
}

#[test]
fn conflicts_are_seen_among_bytes_that_wait() {
    let mut packets = handshake(0, 0);
    packets.push(packet(true, 4, 1, ACK, b"def"));
    packets.push(packet(true, 3, 1, ACK, b"cXefg"));
    packets.push(packet(true, 1, 1, ACK, b"ab"));
    let told = ran(packets);
    assert_eq!(told[0].bytes(Direction::Client), b"abcdefg");
    assert_eq!(told[0].facts.conflicts, 1);
}

#[test]
fn retransmissions_copies_and_keep_alives_are_told_apart() {
    let mut packets = exchange(0, 0);
    packets[3].ip_id = 77;
    let copy = packets[3].clone();
    let mut again = packets[3].clone();
    again.ip_id = 78;
    packets.insert(4, copy);
    packets.insert(5, again);
    packets.insert(7, packet(true, 8, 7, ACK, b""));
    packets.insert(8, packet(true, 7, 7, ACK, b""));
    packets.insert(9, packet(true, 7, 7, ACK, b"?"));
    let told = ran(packets);
    let facts = told[0].facts;
    assert_eq!(
        (facts.duplicates, facts.of_client.retransmissions, facts.of_client.keep_alives, facts.conflicts),
        (1, 1, 2, 0)
    );
    assert_eq!(told[0].bytes(Direction::Client), b"request");
}

#[test]
fn cut_packets_leave_a_gap_of_the_right_size() {
    let mut packets = exchange(0, 0);
    packets[3].payload = b"req".to_vec();
    packets[3].missing = 4;
    let told = ran(packets);
    assert_eq!(told[0].events[1], Event::Gap(Direction::Client, 4, GapCause::Truncated));
    assert_eq!(told[0].stream(Direction::Client).len(), 7);
    assert_eq!(told[0].bytes(Direction::Server), b"answer");
}

#[test]
fn ports_that_are_used_again_make_another_connection() {
    let mut packets = exchange(100, 900);
    packets.extend(exchange(70_000, 900_000));
    let told = ran(packets);
    assert_eq!(told.len(), 2);
    for one in &told {
        assert_eq!(one.bytes(Direction::Client), b"request");
        assert_eq!(one.facts.opened, Opened::Established);
    }
}

#[test]
fn ports_that_are_used_again_without_a_captured_end() {
    let mut packets = exchange(100, 900)[..5].to_vec();
    packets.extend(exchange(1_000_000, 2_000_000));
    let told = ran(packets);
    assert_eq!(told.len(), 2);
    assert!(told[0].facts.ended.is_none());
}

#[test]
fn a_syn_that_is_sent_again_opens_nothing_new() {
    let mut packets = exchange(100, 900);
    packets.insert(1, packets[0].clone());
    packets.insert(5, packets[0].clone());
    assert_eq!(ran(packets).len(), 1);
}

#[test]
fn how_it_opened() {
    let syn = packet(true, 5, 0, SYN, b"");
    assert_eq!(ran(vec![syn.clone(), syn.clone()])[0].facts.opened, Opened::Unanswered);
    let refused = ran(vec![syn, packet(false, 0, 6, RST | ACK, b"")]);
    assert_eq!(refused[0].facts.opened, Opened::Refused);
    let told = ran(exchange(1, 2)[3..].to_vec());
    assert_eq!(told[0].facts.opened, Opened::MidStream);
    assert!(told[0].mid_stream);
    assert_eq!(told[0].bytes(Direction::Client), b"request");
    assert_eq!(told[0].bytes(Direction::Server), b"answer");
    let told = ran(exchange(1, 2)[1..].to_vec());
    assert_eq!(told[0].facts.opened, Opened::Established);
    assert_eq!(told[0].defects(), ["syn-not-captured"]);
    assert_eq!(told[0].bytes(Direction::Client), b"request");
}

#[test]
fn the_syn_may_come_late() {
    let mut packets = exchange(1, 2);
    packets.rotate_left(3);
    packets[..5].reverse();
    let told = ran(packets);
    assert_eq!(told.len(), 1);
    assert!(!told[0].mid_stream);
    assert_eq!(told[0].defects(), [""; 0]);
    assert_eq!(told[0].bytes(Direction::Client), b"request");
    assert_eq!(told[0].bytes(Direction::Server), b"answer");
}

#[test]
fn a_reset_ends_it() {
    let mut packets = exchange(1, 2)[..5].to_vec();
    packets.push(packet(false, 9, 9, RST, b""));
    let ended = ran(packets)[0].facts.ended.unwrap();
    assert_eq!((ended.reset, ended.by, ended.stamp.frame), (true, Direction::Server, 6));
}

#[test]
fn a_blind_reset_does_not() {
    let mut packets = exchange(1, 2)[..4].to_vec();
    packets.push(packet(false, 0x7000_0000, 9, RST, b""));
    packets.push(exchange(1, 2)[4].clone());
    let told = ran(packets);
    assert_eq!(told[0].defects(), ["rst-out-of-window"]);
    assert!(told[0].facts.ended.is_none());
    assert_eq!(told[0].bytes(Direction::Server), b"answer");
}

#[test]
fn stragglers_after_the_end_open_nothing() {
    let mut packets = exchange(1, 2);
    packets.push(packet(false, 9, 9, RST, b""));
    packets.push(packet(true, 8, 9, ACK, b""));
    assert_eq!(ran(packets).len(), 1);
}

#[test]
fn zero_windows_are_counted() {
    let mut packets = exchange(1, 2);
    let mut closed = packet(false, 9, 9, ACK, b"");
    closed.window = 0;
    packets.insert(5, closed.clone());
    closed.ip_id = 99;
    packets.insert(6, closed);
    assert_eq!(ran(packets)[0].facts.of_server.zero_windows, 1);
}

#[test]
fn more_than_four_gibibytes() {
    let mut packets = handshake(0, 0);
    let step = 0x2000_0000u32;
    let mut sequence = 1u32;
    for index in 0..12u32 {
        let mut cut = packet(true, sequence, 1, ACK, b"x");
        cut.missing = step - 1;
        cut.ip_id = 1000 + index;
        packets.push(cut);
        sequence = sequence.wrapping_add(step);
    }
    let told = ran(packets);
    assert_eq!(told[0].facts.of_client.gap_bytes, 12 * u64::from(step - 1));
    assert_eq!(told[0].facts.of_client.bytes, 12);
}
