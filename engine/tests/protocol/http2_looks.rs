//! Whether bytes are frames of HTTP/2.

use proptest::prelude::*;
use wsanalyze_engine::protocol::http2::{LooksHttp2, Speaker, looks_like_http2, looks_like_settings, speaker};

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = (payload.len() as u32).to_be_bytes();
    [&[high, middle, low, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

fn looks(bytes: &[u8]) -> LooksHttp2 {
    looks_like_http2(bytes)
}

/// Checks that fewer bytes say `Maybe`, and gives what all of them say.
fn in_pieces(bytes: &[u8], looks: impl Fn(&[u8]) -> LooksHttp2) -> LooksHttp2 {
    let verdicts: Vec<LooksHttp2> = (0..=bytes.len()).map(|end| looks(&bytes[..end])).collect();
    let last = *verdicts.last().unwrap();
    let decided = verdicts.iter().position(|verdict| *verdict != LooksHttp2::Maybe).unwrap_or(verdicts.len());
    assert!(verdicts[decided..].iter().all(|verdict| *verdict == last), "{verdicts:?}");
    last
}

#[test]
fn frames_that_are_certain_alone() {
    for (bytes, says) in [
        (frame(1, 4, 1, &[0x82, 0x86]), Some(Speaker::Client)),
        (frame(1, 0x2d, 5, &[2, 0, 0, 0, 0, 9, 0x87, 0, 0]), Some(Speaker::Client)),
        (frame(1, 5, 7, &[0x88]), Some(Speaker::Server)),
        (frame(1, 4, 3, b"\x42\x07CONNECT"), Some(Speaker::Client)),
        (frame(1, 5, 3, b"\x48\x03302"), Some(Speaker::Server)),
        (frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]), None),
        (frame(6, 1, 0, &[7; 8]), None),
        (frame(8, 0, 0, &[0, 0, 1, 0]), None),
        (frame(3, 0, 9, &[0, 0, 0, 8]), None),
        (frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]), None),
    ] {
        assert_eq!(in_pieces(&bytes, looks), LooksHttp2::Yes, "{bytes:?}");
        assert_eq!(speaker(&bytes), says);
    }
}

#[test]
fn frames_that_take_another() {
    for one in [
        frame(0, 0, 1, b"data"),
        frame(0, 1, 3, b""),
        frame(1, 4, 1, &[0xbe]),
        frame(1, 0, 1, &[0x82]),
        frame(2, 0, 1, &[0, 0, 0, 0, 9]),
        frame(4, 1, 0, b""),
        frame(16, 0, 0, &[0, 0, 0, 1, b'u']),
    ] {
        assert_eq!(in_pieces(&one, looks), LooksHttp2::Maybe, "{one:?}");
        assert_eq!(in_pieces(&[&one[..], &frame(0, 1, 1, b"x")].concat(), looks), LooksHttp2::Yes);
        assert_eq!(in_pieces(&[&one[..], b"HTTP/1.1 200"].concat(), looks), LooksHttp2::No);
    }
}

#[test]
fn other_traffic() {
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"\x17\x03\x03\x00\x20\x00\x00\x00\x00\x00\x00\x00\x01",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x81\x05Hello",
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        b"\x00\x7e\x01\x00aaaaaaaaaaaaaaa",
        b"\x00\x85\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        // Zeros, and numbers as binary protocols have them.
        &[0; 64],
        b"\x00\x00\x00\x04\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x08",
        b"\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00\x01",
        b"\x4a\x00\x00\x00\x0a8.0.36\x00",
        // HTTP/2 that no endpoint sends.
        &frame(0, 0, 0, b"data"),
        &frame(4, 0, 1, &[0, 3, 0, 0, 0, 100]),
        &frame(8, 0, 1, &[0, 0, 0, 0]),
        &frame(6, 2, 0, &[7; 8]),
        &frame(11, 0, 1, &[7; 8]),
    ] {
        assert_eq!(in_pieces(bytes, looks), LooksHttp2::No, "{bytes:?}");
    }
}

#[test]
fn the_settings_of_a_server() {
    for (bytes, expected) in [
        (frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]), LooksHttp2::Yes),
        (frame(4, 0, 0, b""), LooksHttp2::Yes),
        (frame(4, 1, 0, b""), LooksHttp2::Yes),
        (frame(4, 0, 0, &[0; 5]), LooksHttp2::No),
        (frame(4, 2, 0, b""), LooksHttp2::No),
        (frame(4, 0, 1, b""), LooksHttp2::No),
        (frame(6, 0, 0, &[0; 8]), LooksHttp2::No),
        (b"HTTP/1.1 400".to_vec(), LooksHttp2::No),
        (b"\x4a\x00\x00\x00\x0a8.0".to_vec(), LooksHttp2::No),
    ] {
        assert_eq!(in_pieces(&bytes, looks_like_settings), expected, "{bytes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_no_frames(bytes in prop::collection::vec(any::<u8>(), 18..200)) {
        prop_assert_ne!(looks(&bytes), LooksHttp2::Yes);
    }

    #[test]
    fn more_bytes_change_no_answer(
        start in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 4, 5, 8, 0x82]), 0..40),
    ) {
        in_pieces(&start, looks);
        in_pieces(&start, looks_like_settings);
    }
}
