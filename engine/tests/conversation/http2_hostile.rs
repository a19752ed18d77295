//! Whatever goes by in HTTP/2: no panic, no exchange is lost, and what is cut into other calls says the same.

use proptest::prelude::*;
use wsanalyze_engine::protocol::GapCause;

use crate::http2_build::{
    block, connect, connectable, data, frame, get, goaway, headers, indexed, preface, rst_stream, settings, status,
};
use crate::play::{Cut, Play, Step, assert_same, client, client_text, server, server_text};
use crate::rows::{cell, rows};

/// Pieces of which streams are made, sound and not.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let stream = || prop::sample::select(vec![0_u32, 1, 2, 3, 5, 7]);
    let flags = || prop::sample::select(vec![0_u8, 1, 4, 5, 8, 0x2d]);
    let fixed = prop_oneof![
        stream().prop_map(|id| get(id, "/")),
        stream().prop_map(connect),
        (stream(), flags()).prop_map(|(id, flags)| status(id, flags & 1, "200")),
        stream().prop_map(|id| status(id, 0, "103")),
        (stream(), flags()).prop_map(|(id, flags)| headers(id, flags, &[("trailer", "x")])),
        (stream(), flags()).prop_map(|(id, flags)| data(id, flags, client_text("text"))),
        (stream(), flags()).prop_map(|(id, flags)| data(id, flags, server_text("text"))),
        (stream(), 0..20_u32).prop_map(|(id, code)| rst_stream(id, code)),
        (stream(), 0..3_u32).prop_map(|(id, code)| goaway(id, code)),
        (stream(), flags()).prop_map(|(id, flags)| frame(1, flags, id, indexed(&[(":method", "GET"), ("a", "b")]))),
        (stream(), flags()).prop_map(|(id, flags)| frame(1, flags, id, [0xbe, 0xbf, 0x82])),
        (stream(), flags()).prop_map(|(id, flags)| frame(9, flags, id, block(&[("c", "d")]))),
        (stream(), flags()).prop_map(|(id, flags)| frame(5, flags, id, [0, 0, 0, 2, 0x88])),
        (1..10_u16, 0..70_000_u32).prop_map(|(id, value)| settings(&[(id, value)])),
        Just(preface()),
        Just(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
    ]
    .boxed();
    prop_oneof![
        8 => fixed.clone(),
        1 => (fixed, any::<prop::sample::Index>()).prop_map(|(bytes, at)| bytes[..at.index(bytes.len())].to_vec()),
        1 => (0..20_u8, any::<u8>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(kind, flags, id, payload)| frame(kind, flags, id, payload)),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let cause = || prop::sample::select(vec![GapCause::Missing, GapCause::Truncated]);
    prop_oneof![
        6 => prop::collection::vec(piece(), 1..4).prop_map(|pieces| Step::Client(pieces.concat())),
        6 => prop::collection::vec(piece(), 1..4).prop_map(|pieces| Step::Server(pieces.concat())),
        1 => (1..100_u64, cause()).prop_map(|(length, cause)| Step::ClientGap(length, cause)),
        1 => (1..100_u64, cause()).prop_map(|(length, cause)| Step::ServerGap(length, cause)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn anything_gives_tables(steps in prop::collection::vec(step(), 0..20), mid_stream: bool, at in 1..60_usize) {
        let begin = [client(preface()), server(connectable())];
        let steps = begin.into_iter().filter(|_| !mid_stream).chain(steps).collect();
        let play = Play { steps, mid_stream };
        let tables = play.tables(Cut::Whole);
        let exchanges = tables.exchanges.num_rows();
        prop_assert_eq!(cell(&tables.connections, "exchanges", 0), exchanges.to_string());
        let mut positions = rows(&tables.exchanges, &["position"]);
        positions.sort_by_key(|position| position.parse::<usize>().unwrap());
        prop_assert_eq!(positions, (0..exchanges).map(|position| position.to_string()).collect::<Vec<_>>());
        let gaps = play.steps.iter().any(|step| matches!(step, Step::ClientGap(..) | Step::ServerGap(..)));
        let presumed = rows(&tables.exchanges, &["defects"]).iter().any(|defects| defects.contains("presumed"));
        // What a connection speaks, and what is after a hole, may hang on how much comes at once.
        if !mid_stream && !gaps && !presumed {
            for cut in [Cut::At(at), Cut::Bytes] {
                assert_same(&tables, &play.tables(cut), &format!("{cut:?}"));
            }
        }
        let wanted: Vec<(u32, u32)> = (0..exchanges as u32).map(|position| (0, position)).collect();
        let heads = play.heads(&wanted);
        for row in 0..exchanges {
            let position = cell(&tables.exchanges, "position", row).parse().unwrap();
            let heads = &heads[&(0, position)];
            prop_assert_eq!(heads.request.is_some(), cell(&tables.exchanges, "request_state", row) != "-");
            let state = cell(&tables.exchanges, "response_state", row);
            prop_assert_eq!(heads.response.is_some(), state != "-" && state != "missing");
        }
    }
}

fn whole(steps: Vec<Step>) -> wsanalyze_engine::table::Tables {
    Play { steps, mid_stream: false }.tables(Cut::Whole)
}

#[test]
fn streams_that_never_end_are_let_go() {
    let requests = (0..1030).map(|index| client(get(2 * index + 1, "/")));
    let tables = whole([client(preface()), server(connectable())].into_iter().chain(requests).collect());
    assert_eq!(tables.exchanges.num_rows(), 1030);
    let all = rows(&tables.exchanges, &["stream_id", "defects"]);
    assert_eq!((all[0].as_str(), all[5].as_str()), ("1 [stream-limit]", "11 [stream-limit]"));
    assert_eq!(all[6], "13 []");
}

#[test]
fn a_flood_of_continuation_costs_no_more_than_a_head() {
    let piece = block(&[("x", &"y".repeat(1000))]);
    let flood = (0..400).map(|_| client(frame(9, 0, 1, &piece)));
    let begin = [client(preface()), server(connectable()), client(frame(1, 1, 1, block(&[(":method", "GET")])))];
    let end = [client([frame(9, 4, 1, []), get(3, "/3")].concat())];
    let tables = whole(begin.into_iter().chain(flood).chain(end).collect());
    assert_eq!(rows(&tables.exchanges, &["method", "request_state"]), ["GET cut", "GET complete"]);
    assert_eq!(cell(&tables.exchanges, "defects", 0), "[request:header-block-too-long]");
}

#[test]
fn a_small_block_may_be_a_large_head() {
    let large = indexed(&[(":path", &"/".repeat(4000))]);
    let bomb = frame(1, 5, 1, [&large[..], &[0xbe; 200]].concat());
    let after = frame(1, 5, 3, [0x82, 0xbe]);
    let tables = whole(vec![client(preface()), server(connectable()), client([bomb, after].concat())]);
    assert_eq!(rows(&tables.exchanges, &["stream_id", "request_state"]), ["1 gap", "3 complete"]);
    assert!(cell(&tables.exchanges, "defects", 0).contains("request:head-too-long"));
    assert_eq!(cell(&tables.exchanges, "target", 1).len(), 4000);
}

#[test]
fn a_large_block_of_references_is_no_larger_than_a_head() {
    let large = indexed(&[(":path", &"/".repeat(4000))]);
    let more = (0..15).map(|_| client(frame(9, 0, 1, [0xbe; 16 * 1024])));
    let begin = [client(preface()), server(connectable()), client(frame(1, 1, 1, large))];
    let end = [client([frame(9, 4, 1, []), frame(1, 5, 3, [0x82, 0xbe])].concat())];
    let tables = whole(begin.into_iter().chain(more).chain(end).collect());
    assert_eq!(rows(&tables.exchanges, &["stream_id", "request_state"]), ["1 gap", "3 complete"]);
    assert!(cell(&tables.exchanges, "defects", 0).contains("request:head-too-long"));
    assert_eq!(cell(&tables.exchanges, "target", 1).len(), 4000);
}

#[test]
fn data_on_streams_that_were_never_opened_costs_few_rows() {
    let mut steps = vec![client(preface()), server(connectable())];
    steps.extend((0..3000_u32).map(|number| {
        let mut frame = vec![0, 0, 1, 0, 0];
        frame.extend_from_slice(&(2 * number + 1).to_be_bytes());
        frame.push(b'x');
        client(frame)
    }));
    let tables = Play { steps, mid_stream: false }.tables(Cut::Whole);
    assert_eq!(tables.exchanges.num_rows(), 256);
}
