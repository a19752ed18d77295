//! What is told of oddities, and how often.

use crate::play::{Cut, Play, Step, client, client_gap, get, ok, play, server, server_gap};
use crate::rows::{cell, rows};
use wsanalyze_engine::protocol::GapCause;
use wsanalyze_engine::table::Tables;

fn whole(steps: Vec<Step>) -> Tables {
    Play { steps, mid_stream: false }.tables(Cut::Whole)
}

#[test]
fn oddities_of_heads_are_named_by_message() {
    let odd = "GET /1 HTTP/1.1\nHost: a\r\nHost : b\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nBad Name: x\r\n\r\n02 \r\nok\r\n0\r\n\r\n";
    let tables = play(&[client(odd), server(answer)]);
    assert_eq!(
        cell(&tables.exchanges, "defects", 0),
        "[request:bare-line-feed,request:whitespace-before-colon,request:content-length-repeated,\
         response:header-name-invalid,response:chunk-size-padded]"
    );
    assert_eq!(cell(&tables.exchanges, "host", 0), "a, b");
    assert_eq!(cell(&tables.exchanges, "response_body_bytes", 0), "2");
    assert_eq!(tables.defects.num_rows(), 0);
}

#[test]
fn values_lose_nothing() {
    let request =
        b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: \xe9\r\nX-Forwarded-For: a\r\nx-forwarded-for: b\r\nUser-Agent:\r\n\r\n";
    let tables = play(&[client(request), server(ok(""))]);
    let columns = ["target", "host", "x_forwarded_for", "user_agent", "origin"];
    assert_eq!(rows(&tables.exchanges, &columns), ["/caf\u{e9} \\xe9 a, b  -"]);
}

#[test]
fn holes_have_a_row_each_and_truncated_packets_one_a_direction() {
    let tables = play(&[
        client(get("/1")),
        server_gap(10),
        Step::ServerGap(5, GapCause::Truncated),
        client_gap(7),
        Step::ServerGap(6, GapCause::Truncated),
        Step::ClientGap(1, GapCause::Truncated),
    ]);
    let columns = ["name", "direction", "bytes", "since", "time", "frame"];
    let expected = [
        "gap server 10 - 2000 2",
        "gap client 7 1000 4000 4",
        "truncated server 11 2000 5000 5",
        "truncated client 1 4000 6000 6",
    ];
    assert_eq!(rows(&tables.defects, &columns), expected);
}

#[test]
fn many_of_a_name_are_summed_up() {
    let steps = [client(get("/1"))].into_iter().chain((0..300).map(|_| server_gap(10))).collect();
    let tables = whole(steps);
    assert_eq!(tables.defects.num_rows(), 101);
    let columns = ["name", "bytes", "since", "time", "frame"];
    assert_eq!(rows(&tables.defects, &columns)[100], "gap 2000 101000 301000 301");
}
