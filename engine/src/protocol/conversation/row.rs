//! Takes what is known of a connection when it is over, gives the row of `connections`.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::detect::Protocol;
use super::text::within_limit;
use super::{Conversation, Layer, direction_name, opposite};
use crate::protocol::tls::Session;
use crate::stream::{Ended, Facts, Opened};
use crate::table::ConnectionRow;

impl Conversation {
    /// Writes the connection and its defects.
    pub(super) fn write(mut self, facts: &Facts) {
        let facts = if self.swapped { exchanged(facts) } else { *facts };
        let (client_address, server_address) = (facts.client.address.to_string(), facts.server.address.to_string());
        let proxy = self.proxied.header;
        let source = proxy.and_then(|header| header.source);
        let source_address = source.as_ref().map(SocketAddr::ip).map(|address| address.to_string());
        let (spoken, tls) = match &self.layer {
            Layer::Clear(spoken) => (&**spoken, None),
            Layer::Tls(tls) => (&tls.inside, Some(&tls.session)),
        };
        // What nobody can decrypt is known as TLS.
        let protocol = spoken.protocol.or(tls.map(|_| Protocol::Tls));
        let version = tls.and_then(Session::version);
        let name = tls.and_then(Session::server_name).map(within_limit);
        let alpn = tls.and_then(Session::alpn);
        let cipher = tls.and_then(Session::cipher_suite);
        let random = tls.and_then(Session::client_random);
        let alerts = tls.map(Session::alerts).unwrap_or_default();
        let alerts: Vec<Cow<'static, str>> = alerts.into_iter().map(Cow::Owned).collect();
        let [client, server] = &self.openings;
        let row = ConnectionRow {
            connection: Some(self.connection),
            client_address: Some(&client_address),
            client_port: Some(facts.client.port),
            server_address: Some(&server_address),
            server_port: Some(facts.server.port),
            first: Some(facts.first.time),
            last: Some(facts.last.time),
            first_frame: Some(facts.first.frame),
            last_frame: Some(facts.last.frame),
            opened: Some(opened_name(facts.opened)),
            ended: facts.ended.map(|ended| if ended.reset { "rst" } else { "fin" }),
            ended_by: facts.ended.map(|ended| direction_name(ended.by)),
            end_time: facts.ended.map(|ended| ended.stamp.time),
            end_frame: facts.ended.map(|ended| ended.stamp.frame),
            client_packets: Some(facts.of_client.packets),
            server_packets: Some(facts.of_server.packets),
            client_bytes: Some(facts.of_client.bytes),
            server_bytes: Some(facts.of_server.bytes),
            client_gaps: Some(facts.of_client.gaps),
            server_gaps: Some(facts.of_server.gaps),
            client_gap_bytes: Some(facts.of_client.gap_bytes),
            server_gap_bytes: Some(facts.of_server.gap_bytes),
            client_retransmissions: Some(facts.of_client.retransmissions),
            server_retransmissions: Some(facts.of_server.retransmissions),
            duplicates: Some(facts.duplicates),
            conflicts: Some(facts.conflicts),
            protocol: protocol.map(Protocol::name),
            websocket: Some(spoken.is_websocket()),
            tls_version: version.as_deref(),
            tls_sni: name,
            tls_alpn: alpn.as_deref().map(within_limit),
            tls_cipher: cipher.as_deref(),
            tls_client_random: random.as_ref().map(<[u8; 32]>::as_slice),
            tls_resumed: tls.and_then(Session::resumed),
            tls_alerts: Some(&alerts),
            tls_decryption: tls.map(Session::decryption),
            http2_connect_protocol: spoken.connect_protocol(),
            proxy_version: proxy.map(|header| header.version.into()),
            proxy_source_address: source_address.as_deref(),
            proxy_source_port: source.map(|source| source.port()),
            client_digest: client.digest(),
            server_digest: server.digest(),
            client_prefix: client.prefix(),
            longest_idle: Some(facts.longest_idle),
            exchanges: Some(spoken.exchanges()),
            client_isn: facts.of_client.isn,
            server_isn: facts.of_server.isn,
            capture: Some(0),
        };
        let mut output = self.output.borrow_mut();
        if let Some(builders) = output.tables() {
            builders.connection(&row);
            std::mem::take(&mut self.oddities).write(self.connection, builders);
        }
    }
}

/// The facts with client and server the other way round.
fn exchanged(facts: &Facts) -> Facts {
    Facts {
        client: facts.server,
        server: facts.client,
        of_client: facts.of_server,
        of_server: facts.of_client,
        ended: facts.ended.map(|ended| Ended { by: opposite(ended.by), ..ended }),
        ..*facts
    }
}

fn opened_name(opened: Opened) -> &'static str {
    match opened {
        Opened::Established => "established",
        Opened::Unanswered => "unanswered",
        Opened::Refused => "refused",
        Opened::MidStream => "mid-stream",
    }
}
