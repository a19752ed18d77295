use wsanalyze_engine::protocol::http1::Head;
use wsanalyze_engine::protocol::websocket::{
    DeflateParameters, accept_for, accept_matches, answers, key_valid, offers,
};

/// RFC 6455 §1.3.
const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

#[test]
fn the_example_of_the_rfc() {
    assert!(key_valid(KEY));
    assert_eq!(accept_for(KEY), ACCEPT);
    assert!(accept_matches(KEY, ACCEPT));
    assert!(accept_matches(b" dGhlIHNhbXBsZSBub25jZQ==\t", b" s3pPLMBiTxaQ9kYGzzhZRbK+xOo= "));
    assert!(!accept_matches(KEY, b"S3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert!(!accept_matches(KEY, b""));
}

#[test]
fn keys() {
    for (key, valid) in [
        (&b"AAAAAAAAAAAAAAAAAAAAAA=="[..], true),
        (b" AAAAAAAAAAAAAAAAAAAAAA== ", true),
        // Bits beyond the 16 bytes.
        (b"AAAAAAAAAAAAAAAAAAAAAB==", true),
        (b"AAAAAAAAAAAAAAAAAAAAAA", false),
        (b"AAAAAAAAAAAAAAAAAAAAAAA=", false),
        (b"AAAAAAAAAAAAAAAAAAAAAAAA", false),
        (b"AAAAAAAAAAAAAAAAAAAA!A==", false),
        (b"AAAAAAAAAAAAAAAAAAAA-_==", false),
        (b"SGVsbG8sIHdvcmxkIQ==", false),
        (b"", false),
    ] {
        assert_eq!(key_valid(key), valid, "{}", key.escape_ascii());
    }
}

#[test]
fn requests() {
    let bytes = b"GET /chat HTTP/1.1\r\nHost: a\r\nupgrade: WebSocket\r\nConnection: keep-alive\r\nConnection: x, UPGRADE\r\n\
        Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a\r\n\
        Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Extensions: x-foo, permessage-deflate; client_max_window_bits\r\n\r\n";
    let head = Head::parse(bytes).unwrap();
    let request = offers(&head);
    assert!(request.upgrade && request.connection && request.asks());
    assert_eq!((request.key.as_deref(), request.keys, request.key_valid), (Some(KEY), 1, true));
    assert!(request.version13 && request.deflate);
    assert_eq!(request.protocols.as_deref(), Some(&b"a, b"[..]));

    for (lines, upgrade, connection) in [
        ("Upgrade: websocket", true, false),
        ("Connection: Upgrade", false, true),
        ("Upgrade: websocket/13\r\nConnection: upgrades", false, false),
        ("Upgrade: websocket, h2c\r\nConnection: close, upgrade", true, true),
        ("Upgrade:\r\nConnection:", false, false),
    ] {
        let bytes = format!("GET / HTTP/1.1\r\n{lines}\r\n\r\n");
        let head = Head::parse(bytes.as_bytes()).unwrap();
        let request = offers(&head);
        assert_eq!((request.upgrade, request.connection), (upgrade, connection), "{lines}");
        assert!(!request.version13 && !request.key_valid && request.key.is_none());
    }
    let twice =
        b"GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Key: y\r\nSec-WebSocket-Version: 13, 8\r\n\r\n";
    let head = Head::parse(twice).unwrap();
    assert_eq!((offers(&head).keys, offers(&head).version13), (2, false));
}

#[test]
fn responses() {
    let bytes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: a\r\n\
        Sec-WebSocket-Extensions: Permessage-Deflate; server_no_context_takeover ;client_max_window_bits=\"12\"\r\n\r\n";
    let head = Head::parse(bytes).unwrap();
    let response = answers(&head);
    assert!(response.upgrade && response.connection);
    assert_eq!((response.accept.as_deref(), response.protocol.as_deref()), (Some(ACCEPT), Some(&b"a"[..])));
    let agreed = DeflateParameters {
        server_no_context_takeover: true,
        client_max_window_bits: Some(12),
        ..DeflateParameters::default()
    };
    assert_eq!(response.deflate, Some(agreed));
    for (extensions, deflate) in
        [("x-permessage-deflate", false), ("a; b=permessage-deflate", false), ("a,permessage-deflate;x=", true)]
    {
        let bytes = format!("HTTP/1.1 101 S\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n");
        let head = Head::parse(bytes.as_bytes()).unwrap();
        assert_eq!(answers(&head).deflate.is_some(), deflate, "{extensions}");
    }
}
