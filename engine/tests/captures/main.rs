//! The recorded TLS connections of `captures/tls`, decrypted: what comes to light is what OpenSSL was given to send.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod plaintext;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest, Sha256};

use plaintext::{Read, read};

/// Cases that cannot be decrypted, and what is said of them; of all others every byte has to come to light.
const UNREAD: [(&str, &str); 7] = [
    ("tls10", "unsupported-version"),
    ("tls11", "unsupported-version"),
    ("tls12-unsupported-aria", "unsupported-cipher"),
    ("tls12-unsupported-ccm", "unsupported-cipher"),
    ("tls12-alert-no-shared-cipher", "handshake-not-captured"),
    ("tls13-client-secrets", "client-only"),
    ("tls13-server-secrets", "server-only"),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../captures/tls")
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `bytes` are those that a case tells of.
fn are(bytes: &[u8], told: &Value) -> bool {
    told["bytes"].as_u64() == Some(bytes.len() as u64) && told["sha256"].as_str() == Some(&digest(bytes))
}

#[test]
fn every_byte_that_was_sent_comes_to_light() {
    let cases: Value = serde_json::from_slice(&fs::read(folder().join("cases.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut whole = 0;
    for case in cases["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let key_log = fs::read(folder().join(format!("{name}.keylog"))).unwrap_or_default();
        let connections: Vec<Read> = read(&folder().join(format!("{name}.pcap")), &key_log);
        let told = case["connections"].as_array().unwrap();
        assert_eq!(connections.len(), told.len(), "{name}");
        for (found, sent) in connections.iter().zip(told) {
            let sides =
                [are(&found.plaintext[0], &sent["client_sent"]), are(&found.plaintext[1], &sent["server_sent"])];
            let expected = UNREAD.iter().find(|(unread, _)| *unread == name).map(|(_, reason)| *reason);
            let right = match expected {
                None => found.decryption == "decrypted" && sides == [true, true],
                Some("client-only") => found.decryption == "client-only" && sides[0] && found.plaintext[1].is_empty(),
                Some("server-only") => found.decryption == "server-only" && sides[1] && found.plaintext[0].is_empty(),
                Some(reason) => found.decryption == reason && found.plaintext.iter().all(Vec::is_empty),
            };
            whole += u32::from(right && expected.is_none());
            if !right && sent["established"] == true {
                let lengths = found.plaintext.each_ref().map(Vec::len);
                wrong.push(format!("{name}: {} {lengths:?}, {sides:?}", found.decryption));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(whole > 80, "only {whole} connections");
}

#[test]
fn without_keys_nothing_comes_to_light() {
    for entry in fs::read_dir(folder())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "pcap"))
    {
        for found in read(&entry.path(), b"") {
            assert!(found.plaintext.iter().all(Vec::is_empty), "{:?}", entry.path());
            assert_ne!(found.decryption, "decrypted");
        }
    }
}

#[test]
fn wrong_keys_bring_nothing_to_light() {
    for entry in fs::read_dir(folder())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "keylog"))
    {
        let text = fs::read_to_string(entry.path()).unwrap();
        // The connections are those; the secrets are not.
        let wrong: String = text
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, secret)| format!("{name} {}\n", "a5".repeat(secret.len() / 2)))
            .collect();
        for found in read(&entry.path().with_extension("pcap"), wrong.as_bytes()) {
            assert!(found.plaintext.iter().all(Vec::is_empty), "{:?}", entry.path());
            assert_ne!(found.decryption, "decrypted", "{:?}", entry.path());
        }
    }
}
