//! Holes in HTTP/2 connections, and connections that were captured from the middle.

use crate::http2_build::{
    END_HEADERS, END_STREAM, block, connect, connectable, data, frame, get, headers, indexed, preface, rst_stream,
    status,
};
use crate::play::{
    Cut, Play, Step, client, client_gap, client_text, get as get_1, ok, play, play_mid_stream, server, server_gap,
    server_text,
};
use crate::rows::{cell, rows};
use wsanalyze_engine::table::Tables;

const STATES: &[&str] = &["stream_id", "target", "status", "request_state", "response_state"];

/// After the prefaces, which are frames 1 and 2.
fn begun(steps: impl IntoIterator<Item = Step>) -> Tables {
    play(&[client(preface()), server(connectable())].into_iter().chain(steps).collect::<Vec<_>>())
}

/// The same, a call a packet: after a hole, WebSocket frames are known where a packet begins with them.
fn begun_whole(steps: impl IntoIterator<Item = Step>) -> Tables {
    let steps = [client(preface()), server(connectable())].into_iter().chain(steps).collect();
    Play { steps, mid_stream: false }.tables(Cut::Whole)
}

fn defects(tables: &Tables) -> Vec<String> {
    rows(&tables.defects, &["name", "direction", "bytes"])
}

#[test]
fn a_hole_within_data_hides_nothing_else() {
    let body = data(1, END_STREAM, [b'x'; 100]);
    let tables = begun([
        client(get(1, "/1")),
        server([status(1, 0, "200"), body[..30].to_vec()].concat()),
        server_gap(50),
        server([&body[80..], &status(3, END_STREAM, "404")].concat()),
        client(get(3, "/3")),
    ]);
    assert_eq!(rows(&tables.exchanges, STATES), ["1 /1 200 complete complete", "3 /3 404 complete complete"]);
    assert_eq!(rows(&tables.exchanges, &["response_body_bytes", "defects"]), ["100 []", "0 []"]);
    assert_eq!(defects(&tables), ["gap server 50"]);
    // To the end of the frame, which is known.
    let tables =
        begun([client(get(1, "/1")), server([status(1, 0, "200"), body[..30].to_vec()].concat()), server_gap(79)]);
    assert_eq!(rows(&tables.exchanges, &["response_body_bytes", "defects"]), ["100 []"]);
}

#[test]
fn a_hole_in_a_handshakes_data_is_known_by_its_frames() {
    let text = data(1, 0, client_text(&"x".repeat(100)));
    let tables = begun_whole([
        client(connect(1)),
        server(status(1, 0, "200")),
        client(&text[..50]),
        client_gap(20),
        client([&text[70..], &data(1, 0, client_text("y"))].concat()),
        client_gap(1000),
        client(data(1, 0, client_text("z"))),
        client(data(1, 0, client_text("last"))),
    ]);
    let columns = ["client_text", "client_bytes", "client_unparsed", "violations"];
    assert_eq!(rows(&tables.websockets, &columns), ["4 106 0 []"]);
}

#[test]
fn a_hole_within_a_head_leaves_its_beginning() {
    let request = get(1, "/a/long/path/to/nowhere");
    let tables = begun([
        client(&request[..request.len() - 10]),
        client_gap(10),
        client(get(3, "/3")),
        server([status(1, END_STREAM, "200"), status(3, END_STREAM, "200")].concat()),
    ]);
    let columns = ["stream_id", "method", "target", "host", "request_state", "content_hash"];
    assert_eq!(rows(&tables.exchanges, &columns)[0], "1 GET - a gap -");
    assert_eq!(rows(&tables.exchanges, STATES)[1], "3 /3 200 complete complete");
    assert_eq!(cell(&tables.exchanges, "request_head_hash", 0), "-");
    assert_eq!(cell(&tables.exchanges, "asks_websocket", 0), "-");
}

#[test]
fn what_was_in_the_table_before_a_hole_is_unknown_after_it() {
    let agent = |stream| frame(1, 5, stream, indexed(&[(":method", "GET"), (":path", "/"), ("user-agent", "old")]));
    let again = |stream| frame(1, 5, stream, [&[0xc0, 0xbf, 0xbe][..], &block(&[("via", "x")])].concat());
    let tables = begun([
        client(agent(1)),
        client(again(3)),
        client_gap(100),
        client([again(5), get(7, "/7")].concat()),
        client([agent(9), again(11)].concat()),
    ]);
    let columns = ["stream_id", "method", "target", "user_agent", "via", "request_state"];
    let expected = [
        "1 GET / old - complete",
        "3 GET / old x complete",
        "5 - - - x gap",
        "7 GET /7 - - complete",
        "9 GET / old - complete",
        "11 GET / old x complete",
    ];
    assert_eq!(rows(&tables.exchanges, &columns), expected);
    assert_eq!(cell(&tables.exchanges, "defects", 2), "[request:hpack-state-lost]");
    assert_eq!(defects(&tables), ["gap client 100"]);
}

#[test]
fn after_a_hole_frames_are_looked_for() {
    let tables = begun([
        client([get(1, "/1"), get(3, "/3")].concat()),
        server(&status(1, 0, "200")[..5]),
        server_gap(500),
        server([b'x'; 300]),
        server([data(1, END_STREAM, "end"), status(3, END_STREAM, "200")].concat()),
        client(get(5, "/5")),
        server(status(5, END_STREAM, "200")),
    ]);
    let expected = ["1 /1 - complete missing", "3 /3 200 complete complete", "5 /5 200 complete complete"];
    assert_eq!(rows(&tables.exchanges, STATES), expected);
    assert_eq!(defects(&tables), ["gap server 500", "http2-unread-bytes server 300"]);
    // A large frame alone at the beginning of a segment is followed by a smaller one in another.
    let large = data(1, 0, [b'x'; 3000]);
    let tables = begun([
        client(get(1, "/1")),
        server(status(1, 0, "200")),
        server_gap(500),
        server(&large[..1400]),
        server(&large[1400..2800]),
        server(&large[2800..]),
        server(data(1, END_STREAM, "")),
    ]);
    assert_eq!(rows(&tables.exchanges, &["response_body_bytes", "defects"]), ["3000 [response:body-incomplete]"]);
}

#[test]
fn an_accepted_handshake_may_be_in_a_hole() {
    let tables = begun_whole([
        client(connect(1)),
        server_gap(30),
        server([data(1, 0, server_text("one")), data(1, 0, server_text("two"))].concat()),
        client(data(1, 0, client_text("three"))),
    ]);
    assert_eq!(rows(&tables.exchanges, STATES), ["1 /chat - complete missing"]);
    assert_eq!(cell(&tables.exchanges, "defects", 0), "[websocket-presumed]");
    let columns = ["opened", "server_text", "client_text", "early_client_data", "compression"];
    assert_eq!(rows(&tables.websockets, &columns), ["- 2 1 - -"]);
}

#[test]
fn requests_in_a_hole_are_answered() {
    let tables = begun([
        client(get(1, "/1")),
        client_gap(80),
        server([status(1, END_STREAM, "200"), status(3, END_STREAM, "302")].concat()),
        client([get(5, "/5"), rst_stream(5, 8)].concat()),
    ]);
    let expected = ["1 /1 200 complete complete", "3 - 302 - complete", "5 /5 - complete -"];
    assert_eq!(rows(&tables.exchanges, STATES), expected);
}

#[test]
fn connections_are_read_from_the_middle() {
    let tables = play_mid_stream(&[
        server(data(1, 0, [b'x'; 1000])),
        client([data(3, END_STREAM, "end of a body"), get(9, "/9")].concat()),
        server([status(3, END_STREAM, "200"), status(9, END_STREAM, "404")].concat()),
        client(frame(1, END_HEADERS | END_STREAM, 11, [&[0xbe][..], &block(&[("via", "x")])].concat())),
        client(connect(13)),
        server(status(13, 0, "200")),
        server(data(13, 0, server_text("frame"))),
    ]);
    let expected = [
        "9 /9 404 complete complete",
        "3 - 200 - complete",
        "11 - - gap -",
        "13 /chat 200 complete complete",
        "1 - - - -",
    ];
    assert_eq!(rows(&tables.exchanges, STATES), expected);
    assert_eq!(rows(&tables.websockets, &["exchange", "server_text"]), ["3 1"]);
    let columns = ["protocol", "websocket", "http2_connect_protocol", "exchanges"];
    assert_eq!(rows(&tables.connections, &columns), ["http/2 true - 5"]);
    let expected = ["http2-mid-stream client -", "http2-mid-stream server -"];
    assert_eq!(defects(&tables), expected);
}

#[test]
fn client_and_server_are_told_by_their_heads() {
    let hpack = |first: u8| [&[first][..], &block(&[("x", "y")])].concat();
    let (request, response) = (frame(1, 5, 7, hpack(0x82)), frame(1, 5, 7, hpack(0x88)));
    for steps in [[server(&request), client(&response)], [client(&response), server(&request)]] {
        let tables = play_mid_stream(&steps);
        assert_eq!(rows(&tables.connections, &["protocol", "client_port"]), ["http/2 80"]);
        assert_eq!(rows(&tables.exchanges, &["method", "status"]), ["GET 200"]);
    }
}

#[test]
fn other_connections_from_the_middle_are_what_they_were() {
    for (steps, protocol) in [
        (vec![server("rest of a body"), client(get_1("/")), server(ok(""))], "http/1"),
        (vec![server([0; 500]), client(get_1("/")), server(ok(""))], "http/1"),
        (vec![server(server_text("x")), client(client_text("y"))], "unknown"),
        (vec![server([23, 3, 3, 0, 20, 1, 0, 0, 4, 8, 0])], "tls"),
        (vec![server(data(1, 0, "alone"))], "unknown"),
    ] {
        // Whether it may be WebSocket hangs on how much comes at once.
        let tables = Play { steps, mid_stream: true }.tables(Cut::Whole);
        assert_eq!(rows(&tables.connections, &["protocol"]), [protocol]);
        assert!(!defects(&tables).iter().any(|defect| defect.contains("http2")));
    }
}

#[test]
fn a_server_may_come_first() {
    let tables = play(&[
        server(connectable()),
        client([preface(), get(1, "/1")].concat()),
        server(status(1, END_STREAM, "200")),
    ]);
    assert_eq!(rows(&tables.exchanges, STATES), ["1 /1 200 complete complete"]);
    assert_eq!(rows(&tables.connections, &["protocol", "http2_connect_protocol"]), ["http/2 true"]);
    assert_eq!(tables.defects.num_rows(), 0);
    // A hole at the client's beginning.
    let tables = play(&[server(connectable()), client_gap(60), client(get(1, "/1")), server(status(1, 1, "200"))]);
    assert_eq!(rows(&tables.exchanges, STATES), ["1 /1 200 complete complete"]);
    assert_eq!(defects(&tables), ["gap client 60"]);
    let tables = play(&[server(connectable()), client(get_1("/"))]);
    assert_eq!(rows(&tables.connections, &["protocol", "exchanges"]), ["http/2 0"]);
    assert_eq!(defects(&tables), ["http2-preface-invalid client -", "http2-unread-bytes client 27"]);
}

#[test]
fn trailers_of_a_stream_that_is_not_known_begin_no_request() {
    let tables = play_mid_stream(&[
        client([data(1, 0, "x"), data(1, 0, "y")].concat()),
        client([headers(1, END_STREAM, &[("trailer", "1")]), headers(3, END_STREAM, &[("trailer", "1")])].concat()),
        server([status(1, END_STREAM, "200"), headers(3, END_STREAM, &[("grpc-status", "0")])].concat()),
    ]);
    assert_eq!(rows(&tables.exchanges, STATES), ["1 - 200 - complete", "3 - - - -"]);
}
