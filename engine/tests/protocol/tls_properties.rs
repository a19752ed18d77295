use proptest::prelude::*;
use wsanalyze_engine::protocol::GapCause;
use wsanalyze_engine::protocol::Stamp;
use wsanalyze_engine::protocol::tls::Secrets;
use wsanalyze_engine::stream::{Direction, Gap};

use super::tls_gaps::is_less;
use super::tls_recordings::{ANSWER, Played, REQUEST, Recording};

/// One of each kind: TLS 1.3, TLS 1.2 with an AEAD, with a MAC in and around what is encrypted.
const KINDS: [&str; 5] = [
    "retry",
    "key-update",
    "TLS_PSK_WITH_AES_128_GCM_SHA256",
    "TLS_PSK_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA.mac-then-encrypt",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_any_size(kind in prop::sample::select(&KINDS[..]), sizes in prop::collection::vec(1_usize..90, 1..9)) {
        let recording = Recording::load(kind);
        let (mut played, mut secrets) = (Played::default(), recording.secrets());
        let mut sizes = sizes.iter().cycle();
        for (sender, mut bytes) in recording.pieces.iter().map(|(sender, bytes)| (*sender, &bytes[..])) {
            while !bytes.is_empty() {
                let (piece, rest) = bytes.split_at(bytes.len().min(*sizes.next().unwrap()));
                played.data(sender, piece, &mut secrets);
                bytes = rest;
            }
        }
        played.end(&mut secrets);
        played.expect("decrypted", REQUEST, ANSWER);
    }

    #[test]
    fn flipped_bits(kind in prop::sample::select(&KINDS[..]), at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut recording = Recording::load(kind);
        let total: usize = recording.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut at = at.index(total);
        for (_, bytes) in &mut recording.pieces {
            if at < bytes.len() {
                bytes[at] ^= 1_u8 << bit;
                break;
            }
            at -= bytes.len();
        }
        let seen = recording.play().seen;
        if seen.gaps.is_empty() {
            prop_assert!(REQUEST.starts_with(&seen.client), "{:?}", seen);
            prop_assert!(ANSWER.starts_with(&seen.server), "{:?}", seen);
        } else {
            prop_assert!(is_less(&seen.client, REQUEST) || REQUEST.starts_with(&seen.client), "{:?}", seen);
            prop_assert!(is_less(&seen.server, ANSWER) || ANSWER.starts_with(&seen.server), "{:?}", seen);
        }
    }

    #[test]
    fn garbage(
        kind in prop::sample::select(&KINDS[..]),
        begun in any::<prop::sample::Index>(),
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300), 0_u64..90_000), 0..12),
    ) {
        let recording = Recording::load(kind);
        let mut played = Played::default();
        let mut secrets = recording.secrets();
        for (sender, bytes) in recording.pieces.iter().take(begun.index(recording.pieces.len())) {
            played.data(*sender, bytes, &mut secrets);
        }
        let before = (played.seen.client.len(), played.seen.server.len());
        for (client, mut bytes, hole) in pieces {
            let sender = if client { Direction::Client } else { Direction::Server };
            if let [first, second, third, ..] = &mut bytes[..] && *first % 2 == 0 {
                (*first, *second, *third) = (20 + *first % 5, 3, 3);
            }
            if hole < 20_000 {
                let stamp = Stamp { frame: 1, time: 1 };
                let gap = Gap { length: hole, cause: GapCause::Truncated, since: None, stamp };
                played.gap(sender, gap, &mut secrets);
            }
            played.data(sender, &bytes, &mut secrets);
        }
        played.end(&mut secrets);
        // Nothing but holes comes of it.
        prop_assert!(played.seen.client[before.0..].chars().all(|letter| "[?]0123456789".contains(letter)));
        prop_assert!(played.seen.server[before.1..].chars().all(|letter| "[?]0123456789".contains(letter)));
    }

    #[test]
    fn key_logs_of_any_bytes(text in prop::collection::vec(any::<u8>(), 0..500)) {
        let mut secrets = Secrets::default();
        prop_assert_eq!(secrets.add_key_log(&text), 0);
        prop_assert!(secrets.is_empty());
    }
}
