//! Connections whose beginning was not captured.

use crate::play::{Cut, Play, accepted, client, client_text, get, handshake, ok, play_mid_stream, server, server_text};
use crate::rows::{cell, rows};

const PAIR: &[&str] = &["position", "target", "status", "response_frames"];
const ENDPOINTS: &[&str] = &["client_port", "server_port", "client_packets", "server_packets"];

#[test]
fn what_came_before_is_no_exchange() {
    let tables = play_mid_stream(&[
        server("the end of a body"),
        server("and more of it\n"),
        client(get("/2")),
        server(ok("two")),
    ]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /2 200 [4]"]);
    assert_eq!(rows(&tables.defects, &["name", "direction", "bytes"]), ["mid-stream-bytes server 32"]);
    assert_eq!(rows(&tables.connections, &["client_digest", "client_prefix"]), ["- -"]);
    assert_eq!(rows(&tables.connections, ENDPOINTS), ["50000 80 1 2"]);
}

#[test]
fn a_response_comes_without_its_request() {
    let tables = play_mid_stream(&[server(ok("one")), client(get("/2")), server(ok("two"))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 - 200 [1]", "1 /2 200 [3]"]);
}

#[test]
fn client_and_server_are_told_by_what_they_say() {
    let request_first =
        play_mid_stream(&[server(handshake()), client(accepted()), client(server_text("x")), server(client_text("y"))]);
    let response_first = play_mid_stream(&[client(accepted()), client(server_text("x")), server(client_text("y"))]);
    for tables in [&request_first, &response_first] {
        assert_eq!(rows(&tables.connections, ENDPOINTS), ["80 50000 2 1"]);
        assert_eq!(rows(&tables.websockets, &["client_text", "server_text", "violations"]), ["1 1 []"]);
    }
    assert_eq!(rows(&request_first.exchanges, PAIR), ["0 /chat 101 [2]"]);
    assert_eq!(rows(&response_first.exchanges, PAIR), ["0 - 101 [1]"]);
    // What was noted before is turned round, too; also what may have been a PROXY header.
    for rest in ["rest\n", "PROXY"] {
        let tables = play_mid_stream(&[client(rest), server(get("/1")), client(ok(""))]);
        assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 200 [3]"]);
        let name = if rest == "PROXY" { "unexpected-bytes" } else { "mid-stream-bytes" };
        assert_eq!(rows(&tables.defects, &["name", "direction", "bytes"]), [format!("{name} server 5")]);
    }
}

#[test]
fn text_that_resembles_messages_is_none() {
    let log = "GET is a word\nHTTP/1.1 is a version\n";
    let tables = play_mid_stream(&[client(log), client("log: GET / HTTP/1.1\r\n")]);
    assert_eq!(tables.exchanges.num_rows(), 0);
    assert_eq!(cell(&tables.connections, "protocol", 0), "unknown");
}

#[test]
fn websocket_frames_are_suspected() {
    let frames = [server(server_text("one")), client(client_text("two")), server(server_text("three"))];
    let tables = Play { steps: frames.to_vec(), mid_stream: true }.tables(Cut::Whole);
    assert_eq!(rows(&tables.connections, &["protocol", "websocket", "exchanges"]), ["unknown false 0"]);
    let defects = ["name", "direction"];
    assert_eq!(rows(&tables.defects, &defects), ["websocket-mid-stream client", "websocket-mid-stream server"]);
    let others = [server("some text"), server(b"\x16\x99more"), client("and more")];
    let tables = Play { steps: others.to_vec(), mid_stream: true }.tables(Cut::Whole);
    assert_eq!(tables.defects.num_rows(), 0);
}

#[test]
fn http_is_found_after_frames() {
    let steps = [server(server_text("one")), client(get("/2")), server(ok(""))];
    let tables = Play { steps: steps.to_vec(), mid_stream: true }.tables(Cut::Whole);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /2 200 [3]"]);
    assert_eq!(rows(&tables.defects, &["name"]), ["mid-stream-bytes"]);
}
