//! How much is kept.

use crate::play::{
    Cut, Play, Step, accepted, client, client_text, get, handshake, masked, ok, refused, server, server_text,
};
use crate::rows::{cell, rows};
use wsanalyze_engine::protocol::conversation::MAX_TEXT;
use wsanalyze_engine::table::Tables;

fn whole(steps: Vec<Step>) -> Tables {
    Play { steps, mid_stream: false }.tables(Cut::Whole)
}

#[test]
fn long_values_are_cut() {
    let long = "x".repeat(MAX_TEXT + 1);
    let tables = whole(vec![
        client(format!("GET / HTTP/1.1\r\nUser-Agent: {long}\r\n\r\n")),
        server(format!("HTTP/1.1 200 OK\r\nServer: {long}\r\nContent-Length: 0\r\n\r\n")),
    ]);
    assert_eq!(cell(&tables.exchanges, "user_agent", 0).len(), MAX_TEXT);
    assert_eq!(cell(&tables.exchanges, "server", 0).len(), MAX_TEXT);
    assert_eq!(cell(&tables.exchanges, "defects", 0), "[request:value-cut,response:value-cut]");
}

#[test]
fn long_heads_are_kept_in_part() {
    let long = handshake().replace("\r\n\r\n", &format!("\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000)));
    let steps = vec![client(&long), server(accepted())];
    let tables = whole(steps.clone());
    assert_eq!(cell(&tables.exchanges, "defects", 0), "[request:head-not-kept-whole]");
    assert_ne!(cell(&tables.exchanges, "request_head_hash", 0), "-");
    let heads = Play { steps, mid_stream: false }.heads(&[(0, 0)]);
    assert_eq!(heads[&(0, 0)].request.as_deref(), Some(long.as_bytes()));
}

#[test]
fn requests_that_are_never_answered_are_let_go() {
    let tables = whole((0..1030).map(|index| client(get(&format!("/{index}")))).chain([server(ok(""))]).collect());
    assert_eq!(tables.exchanges.num_rows(), 1030);
    let columns = ["target", "status", "defects"];
    let all = rows(&tables.exchanges, &columns);
    assert_eq!(all[0], "/0 - [pending-limit]");
    assert_eq!(all[5], "/5 - [pending-limit]");
    assert_eq!(all[6], "/6 200 []");
    assert_eq!(all[7], "/7 - []");
}

#[test]
fn more_early_frames_than_are_kept_are_read_as_frames() {
    let frames = (0..700).map(|_| client(masked(2, &[0; 100])));
    let opened: Vec<Step> =
        [client(handshake())].into_iter().chain(frames.clone()).chain([server(accepted())]).collect();
    let tables = whole(opened.into_iter().chain([client(client_text("x")), server(server_text("y"))]).collect());
    let columns = ["client_binary", "client_text", "server_text", "early_client_data", "client_unparsed"];
    assert_eq!(rows(&tables.websockets, &columns), ["700 1 1 true 0"]);
    assert_eq!(cell(&tables.exchanges, "defects", 0), "[held-limit]");
    let refused: Vec<Step> = [client(handshake())].into_iter().chain(frames).chain([server(refused(400))]).collect();
    let tables = whole(refused.into_iter().chain([client(get("/next")), server(ok(""))]).collect());
    assert_eq!(rows(&tables.exchanges, &["target", "status"]), ["/chat 400", "/next 200"]);
    assert_eq!((tables.websockets.num_rows(), cell(&tables.connections, "websocket", 0)), (0, "false".to_owned()));
}

#[test]
fn more_than_is_kept_of_anything_else_is_given_up() {
    let held = [client(handshake())].into_iter().chain((0..70).map(|_| client([b'\x01'; 1000])));
    let tables = whole(held.clone().chain([server(accepted()), client(client_text("x"))]).collect());
    let columns = ["client_text", "client_unparsed", "early_client_data"];
    assert_eq!(rows(&tables.websockets, &columns), ["1 70000 true"]);
    let tables = whole(held.chain([server(refused(400)), client(get("/next")), server(ok(""))]).collect());
    assert_eq!(rows(&tables.exchanges, &["target", "status", "defects"]), ["/chat 400 [held-limit]", "/next 200 []"]);
}
