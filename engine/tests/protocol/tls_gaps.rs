use std::ops::Range;

use wsanalyze_engine::protocol::tls::Secrets;
use wsanalyze_engine::protocol::{GapCause, Stamp};
use wsanalyze_engine::stream::{Direction, Gap};

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
pub fn is_less(seen: &str, whole: &str) -> bool {
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

/// Those of a recording's pieces that hold data, with what they say: where each line was typed, a record was sent.
fn lines(recording: &Recording, sender: Direction) -> Vec<usize> {
    let pieces = recording.pieces.iter().enumerate();
    let data = pieces.filter(|(_, (by, bytes))| *by == sender && bytes[0] == 23 && bytes.len() > 5 + 19 + 5);
    let mut places: Vec<usize> = data.map(|(place, _)| place).collect();
    // Before them, TLS 1.3 has a Finished or tickets.
    let text = if sender == Direction::Client { REQUEST } else { ANSWER };
    places.drain(..places.len() - text.lines().count());
    places
}

fn gap(length: usize) -> Gap {
    Gap { length: length as u64, cause: GapCause::Truncated, since: Some(1), stamp: Stamp { frame: 7, time: 2 } }
}

#[test]
fn lines_that_are_lost() {
    let names = [
        "TLS_AES_128_GCM_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_PSK_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ];
    for name in names {
        for (sender, kept, expected) in [
            (Direction::Client, &[0, 2][..], "GET /chat HTTP/1.1\n[19]the client's last line\n"),
            (Direction::Client, &[0], "GET /chat HTTP/1.1\n[42]"),
            (Direction::Client, &[2], "[38]the client's last line\n"),
        ] {
            // What closes the connection shows how many records were lost before it.
            let recording = Recording::load(name);
            let places = lines(&recording, sender);
            let (mut played, mut secrets) = (Played::default(), recording.secrets());
            for (place, (by, bytes)) in recording.pieces.iter().enumerate() {
                match places.iter().position(|line| *line == place) {
                    Some(line) if !kept.contains(&line) => played.gap(*by, gap(bytes.len()), &mut secrets),
                    _ => played.data(*by, bytes, &mut secrets),
                }
            }
            played.end(&mut secrets);
            played.expect("decrypted", expected, ANSWER);
            assert!(played.seen.gaps.iter().all(|(by, told)| *by == sender && told.cause == GapCause::Truncated));
            assert!(played.seen.gaps.iter().all(|(_, told)| told.since == Some(1) && told.stamp.frame == 7));
        }
    }
}

#[test]
fn records_that_are_cut() {
    // A snapshot length that keeps 20 bytes of each record of data.
    let recording = Recording::load("TLS_PSK_WITH_AES_128_GCM_SHA256");
    let (mut played, mut secrets) = (Played::default(), recording.secrets());
    for (sender, bytes) in &recording.pieces {
        if bytes[0] == 23 {
            played.data(*sender, &bytes[..20], &mut secrets);
            played.gap(*sender, gap(bytes.len() - 20), &mut secrets);
        } else {
            played.data(*sender, bytes, &mut secrets);
        }
    }
    played.end(&mut secrets);
    played.expect("decrypted", "[19][19][23]", "[33][23]");
}

#[test]
fn holes_without_keys_cost_nothing() {
    let recording = Recording::load("TLS_PSK_WITH_AES_128_GCM_SHA256");
    let (mut played, mut secrets) = (Played::default(), Secrets::default());
    for (sender, bytes) in &recording.pieces {
        played.data(*sender, bytes, &mut secrets);
        if bytes[0] == 23 {
            played.gap(*sender, gap(9), &mut secrets);
        }
    }
    assert!(!played.session.is_reading());
    played.expect("no-key", "", "");
}
