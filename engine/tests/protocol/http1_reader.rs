use wsanalyze_engine::protocol::http1::{MAX_FRAMES, MAX_HEAD, MessageReader, Next, Position};

use crate::feeding::{Cut, Piece, Recorder, bytes, missing, read, read_all_ways, read_with, stamp, truncated};

const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const POST: &str = "POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn pipelined_requests() {
    let events = read_all_ways(true, &[bytes([GET, "\r\n", POST, GET].concat())]);
    assert_eq!(
        events,
        [
            "GET /a HTTP/1.1 | 1 headers, 28 bytes, Complete, frames [1], 1 to 1 at 1000",
            "body 0 None 1 at 1000 true",
            "POST /b HTTP/1.1 | 1 headers, 39 bytes, Complete, frames [1], 1 to 1 at 1000",
            "body 5 Some(9555e8555c62dcfd) 1 at 1000 true",
            "GET /a HTTP/1.1 | 1 headers, 28 bytes, Complete, frames [1], 1 to 1 at 1000",
            "body 0 None 1 at 1000 true",
        ]
    );
}

#[test]
fn a_head_names_its_frames_and_greatest_time() {
    let (a, rest) = GET.split_at(3);
    let (b, c) = rest.split_at(9);
    let events = read_all_ways(false, &[bytes(a), bytes(b), bytes([c, OK].concat())]);
    // Frame 3 was captured before frame 2.
    assert_eq!(events[0], "GET /a HTTP/1.1 | 1 headers, 28 bytes, Complete, frames [1, 2, 3], 1 to 3 at 2000");
    assert_eq!(events[2], "HTTP/1.1 200 OK | 1 headers, 38 bytes, Complete, frames [3], 3 to 3 at 500");
    assert_eq!(events[3], "body 2 None 3 at 500 true");
}

#[test]
fn a_head_in_many_frames_names_the_first_and_the_last() {
    let head = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(200));
    let stream: Vec<Piece> = head.as_bytes().chunks(1).map(bytes).collect();
    let events = read(MessageReader::new(false), &stream, &Cut::Whole);
    let mut frames: Vec<usize> = (1..MAX_FRAMES).collect();
    frames.push(stream.len());
    assert!(events[0].contains(&format!("frames {frames:?}, 1 to {} at", stream.len())), "{}", events[0]);
}

#[test]
fn a_response_until_close() {
    let events = read_all_ways(true, &[bytes("HTTP/1.0 200 OK\r\n\r\nsome"), missing(10), bytes("text")]);
    assert_eq!(events[1], "body 18 None 3 at 1000 true");
    assert_eq!(events.len(), 2);
}

#[test]
fn a_body_cut_by_the_end() {
    let events = read_all_ways(true, &[bytes("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")]);
    assert_eq!(events[1], "body 3 None 1 at 1000 false");
    let events = read_all_ways(true, &[bytes("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")]);
    assert_eq!(events[1], "body 3 None 1 at 1000 false");
}

#[test]
fn a_broken_chunk_loses_the_rest_of_the_line() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let events = read_all_ways(true, &[bytes([head, "3\r\nabcX\r\n", GET].concat())]);
    assert_eq!(events[1..4], ["defect chunk-data-end 1", "body 3 None 1 at 1000 false", "lost 3 1"],);
    assert!(events[4].starts_with("GET /a"));
}

#[test]
fn unexpected_bytes_are_skipped_to_the_next_start_line() {
    let events = read_all_ways(false, &[bytes([OK, "extra body\r\nand more\r\n", OK].concat())]);
    assert_eq!(events[2..4], ["defect unexpected-bytes 1", "lost 22 1"]);
    assert!(events[4].starts_with("HTTP/1.1 200 OK"));
    // Bytes without any line end, then a segment.
    let events = read_all_ways(false, &[bytes(OK), bytes([0_u8, 1, 2, 3]), bytes(OK)]);
    assert_eq!(events[2..4], ["defect unexpected-bytes 2", "lost 4 2"]);
    assert!(events[4].starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn what_begins_like_a_method_may_be_garbage() {
    for garbage in ["ABC", "GET /not/a/request", "HTTP/1.1 2", "HTT"] {
        let events = read_all_ways(false, &[bytes(garbage), bytes(OK), bytes(OK)]);
        let found: Vec<_> = events.iter().filter(|event| event.starts_with("HTTP/1.1 200 OK")).collect();
        assert_eq!(found.len(), 2, "{garbage}: {events:?}");
    }
}

#[test]
fn held_bytes_stay_unread() {
    let upgrade = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    for cut in 1..upgrade.len() + 6 {
        let sink = Recorder { hold: true, ..Recorder::default() };
        let events =
            read_with(MessageReader::new(true), sink, &[bytes([upgrade, "\u{1}frames"].concat())], &Cut::At(cut));
        assert_eq!(events[1..], ["unread 7"], "cut at {cut}");
    }
}

#[test]
fn a_held_reader_goes_on() {
    let mut reader = MessageReader::new(true);
    let mut sink = Recorder { hold: true, ..Recorder::default() };
    let both = [POST, GET].concat();
    let head = POST.len() - 5;
    assert_eq!(reader.feed(both.as_bytes(), stamp(0), &mut sink), head);
    assert_eq!(reader.position(), Position::Held);
    assert_eq!(reader.feed(&both.as_bytes()[head..], stamp(1), &mut sink), 0);
    sink.hold = false;
    reader.resume(Next::Body(wsanalyze_engine::protocol::http1::Framing::Length(5)), &mut sink);
    assert_eq!(reader.feed(&both.as_bytes()[head..], stamp(0), &mut sink), both.len() - head);
    reader.end(&mut sink);
    assert_eq!(sink.events[1], "body 5 Some(9555e8555c62dcfd) 1 at 1000 true");
    assert!(sink.events[2].starts_with("GET /a"));

    let mut reader = MessageReader::new(true);
    let mut sink = Recorder { hold: true, ..Recorder::default() };
    reader.feed(GET.as_bytes(), stamp(0), &mut sink);
    reader.resume(Next::NoBody, &mut sink);
    assert_eq!(sink.events[1..], ["body 0 None 1 at 1000 true"]);
    assert_eq!(reader.position(), Position::Start);
}

#[test]
fn an_http2_preface_stops_the_reader() {
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let events = read_all_ways(false, &[bytes([OK, preface].concat())]);
    assert_eq!(events[2..], ["defect http2-preface 1".to_owned(), format!("unread {}", preface.len())]);
}

#[test]
fn cut_heads_are_told_with_the_cause() {
    let head = "GET /a HTTP/1.1\r\nHost: x\r\nUpg";
    for (rest, word) in [(vec![missing(5)], "Gap"), (vec![truncated(5)], "Truncated"), (vec![], "Cut")] {
        let stream: Vec<Piece> = [bytes(head)].into_iter().chain(rest).chain([bytes("ade: w\r\n\r\n")]).collect();
        let stream = if word == "Cut" { &stream[..1] } else { &stream[..] };
        let events = read_all_ways(false, stream);
        assert_eq!(events[0], format!("GET /a HTTP/1.1 | 1 headers, 29 bytes, {word}, frames [1], 1 to 1 at 1000"));
        assert_eq!(events[1..], if word == "Cut" { vec![] } else { vec!["lost 10 3"] });
    }
}

#[test]
fn a_start_line_cut_by_the_snapshot_length() {
    let events = read_all_ways(false, &[bytes("GET /apps/0123"), truncated(300), bytes(GET)]);
    assert_eq!(events[0], "GET /apps/0123  | 0 headers, 14 bytes, Truncated, frames [1], 1 to 1 at 1000");
    assert!(events[1].starts_with("GET /a HTTP/1.1"), "{events:?}");
    let events = read_all_ways(false, &[bytes("HTTP/1.1 20"), truncated(300), bytes(OK)]);
    assert_eq!(events[0], "lost 11 1");
    assert!(events[1].starts_with("HTTP/1.1 200"));
}

#[test]
fn a_head_too_long_is_given_up() {
    let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n{GET}", "b".repeat(MAX_HEAD));
    let whole = read(MessageReader::new(false), &[bytes(&long)], &Cut::Whole);
    assert_eq!(whole[0], "defect head-too-long 1");
    assert_eq!(whole[1], format!("lost {} 1", long.len() - GET.len()));
    assert!(whole[2].starts_with("GET /a"));
    for cut in [Cut::Bytes, Cut::Sizes(vec![1460]), Cut::At(MAX_HEAD)] {
        assert_eq!(read(MessageReader::new(false), &[bytes(&long)], &cut), whole);
    }
    // The longest that is read.
    let fill = MAX_HEAD - "GET / HTTP/1.1\r\nA: \r\n\r\n".len();
    let longest = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(fill));
    for cut in [Cut::Whole, Cut::Sizes(vec![1460])] {
        let events = read(MessageReader::new(false), &[bytes(&longest)], &cut);
        assert!(events[0].contains("262144 bytes, Complete"), "{}", events[0]);
    }
    // A target without end.
    let events = read(MessageReader::new(false), &[bytes(format!("GET /{}", "a".repeat(2 * MAX_HEAD)))], &Cut::Bytes);
    assert_eq!(events[0], "defect head-too-long 1");
}
