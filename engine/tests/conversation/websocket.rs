//! What is counted of a WebSocket.

use crate::play::{
    Cut, Play, Step, accepted, client, client_gap, client_text, handshake, masked, play, server, server_gap,
    server_text,
};
use crate::rows::{cell, cells, rows};

fn opened(steps: &[Step]) -> wsanalyze_engine::table::Tables {
    let opening = [client(handshake()), server(accepted())];
    play(&opening.into_iter().chain(steps.iter().cloned()).collect::<Vec<Step>>())
}

#[test]
fn frames_are_counted_by_direction() {
    let tables = opened(&[
        client([client_text("one"), masked(2, &[0; 20]), masked(9, b"ping")].concat()),
        server([server_text("answer"), vec![0x8a, 4], b"ping".to_vec(), vec![0x82, 0]].concat()),
        client(masked(8, b"\x03\xe9bye")),
        server([0x88, 2, 0x03, 0xe8]),
    ]);
    let of_client = ["client_frames", "client_messages", "client_text", "client_binary", "client_bytes", "client_ping"];
    assert_eq!(rows(&tables.websockets, &of_client), ["4 2 1 1 23 1"]);
    let of_server = ["server_frames", "server_messages", "server_text", "server_binary", "server_bytes", "server_pong"];
    assert_eq!(rows(&tables.websockets, &of_server), ["4 2 1 1 6 1"]);
    let of_close = ["close_code", "close_reason", "closed_by", "close_frame", "ended", "client_unparsed", "violations"];
    assert_eq!(rows(&tables.websockets, &of_close), ["1001 bye client 5 5000 0 []"]);
    assert_eq!(cells(&tables.websockets, 0, &["client_first_payload", "server_first_payload"]), "one answer");
    assert_eq!(cells(&tables.websockets, 0, &["compression", "early_client_data"]), "false false");
}

#[test]
fn without_close_it_ends_with_the_connection() {
    let tables = opened(&[server(server_text("x"))]);
    let columns = ["close_code", "closed_by", "close_frame", "opened", "ended", "longest_silence"];
    assert_eq!(rows(&tables.websockets, &columns), ["- - - 2000 4000 1000"]);
}

#[test]
fn the_last_frame_of_either_direction_is_kept() {
    let last = |steps: &[Step]| cells(&opened(steps).websockets, 0, &["last_heard", "last_heard_frame", "ended"]);
    // Without frames: the 101.
    assert_eq!(last(&[]), "2000 2 3000");
    assert_eq!(last(&[server(server_text("x"))]), "3000 3 4000");
    assert_eq!(last(&[server(server_text("x")), client(client_text("y"))]), "4000 4 5000");
    // Control frames count; what is no frame any more counts as well.
    assert_eq!(last(&[server(server_text("x")), client(masked(9, b"")), server([0x8a, 0])]), "5000 5 6000");
    assert_eq!(last(&[server(server_text("x")), server_gap(10), server([0xff; 3])]), "5000 5 6000");
    assert_eq!(last(&[client(masked(8, b""))]), "3000 3 3000");
}

#[test]
fn violations_name_who_broke_the_rule() {
    let tables = opened(&[client(server_text("unmasked")), server(client_text("masked")), server([0xc1, 0])]);
    assert_eq!(
        cell(&tables.websockets, "violations", 0),
        "[client:client-unmasked,server:server-masked,server:rsv1-unexpected]"
    );
    assert_eq!(cell(&tables.websockets, "violation_frames", 0), "[3,4,5]");
}

#[test]
fn violations_are_shown_where_they_are_first_seen() {
    let columns = ["violations", "violation_frames"];
    let tables = opened(&[server(server_text("fine")), server([0xc1, 0, 0xa1, 0]), server([0xa1, 0, 0x83, 0])]);
    let found = "[server:rsv1-unexpected,server:rsv2-or-3-unexpected,server:opcode-reserved] [4,4,5]";
    assert_eq!(cells(&tables.websockets, 0, &columns), found);
    // The frames are lost and found again.
    let steps = [
        client(handshake()),
        server(accepted()),
        server([0xc1, 0]),
        server_gap(5),
        server([0xff; 3]),
        server([0xc1, 0]),
        server([0xa1, 0]),
    ];
    let tables = Play { steps: steps.to_vec(), mid_stream: false }.tables(Cut::Whole);
    let found = "[server:rsv1-unexpected,server:rsv2-or-3-unexpected] [3,7]";
    assert_eq!(cells(&tables.websockets, 0, &columns), found);
    let tables = opened(&[server("HTTP/1.1 200 OK\r\n\r\n")]);
    assert!(cell(&tables.websockets, "violations", 0).contains("server:http-instead-of-frames"));
    let tables = opened(&[server(server_text("fine"))]);
    assert_eq!(cells(&tables.websockets, 0, &columns), "[] []");
}

#[test]
fn compression_is_what_was_agreed_to() {
    let offer = handshake().replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    let agreed = accepted().replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    let tables = play(&[client(&offer), server(agreed), server([0xc1, 0])]);
    assert_eq!(cells(&tables.websockets, 0, &["compression", "violations"]), "true []");
    let tables = play(&[client(&offer), server(accepted()), server([0xc1, 0])]);
    assert_eq!(cells(&tables.websockets, 0, &["compression", "violations"]), "false [server:rsv1-unexpected]");
}

#[test]
fn a_hole_within_a_payload_loses_nothing() {
    let tables = opened(&[
        server([&[0x82, 100][..], &[7; 40]].concat()),
        server_gap(50),
        server([&[7; 10][..], &server_text("after")].concat()),
    ]);
    let columns = ["server_frames", "server_bytes", "server_unparsed"];
    assert_eq!(rows(&tables.websockets, &columns), ["2 105 0"]);
}

#[test]
fn frames_are_found_again_at_a_segment() {
    let lost = [0xff; 9];
    // Segments come in one call, unless parts of them were there before.
    let steps = [
        client(handshake()),
        server(accepted()),
        server(server_text("before")),
        server_gap(1000),
        server(lost),
        server(server_text("after")),
        server([0x88, 2, 0x03, 0xe8]),
        client(client_text("one")),
        client_gap(3),
        client(client_text("two")),
    ];
    let tables = Play { steps: steps.to_vec(), mid_stream: false }.tables(Cut::Whole);
    let columns = ["server_frames", "server_text", "server_unparsed", "closed_by", "server_first_payload"];
    assert_eq!(rows(&tables.websockets, &columns), ["3 2 9 server before"]);
    assert_eq!(cells(&tables.websockets, 0, &["client_frames", "client_unparsed"]), "2 0");
    let defects = ["name", "direction", "bytes", "since", "time", "frame"];
    assert_eq!(rows(&tables.defects, &defects), ["gap server 1000 3000 4000 4", "gap client 3 8000 9000 9"]);
}
