//! What is said of exchanges where bytes are missing: never more than can be known.

use wsanalyze_engine::protocol::GapCause;

use crate::play::{
    Cut, Play, Step, client, client_gap, client_text, get, handshake, masked, ok, play, refused, server, server_gap,
    server_text,
};
use crate::rows::{cell, rows};

const PAIR: &[&str] = &["position", "target", "request_state", "status", "response_state", "defects"];

fn whole(steps: &[Step]) -> wsanalyze_engine::table::Tables {
    Play { steps: steps.to_vec(), mid_stream: false }.tables(Cut::Whole)
}

#[test]
fn a_response_hidden_by_a_hole_is_missing() {
    let tables = play(&[client(get("/1")), server_gap(100)]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 complete - missing []"]);
    let tables = play(&[client(handshake()), server_gap(100), server("no start-line\r\nno\r\n")]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /chat complete - missing []"]);
}

#[test]
fn a_hole_before_the_request_hides_nothing_of_it() {
    // Found late: the hole's time is before the request.
    let tables = play(&[client(get("/1")), server(ok("")), server_gap(100), client(get("/2"))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 complete 200 complete []", "1 /2 complete - - []"]);
}

#[test]
fn a_hole_within_a_body_hides_nothing() {
    let body = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    let tables = play(&[client(get("/1") + &get("/2")), server(body), server_gap(1000), server(ok(""))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 complete 200 complete []", "1 /2 complete 200 complete []"]);
    assert_eq!(cell(&tables.exchanges, "response_body_bytes", 0), "1000");
}

#[test]
fn the_one_request_that_waits_is_answered_after_a_hole() {
    let tables = play(&[client(get("/1")), server_gap(100), server(ok(""))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 complete 200 complete [response-after-gap]"]);
    // Too small for a response.
    let tables = play(&[client(get("/1")), server_gap(15), server(ok(""))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 complete 200 complete []"]);
}

#[test]
fn a_client_that_waits_was_answered_in_the_hole() {
    let tables = play(&[client(get("/1")), server_gap(100), client(get("/2")), server(ok(""))]);
    let expected = ["0 /1 complete - missing []", "1 /2 complete 200 complete [response-after-gap]"];
    assert_eq!(rows(&tables.exchanges, PAIR), expected);
}

#[test]
fn nobody_knows_which_pipelined_request_is_answered_after_a_hole() {
    let tables = play(&[
        client(get("/1") + &get("/2")),
        server_gap(100),
        server(refused(404)),
        client(get("/3")),
        server(ok("")),
        client(get("/4")),
        server(ok("")),
    ]);
    let expected = [
        "0 /1 complete - missing [order-unknown]",
        "1 /2 complete - missing [order-unknown]",
        "2 - - 404 complete [response-after-gap]",
        "3 /3 complete 200 complete [response-after-gap]",
    ];
    assert_eq!(rows(&tables.exchanges, PAIR)[..4], expected);
}

#[test]
fn a_request_that_is_lost_leaves_its_response() {
    let tables = play(&[
        client(get("/1")),
        server(ok("")),
        client_gap(50),
        server(refused(404)),
        client(get("/3")),
        server(ok("")),
    ]);
    let expected = ["0 /1 complete 200 complete []", "1 - - 404 complete []", "2 /3 complete 200 complete []"];
    assert_eq!(rows(&tables.exchanges, PAIR), expected);
}

#[test]
fn a_head_with_a_hole_says_what_was_captured() {
    let handshake = handshake();
    let (before, _) = handshake.split_at(60);
    let tables =
        play(&[client(before), client_gap(100), client("Sec-WebSocket-Version: 13\r\n\r\n"), server(refused(400))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /chat gap 400 complete []"]);
    let columns =
        ["method", "host", "request_upgrade", "request_connection", "asks_websocket", "asks_upgrade", "key_valid"];
    assert_eq!(rows(&tables.exchanges, &columns), ["GET a websocket - true - -"]);
    assert_eq!(rows(&tables.exchanges, &["request_head_hash", "request_body_bytes"]), ["- -"]);
    assert_ne!(cell(&tables.exchanges, "content_hash", 0), "-");
    assert_ne!(cell(&tables.exchanges, "request_head", 0), "-");
}

#[test]
fn a_target_that_was_cut_off_does_not_join() {
    let tables = play(&[client("GET /a/long/targ"), client_gap(100)]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /a/long/targ gap - - []"]);
    assert_eq!(cell(&tables.exchanges, "content_hash", 0), "-");
}

#[test]
fn a_response_head_with_a_hole() {
    let tables = play(&[client(get("/1")), server("HTTP/1.1 200 OK\r\nServ"), server_gap(100), server("\r\n\r\n")]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 complete 200 gap []"]);
    assert_eq!(rows(&tables.exchanges, &["accepts_websocket", "response_head_hash"]), ["- -"]);
}

#[test]
fn a_101_with_a_hole_still_opens_the_websocket() {
    let tables = whole(&[
        client(handshake()),
        server("HTTP/1.1 101 Switching Protocols\r\nUpg"),
        server_gap(100),
        server(server_text("frame")),
        client(client_text("x")),
    ]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /chat complete 101 gap []"]);
    assert_eq!(rows(&tables.websockets, &["server_text", "client_text", "compression"]), ["1 1 -"]);
}

#[test]
fn a_hidden_101_is_presumed_where_frames_follow() {
    let presumed = ["0 /chat complete - missing [websocket-presumed]"];
    let server_speaks =
        whole(&[client(handshake()), server_gap(129), server(server_text("frame")), client(client_text("x"))]);
    assert_eq!(rows(&server_speaks.exchanges, PAIR), presumed);
    assert_eq!(rows(&server_speaks.websockets, &["opened", "server_text", "client_text"]), ["- 1 1"]);
    assert_eq!(cell(&server_speaks.connections, "websocket", 0), "true");
    let client_speaks = whole(&[client(handshake()), server_gap(129), client(client_text("x"))]);
    assert_eq!(rows(&client_speaks.exchanges, PAIR), presumed);
    assert_eq!(
        rows(&client_speaks.websockets, &["opened", "server_text", "client_text", "early_client_data"]),
        ["- 0 1 -"]
    );
}

#[test]
fn a_hidden_refusal_is_not_presumed_to_be_a_101() {
    let tables = play(&[client(handshake()), server_gap(129), client(get("/2")), server(ok(""))]);
    let expected = ["0 /chat complete - missing []", "1 /2 complete 200 complete [response-after-gap]"];
    assert_eq!(rows(&tables.exchanges, PAIR), expected);
    assert_eq!(tables.websockets.num_rows(), 0);
}

#[test]
fn a_hole_in_a_request_body() {
    let post = "POST /1 HTTP/1.1\r\nContent-Length: 100\r\n\r\n";
    let tables =
        play(&[client(post), client_gap(90), client([b'x'; 10]), server(ok("")), client(get("/2")), server(ok(""))]);
    let columns = ["target", "status", "request_body_bytes", "request_body_hash"];
    assert_eq!(rows(&tables.exchanges, &columns), ["/1 200 100 -", "/2 200 0 -"]);
}

/// The payload of every packet is cut after 40 bytes.
fn cut_by_snaplen(steps: &[Step]) -> Vec<Step> {
    let cut = |bytes: &[u8], step: fn(Vec<u8>) -> Step, gap: fn(u64, GapCause) -> Step| {
        let kept = bytes[..bytes.len().min(40)].to_vec();
        let missing = bytes.len().saturating_sub(40) as u64;
        let gap = (missing > 0).then(|| gap(missing, GapCause::Truncated));
        [Some(step(kept)), gap].into_iter().flatten().collect::<Vec<Step>>()
    };
    let cut_step = |step: &Step| match step {
        Step::Client(bytes) => cut(bytes, Step::Client, Step::ClientGap),
        Step::Server(bytes) => cut(bytes, Step::Server, Step::ServerGap),
        other => vec![other.clone()],
    };
    steps.iter().flat_map(cut_step).collect()
}

#[test]
fn a_small_snapshot_length_leaves_the_first_lines() {
    let long = |target: &str| get(target).replace("Host", &format!("X-Long: {}\r\nHost", "x".repeat(100)));
    let tables = whole(&cut_by_snaplen(&[
        client(long("/1")),
        server(ok(&"x".repeat(1000))),
        client(long(&format!("/2{}", "x".repeat(100)))),
        server(refused(404) + &"x".repeat(100)),
        client(handshake()),
        server(crate::play::accepted()),
        server(server_text("frame")),
        client(masked(2, &[0; 100])),
    ]));
    let columns = ["request_state", "status", "response_state"];
    let expected = ["truncated 200 truncated", "truncated 404 complete", "truncated 101 truncated"];
    assert_eq!(rows(&tables.exchanges, &columns), expected);
    assert_eq!(cell(&tables.exchanges, "target", 0), "/1");
    let columns = ["name", "direction", "since", "frame"];
    assert_eq!(rows(&tables.defects, &columns), ["truncated server 3000 12", "truncated client 1000 15"]);
}
