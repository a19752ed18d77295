//! Takes what was seen of a connection, gives it in the words of the tables.

use super::Session;
use crate::protocol::tls::negotiation::Negotiation;
use crate::protocol::tls::suites::suite_name;
use crate::protocol::tls::{TLS12, TLS13};

impl Session {
    fn shown(&self) -> &Negotiation {
        self.first.as_deref().unwrap_or(&self.negotiation)
    }

    /// The version chosen, or else the highest offered.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let offered = || self.shown().client.as_ref()?.versions.iter().copied().max();
        self.shown().version().or_else(offered).map(version_name)
    }

    /// The server's name that the client asks for.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.shown().client.as_ref()?.server_name.as_deref()
    }

    /// The application protocol chosen, or else those offered.
    #[must_use]
    pub fn alpn(&self) -> Option<String> {
        let chosen = self.shown().server.as_ref().and_then(|hello| hello.alpn.clone());
        let offered = || self.shown().client.as_ref().map(|hello| hello.alpn.join(","));
        chosen.or_else(offered).filter(|names| !names.is_empty())
    }

    /// The cipher suite chosen: its name, or its number where it has none.
    #[must_use]
    pub fn cipher_suite(&self) -> Option<String> {
        self.shown().server.as_ref().map(|hello| suite_name(hello.cipher_suite))
    }

    /// What key logs name the connection by; `None` where the hello is too short to have it.
    #[must_use]
    pub fn client_random(&self) -> Option<[u8; 32]> {
        self.shown().client.as_ref().map(|hello| hello.random).filter(|random| *random != [0; 32])
    }

    /// Whether a session was resumed; `None` where that was not seen.
    #[must_use]
    pub fn resumed(&self) -> Option<bool> {
        let shown = self.shown();
        let server = shown.server.as_ref().filter(|hello| !hello.retry)?;
        if server.version == TLS13 {
            return Some(server.pre_shared_key);
        }
        // RFC 5246 §7.3: the server changes keys at once.
        (shown.full || shown.changed).then_some(!shown.full)
    }

    /// The alerts of either side, such as `server:handshake_failure`, each once; `close_notify` is left out.
    #[must_use]
    pub fn alerts(&self) -> Vec<String> {
        self.alerts.names()
    }

    /// What could be decrypted, or why nothing could.
    #[must_use]
    pub fn decryption(&self) -> &'static str {
        let shown = self.shown();
        match shown.version().filter(|_| shown.client.is_some() && !self.lost) {
            None => return "handshake-not-captured",
            Some(version) if !matches!(version, TLS12 | TLS13) => return "unsupported-version",
            Some(_) if shown.protection().is_none() => return "unsupported-cipher",
            Some(_) => {}
        }
        let [client, server] = &self.sides;
        match (client.is_read(), server.is_read()) {
            (true, true) => "decrypted",
            (true, false) if server.is_silent() => "decrypted",
            (false, true) if client.is_silent() => "decrypted",
            (true, false) => "client-only",
            (false, true) => "server-only",
            (false, false) if client.failed || server.failed => "wrong-key",
            (false, false) => "no-key",
        }
    }
}

fn version_name(version: u16) -> String {
    match version {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301..=0x0304 => format!("TLS 1.{}", version - 0x0301),
        other => format!("{other:#06x}"),
    }
}
