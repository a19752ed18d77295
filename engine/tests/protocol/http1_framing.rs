use wsanalyze_engine::protocol::http1::{Framing, Head, request_framing, response_framing};

fn framing_of(head: &str, method: Option<&[u8]>) -> (Framing, bool, Vec<&'static str>) {
    let bytes = format!("{head}\r\n\r\n");
    let head = Head::parse(bytes.as_bytes()).unwrap();
    let decision = if head.method().is_some() { request_framing(&head) } else { response_framing(&head, method) };
    (decision.framing, decision.switches, decision.defects.names().collect())
}

#[test]
fn request_framings() {
    const LARGEST: u64 = u64::MAX;
    for (headers, framing, defects) in [
        ("A: b", Framing::None, &[][..]),
        ("Content-Length: 5", Framing::Length(5), &[]),
        ("content-length: 18446744073709551615", Framing::Length(LARGEST), &[]),
        ("Content-Length: 18446744073709551616", Framing::None, &["content-length-malformed"]),
        ("Content-Length: +5", Framing::None, &["content-length-malformed"]),
        ("Content-Length:", Framing::None, &["content-length-malformed"]),
        ("Content-Length: 0x5", Framing::None, &["content-length-malformed"]),
        ("Content-Length: -5", Framing::None, &["content-length-negative"]),
        ("Content-Length: 5, 5", Framing::Length(5), &["content-length-repeated"]),
        ("Content-Length: 5\r\nContent-Length: 5", Framing::Length(5), &["content-length-repeated"]),
        ("Content-Length: 5\r\nContent-Length: 6", Framing::Length(5), &["content-length-conflict"]),
        ("Content-Length: x\r\nContent-Length: 6", Framing::Length(6), &["content-length-malformed"]),
        ("Transfer-Encoding: Chunked", Framing::Chunked, &[]),
        ("Transfer-Encoding: gzip, chunked", Framing::Chunked, &[]),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked;a=b", Framing::Chunked, &[]),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            Framing::Chunked,
            &["content-length-with-transfer-encoding"],
        ),
        ("Transfer-Encoding: chunked, chunked", Framing::Chunked, &["chunked-repeated"]),
        ("Transfer-Encoding: chunked, gzip", Framing::UntilClose, &["chunked-not-final"]),
        ("Transfer-Encoding: xchunked", Framing::UntilClose, &["request-not-chunked"]),
        ("Transfer-Encoding: identity\r\nContent-Length: 5", Framing::Length(5), &["transfer-encoding-identity"]),
        ("Transfer-Encoding:\r\nContent-Length: 5", Framing::Length(5), &["transfer-encoding-empty"]),
    ] {
        let head = format!("POST / HTTP/1.1\r\n{headers}");
        assert_eq!(framing_of(&head, None), (framing, false, defects.to_vec()), "{headers}");
    }
    let old = framing_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked", None);
    assert_eq!(old, (Framing::Chunked, false, vec!["transfer-encoding-http10"]));
}

#[test]
fn response_framings() {
    let forbidden = vec!["content-length-forbidden", "transfer-encoding-forbidden"];
    for (head, method, framing, switches, defects) in [
        ("200 OK", None, Framing::UntilClose, false, vec![]),
        ("200 OK\r\nContent-Length: 3", None, Framing::Length(3), false, vec![]),
        ("200 OK\r\nContent-Length: 3", Some(&b"HEAD"[..]), Framing::None, false, vec![]),
        ("200 OK\r\nTransfer-Encoding: gzip", None, Framing::UntilClose, false, vec![]),
        ("200 OK\r\nTransfer-Encoding: chunked", None, Framing::Chunked, false, vec![]),
        ("200 OK\r\nContent-Length: x", None, Framing::UntilClose, false, vec!["content-length-malformed"]),
        ("304 Not Modified\r\nContent-Length: 3", None, Framing::None, false, vec![]),
        ("204 No Content", None, Framing::None, false, vec![]),
        ("204 N\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", None, Framing::None, false, forbidden),
        ("100 Continue", None, Framing::None, false, vec![]),
        ("101 Switching Protocols", None, Framing::None, true, vec![]),
        ("200 OK", Some(b"CONNECT"), Framing::None, true, vec![]),
        ("404 Not Found\r\nContent-Length: 3", Some(b"CONNECT"), Framing::Length(3), false, vec![]),
    ] {
        let text = format!("HTTP/1.1 {head}");
        assert_eq!(framing_of(&text, method), (framing, switches, defects), "{head}");
    }
}
