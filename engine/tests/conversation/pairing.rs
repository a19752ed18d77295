//! Which response answers which request, where nothing is missing.

use crate::play::{Play, client, client_gap, client_text, get, ok, play, server};
use crate::rows::{cell, rows};

const PAIR: &[&str] = &["position", "target", "status", "request_frames", "response_frames"];

#[test]
fn requests_and_responses_take_turns() {
    let tables = play(&[client(get("/1")), server(ok("one")), client(get("/2")), server(ok("two"))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 200 [1] [2]", "1 /2 200 [3] [4]"]);
    let times = ["exchange", "request_first", "request_last", "response_first", "response_last", "response_body_bytes"];
    assert_eq!(rows(&tables.exchanges, &times), ["0 1000 1000 2000 2000 3", "1 3000 3000 4000 4000 3"]);
    assert_eq!(rows(&tables.connections, &["protocol", "websocket", "exchanges"]), ["http/1 false 2"]);
    assert_eq!(tables.defects.num_rows(), 0);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let tables = play(&[
        client(get("/1") + &get("/2") + &get("/3")),
        server(ok("one") + &ok("two")[..10]),
        server(&ok("two")[10..]),
        server(ok("three")),
    ]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 200 [1] [2]", "1 /2 200 [1] [2,3]", "2 /3 200 [1] [4]"]);
}

#[test]
fn interim_responses_are_counted() {
    let tables = play(&[
        client("POST /u HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
        server("HTTP/1.1 100 Continue\r\n\r\n"),
        client("body"),
        server(String::from("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n") + &ok("")),
    ]);
    let columns = ["method", "status", "interim", "request_body_bytes", "response_body_bytes", "response_frames"];
    assert_eq!(rows(&tables.exchanges, &columns), ["POST 200 2 4 0 [4]"]);
    assert_ne!(cell(&tables.exchanges, "request_body_hash", 0), "-");
}

#[test]
fn responses_to_head_and_some_statuses_have_no_body() {
    let tables = play(&[
        client("HEAD /1 HTTP/1.1\r\n\r\n"),
        server("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        client(get("/2")),
        server("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"),
        client(get("/3")),
        server("HTTP/1.1 204 No Content\r\n\r\n"),
        client(get("/4")),
        server(ok("four")),
    ]);
    let columns = ["target", "status", "response_body_bytes"];
    assert_eq!(rows(&tables.exchanges, &columns), ["/1 200 0", "/2 304 0", "/3 204 0", "/4 200 4"]);
}

#[test]
fn a_response_without_a_request_is_kept() {
    let tables = play(&[client(get("/1")), server(ok("")), server("HTTP/1.1 408 Request Timeout\r\n\r\n")]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 200 [1] [2]", "1 - 408 - [3]"]);
    assert_eq!(cell(&tables.exchanges, "request_state", 1), "-");
    assert_eq!(cell(&tables.exchanges, "asks_websocket", 1), "-");
}

#[test]
fn a_server_may_refuse_before_anything_is_asked() {
    let steps = [server("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400"), client(get("/1"))];
    assert_eq!(rows(&play(&steps).exchanges, PAIR), ["0 /1 400 [2] [1]"]);
    let lost = [steps[0].clone(), client_gap(40), client(get("/2"))];
    assert_eq!(rows(&play(&lost).exchanges, PAIR), ["0 - 400 - [1]", "1 /2 - [3] -"]);
    let accepted = [server(ok("")), client(get("/1"))];
    assert_eq!(rows(&play(&accepted).exchanges, PAIR)[0], "0 - 200 - [1]");
}

#[test]
fn a_request_without_a_response_is_kept() {
    let tables = play(&[client(get("/1")), server(ok("")), client(get("/2"))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 200 [1] [2]", "1 /2 - [3] -"]);
    let columns = ["request_state", "response_state", "accepts_websocket", "response_body_bytes"];
    assert_eq!(rows(&tables.exchanges, &columns)[1], "complete - - -");
}

#[test]
fn a_server_may_answer_before_the_request_is_complete() {
    let late = [
        client("GET /slow HTTP/1.1\r\nHost: a\r\n"),
        server("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
        client("X-Late: 1\r\n\r\n"),
    ];
    let tables = play(&late);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /slow 408 [1,3] [2]"]);
    let tables = play(&late[..2]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /slow 408 [1] [2]"]);
    assert_eq!(cell(&tables.exchanges, "request_state", 0), "cut");
}

#[test]
fn a_server_may_answer_before_the_body_is_complete() {
    let tables = play(&[
        client("POST /big HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345"),
        server("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
        client("67890"),
        client(get("/next")),
        server(ok("")),
    ]);
    let columns = ["target", "status", "request_body_bytes", "defects"];
    assert_eq!(rows(&tables.exchanges, &columns), ["/big 413 10 []", "/next 200 0 []"]);
}

#[test]
fn bodies_that_end_with_the_stream() {
    let tables = play(&[
        client("POST /1 HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"),
        server("HTTP/1.0 200 OK\r\n\r\nto the end"),
    ]);
    let columns = ["request_body_bytes", "request_body_hash", "response_body_bytes", "defects"];
    assert_eq!(rows(&tables.exchanges, &columns), ["4 - 10 [request:body-incomplete]"]);
}

#[test]
fn connect_makes_a_tunnel() {
    let connect = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n";
    let tables = play(&[
        client(connect),
        server("HTTP/1.1 200 Connection established\r\n\r\n"),
        client("GET /inside HTTP/1.1\r\n\r\n"),
        server(ok("inside")),
    ]);
    let columns = ["method", "target", "status", "response_body_bytes"];
    assert_eq!(rows(&tables.exchanges, &columns), ["CONNECT example.org:443 200 0"]);
    assert_eq!(cell(&tables.connections, "websocket", 0), "false");
    let tables = play(&[
        client(connect),
        server("HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno"),
        client(get("/after")),
        server(ok("")),
    ]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 example.org:443 407 [1] [2]", "1 /after 200 [3] [4]"]);
}

#[test]
fn heads_are_found_again() {
    let steps = vec![client(get("/1") + &get("/2")), server(ok("one") + &ok("two"))];
    let play = Play { steps, mid_stream: false };
    let heads = play.heads(&[(0, 1), (0, 7), (3, 0)]);
    assert_eq!(heads[&(0, 1)].request.as_deref(), Some(get("/2").as_bytes()));
    assert_eq!(heads[&(0, 1)].response.as_deref(), Some(&b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"[..]));
    assert_eq!(heads[&(0, 7)].request, None);
    assert_eq!(heads[&(3, 0)].response, None);
}

#[test]
fn the_wrong_kind_of_message_is_a_defect() {
    let tables = play(&[client(get("/1")), server(get("/from-server")), server(ok(""))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /1 200 [1] [3]"]);
    assert_eq!(rows(&tables.defects, &["name", "direction", "frame"]), ["request-from-server server 2"]);
}

#[test]
fn frames_do_not_matter_without_an_upgrade() {
    let tables = play(&[client(get("/1")), server(ok("")), client(client_text("frame")), server("\x01\x02")]);
    assert_eq!(tables.exchanges.num_rows(), 1);
    let columns = ["name", "direction", "bytes"];
    assert_eq!(rows(&tables.defects, &columns), ["unexpected-bytes client 11", "unexpected-bytes server 2"]);
}
