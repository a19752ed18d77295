use proptest::prelude::*;
use wsanalyze_engine::protocol::Stamp;
use wsanalyze_engine::protocol::websocket::{Counts, FIRST_PAYLOAD, FrameWalker, Role, looks_like_frames};

use crate::feeding::stamp;

/// RFC 6455 §5.7.
const HELLO: &[u8] = b"\x81\x05Hello";
const MASKED_HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
const FRAGMENTED_HELLO: &[u8] = b"\x01\x03Hel\x80\x02lo";
const PING: &[u8] = b"\x89\x05Hello";
const MASKED_PONG: &[u8] = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

fn walk(role: Role, pieces: &[&[u8]]) -> FrameWalker {
    let mut walker = FrameWalker::new(role);
    for (index, piece) in pieces.iter().enumerate() {
        walker.feed(piece, stamp(index));
    }
    walker.end();
    walker
}

/// Whole, byte by byte and cut anywhere, in one frame.
fn walk_all_ways(role: Role, bytes: &[u8]) -> FrameWalker {
    let told = |walker: &FrameWalker| format!("{walker:?}");
    let whole = walk(role, &[bytes]);
    let facts = |walker: &FrameWalker| {
        (
            *walker.counts(),
            walker.violations(),
            walker.close().cloned(),
            walker.first_data(),
            walker.last_data(),
            walker.first_payload().to_vec(),
            (walker.lost(), walker.cut()),
        )
    };
    for size in 1..bytes.len().clamp(2, 300) {
        let mut walker = FrameWalker::new(role);
        bytes.chunks(size).for_each(|part| walker.feed(part, stamp(0)));
        walker.end();
        assert_eq!(facts(&walker), facts(&whole), "by {size}: {}", told(&walker));
    }
    whole
}

fn violations(role: Role, bytes: &[u8]) -> Vec<&'static str> {
    walk_all_ways(role, bytes).violations().names().collect()
}

#[test]
fn the_examples_of_the_rfc() {
    let server = walk_all_ways(Role::Server, &[HELLO, FRAGMENTED_HELLO, PING].concat());
    let expected = Counts {
        frames: 4,
        text: 2,
        continuation: 1,
        ping: 1,
        payload_bytes: 10,
        control_bytes: 5,
        ..Counts::default()
    };
    assert_eq!(*server.counts(), expected);
    assert_eq!(server.counts().messages(), 2);
    assert_eq!(server.first_payload(), b"Hello");
    assert!(server.violations().is_empty() && !server.cut() && !server.lost());

    let client = walk_all_ways(Role::Client, &[MASKED_HELLO, MASKED_PONG].concat());
    let expected = Counts { frames: 2, text: 1, pong: 1, payload_bytes: 5, control_bytes: 5, ..Counts::default() };
    assert_eq!(*client.counts(), expected);
    assert_eq!(client.first_payload(), b"Hello");
    assert_eq!((client.first_mask(), server.first_mask()), (Some(0x37fa_213d), None));
    assert!(client.violations().is_empty());

    let long = [&[0x82, 0x7e, 0x01, 0x00][..], &[7; 256]].concat();
    let longer = [&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0][..], &[7; 65536]].concat();
    let walker = walk(Role::Server, &[&long, &longer]);
    assert_eq!((walker.counts().binary, walker.counts().payload_bytes), (2, 256 + 65536));
    assert_eq!(walker.first_payload(), [7; FIRST_PAYLOAD]);
}

#[test]
fn the_first_message_is_kept_over_its_frames() {
    let fragmented = b"\x01\x02He\x89\x01!\x00\x02ll\x80\x01o\x81\x03not";
    assert_eq!(walk_all_ways(Role::Server, fragmented).first_payload(), b"Hello");
    assert_eq!(walk_all_ways(Role::Server, b"\x81\x00\x81\x03not").first_payload(), b"");
}

#[test]
fn stamps_of_data() {
    let walker = walk(Role::Server, &[PING, &HELLO[..1], &HELLO[1..], PING]);
    assert_eq!(walker.first_data(), Some(stamp(1)));
    // Frame 3 was captured before frame 2, where the header was not complete yet.
    assert_eq!(walker.last_data(), Some(stamp(2)));
    let walker = walk(Role::Server, &[PING, &HELLO[..3], &HELLO[3..], PING]);
    assert_eq!(walker.last_data(), Some(Stamp { frame: 3, time: 2000 }));
    assert_eq!(walk(Role::Server, &[PING]).first_data(), None);
}

#[test]
fn closes() {
    for (bytes, code, reason, found) in [
        (&b"\x88\x00"[..], None, Some(""), &[][..]),
        (b"\x88\x02\x03\xe8", Some(1000), Some(""), &[]),
        (b"\x88\x05\x03\xf0bye", Some(1008), Some("bye"), &[]),
        (b"\x88\x01\x03", None, Some(""), &["close-payload-one-byte"]),
        (b"\x88\x02\x03\xed", Some(1005), Some(""), &["close-code-reserved"]),
        (b"\x88\x02\x03\xee", Some(1006), Some(""), &["close-code-reserved"]),
        (b"\x88\x02\x03\xf7", Some(1015), Some(""), &["close-code-reserved"]),
        (b"\x88\x02\x00\x05", Some(5), Some(""), &["close-code-invalid"]),
        (b"\x88\x02\x03\xec", Some(1004), Some(""), &["close-code-invalid"]),
        (b"\x88\x02\x07\xd0", Some(2000), Some(""), &["close-code-invalid"]),
        (b"\x88\x02\x0f\xa0", Some(4000), Some(""), &[]),
        (b"\x88\x02\x13\x88", Some(5000), Some(""), &["close-code-invalid"]),
        (b"\x88\x04\x03\xe8a\xff", Some(1000), Some("a\u{fffd}"), &["close-reason-not-utf8"]),
    ] {
        let walker = walk_all_ways(Role::Server, bytes);
        let close = walker.close().unwrap();
        assert_eq!((close.code, close.reason.as_deref()), (code, reason), "{}", bytes.escape_ascii());
        assert_eq!(close.stamp, stamp(0));
        assert_eq!(walker.violations().names().collect::<Vec<_>>(), found);
    }
    // Masked; the first of two counts.
    let bytes = b"\x88\x85\x01\x02\x03\x04\x02\xea\x61\x7d\x64\x88\x82\0\0\0\0\x03\xe9";
    let walker = walk_all_ways(Role::Client, bytes);
    let close = walker.close().unwrap();
    assert_eq!((close.code, close.reason.as_deref()), (Some(1000), Some("bye")));
    assert_eq!(walker.counts().close, 2);
    // The longest reason; and one beyond.
    let longest = [&b"\x88\x7d\x03\xe8"[..], &[b'x'; 123]].concat();
    assert_eq!(walk_all_ways(Role::Server, &longest).close().unwrap().reason, Some("x".repeat(123)));
    let longer = [&b"\x88\x7e\x00\x7e\x03\xe8"[..], &[b'x'; 124]].concat();
    let walker = walk_all_ways(Role::Server, &longer);
    assert_eq!((walker.close().unwrap().code, &walker.close().unwrap().reason), (Some(1000), &None));
    assert_eq!(walker.violations().names().collect::<Vec<_>>(), ["control-too-long"]);
}

#[test]
fn violations_of_the_frame_format() {
    for (role, bytes, found) in [
        (Role::Client, HELLO, &["client-unmasked"][..]),
        (Role::Server, MASKED_HELLO, &["server-masked"]),
        (Role::Server, b"\xc1\x01a", &["rsv1-unexpected"]),
        (Role::Server, b"\xa1\x01a", &["rsv2-or-3-unexpected"]),
        (Role::Server, b"\x91\x01a", &["rsv2-or-3-unexpected"]),
        (Role::Server, b"\x83\x01a", &["opcode-reserved"]),
        (Role::Server, b"\x8b\x01a", &["opcode-reserved"]),
        (Role::Server, b"\x81\x7e\x00\x01a", &["length-not-minimal"]),
        (Role::Server, b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x01a", &["length-not-minimal"]),
        (Role::Server, b"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x01a", &["length-impossible"]),
        (Role::Server, b"\x09\x01a", &["control-fragmented"]),
        (Role::Server, b"\x80\x01a", &["continuation-without-start"]),
        (Role::Server, b"\x01\x01a\x81\x01b", &["message-within-message"]),
        (Role::Server, b"\x88\x02\x03\xe8\x81\x01b", &["data-after-close"]),
        (Role::Server, b"\x88\x02\x03\xe8\x8a\x01b", &[]),
        (Role::Server, b"\x01\x01a\x89\x00\x80\x01b", &[]),
    ] {
        assert_eq!(violations(role, bytes), found, "{}", bytes.escape_ascii());
    }
}

#[test]
fn compression() {
    let mut walker = FrameWalker::new(Role::Server);
    walker.set_compression(true);
    // Compressed, compressed over two frames, not compressed.
    walker.feed(b"\xc1\x01a\x41\x01a\x80\x01b\x81\x01c", stamp(0));
    assert_eq!((walker.counts().messages(), walker.counts().compressed), (3, 2));
    assert!(walker.violations().is_empty());
    // RFC 7692 §6: not on continuations, not on control frames.
    for bytes in [&b"\x41\x01a\xc0\x01b"[..], b"\xc9\x00"] {
        let mut walker = FrameWalker::new(Role::Server);
        walker.set_compression(true);
        walker.feed(bytes, stamp(0));
        assert_eq!(walker.violations().names().collect::<Vec<_>>(), ["rsv1-unexpected"]);
    }
}

#[test]
fn a_stream_cut_within_a_frame() {
    for (bytes, cut) in [(&HELLO[..1], true), (&HELLO[..4], true), (HELLO, false), (&[], false)] {
        assert_eq!(walk(Role::Server, &[bytes]).cut(), cut);
    }
}

fn frame(masked: bool) -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![0_usize..10, 120_usize..130, 65530_usize..65540];
    (any::<u8>(), payload, any::<[u8; 4]>()).prop_map(move |(first, length, mask)| {
        let first = if first % 8 == 0 {
            first
        } else {
            [0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8a, 0x88][usize::from(first % 8)]
        };
        let mut frame = vec![first];
        let bit = if masked { 0x80 } else { 0 };
        match length {
            0..126 => frame.push(bit | length as u8),
            126..65536 => frame.extend([[bit | 126].as_slice(), &(length as u16).to_be_bytes()].concat()),
            _ => frame.extend([[bit | 127].as_slice(), &(length as u64).to_be_bytes()].concat()),
        }
        if masked {
            frame.extend(mask);
        }
        frame.resize(frame.len() + length, b'x');
        frame
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..200), masked in any::<bool>()) {
        walk_all_ways(if masked { Role::Client } else { Role::Server }, &bytes);
        // Masked or not: never both.
        prop_assert!(!looks_like_frames(&bytes, Role::Client) || !looks_like_frames(&bytes, Role::Server));
    }

    #[test]
    fn frames_in_any_pieces(frames in prop::collection::vec(frame(true), 1..6), sizes in prop::collection::vec(1_usize..2000, 1..5)) {
        let bytes = frames.concat();
        let whole = walk(Role::Client, &[&bytes]);
        prop_assert_eq!(whole.counts().frames, frames.len() as u64);
        let mut walker = FrameWalker::new(Role::Client);
        let mut rest = &bytes[..];
        for size in sizes.iter().cycle() {
            let (part, after) = rest.split_at((*size).min(rest.len()));
            walker.feed(part, stamp(0));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        walker.end();
        prop_assert_eq!(format!("{walker:?}").contains("Lost"), false);
        prop_assert_eq!((walker.counts(), walker.violations(), walker.close()), (whole.counts(), whole.violations(), whole.close()));
        prop_assert_eq!(walker.first_payload(), whole.first_payload());
        prop_assert!(!walker.cut());
    }
}
