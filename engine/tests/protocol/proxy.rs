use proptest::prelude::*;
use wsanalyze_engine::protocol::proxy::{ProxyHeader, ProxyParse, parse};

fn header(bytes: &[u8]) -> ProxyHeader {
    for cut in 0..bytes.len() {
        assert_eq!(parse(&bytes[..cut]), ProxyParse::Need, "cut at {cut}");
    }
    let ProxyParse::Header(header) = parse(&[bytes, b"GET / HTTP/1.1\r\n"].concat()) else {
        panic!("{:?}", parse(bytes))
    };
    assert_eq!(header.length, bytes.len());
    header
}

fn version2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &length, body].concat()
}

#[test]
fn version_1() {
    // The examples of §2.1.
    let found = header(b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n");
    assert_eq!((found.version, found.local, found.defect), (1, false, None));
    assert_eq!(found.source, "192.168.0.1:56324".parse().ok());
    assert_eq!(found.destination, "192.168.0.11:443".parse().ok());
    let longest =
        b"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    let found = header(longest);
    assert_eq!(found.source, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535".parse().ok());
    for unknown in [
        &b"PROXY UNKNOWN\r\n"[..],
        b"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
    ] {
        let found = header(unknown);
        assert_eq!((found.source, found.destination), (None, None));
    }
}

#[test]
fn broken_version_1() {
    for (text, defect, length) in [
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", "proxy-v1-bare-line-feed", Some(31)),
        ("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", "proxy-v1-unknown-family", Some(32)),
        ("PROXY \r\n", "proxy-v1-unknown-family", Some(8)),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "proxy-v1-malformed", Some(30)),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "proxy-v1-malformed", Some(34)),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1  2\r\n", "proxy-v1-malformed", Some(33)),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "proxy-v1-malformed", Some(33)),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", "proxy-v1-malformed", Some(33)),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "proxy-v1-malformed", Some(36)),
        ("PROXY TCP4 ::1 ::1 1 2\r\n", "proxy-v1-malformed", Some(24)),
        ("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "proxy-v1-malformed", Some(30)),
    ] {
        assert_eq!(parse(text.as_bytes()), ProxyParse::Bad(defect, length), "{text:?}");
    }
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
    assert_eq!(parse(&long.as_bytes()[..106]), ProxyParse::Need);
    assert_eq!(parse(long.as_bytes()), ProxyParse::Bad("proxy-v1-too-long", None));
}

#[test]
fn version_2() {
    let inet = [10, 0, 0, 1, 10, 0, 0, 2, 0xc0, 0x00, 0x01, 0xbb];
    let found = header(&version2(0x21, 0x11, &inet));
    assert_eq!((found.version, found.local, found.defect), (2, false, None));
    assert_eq!(found.source, "10.0.0.1:49152".parse().ok());
    assert_eq!(found.destination, "10.0.0.2:443".parse().ok());

    let mut inet6 = [0; 36];
    inet6[15] = 1;
    inet6[31] = 2;
    inet6[33] = 80;
    let found = header(&version2(0x21, 0x21, &inet6));
    assert_eq!((found.source, found.destination), ("[::1]:80".parse().ok(), "[::2]:0".parse().ok()));

    let found = header(&version2(0x21, 0x31, &[0; 216]));
    assert_eq!((found.source, found.local, found.defect), (None, false, None));
    let found = header(&version2(0x21, 0x00, b"anything"));
    assert_eq!((found.source, found.local), (None, false));
    let found = header(&version2(0x20, 0x00, b""));
    assert_eq!((found.source, found.local), (None, true));
    let found = header(&version2(0x20, 0x11, &inet));
    assert_eq!((found.source, found.local), (None, true));

    // With extensions; the second is longer than what is left.
    let extended = [&inet[..], &[0x04, 0, 2, 0, 0]].concat();
    assert_eq!(header(&version2(0x21, 0x11, &extended)).defect, None);
    let broken = [&extended[..], &[0xea, 0, 9, 1]].concat();
    let found = header(&version2(0x21, 0x11, &broken));
    assert_eq!(found.defect, Some("proxy-v2-extensions-malformed"));
    assert!(found.source.is_some());
    header(&version2(0x21, 0x11, &[0; 65535]));
}

#[test]
fn broken_version_2() {
    for (command, family, body, defect, length) in [
        (0x11, 0x11, 12, "proxy-v2-unknown-version", None),
        (0x22, 0x11, 12, "proxy-v2-unknown-command", Some(28)),
        (0x21, 0x41, 12, "proxy-v2-unknown-family", Some(28)),
        (0x21, 0x13, 12, "proxy-v2-unknown-family", Some(28)),
        (0x21, 0x11, 11, "proxy-v2-short-addresses", Some(27)),
        (0x21, 0x21, 35, "proxy-v2-short-addresses", Some(51)),
        (0x21, 0x31, 215, "proxy-v2-short-addresses", Some(231)),
    ] {
        let bytes = version2(command, family, &vec![0; body]);
        assert_eq!(parse(&bytes), ProxyParse::Bad(defect, length));
    }
}

#[test]
fn other_beginnings() {
    for other in
        [&b"GET / HTTP/1.1\r\n"[..], b"PRI * HTTP/2.0", b"POST", b"PROXYTCP4", b"\r\nGET", b"\x16\x03\x01", b"proxy "]
    {
        assert_eq!(parse(other), ProxyParse::No, "{}", other.escape_ascii());
    }
    assert_eq!(parse(b""), ProxyParse::Need);
}

proptest! {
    #[test]
    fn any_bytes(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        for prefix in [&b""[..], b"PROXY ", b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0"] {
            let bytes = [prefix, &tail].concat();
            if let ProxyParse::Header(header) = parse(&bytes) {
                prop_assert!(header.length <= bytes.len());
                prop_assert_eq!(parse(&bytes[..header.length]), ProxyParse::Header(header));
            }
        }
    }
}
