use proptest::prelude::*;
use wsanalyze_engine::protocol::tls::{
    ClientHello, Hello, HelloProgress, HelloReader, MAX_HELLO, ServerHello, TlsSniff, sniff,
};

fn vector(length_bytes: usize, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[4 - length_bytes..], body].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector(2, body)].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector(3, body)].concat()
}

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &vector(2, fragment)].concat()
}

fn client_hello(extensions: &[u8]) -> Vec<u8> {
    let fixed = [&[3, 3][..], &[7; 32], &vector(1, &[9; 32]), &vector(2, &[0x13, 0x01]), &vector(1, &[0])].concat();
    message(1, &[&fixed[..], &vector(2, extensions)].concat())
}

fn usual_extensions() -> Vec<u8> {
    [
        extension(0x0a0a, &[]),
        extension(0, &vector(2, &[&[0][..], &vector(2, b"app.example.org")].concat())),
        extension(16, &vector(2, &[vector(1, b"h2"), vector(1, b"http/1.1")].concat())),
        extension(43, &vector(1, &[0x1a, 0x1a, 3, 4, 3, 3])),
    ]
    .concat()
}

fn expected_client() -> ClientHello {
    ClientHello {
        versions: vec![0x0304, 0x0303],
        server_name: Some("app.example.org".into()),
        alpn: vec!["h2".into(), "http/1.1".into()],
        random: [7; 32],
        session_id: vec![9; 32],
        cipher_suites: vec![0x1301],
        ..ClientHello::default()
    }
}

fn read(bytes: &[u8], size: usize) -> HelloProgress {
    let mut reader = HelloReader::new();
    let mut progress = HelloProgress::Need;
    for part in bytes.chunks(size) {
        progress = reader.feed(part);
    }
    progress
}

#[test]
fn a_client_hello_in_any_records_and_pieces() {
    let hello = client_hello(&usual_extensions());
    for fragment in [1, 2, 3, 5, 100, hello.len()] {
        let records: Vec<u8> = hello.chunks(fragment).flat_map(|part| record(22, part)).collect();
        for size in 1..=records.len() {
            assert_eq!(read(&records, size), HelloProgress::Found(Hello::Client(expected_client())));
        }
        assert_eq!(read(&records[..records.len() - 1], 1), HelloProgress::Need);
        // What follows changes nothing.
        let more = [&records[..], &record(23, &[0; 50])].concat();
        assert_eq!(read(&more, 7), HelloProgress::Found(Hello::Client(expected_client())));
    }
}

#[test]
fn server_hellos() {
    let fixed = |random: [u8; 32]| [&[3, 3][..], &random, &vector(1, &[]), &[0x13, 0x02], &[0]].concat();
    let found = |body: &[u8]| match read(&record(22, &message(2, body)), 3) {
        HelloProgress::Found(Hello::Server(hello)) => hello,
        other => panic!("{other:?}"),
    };
    let tls13 = [fixed([1; 32]), vector(2, &extension(43, &[3, 4]))].concat();
    let expected = ServerHello { version: 0x0304, cipher_suite: 0x1302, random: [1; 32], ..ServerHello::default() };
    assert_eq!(found(&tls13), expected);
    let tls12 = [fixed([1; 32]), vector(2, &extension(16, &vector(2, &vector(1, b"http/1.1"))))].concat();
    let expected = ServerHello { version: 0x0303, alpn: Some("http/1.1".into()), ..expected };
    assert_eq!(found(&tls12), expected);
    assert_eq!(found(&fixed([1; 32])), ServerHello { alpn: None, ..expected.clone() });
    let retry = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
        0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    assert!(found(&fixed(retry)).retry);
    assert!(found(&fixed([1; 32])[..36]).malformed);
}

#[test]
fn a_cut_hello_gives_what_it_has() {
    let whole = client_hello(&usual_extensions());
    let body = &whole[4..];
    for cut in 0..body.len() {
        let HelloProgress::Found(Hello::Client(hello)) = read(&record(22, &message(1, &body[..cut])), 11) else {
            panic!("cut at {cut}");
        };
        // Only a hello that ends before its extensions is whole.
        assert_eq!(hello.malformed, cut != 2 + 32 + 33 + 4 + 2, "cut at {cut}");
        assert!(hello.server_name.is_none_or(|name| name == "app.example.org"));
    }
    // An extension that does not fit its own bytes leaves the others readable.
    let broken = [extension(16, &[0, 9, 1]), usual_extensions()].concat();
    let HelloProgress::Found(Hello::Client(hello)) = read(&record(22, &client_hello(&broken)), 11) else { panic!() };
    assert_eq!(hello, ClientHello { malformed: true, ..expected_client() });
    let hidden = extension(0xfe0d, &[0; 8]);
    let HelloProgress::Found(Hello::Client(hello)) = read(&record(22, &client_hello(&hidden)), 11) else { panic!() };
    assert!(hello.encrypted_client_hello && hello.versions == [0x0303]);
}

#[test]
fn what_is_no_hello() {
    for (bytes, why) in [
        (record(21, &[2, 40]), "alert"),
        (record(23, &[0; 40]), "not-a-handshake"),
        (b"GET / HTTP/1.1\r\n".to_vec(), "not-a-handshake"),
        (vec![22, 2, 0, 0, 5], "not-a-handshake"),
        (vec![22, 3, 5, 0, 5], "not-a-handshake"),
        (vec![22, 3, 1, 0, 0], "record-length"),
        (vec![22, 3, 1, 0x48, 1], "record-length"),
        (record(22, &message(11, &[0; 9])), "not-a-hello"),
        (record(22, &[1, 1, 0, 0, 0]), "hello-too-long"),
    ] {
        for size in 1..=bytes.len() {
            assert_eq!(read(&bytes, size), HelloProgress::NotHello(why));
        }
    }
}

#[test]
fn the_longest_hello() {
    for (padding, found) in [(MAX_HELLO - 200, true), (MAX_HELLO, false)] {
        let hello = message(1, &[&client_hello(&[])[4..], &vec![0; padding]].concat());
        let records: Vec<u8> = hello.chunks(1 << 14).flat_map(|part| record(22, part)).collect();
        assert_eq!(matches!(read(&records, 1460), HelloProgress::Found(_)), found);
    }
}

#[test]
fn beginnings() {
    let hello = record(22, &client_hello(&usual_extensions()));
    let server = record(22, &message(2, &[&[3, 3][..], &[0; 70]].concat()));
    let data = |length: usize| record(23, &vec![0xa5; length]);
    for (bytes, expected) in [
        (hello.clone(), TlsSniff::Tls),
        (server.clone(), TlsSniff::Tls),
        ([&server[..], &record(20, &[1]), &data(40)].concat(), TlsSniff::Tls),
        (data(40), TlsSniff::Tls),
        ([data(40), data(1 << 14)].concat(), TlsSniff::Tls),
        ([&data(40)[..], b"GET / HTTP/1.1"].concat(), TlsSniff::No),
        (record(21, &[1, 0]), TlsSniff::Tls),
        // A change of cipher specs, then an encrypted handshake message.
        ([record(20, &[1]), record(22, &[0xee; 40])].concat(), TlsSniff::Tls),
        (record(22, &[0xee; 40]), TlsSniff::No),
        (record(23, &[0; 3]), TlsSniff::No),
        (record(20, &[1, 1]), TlsSniff::No),
        (vec![23, 3, 3, 0x48, 1], TlsSniff::No),
        (vec![22, 3, 5, 0, 100], TlsSniff::No),
        (b"GET / HTTP/1.1\r\n".to_vec(), TlsSniff::No),
        (b"\x81\x05Hello".to_vec(), TlsSniff::No),
        (Vec::new(), TlsSniff::Need),
        (vec![22, 3, 1], TlsSniff::Need),
        (hello[..8].to_vec(), TlsSniff::Need),
    ] {
        assert_eq!(sniff(&bytes), expected, "{}", bytes[..bytes.len().min(12)].escape_ascii());
    }
    for cut in 11..hello.len() {
        assert_eq!(sniff(&hello[..cut]), TlsSniff::Tls);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..30) {
        prop_assert_eq!(read(&bytes, size), read(&bytes, usize::MAX));
        if bytes.len() >= 11 {
            prop_assert_ne!(sniff(&bytes), TlsSniff::Need);
        }
        let inside = record(22, &message(1, &bytes));
        prop_assert_eq!(read(&inside, size), read(&inside, usize::MAX));
        let inside = record(22, &message(2, &bytes));
        prop_assert_eq!(read(&inside, size), read(&inside, usize::MAX));
        let inside = record(22, &client_hello(&bytes));
        prop_assert!(matches!(read(&inside, size), HelloProgress::Found(_)));
    }

    #[test]
    fn mutated_hellos(index in any::<prop::sample::Index>(), byte in any::<u8>(), size in 1_usize..30) {
        let mut bytes = record(22, &client_hello(&usual_extensions()));
        *index.get_mut(&mut bytes) = byte;
        prop_assert_eq!(read(&bytes, size), read(&bytes, usize::MAX));
        prop_assert_ne!(sniff(&bytes), TlsSniff::Need);
    }
}
