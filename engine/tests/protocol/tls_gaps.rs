use std::ops::Range;

use wsanalyze_engine::protocol::{GapCause, Stamp};
use wsanalyze_engine::stream::Gap;

use super::tls_recordings::{ANSWER, Played, REQUEST, Recording};

impl Recording {
    /// Plays the connection with a hole of `length` bytes at `at`, counted over both directions.
    fn with_hole(&self, hole: &Range<usize>) -> Played {
        let (mut played, mut secrets, mut at) = (Played::default(), self.secrets(), 0);
        for (sender, bytes) in &self.pieces {
            let end = at + bytes.len();
            let lost = hole.start.clamp(at, end) - at..hole.end.clamp(at, end) - at;
            if lost.is_empty() {
                played.data(*sender, bytes, &mut secrets);
            } else {
                played.data(*sender, &bytes[..lost.start], &mut secrets);
                let gap = Gap {
                    length: lost.len() as u64,
                    cause: GapCause::Missing,
                    since: Some(1),
                    stamp: Stamp { frame: 7, time: 2 },
                };
                played.gap(*sender, gap, &mut secrets);
                played.data(*sender, &bytes[lost.end..], &mut secrets);
            }
            at = end;
        }
        played.end(&mut secrets);
        played
    }
}

/// Whether `seen` is `whole`, but for what its holes stand for.
fn is_less(seen: &str, whole: &str) -> bool {
    let mut rest = whole;
    let mut open = false;
    for part in seen.split_inclusive(['[', ']']) {
        let Some(length) = part.strip_suffix(']') else {
            let text = part.strip_suffix('[').unwrap_or(part);
            let found = if open { rest.find(text) } else { rest.starts_with(text).then_some(0) };
            let Some(found) = found else { return false };
            rest = &rest[found + text.len()..];
            open = false;
            continue;
        };
        match length.parse::<usize>() {
            Ok(length) if length <= rest.len() => rest = &rest[length..],
            Ok(_) => return false,
            Err(_) => open = true,
        }
    }
    open || rest.is_empty()
}

#[test]
fn a_hole_anywhere() {
    for name in ["TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", "TLS_PSK_WITH_AES_128_GCM_SHA256", "retry"] {
        let recording = Recording::load(name);
        let total: usize = recording.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        for (length, step) in [(1, 1), (5, 3), (40, 7), (200, 13)] {
            for at in (0..total - length).step_by(step) {
                let played = recording.with_hole(&(at..at + length));
                let seen = &played.seen;
                if played.session.decryption() != "decrypted" {
                    assert!(seen.client.is_empty() && seen.server.is_empty(), "{name} {at} {length} {seen:?}");
                    continue;
                }
                // What TLS 1.3 closes with is as long as two bytes of data, and cannot be told from it.
                let client = seen.client.strip_suffix("[2]").unwrap_or(&seen.client);
                assert!(is_less(client, REQUEST), "{name} {at} {length} {seen:?}");
                assert!(is_less(&seen.server, ANSWER), "{name} {at} {length} {seen:?}");
            }
        }
    }
}
