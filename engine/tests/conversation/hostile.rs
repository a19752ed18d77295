//! Whatever goes by: no panic, no exchange is lost, and what is cut into other calls says the same.

use proptest::prelude::*;
use wsanalyze_engine::protocol::GapCause;

use crate::play::{
    Cut, Play, Step, accepted, assert_same, client_text, get, handshake, masked, ok, refused, server_text,
};
use crate::rows::{cell, rows};

/// Pieces of which streams are made, sound and not.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let fixed = prop::sample::select(vec![
        get("/1").into_bytes(),
        handshake().into_bytes(),
        accepted().into_bytes(),
        ok("body").into_bytes(),
        refused(400).into_bytes(),
        b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n".to_vec(),
        b"CONNECT a:1 HTTP/1.1\r\n\r\n".to_vec(),
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(),
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec(),
        b"\x16\x03\x01\0\x05\x01\0\0\x01\x03".to_vec(),
        server_text("frame"),
        client_text("frame"),
        masked(8, b"\x03\xe8"),
    ]);
    prop_oneof![
        6 => fixed.clone(),
        2 => (fixed, any::<prop::sample::Index>()).prop_map(|(bytes, at)| bytes[..at.index(bytes.len())].to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let cause = || prop::sample::select(vec![GapCause::Missing, GapCause::Truncated]);
    prop_oneof![
        5 => piece().prop_map(Step::Client),
        5 => piece().prop_map(Step::Server),
        1 => (1..2000_u64, cause()).prop_map(|(length, cause)| Step::ClientGap(length, cause)),
        1 => (1..2000_u64, cause()).prop_map(|(length, cause)| Step::ServerGap(length, cause)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn anything_gives_tables(steps in prop::collection::vec(step(), 0..25), mid_stream: bool) {
        let play = Play { steps, mid_stream };
        let tables = play.tables(Cut::Whole);
        prop_assert_eq!(tables.connections.num_rows(), 1);
        let exchanges = tables.exchanges.num_rows();
        prop_assert_eq!(cell(&tables.connections, "exchanges", 0), exchanges.to_string());
        let mut positions = rows(&tables.exchanges, &["position"]);
        positions.sort_by_key(|position| position.parse::<usize>().unwrap());
        prop_assert_eq!(positions, (0..exchanges).map(|position| position.to_string()).collect::<Vec<_>>());
        prop_assert!(tables.websockets.num_rows() <= 1);
        play.tables(Cut::Bytes);
        let wanted: Vec<(u32, u32)> = (0..exchanges as u32).map(|position| (0, position)).collect();
        let heads = play.heads(&wanted);
        for row in 0..exchanges {
            let position = cell(&tables.exchanges, "position", row).parse().unwrap();
            let heads = &heads[&(0, position)];
            prop_assert_eq!(heads.request.is_some(), cell(&tables.exchanges, "request_state", row) != "-");
            prop_assert_eq!(heads.response.is_some(), cell(&tables.exchanges, "status", row) != "-");
        }
    }

    #[test]
    fn cuts_change_nothing_where_nothing_is_missing(
        pieces in prop::collection::vec((any::<bool>(), piece()), 0..12),
        at in 1..60_usize,
    ) {
        let step = |(by_client, bytes)| if by_client { Step::Client(bytes) } else { Step::Server(bytes) };
        // Once it is known what the connection speaks: what that is may hang on how much comes at once.
        let steps = std::iter::once(Step::Client(get("/0").into_bytes())).chain(pieces.into_iter().map(step)).collect();
        let play = Play { steps, mid_stream: false };
        let whole = play.tables(Cut::Whole);
        for cut in [Cut::At(at), Cut::Bytes] {
            assert_same(&whole, &play.tables(cut), &format!("{cut:?}"));
        }
    }
}
