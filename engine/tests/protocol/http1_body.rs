use proptest::prelude::*;
use wsanalyze_engine::protocol::http1::{BodyReader, Framing, GapOutcome};
use xxhash_rust::xxh3::xxh3_64;

/// Walks `bytes` cut into `sizes`; gives what is consumed, whether done, lost, payload bytes, hash and defects.
fn walk(bytes: &[u8], framing: Framing, size: usize) -> (usize, bool, bool, u64, Option<u64>, Vec<&'static str>) {
    let mut body = BodyReader::new(framing, true);
    let mut consumed = 0;
    for part in bytes.chunks(size) {
        let taken = body.feed(part);
        consumed += taken;
        if taken < part.len() {
            break;
        }
    }
    (consumed, body.done(), body.lost(), body.bytes(), body.hash(), body.defects().names().collect())
}

#[test]
fn chunked_bodies() {
    let abc = Some(xxh3_64(b"abc"));
    for (text, payload, hash, defects) in [
        ("3\r\nabc\r\n0\r\n\r\n", 3, abc, &[][..]),
        ("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", 3, abc, &[]),
        ("3;name=\"v;\"\r\nabc\r\n000\r\nTrailer: x\r\nB: c\r\n\r\n", 3, abc, &[]),
        ("0\r\n\r\n", 0, None, &[]),
        ("A\r\n0123456789\r\n0\r\n\r\n", 10, Some(xxh3_64(b"0123456789")), &[]),
        ("3  \r\nabc\r\n0\r\n\r\n", 3, abc, &["chunk-size-padded"]),
        ("3\nabc\n0\n\n", 3, abc, &["chunk-bare-line-feed"]),
        ("3;a\nabc\r\n0\r\nT: x\n\r\n", 3, abc, &["chunk-bare-line-feed"]),
        ("3;a\rb\r\nabc\r\n0\r\nT\r: x\r\n\r\n", 3, abc, &["chunk-bare-return"]),
        ("3\r\nabc\r\n0\r\n\rT: x\r\n\r\n", 3, abc, &["chunk-bare-return"]),
    ] {
        let trailing = format!("{text}GET / HTTP/1.1\r\n");
        for size in 1..=trailing.len() {
            let expected = (text.len(), true, false, payload, hash, defects.to_vec());
            assert_eq!(walk(trailing.as_bytes(), Framing::Chunked, size), expected, "{text:?} by {size}");
        }
    }
}

#[test]
fn broken_chunked_bodies() {
    for (good, bad, payload, defect) in [
        ("", "x\r\n", 0, "chunk-size-malformed"),
        ("", "\r\n", 0, "chunk-size-malformed"),
        ("", "-1\r\n", 0, "chunk-size-malformed"),
        ("3", "x\r\n", 0, "chunk-size-malformed"),
        ("ffffffffffffffff", "0\r\n", 0, "chunk-size-malformed"),
        ("3\r\nabc", "d\r\n", 3, "chunk-data-end"),
        ("3\r\nabc\r", "d\r\n", 3, "chunk-data-end"),
    ] {
        let text = format!("{good}{bad}");
        for size in 1..=text.len() {
            let (consumed, done, lost, bytes, _, defects) = walk(text.as_bytes(), Framing::Chunked, size);
            assert_eq!((consumed, done, lost), (good.len(), false, true), "{text:?} by {size}");
            assert_eq!((bytes, defects), (payload, vec![defect]));
        }
    }
    for (text, limit, defect) in [
        (format!("3;{}", "x".repeat(40_000)), 16 * 1024, "chunk-line-too-long"),
        ("0".repeat(40_000), 16 * 1024, "chunk-line-too-long"),
        (format!("0\r\n{}", "A: b\r\n".repeat(60_000)), 256 * 1024 + 3, "trailers-too-long"),
    ] {
        for size in [1, 7, 1460, text.len()] {
            let (consumed, done, lost, _, _, defects) = walk(text.as_bytes(), Framing::Chunked, size);
            assert_eq!((consumed, done, lost, defects), (limit, false, true, vec![defect]), "by {size}");
        }
    }
}

#[test]
fn a_huge_chunk_is_harmless() {
    let mut body = BodyReader::new(Framing::Chunked, true);
    assert_eq!(body.feed(b"ffffffffffffffff\r\nabc"), 21);
    assert_eq!((body.bytes(), body.done(), body.lost()), (3, false, false));
    assert_eq!(body.gap(u64::MAX - 3), GapOutcome::Inside);
    assert_eq!(body.feed(b"\r\n0\r\n\r\n"), 7);
    assert_eq!((body.bytes(), body.done(), body.hash()), (u64::MAX, true, None));
}

#[test]
fn gaps_in_bodies() {
    for (framing, before, gap, outcome, bytes, done) in [
        (Framing::Length(10), &b"abc"[..], 6, GapOutcome::Inside, 9, false),
        (Framing::Length(10), b"abc", 7, GapOutcome::Inside, 10, true),
        (Framing::Length(10), b"abc", 8, GapOutcome::Lost, 3, false),
        (Framing::UntilClose, b"abc", 1000, GapOutcome::Inside, 1003, false),
        (Framing::Chunked, b"5\r\nabc", 2, GapOutcome::Inside, 5, false),
        (Framing::Chunked, b"5\r\nabc", 3, GapOutcome::Lost, 3, false),
        (Framing::Chunked, b"5\r", 1, GapOutcome::Lost, 0, false),
        (Framing::Chunked, b"5\r\nabcde\r\n", 1, GapOutcome::Lost, 5, false),
        (Framing::Length(u64::MAX), b"abc", u64::MAX - 3, GapOutcome::Inside, u64::MAX, true),
    ] {
        let mut body = BodyReader::new(framing, true);
        body.feed(before);
        assert_eq!(body.gap(gap), outcome, "{framing:?} {gap}");
        assert_eq!((body.bytes(), body.done(), body.lost()), (bytes, done, outcome == GapOutcome::Lost));
        assert_eq!(body.hash(), None);
    }
}

#[test]
fn a_length_ends_where_it_says() {
    for size in 1..8 {
        let expected = (5, true, false, 5, Some(xxh3_64(b"hello")), vec![]);
        assert_eq!(walk(b"hello world", Framing::Length(5), size), expected);
    }
    assert_eq!(walk(b"hello", Framing::None, 5), (0, true, false, 0, None, vec![]));
    assert_eq!(walk(b"hello", Framing::UntilClose, 2), (5, false, false, 5, Some(xxh3_64(b"hello")), vec![]));
}

proptest! {
    #[test]
    fn any_chunks_in_any_pieces(text in "([0-9a-fA-F]{0,3}[; \t]?[\r\n]{0,2}[a-z0\r\n:]{0,9}){0,8}", size in 1_usize..20) {
        prop_assert_eq!(walk(text.as_bytes(), Framing::Chunked, size), walk(text.as_bytes(), Framing::Chunked, usize::MAX));
    }

    #[test]
    fn what_is_chunked_is_read(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6), size in 1_usize..60) {
        let mut body: Vec<u8> = Vec::new();
        for part in &parts {
            body.extend(format!("{:x}\r\n", part.len()).bytes().chain(part.iter().copied()).chain(*b"\r\n"));
        }
        body.extend(b"0\r\n\r\n");
        let payload = parts.concat();
        let hash = (!payload.is_empty()).then(|| xxh3_64(&payload));
        prop_assert_eq!(walk(&body, Framing::Chunked, size), (body.len(), true, false, payload.len() as u64, hash, vec![]));
    }
}
