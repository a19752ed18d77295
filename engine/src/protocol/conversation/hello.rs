//! Takes both directions of a TLS connection, gives what the hello messages say.

use super::text::within_limit;
use crate::protocol::tls::{ClientHello, Hello, HelloProgress, HelloReader, ServerHello};
use crate::stream::Direction;

/// The hello messages of a connection.
#[derive(Debug)]
pub(super) struct Hellos {
    readers: [Option<HelloReader>; 2],
    client: Option<ClientHello>,
    server: Option<ServerHello>,
}

impl Hellos {
    pub(super) fn new() -> Self {
        Self { readers: [Some(HelloReader::new()), Some(HelloReader::new())], client: None, server: None }
    }

    /// Bytes of `sender`.
    pub(super) fn data(&mut self, sender: Direction, bytes: &[u8]) {
        let reader = &mut self.readers[sender as usize];
        match reader.as_mut().map(|reader| reader.feed(bytes)) {
            None | Some(HelloProgress::Need) => return,
            Some(HelloProgress::Found(Hello::Client(hello))) => self.client = Some(hello),
            Some(HelloProgress::Found(Hello::Server(hello))) => self.server = Some(hello),
            Some(HelloProgress::NotHello(_)) => {}
        }
        *reader = None;
    }

    /// Bytes of `sender` are missing.
    pub(super) fn gap(&mut self, sender: Direction) {
        self.readers[sender as usize] = None;
    }

    /// Whether a hello may still come.
    pub(super) fn is_reading(&self) -> bool {
        self.readers.iter().any(Option::is_some)
    }

    /// The version chosen, or else the highest offered.
    pub(super) fn version(&self) -> Option<String> {
        let offered = || self.client.as_ref()?.versions.iter().copied().max();
        self.server.as_ref().map(|hello| hello.version).or_else(offered).map(version_name)
    }

    /// The server's name that the client asks for.
    pub(super) fn server_name(&self) -> Option<&str> {
        self.client.as_ref()?.server_name.as_deref().map(within_limit)
    }

    /// The application protocol chosen, or else those offered.
    pub(super) fn alpn(&self) -> Option<String> {
        let chosen = self.server.as_ref().and_then(|hello| hello.alpn.clone());
        let offered = || self.client.as_ref().map(|hello| hello.alpn.join(",")).filter(|offered| !offered.is_empty());
        chosen.or_else(offered).map(|names| within_limit(&names).to_owned())
    }
}

fn version_name(version: u16) -> String {
    match version {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301..=0x0304 => format!("TLS 1.{}", version - 0x0301),
        other => format!("{other:#06x}"),
    }
}
