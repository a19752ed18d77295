use proptest::prelude::*;
use wsanalyze_engine::protocol::http1::{
    Head, Looks, MAX_FIELDS, MAX_HEAD, StartLine, find_head_end, looks_like_start,
};

fn defects(head: &Head<'_>) -> Vec<&'static str> {
    head.defects().names().collect()
}

fn headers(head: &Head<'_>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    head.headers().map(|header| (text(header.name), text(&header.value))).collect()
}

fn request<'a>(head: &Head<'a>) -> (&'a [u8], &'a [u8], &'a [u8]) {
    match head.start() {
        StartLine::Request { method, target, version } => (method, target, version),
        StartLine::Response { .. } => panic!("a response"),
    }
}

#[test]
fn requests_and_responses_are_recognised() {
    for (bytes, looks) in [
        (&b"GET / HTTP/1.1\r\n"[..], Looks::Request),
        (b"GET / HTTP/1.1", Looks::Request),
        (b"\r\n\r\nGET / HTTP/1.1\n", Looks::Request),
        (b"M-SEARCH * HTTP/1.1\r\n", Looks::Request),
        (b"get /a b http/1.0\r\n", Looks::Request),
        (b"PRI /x HTTP/1.1\r\n", Looks::Request),
        (b"CONNECT example.org:443 HTTP/1.1\r\n", Looks::Request),
        (b"GET http://example.org/ HTTP/1.1\r\n", Looks::Request),
        (b"HTTP/1.1 200 OK\r\n", Looks::Response),
        (b"HTTP/1.1  200\r\n", Looks::Response),
        (b"http/1.0 404", Looks::Response),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Looks::Http2Preface),
        (b"", Looks::Maybe),
        (b"\r\n", Looks::Maybe),
        (b"G", Looks::Maybe),
        (b"GET ", Looks::Maybe),
        (b"GET /long/target", Looks::Maybe),
        (b"GET / HTTP/1.", Looks::Maybe),
        (b"H", Looks::Maybe),
        (b"HTTP/1.1 20", Looks::Maybe),
        (b"PRI * HTTP/2", Looks::Maybe),
        // HTTP/0.9, other protocols, binary.
        (b"GET /\r\n", Looks::No),
        (b"GET HTTP/1.1\r\n", Looks::No),
        (b"GET /x\0y", Looks::No),
        (b"SSH-2.0-OpenSSH_9.6 Debian\r\n", Looks::No),
        (b"OPTIONS rtsp://x RTSP/1.0\r\n", Looks::No),
        (b"220 mail ESMTP\r\n", Looks::No),
        (b"HTTP/1.1 OK\r\n", Looks::No),
        (b"HTTP/1.1200 OK\r\n", Looks::No),
        (b"HTTP/11 200 OK\r\n", Looks::No),
        (b"\x16\x03\x01\x02\x00", Looks::No),
        (b"\x81\x05Hello", Looks::No),
        (b"AMETHODTHATISMUCHLONGERTHANTHIRTYTWO / HTTP/1.1\r\n", Looks::No),
    ] {
        assert_eq!(looks_like_start(bytes), looks, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_head_is_read_as_sent() {
    let bytes =
        b"GET /chat?x=1 HTTP/1.1\r\nHost: example.org\r\nCONNECTION: keep-alive, Upgrade\r\nX:\r\nx: b \r\n\r\nbody";
    let head = Head::parse(bytes).unwrap();
    assert_eq!(request(&head), (&b"GET"[..], &b"/chat?x=1"[..], &b"HTTP/1.1"[..]));
    assert_eq!(head.version(), Some((1, 1)));
    let expected = [("Host", "example.org"), ("CONNECTION", "keep-alive, Upgrade"), ("X", ""), ("x", "b")];
    assert_eq!(headers(&head), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(head.get(b"x").as_deref(), Some(&b""[..]));
    assert_eq!(head.joined(b"x").as_deref(), Some(&b", b"[..]));
    assert_eq!(head.joined(b"y"), None);
    assert!(head.lists_token(b"connection", b"upgrade"));
    assert!(!head.lists_token(b"connection", b"alive"));
    assert_eq!(head.raw(), &bytes[..bytes.len() - 4]);
    assert!(head.is_complete() && head.defects().is_empty());
}

#[test]
fn a_response_is_read_as_sent() {
    for (line, status, reason, found) in [
        (&b"HTTP/1.1 101 Switching Protocols\r\n\r\n"[..], 101, &b"Switching Protocols"[..], &[][..]),
        (b"HTTP/1.1 200\r\n\r\n", 200, b"", &[]),
        (b"HTTP/1.1 200 \r\n\r\n", 200, b"", &[]),
        (b"HTTP/1.1  200 OK\r\n\r\n", 200, b"OK", &["start-line-blanks"]),
        (b"http/1.1 200 OK\r\n\r\n", 200, b"OK", &["version-case"]),
        (b"HTTP/3.0 200 OK\r\n\r\n", 200, b"OK", &["version-unknown"]),
        (b"HTTP/1.1 2000 OK\r\n\r\n", 200, b"0 OK", &["status-line-malformed"]),
        (b"HTTP/1.1 099 OK\r\n\r\n", 99, b"OK", &["status-out-of-range"]),
    ] {
        let head = Head::parse(line).unwrap();
        let StartLine::Response { status: got, reason: words, .. } = head.start() else { panic!("a request") };
        assert_eq!((got, words, defects(&head).as_slice()), (status, reason, found));
    }
}

#[test]
fn odd_request_lines_are_read_with_their_defects() {
    for (line, target, found) in [
        (&b"GET  /x HTTP/1.1\r\n\r\n"[..], &b"/x"[..], &["start-line-blanks"][..]),
        (b"GET\t/x HTTP/1.1\r\n\r\n", b"/x", &["start-line-blanks"]),
        (b"GET /x HTTP/1.1 \r\n\r\n", b"/x", &["start-line-blanks"]),
        (b"GET /x y HTTP/1.1\r\n\r\n", b"/x y", &["target-whitespace"]),
        (b"GET /x HTTP/1.1 HTTP/1.1\r\n\r\n", b"/x HTTP/1.1", &["target-whitespace"]),
        (b"GET /x HTTP/1.1 y\r\n\r\n", b"/x", &["request-line-trailing"]),
        (b"GET /x http/1.1\r\n\r\n", b"/x", &["version-case"]),
        (b"GET /x HTTP/2.0\r\n\r\n", b"/x", &["version-unknown"]),
        (b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", b"/\xc3\xa9", &["target-not-ascii"]),
        (b"\r\n\n\r\nGET /x HTTP/1.1\r\n\r\n", b"/x", &[]),
    ] {
        let head = Head::parse(line).unwrap();
        assert_eq!((request(&head).1, defects(&head).as_slice()), (target, found), "{}", line.escape_ascii());
    }
}

#[test]
fn odd_headers_are_read_with_their_defects() {
    for (lines, expected, found) in [
        ("A: 1\nB: 2\r\n\n", &[("A", "1"), ("B", "2")][..], &["bare-line-feed"][..]),
        ("A: 1\r\n  2 \r\n\t3\r\nB: x\r\n\r\n", &[("A", "1 2 3"), ("B", "x")], &["obs-fold"]),
        ("A:\r\n 2\r\n \r\n\r\n", &[("A", "2")], &["obs-fold"]),
        (" A: 1\r\nB: 2\r\n\r\n", &[("B", "2")], &["whitespace-before-first-header"]),
        ("A : 1\r\n\r\n", &[("A", "1")], &["whitespace-before-colon"]),
        ("A\t : 1\r\n\r\n", &[("A", "1")], &["whitespace-before-colon"]),
        ("no colon\r\n folded\r\nA: 1\r\n\r\n", &[("A", "1")], &["obs-fold", "header-without-colon"]),
        (": 1\r\nA: 1\r\n\r\n", &[("A", "1")], &["header-name-empty"]),
        ("A B: 1\r\n\r\n", &[("A B", "1")], &["header-name-invalid"]),
        ("A: 1\0\r\n\r\n", &[("A", "1\\x00")], &["nul-byte"]),
        ("A: 1\x07\r\n\r\n", &[("A", "1\\x07")], &["control-byte"]),
        ("A: 1\r2\r\n\r\n", &[("A", "1\\r2")], &["control-byte"]),
        ("A: \t1\t\r\n\r\n", &[("A", "1")], &[]),
    ] {
        let bytes = format!("GET / HTTP/1.1\r\n{lines}");
        let head = Head::parse(bytes.as_bytes()).unwrap();
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!((headers(&head), defects(&head).as_slice()), (expected, found), "{lines:?}");
        assert!(head.is_complete());
    }
}

#[test]
fn a_cut_head_is_read_as_far_as_it_goes() {
    let whole = b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
    for cut in 0..whole.len() {
        let Some(head) = Head::parse(&whole[..cut]) else {
            assert!(cut <= b"GET ".len(), "{cut}");
            continue;
        };
        assert!(!head.is_complete());
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(head.headers().count(), lines.saturating_sub(1));
        assert_eq!(head.version().is_some(), cut >= b"GET /chat HTTP/1.1".len());
        assert_eq!(defects(&head), [""; 0]);
    }
    // Without a version, only a well-known method makes a request.
    assert!(Head::parse(b"HELLO there").is_none());
    assert!(Head::parse(b"HTTP/1.1 20").is_none());
    assert!(Head::parse(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").is_none());
}

#[test]
fn the_end_is_found_in_any_pieces() {
    for head in ["GET / HTTP/1.1\r\nA: b\r\n\r\n", "GET / HTTP/1.1\nA: b\n\n", "\r\n\r\n\nGET / HTTP/1.1\r\nA: b\n\r\n"]
    {
        let bytes = format!("{head}\r\n\r\n");
        let mut searched = 0;
        for length in 1..=bytes.len() {
            let end = find_head_end(&bytes.as_bytes()[..length], searched);
            assert_eq!(end, (length >= head.len()).then_some(head.len()), "{head:?} {length}");
            if end.is_none() {
                searched = length;
            }
        }
    }
}

#[test]
fn limits_hold() {
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_FIELDS + 1));
    let head = Head::parse(many.as_bytes()).unwrap();
    assert_eq!((head.headers().count(), defects(&head).as_slice()), (MAX_FIELDS, &["too-many-headers"][..]));
    assert!(head.is_complete());

    let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(MAX_HEAD));
    let head = Head::parse(long.as_bytes()).unwrap();
    assert_eq!((head.is_complete(), defects(&head).as_slice()), (false, &["head-too-long"][..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_parsed(bytes in prop::collection::vec(any::<u8>(), 0..300), odd in "[A-Z/: .\t\r\nHTP10a,;=]{0,200}") {
        for bytes in [bytes.as_slice(), odd.as_bytes(), &[b"GET / HTTP/1.1\r\n", odd.as_bytes()].concat(),
                      &[b"GET / HTTP/1.1\r\n", bytes.as_slice()].concat()] {
            if let Some(head) = Head::parse(bytes) {
                let names: Vec<_> = head.headers().map(|header| header.name).collect();
                for name in names {
                    prop_assert!(head.get(name).is_some() && head.joined(name).is_some());
                    prop_assert!(!head.lists_token(b"absent", name));
                }
                if head.is_complete() {
                    let start = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                    prop_assert_eq!(find_head_end(bytes, 0), Some(start + head.raw().len()));
                }
            }
        }
    }

    #[test]
    fn more_bytes_never_change_an_answer(line in "(GET|HTTP/1.1|PRI|[A-Z]{1,3})[ \t]{0,3}(/|[*]|200|[a-z0-9/ ]{0,9})[ \t]{0,2}(HTTP/[12][.][01]|http/1.1|[\0-\x20]{0,2})[\r\nx ]{0,3}[a-zH/]{0,5}") {
        let mut settled: Option<Looks> = None;
        for length in 0..=line.len() {
            let looks = looks_like_start(&line.as_bytes()[..length]);
            if let Some(settled) = settled {
                prop_assert_eq!(looks, settled, "at {}", length);
            } else if looks != Looks::Maybe {
                settled = Some(looks);
            }
        }
        if matches!(settled, Some(Looks::Request | Looks::Response)) && line.contains('\n') {
            prop_assert!(Head::parse(line.as_bytes()).is_some());
        }
    }
}
