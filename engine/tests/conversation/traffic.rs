//! What a second look keeps of an exchange beside its heads.

use proptest::prelude::*;
use wsanalyze_engine::protocol::conversation::{Lost, Traffic};
use wsanalyze_engine::stream::Direction;

use crate::http2_build::{connect, connectable, data, preface, status};
use crate::play::{
    Cut, Play, Step, accepted, client, client_gap, client_text, handshake, ok, refused, server, server_gap,
    server_text, time,
};

const EVERY_CUT: [Cut; 4] = [Cut::Whole, Cut::Bytes, Cut::At(1), Cut::At(90)];

/// However packets are cut into calls.
fn traffic(steps: &[Step], position: u32) -> Traffic {
    let play = Play { steps: steps.to_vec(), mid_stream: false };
    let whole = play.traffic(Cut::Whole, (0, position));
    for cut in EVERY_CUT {
        let other = play.traffic(cut, (0, position));
        assert_eq!((&other.body, other.body_whole, other.lost), (&whole.body, whole.body_whole, whole.lost), "{cut:?}");
        for sender in [Direction::Client, Direction::Server] {
            assert_eq!(said(&other, sender), said(&whole, sender), "{cut:?}");
        }
    }
    whole
}

fn said(traffic: &Traffic, sender: Direction) -> Vec<u8> {
    traffic.pieces.iter().filter(|piece| piece.sender == sender).flat_map(|piece| piece.bytes.clone()).collect()
}

fn post(framing: &str, body: &str) -> String {
    format!("POST /upload HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n{body}")
}

#[test]
fn a_body_is_kept_as_it_is_on_the_wire() {
    let chunked = post("Transfer-Encoding: chunked", "5;why=not\r\nhello\r\n0\r\nT: x\r\n\r\n");
    let steps = [client(post("Content-Length: 4", "body")), server(ok("")), client(chunked), server(ok(""))];
    let first = traffic(&steps, 0);
    assert_eq!((&first.body[..], first.body_whole), (&b"body"[..], true));
    let second = traffic(&steps, 1);
    assert_eq!(second.body, b"5;why=not\r\nhello\r\n0\r\nT: x\r\n\r\n");
    assert!(second.body_whole);
    assert!(second.request.unwrap().starts_with(b"POST /upload"));
}

#[test]
fn a_body_with_a_hole_or_without_an_end_is_not_whole() {
    let before = client(post("Content-Length: 10", "0123"));
    for rest in [vec![client_gap(4), client("89")], vec![]] {
        let steps: Vec<Step> = [vec![before.clone()], rest, vec![server(ok(""))]].concat();
        assert!(!traffic(&steps, 0).body_whole);
    }
}

#[test]
fn no_body_is_whole() {
    let found = traffic(&[client(handshake()), server(refused(400))], 0);
    assert_eq!((found.body.len(), found.body_whole), (0, true));
    assert_eq!(found.pieces, []);
}

#[test]
fn what_follows_a_101_is_kept_with_its_times() {
    let steps = [
        client(handshake()),
        client(client_text("early")),
        server([accepted().as_bytes(), &server_text("one")].concat()),
        client(client_text("two")),
    ];
    let found = traffic(&steps, 0);
    assert_eq!(said(&found, Direction::Client), [client_text("early"), client_text("two")].concat());
    assert_eq!(said(&found, Direction::Server), server_text("one"));
    let times: Vec<i64> = found.pieces.iter().map(|piece| piece.time).collect();
    assert_eq!(times, [time(1), time(2), time(3)]);
    assert_eq!(found.lost, None);
}

#[test]
fn nothing_is_kept_after_a_hole() {
    let steps = [
        client(handshake()),
        server(accepted()),
        server(server_text("one")),
        server_gap(5),
        server(server_text("two")),
    ];
    let found = traffic(&steps, 0);
    assert_eq!(said(&found, Direction::Server), server_text("one"));
    assert_eq!(found.lost, Some(Lost::Gap));
}

#[test]
fn http_2_gives_the_data_of_its_stream() {
    let steps = [
        client(preface()),
        server(connectable()),
        client(connect(1)),
        client(connect(3)),
        server(status(1, 0, "200")),
        client(data(3, 0, client_text("other"))),
        client(data(1, 0, client_text("mine"))),
        server(data(1, 0, server_text("yours"))),
    ];
    let found = traffic(&steps, 0);
    assert_eq!(said(&found, Direction::Client), client_text("mine"));
    assert_eq!(said(&found, Direction::Server), server_text("yours"));
    assert!(found.body_whole);
}

#[test]
fn no_more_is_kept_than_the_limit() {
    let mebibyte = vec![b'x'; 1 << 20];
    let steps: Vec<Step> =
        [client(handshake()), server(accepted())].into_iter().chain((0..20).map(|_| server(&mebibyte))).collect();
    let found = Play { steps, mid_stream: false }.traffic(Cut::Whole, (0, 0));
    assert_eq!(found.lost, Some(Lost::Limit));
    assert!(said(&found, Direction::Server).len() <= 16 << 20);
}

proptest! {
    #[test]
    fn all_that_both_sides_say_is_there(words in prop::collection::vec((any::<bool>(), "[a-z]{1,40}"), 0..20)) {
        let mut steps = vec![client(handshake()), server(accepted())];
        let mut expected = [Vec::new(), Vec::new()];
        for (by_client, word) in words {
            let frame = if by_client { client_text(&word) } else { server_text(&word) };
            expected[usize::from(!by_client)].extend_from_slice(&frame);
            steps.push(if by_client { client(frame) } else { server(frame) });
        }
        let found = traffic(&steps, 0);
        prop_assert_eq!(said(&found, Direction::Client), expected[0].clone());
        prop_assert_eq!(said(&found, Direction::Server), expected[1].clone());
    }
}
