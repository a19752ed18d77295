use wsanalyze_engine::protocol::http1::{MessageReader, Position};

use crate::feeding::{Cut, Recorder, bytes, missing, read, read_all_ways, read_with, truncated};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn found(events: &[String]) -> Vec<&str> {
    events.iter().filter_map(|event| event.split(" | ").next().filter(|start| start.len() < event.len())).collect()
}

#[test]
fn exact_gaps_in_bodies_keep_the_reader_in_step() {
    let head = "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc";
    let events = read_all_ways(true, &[bytes(head), missing(7), bytes("GET /next HTTP/1.1\r\n\r\n")]);
    assert_eq!(events[1], "body 10 None 1 at 1000 true");
    assert_eq!(found(&events), ["POST / HTTP/1.1", "GET /next HTTP/1.1"]);
    // The cut frame did carry the end of the body.
    let events = read_all_ways(true, &[bytes(head), truncated(7), bytes("GET /next HTTP/1.1\r\n\r\n")]);
    assert_eq!(events[1], "body 10 None 2 at 2000 true");
    // One byte more, and the end is not known.
    let events = read_all_ways(true, &[bytes(head), missing(8), bytes("GET /next HTTP/1.1\r\n\r\n")]);
    assert_eq!(events[1], "body 3 None 1 at 1000 false");
    assert_eq!(found(&events), ["POST / HTTP/1.1", "GET /next HTTP/1.1"]);
}

#[test]
fn the_next_message_is_found_at_a_segment_or_a_line() {
    let rest = "binary\0data without end of line";
    let events = read_all_ways(false, &[bytes(OK), missing(100), bytes(rest), bytes(OK)]);
    assert_eq!(found(&events), ["HTTP/1.1 200 OK"; 2]);
    assert_eq!(events[2], format!("lost {} 3", rest.len()));
    let events = read_all_ways(false, &[bytes(OK), missing(100), bytes(format!("tail\r\n{OK}"))]);
    assert_eq!(found(&events), ["HTTP/1.1 200 OK"; 2]);
    // Never within a line.
    let events = read_all_ways(false, &[bytes(OK), missing(100), bytes(format!("tail {OK}"))]);
    assert_eq!(found(&events), ["HTTP/1.1 200 OK"; 1]);
}

#[test]
fn what_resembles_a_start_line_is_not_taken_for_one() {
    for text in [
        "127.0.0.1 - - \"GET / HTTP/1.1\" 200\n",
        "GET / HTTP/1.1 200 12\n",
        "GET  / HTTP/1.1\n",
        "get / HTTP/1.1\n",
        "GET /\n",
        "GET / HTTP/1.1\rx\n",
        "Get / HTTP/1.1\n",
        "GET noslash HTTP/1.1\n",
        "HTTP/1.1 is old\n",
        "HTTP/1.1 2000\n",
        "HTTP/2.0 200 OK\n",
        "http/1.1 200 OK\n",
        "PRI * HTTP/2.0\n",
    ] {
        let events = read_all_ways(false, &[missing(100), bytes(text.repeat(2)), bytes(OK)]);
        assert_eq!(found(&events), ["HTTP/1.1 200 OK"], "{text:?}");
        assert_eq!(events[0], format!("lost {} 2", 2 * text.len()));
    }
    for text in ["CONNECT a:1 HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.0\n\n", "GET http://a/ HTTP/1.1\r\n\r\n"] {
        let events = read_all_ways(false, &[missing(100), bytes(text)]);
        assert_eq!(found(&events).len(), 1, "{text:?}");
    }
}

#[test]
fn a_start_line_may_be_cut_between_segments() {
    let (a, b) = OK.split_at(7);
    let events = read_all_ways(false, &[missing(100), bytes(format!("x\n{a}")), bytes(b)]);
    assert_eq!(events[0], "lost 2 2");
    assert!(events[1].contains("frames [2, 3]"), "{events:?}");
    // What looked like one in the segment before gives way.
    for tail in ["ABC", "GET /x", "HTTP/1.1 2", "HTTP", "M-SEARCH"] {
        let events = read_all_ways(false, &[missing(100), bytes(format!("\n{tail}")), bytes(OK)]);
        assert_eq!(found(&events), ["HTTP/1.1 200 OK"], "{tail:?}");
        assert_eq!(events[0], format!("lost {} 2", 1 + tail.len()));
    }
}

#[test]
fn a_cut_head_in_an_unknown_place() {
    let events = read_all_ways(false, &[missing(9), bytes("GET /a HTTP/1.1\r\nHost: x\r\nUp"), missing(9)]);
    assert!(events[0].starts_with("GET /a HTTP/1.1 | 1 headers, 28 bytes, Gap"), "{events:?}");
    // Its start-line is not certain without its end.
    let events = read_all_ways(false, &[missing(9), bytes("GET /a HTTP/1.1"), missing(9), bytes("x")]);
    assert_eq!(events, ["lost 16 4"]);
}

#[test]
fn a_stream_whose_beginning_is_missing() {
    let stream = [bytes(format!("rest of a body\r\n{OK}"))];
    let events = read(MessageReader::mid_stream(false), &stream, &Cut::Whole);
    assert_eq!(found(&events), ["HTTP/1.1 200 OK"]);
    assert_eq!(MessageReader::mid_stream(false).position(), Position::Lost);
    assert_eq!(read(MessageReader::mid_stream(false), &[bytes(OK)], &Cut::Bytes).len(), 2);
}

#[test]
fn a_response_without_a_body_to_head() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n";
    let sink = Recorder { request_method: Some(b"HEAD"), ..Recorder::default() };
    let events = read_with(MessageReader::new(false), sink, &[bytes(head.repeat(2))], &Cut::Bytes);
    assert_eq!(found(&events).len(), 2);
}
