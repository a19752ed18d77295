//! Any stream in any pieces: no panic, and the same events.

use proptest::prelude::*;
use wsanalyze_engine::protocol::GapCause;
use wsanalyze_engine::protocol::http1::MessageReader;

use crate::feeding::{Cut, Piece, cuts, read};

/// Bits of streams, right and wrong.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let long_target = (100_usize..300).prop_map(|length| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(length)));
    let words = prop::sample::select(vec![
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 404",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /a",
        "GET ",
        " HTTP/1.1",
        "HTTP/1.1 2",
        "HTTP",
        "A: b\r\n",
        " folded\r\n",
        "A : b\n",
        "5\r\n",
        "ffffffffffffffff\r\n",
        "0\r\n\r\n",
        ";x=y\r\n",
        "\r\n",
        "\n",
        "\r",
        "\0",
        "ABC",
        "X",
        "lower case text\n",
        "UPPER TEXT\n",
    ]);
    prop_oneof![
        8 => words.prop_map(|word| word.as_bytes().to_vec()),
        1 => long_target.prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 1..20),
        1 => (1_usize..9000).prop_map(|length| vec![b'A'; length]),
    ]
}

fn piece() -> impl Strategy<Value = Piece> {
    let segment = prop::collection::vec(fragment(), 1..5).prop_map(|fragments| Piece::Bytes(fragments.concat()));
    let cause = prop_oneof![Just(GapCause::Missing), Just(GapCause::Truncated)];
    prop_oneof![
        6 => segment,
        1 => (prop_oneof![0_u64..12, Just(u64::MAX)], cause).prop_map(|(length, cause)| Piece::Gap(length, cause)),
    ]
}

/// All bytes of a stream are told: in heads, bodies or as lost (empty lines, chunk lines and held bytes aside).
fn lost(events: &[String]) -> u64 {
    events.iter().filter_map(|event| event.strip_prefix("lost ")?.split(' ').next()?.parse::<u64>().ok()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_cut_changes_nothing(stream in prop::collection::vec(piece(), 1..8), cut in cuts(), hash in any::<bool>()) {
        let whole = read(MessageReader::new(hash), &stream, &Cut::Whole);
        prop_assert_eq!(read(MessageReader::new(hash), &stream, &cut), whole);
    }

    #[test]
    fn the_cut_changes_nothing_mid_stream(stream in prop::collection::vec(piece(), 1..8), cut in cuts()) {
        let whole = read(MessageReader::mid_stream(false), &stream, &Cut::Whole);
        prop_assert_eq!(read(MessageReader::mid_stream(false), &stream, &cut), whole);
    }

    #[test]
    fn no_more_is_lost_than_was_fed(bytes in prop::collection::vec(any::<u8>(), 0..600), cut in cuts()) {
        let events = read(MessageReader::mid_stream(true), &[Piece::Bytes(bytes.clone())], &cut);
        prop_assert!(lost(&events) <= bytes.len() as u64);
    }

    #[test]
    fn mutated_messages(index in any::<prop::sample::Index>(), byte in any::<u8>(), cut in cuts()) {
        let mut bytes = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\nGET / HTTP/1.1\r\n\r\n".to_vec();
        *index.get_mut(&mut bytes) = byte;
        let stream = [Piece::Bytes(bytes)];
        prop_assert_eq!(read(MessageReader::new(true), &stream, &cut), read(MessageReader::new(true), &stream, &Cut::Whole));
    }
}

/// Adversarial streams in one-byte frames: their cost must not grow with the square of their length.
#[test]
fn work_is_linear() {
    for unit in
        ["\r\n", "\n", "A", "GET /", "/", "G\n", "\r", "X\r", "GET / HTTP/1.1\r\n", "A:\n", "1\r\n", "HTTP/1.1 200"]
    {
        for prefix in
            ["", "GET /", "HTTP/1.1 200 OK\r\nA:", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"]
        {
            let bytes = [prefix.as_bytes(), &unit.as_bytes().repeat(60_000 / unit.len())].concat();
            let stream: Vec<Piece> = bytes.chunks(1).map(|byte| Piece::Bytes(byte.to_vec())).collect();
            let start = std::time::Instant::now();
            read(MessageReader::new(true), &stream, &Cut::Whole);
            read(MessageReader::mid_stream(true), &stream, &Cut::Whole);
            let seconds = start.elapsed().as_secs_f64();
            assert!(seconds < 5.0, "{unit:?} after {prefix:?}: {seconds} s");
        }
    }
}
