//! What protocol a connection speaks, and how it begins.

use std::fmt::Write as _;

use crate::play::{Step, accepted, client, client_gap, get, handshake, ok, play, server, server_gap};
use crate::rows::{cell, cells, rows};

fn protocol(steps: &[Step]) -> String {
    cells(&play(steps).connections, 0, &["protocol", "exchanges"])
}

/// A TLS record with a ClientHello or ServerHello: version 1.2, and these extensions.
fn hello(kind: u8, before_extensions: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut body = [&[3, 3][..], &[7; 32], &[0]].concat();
    body.extend_from_slice(before_extensions);
    body.extend_from_slice(&(extensions.len() as u16).to_be_bytes());
    body.extend_from_slice(extensions);
    let mut message = vec![kind, 0];
    message.extend_from_slice(&(body.len() as u16).to_be_bytes());
    message.extend_from_slice(&body);
    [&[22, 3, 1][..], &(message.len() as u16).to_be_bytes(), &message].concat()
}

fn client_hello() -> Vec<u8> {
    let name = [&[0, 0, 0, 10, 0, 8, 0, 0, 5][..], b"a.org"].concat();
    let alpn = [&[0, 16, 0, 14, 0, 12, 2][..], b"h2", &[8], b"http/1.1"].concat();
    let versions = [0, 43, 0, 5, 4, 3, 4, 3, 3];
    hello(1, &[0, 2, 0x13, 1, 1, 0], &[&name[..], &alpn, &versions].concat())
}

fn server_hello() -> Vec<u8> {
    hello(2, &[0x13, 1, 0], &[0, 43, 0, 2, 3, 4])
}

#[test]
fn protocols_are_known_by_their_first_bytes() {
    assert_eq!(protocol(&[client(get("/")), server(ok(""))]), "http/1 1");
    assert_eq!(protocol(&[client("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), server("\0\0\0\x04\0\0\0\0\0")]), "http/2 0");
    assert_eq!(protocol(&[client(client_hello()), server(server_hello())]), "tls 0");
    assert_eq!(protocol(&[client("EHLO a\r\n"), server("250 b\r\n")]), "unknown 0");
    assert_eq!(protocol(&[client("\x00\x01\x02"), client(get("/"))]), "unknown 0");
    assert_eq!(protocol(&[]), "- 0");
    assert_eq!(protocol(&[client("G")]), "unknown 0");
    assert_eq!(protocol(&[client("GET /cut"), client_gap(10)]), "http/1 1");
}

#[test]
fn a_server_may_speak_first() {
    assert_eq!(protocol(&[server("HTTP/1.1 408 Request Timeout\r\n\r\n")]), "http/1 1");
    assert_eq!(protocol(&[server("220 mail ESMTP\r\n"), client("EHLO a\r\n")]), "unknown 0");
    let greeted = play(&[server("hello\r\n"), client(get("/")), server(ok(""))]);
    assert_eq!(rows(&greeted.exchanges, &["target", "status"]), ["/ 200"]);
    assert_eq!(rows(&greeted.defects, &["name", "direction", "bytes"]), ["unexpected-bytes server 7"]);
}

#[test]
fn the_hellos_of_tls_are_read() {
    let columns = ["tls_version", "tls_sni", "tls_alpn", "websocket"];
    let tables = play(&[client(client_hello()), server(server_hello()), client([23, 3, 3, 0, 20, 1])]);
    assert_eq!(rows(&tables.connections, &columns), ["TLS 1.3 a.org h2,http/1.1 false"]);
    let tables = play(&[client(client_hello())]);
    assert_eq!(rows(&tables.connections, &columns), ["TLS 1.3 a.org h2,http/1.1 false"]);
    let tables = play(&[client_gap(1000), client([23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6])]);
    assert_eq!(rows(&tables.connections, &["protocol", "tls_version"]), ["tls -"]);
}

#[test]
fn a_proxy_header_comes_before_anything() {
    let columns = ["protocol", "proxy_version", "proxy_source_address", "proxy_source_port", "exchanges"];
    let v1 = "PROXY TCP4 203.0.113.9 192.0.2.2 50000 80\r\n";
    let v2 =
        [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".as_slice(), &[203, 0, 113, 9, 192, 0, 2, 2, 0xc3, 0x50, 0, 80]].concat();
    for (version, header) in [(1, v1.as_bytes()), (2, &v2)] {
        for steps in [
            vec![client([header, handshake().as_bytes()].concat()), server(accepted())],
            vec![client(header), client(handshake()), server(accepted())],
        ] {
            let tables = play(&steps);
            assert_eq!(rows(&tables.connections, &columns), [format!("http/1 {version} 203.0.113.9 50000 1")]);
            assert_eq!(cell(&tables.connections, "client_prefix", 0), "GET /chat HTTP/1.1\\r\\nHost: a\\r\\nUpg");
            assert_eq!(tables.websockets.num_rows(), 1);
        }
    }
    let tables = play(&[client([&v2[..], &client_hello()].concat())]);
    assert_eq!(rows(&tables.connections, &columns), ["tls 2 203.0.113.9 50000 0"]);
    let tables = play(&[client("PROXY TCP9 nonsense\r\n"), client(get("/")), server(ok(""))]);
    assert_eq!(rows(&tables.connections, &columns), ["http/1 - - - 1"]);
    assert_eq!(rows(&tables.defects, &["name", "direction", "frame"]), ["proxy-v1-unknown-family client 1"]);
    // Almost one.
    let tables = play(&[client("PROPFIND / HTTP/1.1\r\n\r\n"), server(ok(""))]);
    assert_eq!(rows(&tables.exchanges, &["method", "status"]), ["PROPFIND 200"]);
    assert_eq!(rows(&play(&[client("PROXY")]).connections, &columns), ["unknown - - - 0"]);
}

#[test]
fn the_first_bytes_are_digested() {
    let columns = ["client_digest", "server_digest", "client_prefix"];
    let long = get(&format!("/{}", "x".repeat(300)));
    let digest = |steps: &[Step]| {
        let tables = play(steps);
        rows(&tables.connections, &columns).remove(0)
    };
    let of_one = digest(&[client(&long), server(ok(&"y".repeat(300)))]);
    let of_many =
        digest(&[client(&long[..100]), client(&long[100..200]), client(&long[200..]), server(ok(&"y".repeat(300)))]);
    assert_eq!(of_one, of_many);
    assert!(!of_one.contains('-'));
    let mut with_header = String::from("PROXY UNKNOWN\r\n");
    write!(with_header, "{long}").unwrap();
    assert_eq!(digest(&[client(with_header), server(ok(&"y".repeat(300)))]), of_one);
    assert_eq!(digest(&[client(&get("/")[..20]), server("short")]), "- - GET / HTTP/1.1\\r\\nHost");
    assert_eq!(digest(&[client_gap(1), client(&long), server_gap(1), server(ok(&"y".repeat(300)))]), "- - -");
}

#[test]
fn a_beginning_that_is_lost_is_made_up_for() {
    let tables = play(&[client_gap(50), server(ok("")), client(get("/2")), server(ok(""))]);
    assert_eq!(rows(&tables.exchanges, &["target", "status"]), ["- 200", "/2 200"]);
    let tables = play(&[client_gap(50), client("rest of a head\r\n\r\n"), client(get("/2")), server(ok(""))]);
    assert_eq!(rows(&tables.exchanges, &["target", "status"]), ["/2 200"]);
}

#[test]
fn a_long_request_line_is_known_by_its_method() {
    let long = get(&format!("/{}", "x".repeat(6000)));
    let halves = long.split_at(5000);
    let tables = play(&[client(halves.0), client(halves.1), server(ok(""))]);
    assert_eq!(rows(&tables.exchanges, &["request_state", "status", "request_frames"]), ["complete 200 [1,2]"]);
    let tables = play(&[client("x".repeat(31)), client([b'x'; 5000]), server(ok(""))]);
    assert_eq!(cell(&tables.connections, "protocol", 0), "unknown");
}
