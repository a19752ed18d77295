use wsanalyze_engine::protocol::tls::Secrets;

use super::tls_recordings::{ANSWER, REQUEST, Recording};

fn found(text: &str) -> usize {
    Secrets::default().add_key_log(text.as_bytes())
}

#[test]
fn lines_of_any_writer() {
    let random = "0123456789abcdef".repeat(4);
    let master = "aB".repeat(48);
    let line = format!("CLIENT_RANDOM {random} {master}");
    assert_eq!(found(&line), 1);
    assert_eq!(found(&format!("{line}\r\n{line}\n")), 2);
    assert_eq!(found(&format!("# a comment\n\n  {line}  \0\0\0")), 1);
    assert_eq!(found(&format!("CLIENT_RANDOM\t{}  {master}", random.to_uppercase())), 1);
    assert_eq!(found(&format!("\u{feff}{line}\n\u{fffd}\n{line}")), 1);
    for length in [32, 48] {
        let secret = "7f".repeat(length);
        for label in [
            "CLIENT_EARLY_TRAFFIC_SECRET",
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "SERVER_TRAFFIC_SECRET_0",
        ] {
            assert_eq!(found(&format!("{label} {random} {secret}")), 1);
            assert_eq!(found(&format!("{label} {random} {secret}00")), 0);
        }
    }
    assert_eq!(found(&format!("PMS_CLIENT_RANDOM {random} {}", "5a".repeat(256))), 1);
    assert_eq!(found(&format!("RSA 0123456789abcdef {master}")), 1);
    assert_eq!(found(&format!("RSA Session-ID:{random} Master-Key:{master}")), 1);
}

#[test]
fn what_is_no_secret() {
    let random = "0123456789abcdef".repeat(4);
    let master = "ab".repeat(48);
    for line in [
        String::new(),
        format!("#CLIENT_RANDOM {random} {master}"),
        format!("client_random {random} {master}"),
        format!("CLIENT_RANDOM {random}"),
        format!("CLIENT_RANDOM {random} {master} more"),
        format!("CLIENT_RANDOM {random}0 {master}"),
        format!("CLIENT_RANDOM {random} {master}ab"),
        format!("CLIENT_RANDOM {} {master}", &random[2..]),
        format!("CLIENT_RANDOM {random} {}", master.replace('a', "g")),
        format!("EXPORTER_SECRET {random} {}", "7f".repeat(32)),
        format!("PMS_CLIENT_RANDOM {random} {}", "5a".repeat(2000)),
        format!("RSA 0123456789abcd {master}"),
        format!("RSA Session-ID: Master-Key:{master}"),
        format!("RSA Session-ID:{random}00 Master-Key:{master}"),
    ] {
        assert_eq!(found(&line), 0, "{line}");
    }
}

#[test]
fn secrets_by_session_id() {
    // The id is in the ServerHello of the first connection, and in the ClientHello of the second.
    let first = Recording::load("resumed-by-id.first");
    let server = first.pieces.iter().find(|(_, bytes)| bytes[5] == 2).unwrap();
    let id = server.1[44..44 + 32].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let master = first.key_log.split_whitespace().next_back().unwrap();
    let key_log = format!("RSA Session-ID:{id} Master-Key:{master}\n");
    for name in ["resumed-by-id.first", "resumed-by-id"] {
        let recording = Recording { key_log: key_log.clone(), ..Recording::load(name) };
        recording.play().expect("decrypted", REQUEST, ANSWER);
    }
}
