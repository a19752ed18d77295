use proptest::prelude::*;
use wsanalyze_engine::protocol::Stamp;
use wsanalyze_engine::protocol::tls::{MAX_HELLO, PlaintextSink, Secrets, Session, TlsSniff, sniff};
use wsanalyze_engine::stream::{Direction, Gap};

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

/// What is known of a connection of which nothing is decrypted.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    version: Option<String>,
    server_name: Option<String>,
    alpn: Option<String>,
    random: Option<[u8; 32]>,
    cipher: Option<String>,
    decryption: &'static str,
}

struct Nobody;

impl PlaintextSink for Nobody {
    fn data(&mut self, _: Direction, _: &[u8], _: Stamp) {}

    fn gap(&mut self, _: Direction, _: Gap) {}
}

/// What the client says, then the server, in pieces of `size`.
fn seen(client: &[u8], server: &[u8], size: usize) -> Seen {
    let (mut session, mut secrets) = (Session::new(), Secrets::default());
    for (sender, bytes) in [(Direction::Client, client), (Direction::Server, server)] {
        for part in bytes.chunks(size) {
            session.data(sender, part, Stamp::default(), &mut secrets, &mut Nobody);
        }
    }
    Seen {
        version: session.version(),
        server_name: session.server_name().map(str::to_owned),
        alpn: session.alpn(),
        random: session.client_random(),
        cipher: session.cipher_suite(),
        decryption: session.decryption(),
    }
}

fn nothing() -> Seen {
    Seen {
        version: None,
        server_name: None,
        alpn: None,
        random: None,
        cipher: None,
        decryption: "handshake-not-captured",
    }
}

fn of_client() -> Seen {
    Seen {
        version: Some("TLS 1.3".into()),
        server_name: Some("app.example.org".into()),
        alpn: Some("h2,http/1.1".into()),
        random: Some([7; 32]),
        ..nothing()
    }
}

#[test]
fn a_client_hello_in_any_records_and_pieces() {
    let hello = client_hello(&usual_extensions());
    for fragment in [1, 2, 3, 5, 100, hello.len()] {
        let records: Vec<u8> = hello.chunks(fragment).flat_map(|part| record(22, part)).collect();
        for size in 1..=records.len() {
            assert_eq!(seen(&records, &[], size), of_client());
        }
        assert_eq!(seen(&records[..records.len() - 1], &[], 1), nothing());
        // What follows changes nothing.
        let more = [&records[..], &record(23, &[0; 50])].concat();
        assert_eq!(seen(&more, &[], 7), of_client());
    }
}

#[test]
fn server_hellos() {
    let asked = record(22, &client_hello(&usual_extensions()));
    let fixed = |random: [u8; 32], suite: u8| [&[3, 3][..], &random, &vector(1, &[]), &[0x13, suite], &[0]].concat();
    let answered = |bodies: &[Vec<u8>]| {
        let records: Vec<u8> = bodies.iter().flat_map(|body| record(22, &message(2, body))).collect();
        let seen = seen(&asked, &records, 3);
        (seen.version.unwrap(), seen.cipher.unwrap(), seen.alpn.unwrap())
    };
    let tls13 = |random, suite| [fixed(random, suite), vector(2, &extension(43, &[3, 4]))].concat();
    let told = |version: &str, cipher: &str, alpn: &str| (version.to_owned(), cipher.to_owned(), alpn.to_owned());
    let aes_256 = "TLS_AES_256_GCM_SHA384";
    assert_eq!(answered(&[tls13([1; 32], 2)]), told("TLS 1.3", aes_256, "h2,http/1.1"));
    let tls12 = [fixed([1; 32], 2), vector(2, &extension(16, &vector(2, &vector(1, b"http/1.1"))))].concat();
    assert_eq!(answered(&[tls12]), told("TLS 1.2", aes_256, "http/1.1"));
    assert_eq!(answered(&[fixed([1; 32], 2)]), told("TLS 1.2", aes_256, "h2,http/1.1"));
    let retry = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
        0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    // RFC 8446 §4.1.4: after a HelloRetryRequest the choice is made again.
    let again = answered(&[tls13(retry, 2), tls13([1; 32], 1)]);
    assert_eq!(again, told("TLS 1.3", "TLS_AES_128_GCM_SHA256", "h2,http/1.1"));
    let cut = &fixed([1; 32], 2)[..36];
    assert_eq!(seen(&asked, &record(22, &message(2, cut)), 3).decryption, "handshake-not-captured");
}

#[test]
fn a_cut_hello_gives_what_it_has() {
    let whole = client_hello(&usual_extensions());
    let body = &whole[4..];
    for cut in 0..body.len() {
        let seen = seen(&record(22, &message(1, &body[..cut])), &[], 11);
        assert!(seen.server_name.is_none_or(|name| name == "app.example.org"), "cut at {cut}");
        // Two connections that lack it are not the same one.
        assert_eq!(seen.random, (cut >= 34).then_some([7; 32]), "cut at {cut}");
    }
    // An extension that does not fit its own bytes leaves the others readable.
    let broken = [extension(16, &[0, 9, 1]), usual_extensions()].concat();
    assert_eq!(seen(&record(22, &client_hello(&broken)), &[], 11), of_client());
}

#[test]
fn what_is_no_hello() {
    for bytes in [
        record(21, &[2, 40]),
        record(23, &[0; 40]),
        b"GET / HTTP/1.1\r\n".to_vec(),
        vec![22, 2, 0, 0, 5],
        vec![22, 3, 5, 0, 5],
        vec![22, 3, 1, 0, 0],
        vec![22, 3, 1, 0x48, 1],
        record(22, &message(11, &[0; 9])),
        record(22, &[1, 1, 0, 0, 0]),
    ] {
        for size in 1..=bytes.len() {
            assert_eq!(seen(&bytes, &[], size), nothing());
        }
    }
}

#[test]
fn the_longest_hello() {
    for (padding, found) in [(MAX_HELLO - 200, true), (MAX_HELLO, false)] {
        let hello = message(1, &[&client_hello(&[])[4..], &vec![0; padding]].concat());
        let records: Vec<u8> = hello.chunks(1 << 14).flat_map(|part| record(22, part)).collect();
        assert_eq!(seen(&records, &[], 1460).random.is_some(), found);
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
        if bytes.len() >= 11 {
            prop_assert_ne!(sniff(&bytes), TlsSniff::Need);
        }
        let asked = record(22, &client_hello(&usual_extensions()));
        for client in [bytes.clone(), record(22, &message(1, &bytes)), record(22, &client_hello(&bytes))] {
            prop_assert_eq!(seen(&client, &[], size), seen(&client, &[], usize::MAX));
        }
        for server in [bytes.clone(), record(22, &message(2, &bytes))] {
            prop_assert_eq!(seen(&asked, &server, size), seen(&asked, &server, usize::MAX));
        }
    }

    #[test]
    fn mutated_hellos(index in any::<prop::sample::Index>(), byte in any::<u8>(), size in 1_usize..30) {
        let mut bytes = record(22, &client_hello(&usual_extensions()));
        *index.get_mut(&mut bytes) = byte;
        prop_assert_eq!(seen(&bytes, &[], size), seen(&bytes, &[], usize::MAX));
        prop_assert_ne!(sniff(&bytes), TlsSniff::Need);
    }
}
