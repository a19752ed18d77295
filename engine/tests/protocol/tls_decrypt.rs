use std::fmt::Write as _;

use wsanalyze_engine::protocol::tls::Secrets;
use wsanalyze_engine::stream::Direction;

use super::tls_recordings::{ANSWER, Played, REQUEST, Recording, names};

const TLS13: &str = "TLS_AES_128_GCM_SHA256";
const TLS12: &str = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";

#[test]
fn every_suite() {
    let names: Vec<String> = names().into_iter().filter(|name| name.starts_with("TLS_")).collect();
    assert!(names.len() > 70, "{names:?}");
    for name in names {
        println!("{name}");
        let played = Recording::load(&name).play();
        played.expect("decrypted", REQUEST, ANSWER);
        let suite = name.split('.').next().unwrap();
        assert_eq!(played.session.cipher_suite().as_deref(), Some(suite));
        assert_eq!(played.session.resumed(), Some(false));
        assert!(played.session.alerts().is_empty());
    }
}

#[test]
fn without_keys() {
    for name in names() {
        println!("{name}");
        let played = Recording::load(&name).play_with(&mut Secrets::default());
        let expected = match name.as_str() {
            "ccm" => "unsupported-cipher",
            "version-1.1" => "unsupported-version",
            "alert" => "handshake-not-captured",
            _ => "no-key",
        };
        played.expect(expected, "", "");
    }
}

#[test]
fn sessions_that_are_resumed() {
    for name in ["resumed-by-id", "resumed-by-ticket"] {
        let first = Recording::load(&format!("{name}.first"));
        let resumed = Recording::load(name).without(|_| true);
        let mut secrets = first.secrets();
        first.play_with(&mut secrets).expect("decrypted", REQUEST, ANSWER);
        let played = resumed.play_with(&mut secrets);
        played.expect("decrypted", REQUEST, ANSWER);
        assert_eq!(played.session.resumed(), Some(true));
    }
}

#[test]
fn what_hellos_say() {
    let session = Recording::load(TLS13).play().session;
    assert_eq!(session.version().as_deref(), Some("TLS 1.3"));
    assert_eq!(session.server_name(), Some("app.example.org"));
    // Chosen where TLS 1.3 encrypts; otherwise what is offered.
    assert_eq!(session.alpn().as_deref(), Some("http/1.1"));
    assert_eq!(Recording::load(TLS13).without(|_| true).play().session.alpn().as_deref(), Some("h2,http/1.1"));
    assert!(session.client_random().is_some());
    let alert = Recording::load("alert").play().session;
    assert_eq!(alert.alerts(), ["server:handshake_failure"]);
    assert_eq!(alert.cipher_suite(), None);
    assert_eq!(Recording::load("ccm").play().session.cipher_suite().as_deref(), Some("TLS_RSA_WITH_AES_128_CCM"));
    assert_eq!(Recording::load("version-1.1").play().session.version().as_deref(), Some("TLS 1.1"));
}

#[test]
fn handshakes_of_all_kinds() {
    for (name, client, resumed) in [
        ("renegotiated", REQUEST.to_owned(), false),
        ("key-update", REQUEST.to_owned(), false),
        ("resumed-13.first", REQUEST.to_owned(), false),
        ("resumed-13", REQUEST.to_owned(), true),
        ("padded", REQUEST.to_owned(), false),
        ("retry", REQUEST.to_owned(), false),
        ("early-data", format!("GET /early HTTP/1.1\n{REQUEST}"), true),
        ("early-data-retry", REQUEST.to_owned(), true),
        ("early-data-rejected", REQUEST.to_owned(), true),
        ("early-data-replayed", REQUEST.to_owned(), false),
        ("client-certificate", REQUEST.to_owned(), false),
    ] {
        println!("{name}");
        let played = Recording::load(name).play();
        played.expect("decrypted", &client, ANSWER);
        assert_eq!(played.session.resumed(), Some(resumed));
    }
}

#[test]
fn early_data_whose_key_is_not_there() {
    let early = |line: &str| line.starts_with("CLIENT_EARLY");
    let accepted = Recording::load("early-data").without(early).play();
    accepted.expect("decrypted", &format!("[?]{REQUEST}"), ANSWER);
    for name in ["early-data-retry", "early-data-rejected", "early-data-replayed"] {
        Recording::load(name).without(early).play().expect("decrypted", REQUEST, ANSWER);
    }
    // Whether it was accepted says the handshake, or else the client's EndOfEarlyData.
    let handshake = |line: &str| line.starts_with("SERVER_HANDSHAKE");
    let decided = Recording::load("early-data").without(handshake).play();
    decided.expect("decrypted", &format!("GET /early HTTP/1.1\n{REQUEST}"), ANSWER);
    Recording::load("early-data-rejected").without(handshake).play().expect("decrypted", REQUEST, ANSWER);
}

#[test]
fn keys_of_one_direction() {
    let client = Recording::load(TLS13).without(|line| line.starts_with("SERVER_")).play();
    client.expect("client-only", REQUEST, "[?]");
    let server = Recording::load(TLS13).without(|line| line.starts_with("CLIENT_")).play();
    server.expect("server-only", "[?]", ANSWER);
    let no_client_data = Recording::load(TLS13).without(|line| line.starts_with("CLIENT_TRAFFIC")).play();
    no_client_data.expect("server-only", "[?]", ANSWER);
}

#[test]
fn traffic_secrets_alone() {
    for name in ["retry", TLS13, "client-certificate", "key-update", "resumed-13", "padded"] {
        println!("{name}");
        Recording::load(name).without(|line| line.contains("HANDSHAKE")).play().expect("decrypted", REQUEST, ANSWER);
    }
}

#[test]
fn handshake_secrets_alone() {
    let played = Recording::load(TLS13).without(|line| line.contains("_TRAFFIC_SECRET_0")).play();
    played.expect("no-key", "", "");
    assert_eq!(played.session.alpn().as_deref(), Some("http/1.1"));
}

#[test]
fn wrong_keys() {
    for name in [TLS12, TLS13, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "early-data", "renegotiated"] {
        let mut recording = Recording::load(name);
        // Another last digit.
        recording.key_log = recording.key_log.lines().fold(String::new(), |mut log, line| {
            let other = if line.ends_with('0') { '1' } else { '0' };
            writeln!(log, "{}{other}", &line[..line.len() - 1]).unwrap();
            log
        });
        recording.play().expect("wrong-key", "", "");
    }
}

#[test]
fn premaster_secrets() {
    let mut seen = 0;
    for name in names().into_iter().filter(|name| name.starts_with("TLS_RSA_WITH")) {
        println!("{name}");
        // OpenSSL logs both; here the extended master secret is derived from the premaster secret.
        let recording = Recording::load(&name).without(|line| line.starts_with("CLIENT_RANDOM"));
        assert!(recording.key_log.contains("RSA "));
        recording.play().expect("decrypted", REQUEST, ANSWER);
        seen += 1;
        let random = recording.play().session.client_random().unwrap();
        let random = random.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"));
        let premaster = recording.key_log.lines().find_map(|line| line.strip_prefix("RSA ")).unwrap();
        let key_log = format!("PMS_CLIENT_RANDOM {random} {}\n", premaster.split_once(' ').unwrap().1);
        Recording { key_log, ..recording }.play().expect("decrypted", REQUEST, ANSWER);
    }
    assert!(seen > 5);
}

#[test]
fn keys_that_come_late() {
    // The tickets that a TLS 1.3 server begins with might have been data.
    for (name, server) in [(TLS12, ANSWER.to_owned()), (TLS13, format!("[?]{ANSWER}"))] {
        let recording = Recording::load(name);
        let (mut played, mut secrets) = (Played::default(), Secrets::default());
        let mut requests = 0;
        for (sender, bytes) in &recording.pieces {
            // After the first line of the client.
            if *sender == Direction::Client && bytes.starts_with(&[23]) {
                requests += 1;
            }
            if requests == 2 {
                secrets.add_key_log(recording.key_log.as_bytes());
            }
            played.data(*sender, bytes, &mut secrets);
        }
        played.end(&mut secrets);
        let rest = REQUEST.split_once('\n').unwrap().1;
        played.expect("decrypted", &format!("[?]{rest}"), &server);
    }
}

#[test]
fn what_was_not_captured() {
    for name in [TLS12, TLS13] {
        let mut recording = Recording::load(name);
        for _ in 0..4 {
            recording.pieces.remove(0);
            let played = recording.play();
            played.expect("handshake-not-captured", "", "");
        }
    }
}

#[test]
fn a_server_that_speaks_first() {
    // RFC 8446 §2: its data may come before the client's Finished. All of it in one piece.
    for name in [TLS13, "TLS_AES_256_GCM_SHA384", "padded", "client-certificate"] {
        let mut recording = Recording::load(name);
        let hello = recording.pieces.remove(0);
        let all = |sender| {
            let pieces = recording.pieces.iter().filter(|(by, _)| *by == sender);
            (sender, pieces.flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>())
        };
        let pieces = vec![hello, all(Direction::Server), all(Direction::Client)];
        Recording { pieces, ..recording }.play().expect("decrypted", REQUEST, ANSWER);
    }
}
