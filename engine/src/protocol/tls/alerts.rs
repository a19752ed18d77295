//! Takes alert records, gives their names, each once (RFC 8446 §6, RFC 5246 §7.2).

use crate::stream::Direction;

/// The most alerts of a connection that are kept. A fatal one ends it; warnings are few.
const MAX_ALERTS: usize = 8;

/// RFC 8446 §6.1: the usual end of a connection.
const CLOSE_NOTIFY: u8 = 0;

/// The alerts of a connection.
#[derive(Debug, Default)]
pub(super) struct Alerts(Vec<(Direction, u8)>);

impl Alerts {
    /// The content of an alert record.
    pub(super) fn add(&mut self, sender: Direction, content: &[u8]) {
        // RFC 8446 §6: a level, 1 or 2, and a description.
        if let &[1 | 2, description] = content
            && description != CLOSE_NOTIFY
            && self.0.len() < MAX_ALERTS
            && !self.0.contains(&(sender, description))
        {
            self.0.push((sender, description));
        }
    }

    /// Who sent which, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let name = |(sender, description): &(Direction, u8)| {
            let sender = if *sender == Direction::Client { "client" } else { "server" };
            ALERTS
                .iter()
                .find(|(number, _)| number == description)
                .map_or_else(|| format!("{sender}:{description}"), |(_, name)| format!("{sender}:{name}"))
        };
        self.0.iter().map(name).collect()
    }
}

/// RFC 8446 §6; those that only older versions have: RFC 5246 §7.2, RFC 7507 §3.
const ALERTS: &[(u8, &str)] = &[
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed_RESERVED"),
    (22, "record_overflow"),
    (30, "decompression_failure_RESERVED"),
    (40, "handshake_failure"),
    (41, "no_certificate_RESERVED"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (60, "export_restriction_RESERVED"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (100, "no_renegotiation_RESERVED"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable_RESERVED"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (114, "bad_certificate_hash_value_RESERVED"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
];
