//! What a connection becomes after a request for an upgrade.

use crate::play::{
    ACCEPT, Step, accepted, client, client_text, get, handshake, masked, ok, play, refused, server, server_text,
};
use crate::rows::{cell, rows};
use wsanalyze_engine::table::Tables;

const PAIR: &[&str] = &["position", "target", "status", "request_frames", "response_frames"];

fn websocket(tables: &Tables) -> Vec<String> {
    let columns = ["exchange", "opened", "client_text", "server_text", "early_client_data", "violations"];
    rows(&tables.websockets, &columns)
}

#[test]
fn a_101_makes_a_websocket() {
    let tables =
        play(&[client(handshake()), server(accepted()), client(client_text("hello")), server(server_text("world"))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /chat 101 [1] [2]"]);
    let said = ["asks_websocket", "asks_upgrade", "key_valid", "accepts_websocket", "accepts_upgrade", "accept_valid"];
    assert_eq!(rows(&tables.exchanges, &said), ["true true true true true true"]);
    assert_eq!(cell(&tables.exchanges, "expected_accept_hash", 0), cell(&tables.exchanges, "accept_hash", 0));
    assert_eq!(cell(&tables.exchanges, "request_head", 0), handshake().escape_default().to_string());
    assert_eq!(cell(&tables.exchanges, "response_head", 0), accepted().escape_default().to_string());
    assert_eq!(websocket(&tables), ["0 2000 1 1 false []"]);
    assert_eq!(rows(&tables.connections, &["protocol", "websocket", "exchanges"]), ["http/1 true 1"]);
}

#[test]
fn frames_may_follow_the_101_at_once() {
    let together = [accepted().as_bytes(), &server_text("one"), &server_text("two")].concat();
    let tables = play(&[client(handshake()), server(together), client(client_text("three"))]);
    assert_eq!(websocket(&tables), ["0 2000 1 2 false []"]);
    assert_eq!(cell(&tables.websockets, "server_first_payload", 0), "one");
}

#[test]
fn frames_before_the_101_are_early() {
    let together = [handshake().as_bytes(), &client_text("early")].concat();
    for steps in [
        vec![client(&together), server(accepted()), server(server_text("x"))],
        vec![client(handshake()), client(client_text("early")), server(accepted()), server(server_text("x"))],
    ] {
        let tables = play(&steps);
        assert_eq!(
            websocket(&tables).first().unwrap().split_once(' ').unwrap().1.split_once(' ').unwrap().1,
            "1 1 true []"
        );
        assert_eq!(cell(&tables.websockets, "client_first_payload", 0), "early");
    }
}

#[test]
fn a_refused_handshake_leaves_http() {
    let tables = play(&[client(handshake()), server(refused(400)), client(get("/next")), server(ok("next"))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /chat 400 [1] [2]", "1 /next 200 [3] [4]"]);
    assert_eq!(websocket(&tables), [""; 0]);
    assert_eq!(cell(&tables.connections, "websocket", 0), "false");
    assert_ne!(cell(&tables.exchanges, "response_head", 0), "-");
    assert_eq!(cell(&tables.exchanges, "response_head", 1), "-");
}

#[test]
fn interim_responses_decide_nothing() {
    let tables = play(&[
        client(handshake()),
        server("HTTP/1.1 100 Continue\r\n\r\n"),
        server("HTTP/1.1 103 Early Hints\r\n\r\n"),
        server(accepted()),
        server(server_text("x")),
    ]);
    assert_eq!(rows(&tables.exchanges, &["status", "interim", "response_frames"]), ["101 2 [4]"]);
    assert_eq!(websocket(&tables), ["0 4000 0 1 false []"]);
}

#[test]
fn requests_pipelined_after_a_handshake_are_read() {
    for steps in [
        vec![client(handshake() + &get("/2") + &handshake() + &get("/4"))],
        vec![client(handshake()), client(get("/2")), client(handshake()), client(get("/4"))],
    ] {
        let answers = (0..4).map(|_| server(refused(400)));
        let tables = play(&steps.into_iter().chain(answers).collect::<Vec<Step>>());
        let columns = ["position", "target", "status"];
        assert_eq!(rows(&tables.exchanges, &columns), ["0 /chat 400", "1 /2 400", "2 /chat 400", "3 /4 400"]);
    }
}

#[test]
fn what_is_held_is_read_as_http_when_the_handshake_is_refused() {
    // Less than a request line: it is not clear before the answer what it is.
    let tables = play(&[
        client(handshake() + "GET /ne"),
        server(refused(503)),
        client("xt HTTP/1.1\r\nHost: a\r\n\r\n"),
        server(ok("")),
    ]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 /chat 503 [1] [2]", "1 /next 200 [1,3] [4]"]);
}

#[test]
fn another_protocol_is_not_read() {
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3\r\n\r\n";
    let switched =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let tables = play(&[
        client(upgrade),
        server(switched),
        client("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        server(ok("")),
    ]);
    assert_eq!(rows(&tables.exchanges, &["status", "asks_websocket", "asks_upgrade"]), ["101 false true"]);
    assert_eq!(rows(&tables.connections, &["protocol", "websocket", "exchanges"]), ["http/1 false 1"]);
    assert_eq!((tables.websockets.num_rows(), tables.defects.num_rows()), (0, 0));
}

#[test]
fn the_server_may_choose_another_protocol_than_websocket() {
    let both = "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n";
    let h2c = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let tables = play(&[client(both), server(h2c), server("\0\0\0\x04\0\0\0\0\0")]);
    assert_eq!(rows(&tables.exchanges, &["status", "asks_websocket", "accepts_websocket"]), ["101 true false"]);
    assert_eq!(tables.websockets.num_rows(), 0);
}

#[test]
fn a_101_without_upgrade_answers_what_was_asked() {
    let bare = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    let tables = play(&[client(handshake()), server(bare), server(server_text("x"))]);
    assert_eq!(rows(&tables.exchanges, &["accepts_websocket", "accepts_upgrade", "accept_valid"]), ["false false -"]);
    assert_eq!(websocket(&tables), ["0 2000 0 1 false []"]);
    let tables = play(&[client(get("/plain")), server(bare), server(server_text("x"))]);
    assert_eq!(tables.websockets.num_rows(), 0);
}

#[test]
fn a_101_to_a_stripped_request_makes_a_websocket() {
    let tables = play(&[client(get("/chat")), server(accepted()), server(server_text("x")), client(client_text("y"))]);
    assert_eq!(websocket(&tables), ["0 2000 1 1 false []"]);
    assert_eq!(rows(&tables.exchanges, &["request_head", "accept_valid"]), ["- -"]);
    assert_ne!(cell(&tables.exchanges, "response_head", 0), "-");
}

#[test]
fn a_101_without_a_request_makes_a_websocket() {
    let tables = play(&[server(accepted()), server(server_text("x")), client(client_text("y"))]);
    assert_eq!(rows(&tables.exchanges, PAIR), ["0 - 101 - [1]"]);
    assert_eq!(cell(&tables.exchanges, "sec_websocket_accept", 0), ACCEPT);
    assert_ne!(cell(&tables.exchanges, "accept_hash", 0), "-");
    assert_eq!(websocket(&tables), ["0 1000 1 1 false []"]);
}

#[test]
fn http_after_a_101_is_a_violation() {
    let tables = play(&[client(handshake()), server(accepted()), server(ok("not frames"))]);
    assert!(cell(&tables.websockets, "violations", 0).contains("server:http-instead-of-frames"));
}

#[test]
fn a_handshake_with_a_body() {
    let with_body = handshake().replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody");
    let tables = play(&[client(&with_body), server(accepted()), client(client_text("x")), server(server_text("y"))]);
    assert_eq!(websocket(&tables), ["0 2000 1 1 false []"]);
    assert_eq!(cell(&tables.exchanges, "request_body_bytes", 0), "4");
}

#[test]
fn the_client_may_end_before_the_answer() {
    let early = [handshake().as_bytes(), &client_text("early"), &masked(8, b"\x03\xe8")].concat();
    let tables = play(&[client(&early), Step::ClientEnd, server(accepted()), server(server_text("x"))]);
    assert_eq!(
        rows(&tables.websockets, &["client_text", "close_code", "closed_by", "close_frame"]),
        ["1 1000 client 1"]
    );
    let tables = play(&[client(handshake() + "GET /ne"), Step::ClientEnd, server(refused(400))]);
    assert_eq!(rows(&tables.exchanges, &["target", "status", "request_state"]), ["/chat 400 complete", "/ne - cut"]);
}

#[test]
fn heads_are_kept_where_they_speak_of_websocket() {
    let kept = |request: &str, response: &str| {
        let tables = play(&[client(request), server(response)]);
        let is_kept = |column| cell(&tables.exchanges, column, 0) != "-";
        (is_kept("request_head"), is_kept("response_head"))
    };
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(kept(&get("/"), plain), (false, false));
    assert_eq!(kept("GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\n\r\n", plain), (true, true));
    assert_eq!(kept("GET / HTTP/1.1\r\nsec-websocket-key: x\r\n\r\n", plain), (true, true));
    assert_eq!(kept("GET / HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n", plain), (true, true));
    assert_eq!(kept("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", plain), (false, false));
    for speaking in ["426 Upgrade Required\r\n", "400 No\r\nSec-WebSocket-Version: 13\r\n", "200 OK\r\nUpgrade: h2\r\n"]
    {
        assert_eq!(kept(&get("/"), &format!("HTTP/1.1 {speaking}Content-Length: 0\r\n\r\n")), (false, true));
    }
}
