use wsanalyze_engine::protocol::tls::Secrets;

use super::tls_recordings::{ANSWER, REQUEST, Recording, names};

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
fn all_else() {
    for (name, client) in [
        ("renegotiated", REQUEST.to_owned()),
        ("key-update", REQUEST.to_owned()),
        ("resumed-13", REQUEST.to_owned()),
        ("padded", REQUEST.to_owned()),
        ("retry", REQUEST.to_owned()),
        ("early-data", format!("GET /early HTTP/1.1\n{REQUEST}")),
        ("early-data-retry", REQUEST.to_owned()),
        ("early-data-rejected", REQUEST.to_owned()),
        ("client-certificate", REQUEST.to_owned()),
    ] {
        println!("{name}");
        Recording::load(name).play().expect("decrypted", &client, ANSWER);
    }
}
