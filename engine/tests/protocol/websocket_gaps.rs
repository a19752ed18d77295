use wsanalyze_engine::protocol::websocket::{Counts, FrameWalker, Role};

use crate::feeding::stamp;

/// RFC 6455 §5.7.
const HELLO: &[u8] = b"\x81\x05Hello";

#[test]
fn gaps() {
    // Within a payload: exact.
    let mut walker = FrameWalker::new(Role::Server);
    walker.feed(b"\x82\x0aabc", stamp(0));
    walker.gap(7, stamp(1));
    walker.feed(HELLO, stamp(1));
    let counts = Counts { frames: 2, binary: 1, text: 1, payload_bytes: 15, missing_bytes: 7, ..Counts::default() };
    assert_eq!((*walker.counts(), walker.lost(), walker.first_payload()), (counts, false, &b"abc"[..]));
    // One byte more.
    walker.feed(b"\x82\x0aabc", stamp(0));
    walker.gap(8, stamp(1));
    walker.feed(HELLO, stamp(1));
    assert!(walker.lost());
    assert_eq!((walker.counts().frames, walker.counts().unparsed_bytes), (3, 7));
    // Between frames, and within a header.
    for before in [&b""[..], HELLO, b"\x82", b"\x82\x7e\x01"] {
        let mut walker = FrameWalker::new(Role::Server);
        walker.feed(before, stamp(0));
        walker.gap(1, stamp(1));
        assert!(walker.lost());
    }
    // In a close.
    for (before, length, code) in [(&b"\x88\x05"[..], 5, None), (b"\x88\x05\x03\xe8b", 2, Some(1000))] {
        let mut walker = FrameWalker::new(Role::Server);
        walker.feed(before, stamp(0));
        walker.gap(length, stamp(1));
        let close = walker.close().unwrap();
        assert_eq!((close.code, &close.reason, close.stamp), (code, &None, stamp(1)));
        assert!(walker.violations().is_empty());
    }
    let mut walker = FrameWalker::new(Role::Server);
    walker.feed(b"\x88\x05\x03", stamp(0));
    walker.gap(2, stamp(1));
    walker.feed(b"ye", stamp(2));
    let close = walker.close().unwrap();
    assert_eq!((close.code, &close.reason), (None, &None));
    assert!(walker.violations().is_empty());
}

#[test]
fn huge_lengths_are_harmless() {
    let mut walker = FrameWalker::new(Role::Server);
    walker.feed(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffabc", stamp(0));
    walker.gap((1 << 63) - 5, stamp(1));
    walker.feed(b"d", stamp(2));
    assert_eq!((walker.counts().payload_bytes, walker.lost()), ((1 << 63) - 1, false));
    walker.feed(HELLO, stamp(2));
    assert_eq!(walker.counts().frames, 2);
    walker.gap(u64::MAX, stamp(3));
    walker.gap(u64::MAX, stamp(3));
    assert_eq!(walker.counts().missing_bytes, u64::MAX);
    // A close that goes on for ever keeps no more than it may say.
    let mut walker = FrameWalker::new(Role::Server);
    walker.feed(b"\x88\x7f\x7f\xff\xff\xff\xff\xff\xff\xff\x03\xe8", stamp(0));
    (0..100).for_each(|_| walker.feed(&[b'x'; 1000], stamp(0)));
    assert!(walker.close().is_none());
}

#[test]
fn mid_stream_a_message_may_go_on() {
    let mut walker = FrameWalker::mid_stream(Role::Server);
    walker.feed(b"\x00\x01a\x80\x01b\x81\x01c", stamp(0));
    assert!(walker.violations().is_empty());
    assert_eq!(walker.first_payload(), b"");
    let mut walker = FrameWalker::mid_stream(Role::Server);
    walker.feed(b"\x81\x01a", stamp(0));
    assert!(walker.violations().is_empty());
}
