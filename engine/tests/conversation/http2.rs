//! HTTP/2 connections: one exchange a stream.

use crate::http2_build::{
    CONNECT, END_HEADERS, END_STREAM, block, connect, connectable, data, frame, get, goaway, headers, indexed, preface,
    rst_stream, settings, status,
};
use crate::play::{Play, Step, client, client_text, masked, ok, play, server, server_text};
use crate::rows::{cell, rows};
use wsanalyze_engine::table::Tables;

const PAIR: &[&str] = &["position", "stream_id", "method", "target", "status", "request_frames", "response_frames"];
const RESET: &[&str] = &["stream_id", "status", "reset", "reset_by", "reset_time", "reset_frame"];

fn connection(tables: &Tables) -> Vec<String> {
    rows(&tables.connections, &["protocol", "websocket", "http2_connect_protocol", "exchanges"])
}

/// After the prefaces, which are frames 1 and 2.
fn begun(steps: impl IntoIterator<Item = Step>) -> Tables {
    play(&[client(preface()), server(connectable())].into_iter().chain(steps).collect::<Vec<_>>())
}

#[test]
fn streams_are_exchanges() {
    let tables = begun([
        client([get(1, "/1"), get(3, "/3")].concat()),
        server(status(3, END_STREAM, "404")),
        server([status(1, 0, "200"), data(1, END_STREAM, "hello")].concat()),
    ]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 1 GET /1 200 [3] [5]", "1 3 GET /3 404 [3] [4]"]);
    let columns = ["host", "version", "response_version", "request_state", "response_state", "interim", "defects"];
    assert_eq!(rows(&tables.exchanges, &columns), ["a 2 2 complete complete 0 []"; 2]);
    let columns = ["request_body_bytes", "request_body_hash", "response_body_bytes"];
    assert_eq!(rows(&tables.exchanges, &columns), ["0 - 5", "0 - 0"]);
    assert_eq!(rows(&tables.exchanges, &["asks_websocket", "accepts_websocket", "reset"]), ["false false -"; 2]);
    assert_eq!(connection(&tables), ["http/2 false true 2"]);
    assert_eq!(tables.defects.num_rows(), 0);
}

#[test]
fn the_keys_to_join_by_are_those_of_http_1() {
    let post = [(":method", "POST"), (":scheme", "http"), (":path", "/p"), ("host", "h")];
    let tables = begun([
        client([headers(1, 0, &post), data(1, 0, "bo"), frame(0, 8, 1, "\x02dy\0\0")].concat()),
        client(data(1, END_STREAM, "")),
        server(status(1, END_STREAM, "204")),
    ]);
    let old = play(&[client("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"), server(ok(""))]);
    for column in ["host", "content_hash", "request_body_bytes", "request_body_hash"] {
        assert_eq!(cell(&tables.exchanges, column, 0), cell(&old.exchanges, column, 0));
        assert_ne!(cell(&tables.exchanges, column, 0), "-");
    }
    let get_chat = play(&[client("GET /chat HTTP/1.1\r\n\r\n")]);
    let connect_chat = begun([client(connect(1))]);
    assert_eq!(cell(&connect_chat.exchanges, "content_hash", 0), cell(&get_chat.exchanges, "content_hash", 0));
}

#[test]
fn an_extended_connect_opens_a_websocket() {
    let tables = begun([
        client(connect(1)),
        server(status(1, 0, "200")),
        client(data(1, 0, client_text("hello"))),
        server(data(1, 0, server_text("world"))),
        client(data(1, END_STREAM, masked(8, b"\x03\xe8"))),
        server(data(1, END_STREAM, b"\x88\x02\x03\xe8")),
        client(get(3, "/later")),
    ]);
    let said =
        ["method", "status", "protocol", "asks_websocket", "asks_upgrade", "accepts_websocket", "accepts_upgrade"];
    assert_eq!(rows(&tables.exchanges, &said)[0], "CONNECT 200 websocket true true true true");
    let head: String = CONNECT.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    assert_eq!(cell(&tables.exchanges, "request_head", 0), head.escape_default().to_string());
    assert_eq!(cell(&tables.exchanges, "response_head", 0), ":status: 200\\r\\n");
    assert_eq!(cell(&tables.exchanges, "defects", 0), "[]");
    let columns = ["exchange", "opened", "ended", "client_text", "server_text", "early_client_data", "close_code"];
    assert_eq!(rows(&tables.websockets, &columns), ["0 4000 7000 1 1 false 1000"]);
    let columns = ["client_first_payload", "server_first_payload", "closed_by", "violations", "longest_silence"];
    assert_eq!(rows(&tables.websockets, &columns), ["hello world client [] 1000"]);
    assert_eq!(connection(&tables), ["http/2 true true 2"]);
}

#[test]
fn a_websocket_ends_with_its_stream() {
    let tables = begun([
        client([connect(1), connect(3)].concat()),
        server([status(1, 0, "200"), status(3, 0, "200")].concat()),
        client([data(3, 0, client_text("x")), data(1, 0, client_text("y"))].concat()),
        server(rst_stream(3, 8)),
        client(data(1, 0, client_text("z"))),
    ]);
    let columns = ["exchange", "opened", "ended", "client_text"];
    assert_eq!(rows(&tables.websockets, &columns), ["0 4000 8000 2", "1 4000 6000 1"]);
    assert_eq!(rows(&tables.exchanges, RESET), ["1 200 - - - -", "3 200 RST_STREAM CANCEL server 6000 6"]);
}

#[test]
fn frames_before_the_2xx_are_early() {
    let early = [connect(1), data(1, 0, client_text("early"))].concat();
    let tables = begun([client(&early), server(status(1, 0, "200")), client(data(1, 0, client_text("late")))]);
    let columns = ["client_text", "client_first_payload", "early_client_data"];
    assert_eq!(rows(&tables.websockets, &columns), ["2 early true"]);
    let tables = begun([client(early), server(status(1, END_STREAM, "403"))]);
    assert_eq!(tables.websockets.num_rows(), 0);
    let columns = ["status", "accepts_websocket", "accepts_upgrade", "request_body_bytes", "defects"];
    assert_eq!(rows(&tables.exchanges, &columns), ["403 false false 0 []"]);
}

#[test]
fn streams_are_broken_off() {
    let tables = begun([
        client([connect(1), get(3, "/3"), get(5, "/5"), get(7, "/7"), get(9, "/9")].concat()),
        server(rst_stream(1, 1)),
        client(rst_stream(3, 8)),
        server([status(5, END_STREAM, "200"), rst_stream(5, 0)].concat()),
        server([status(7, 0, "200"), rst_stream(7, 99)].concat()),
    ]);
    let expected = [
        "1 - RST_STREAM PROTOCOL_ERROR server 4000 4",
        "3 - RST_STREAM CANCEL client 5000 5",
        "5 200 - - - -",
        "7 200 RST_STREAM 0x63 server 7000 7",
        "9 - - - - -",
    ];
    assert_eq!(rows(&tables.exchanges, RESET), expected);
    // What is on its way to a closed stream opens none.
    let tables = begun([client(connect(1)), server(rst_stream(1, 7)), client(data(1, END_STREAM, client_text("x")))]);
    assert_eq!(rows(&tables.exchanges, RESET), ["1 - RST_STREAM REFUSED_STREAM server 4000 4"]);
}

#[test]
fn goaway_ends_what_will_not_be_answered() {
    let tables = begun([
        client([get(1, "/1"), get(3, "/3"), get(5, "/5")].concat()),
        server([status(1, 0, "200"), goaway(3, 0)].concat()),
        server(status(3, END_STREAM, "200")),
        client(get(7, "/7")),
    ]);
    let expected =
        ["1 200 - - - -", "3 200 - - - -", "5 - GOAWAY NO_ERROR server 4000 4", "7 - GOAWAY NO_ERROR server 4000 4"];
    assert_eq!(rows(&tables.exchanges, RESET), expected);
    // Who finds an error closes the connection (RFC 9113 §5.4.1).
    let tables = begun([client(get(1, "/1")), client(goaway(0, 9))]);
    assert_eq!(rows(&tables.exchanges, RESET), ["1 - GOAWAY COMPRESSION_ERROR client 4000 4"]);
}

#[test]
fn interim_responses_and_trailers_are_no_answers() {
    let trailer = [("grpc-status", "0"), ("server", "trailer")];
    let tables = begun([
        client(headers(1, 0, &[(":method", "POST"), (":scheme", "http"), (":path", "/")])),
        server([status(1, 0, "100"), status(1, 0, "103")].concat()),
        client([data(1, 0, "x"), headers(1, END_STREAM, &[("user-agent", "trailer")])].concat()),
        server([status(1, 0, "200"), data(1, 0, "ok"), headers(1, END_STREAM, &trailer)].concat()),
    ]);
    let columns = ["status", "interim", "server", "user_agent", "response_body_bytes", "response_frames", "defects"];
    assert_eq!(rows(&tables.exchanges, &columns), ["200 2 - - 2 [6] []"]);
}

#[test]
fn header_blocks_go_on_in_continuation() {
    let fields = block(&[(":method", "GET"), (":scheme", "http"), (":path", "/long"), ("user-agent", "ua")]);
    let (first, rest) = fields.split_at(10);
    let (second, third) = rest.split_at(20);
    let padded = [&[3, 0, 0, 0, 0, 15][..], first, &[0; 3]].concat();
    let tables = begun([
        client(frame(1, END_STREAM | 0x28, 1, padded)),
        client([frame(9, 0, 1, second), frame(9, END_HEADERS, 1, third)].concat()),
        server(status(1, END_STREAM, "200")),
    ]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 1 GET /long 200 [3,4] [5]"]);
    assert_eq!(rows(&tables.exchanges, &["request_first", "request_last", "user_agent"]), ["3000 4000 ua"]);
    let broken = [frame(1, 0, 1, first), get(3, "/3"), frame(9, END_HEADERS, 3, second)].concat();
    let tables = begun([client(broken)]);
    assert_eq!(rows(&tables.exchanges, &["stream_id", "request_state"]), ["1 cut", "3 complete"]);
    assert_eq!(cell(&tables.exchanges, "defects", 0), "[request:continuation-missing,request:body-incomplete]");
    assert_eq!(rows(&tables.defects, &["name", "direction"]), ["continuation-unexpected client"]);
}

#[test]
fn head_hashes_are_of_the_bytes_that_went_by() {
    let fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("x", "y")];
    let one = begun([client(headers(1, END_STREAM, &fields))]);
    let other = begun([client(frame(1, 5, 1, indexed(&fields)))]);
    let cut = begun([client([frame(1, 1, 1, &block(&fields)[..9]), frame(9, 4, 1, &block(&fields)[9..])].concat())]);
    let hash = |tables: &Tables| cell(&tables.exchanges, "request_head_hash", 0);
    assert_ne!(hash(&one), hash(&other));
    assert_eq!(hash(&one), hash(&cut));
    assert_eq!(cell(&one.exchanges, "content_hash", 0), cell(&other.exchanges, "content_hash", 0));
}

#[test]
fn values_cannot_forge_headers() {
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/\r\nx-forwarded-for: 1.2.3.4"),
        ("x-request-id\n", "a\nx-forwarded-proto: https\0"),
        ("Via", " 1.1 x"),
    ];
    let tables = begun([client(headers(1, 0, &fields))]);
    let columns = ["target", "x_forwarded_for", "x_forwarded_proto", "x_request_id", "via"];
    assert_eq!(rows(&tables.exchanges, &columns), ["/  x-forwarded-for: 1.2.3.4 - - -  1.1 x"]);
    assert_eq!(cell(&tables.exchanges, "request_head", 0).matches("\\r\\n").count(), fields.len());
    let defects = "[request:field-value-invalid,request:field-name-invalid]";
    assert_eq!(cell(&tables.exchanges, "defects", 0), defects);
}

#[test]
fn heads_that_break_the_rules_are_told() {
    let defects = |fields: &[(&str, &str)]| cell(&begun([client(headers(1, 1, fields))]).exchanges, "defects", 0);
    let sound = [(":method", "GET"), (":scheme", "http"), (":path", "/")];
    assert_eq!(defects(&sound), "[]");
    for (more, name) in [
        (("upgrade", "websocket"), "connection-specific-field"),
        ((":path", "/2"), "pseudo-header-repeated"),
        ((":unknown", ""), "pseudo-header-unknown"),
    ] {
        assert_eq!(defects(&[&sound[..], &[more]].concat()), format!("[request:{name}]"));
    }
    assert_eq!(defects(&[("a", "b"), sound[0], sound[1], sound[2]]), "[request:pseudo-header-late]");
    assert_eq!(defects(&sound[..2]), "[request:pseudo-header-missing]");
    let tables = begun([client(get(1, "/")), server(headers(1, 1, &[("server", "x")]))]);
    assert_eq!(rows(&tables.exchanges, &["status", "response_state"]), ["- complete"]);
    assert_eq!(cell(&tables.exchanges, "defects", 0), "[response:pseudo-header-missing]");
}

#[test]
fn a_block_that_is_malformed_costs_what_the_table_held() {
    let known = indexed(&[("user-agent", "known")]);
    let again = |stream| frame(1, 5, stream, [&block(&[(":method", "GET"), (":path", "/")])[..], &[0xbe]].concat());
    let tables = begun([
        client([frame(1, 5, 1, known), again(3), frame(1, 5, 5, [0x80]), again(7)].concat()),
        client([frame(1, 5, 9, indexed(&[("user-agent", "new")])), again(11)].concat()),
    ]);
    let columns = ["stream_id", "request_state", "user_agent"];
    let expected = ["1 complete known", "3 complete known", "5 gap -", "7 gap -", "9 complete new", "11 complete new"];
    assert_eq!(rows(&tables.exchanges, &columns), expected);
    assert_eq!(cell(&tables.exchanges, "defects", 2), "[request:hpack-invalid]");
    assert_eq!(cell(&tables.exchanges, "defects", 3), "[request:hpack-state-lost]");
}

#[test]
fn pushed_streams_are_passed_over() {
    let promise = frame(5, END_HEADERS, 1, [&[0, 0, 0, 2][..], &indexed(&[("server", "promised")])].concat());
    let answer = frame(1, 5, 1, [&block(&[(":status", "200")])[..], &[0xbe]].concat());
    let tables = begun([
        client(get(1, "/")),
        server([promise, status(2, 0, "200"), data(2, END_STREAM, "pushed"), answer].concat()),
    ]);
    assert_eq!(rows(&tables.exchanges, &["stream_id", "status", "server"]), ["1 200 promised"]);
}

#[test]
fn a_server_may_not_speak_http_2() {
    let tables = play(&[client([preface(), get(1, "/")].concat()), server(ok("no"))]);
    assert_eq!(rows(&tables.exchanges, &["target", "status"]), ["/ -"]);
    assert_eq!(connection(&tables), ["http/2 false - 1"]);
    let columns = ["name", "direction", "bytes"];
    assert_eq!(rows(&tables.defects, &columns), ["http2-frame-invalid server -", "http2-unread-bytes server 40"]);
}

#[test]
fn settings_allow_more() {
    let large = block(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), ("x", &"y".repeat(20_000))]);
    let large = frame(1, 5, 1, large);
    let tables = |server_settings: Vec<u8>| {
        let steps = vec![client(preface()), server(server_settings), client([large.clone(), get(3, "/3")].concat())];
        Play { steps, mid_stream: false }.tables(crate::play::Cut::Whole)
    };
    assert_eq!(tables(settings(&[])).exchanges.num_rows(), 0);
    assert_eq!(tables(settings(&[(5, 1 << 20)])).exchanges.num_rows(), 2);
    // A table of 8192 bytes.
    let resized = frame(1, 5, 1, [&[0x3f, 0xe1, 0x3f][..], &block(&[(":method", "GET")])].concat());
    for (said, state) in [(vec![], "gap"), (vec![(1, 8192)], "complete")] {
        let tables = play(&[client(preface()), server(settings(&said)), client(&resized)]);
        assert_eq!(rows(&tables.exchanges, &["request_state"]), [state]);
    }
}

#[test]
fn the_second_look_gives_the_lines() {
    let steps = vec![client(preface()), server(connectable()), client(get(1, "/")), server(status(1, 1, "200"))];
    let heads = Play { steps, mid_stream: false }.heads(&[(0, 0)]);
    let request = b":method: GET\r\n:scheme: http\r\n:authority: a\r\n:path: /\r\n";
    assert_eq!(heads[&(0, 0)].request.as_deref(), Some(&request[..]));
    assert_eq!(heads[&(0, 0)].response.as_deref(), Some(&b":status: 200\r\n"[..]));
}

#[test]
fn http_1_goes_on_as_http_2() {
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
                   HTTP2-Settings: \r\n\r\n";
    let switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let tables = play(&[
        client(upgrade),
        server([switched.as_bytes(), &connectable(), &status(1, END_STREAM, "200")].concat()),
        client(preface()),
        client(connect(3)),
        server(status(3, 0, "200")),
    ]);
    let expected = ["0 - GET / 101 [1] [2]", "1 1 - - 200 - [2]", "2 3 CONNECT /chat 200 [4] [5]"];
    assert_eq!(rows(&tables.exchanges, PAIR), expected);
    assert_eq!(cell(&tables.exchanges, "defects", 1), "[answers-upgraded-request]");
    assert_eq!(connection(&tables), ["http/1 true true 3"]);
}
