//! Takes a handshake message, gives what a ClientHello or ServerHello says (RFC 8446 §4.1, RFC 5246 §7.4.1).

use super::cursor::Cursor;

/// RFC 6066 §3.
const SERVER_NAME: u16 = 0;
/// RFC 7301 §3.1.
const ALPN: u16 = 16;
/// RFC 7366 §2.
const ENCRYPT_THEN_MAC: u16 = 22;
/// RFC 7627 §5.1.
const EXTENDED_MASTER_SECRET: u16 = 23;
/// RFC 5077 §3.2.
const SESSION_TICKET: u16 = 35;
/// RFC 8446 §4.2.11.
const PRE_SHARED_KEY: u16 = 41;
/// RFC 8446 §4.2.10.
const EARLY_DATA: u16 = 42;
/// RFC 8446 §4.2.1.
const SUPPORTED_VERSIONS: u16 = 43;

/// RFC 8446 §4.1.3: the `random` of a HelloRetryRequest.
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a client offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// Such as 0x0304 for TLS 1.3, in the client's order.
    pub(super) versions: Vec<u16>,
    /// What key logs name the connection by.
    pub(super) random: [u8; 32],
    /// That of a session to be resumed, or any.
    pub(super) session_id: Vec<u8>,
    /// By their registered numbers, in the client's order; reserved ones included.
    pub(super) cipher_suites: Vec<u16>,
    /// The server's name; bytes that are not UTF-8 are replaced.
    pub(super) server_name: Option<String>,
    /// In the client's order.
    pub(super) alpn: Vec<String>,
    /// The ticket of a session to be resumed (TLS 1.2); never empty.
    pub(super) ticket: Option<Vec<u8>>,
    /// Whether a session is to be resumed, or an external key used (TLS 1.3).
    pub(super) pre_shared_key: bool,
    /// Whether data follows at once (TLS 1.3).
    pub(super) early_data: bool,
    pub(super) extended_master_secret: bool,
    pub(super) encrypt_then_mac: bool,
}

/// What a server chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerHello {
    /// Such as 0x0304 for TLS 1.3.
    pub(super) version: u16,
    pub(super) random: [u8; 32],
    /// That of the session, which may be resumed by it; in TLS 1.3 the client's.
    pub(super) session_id: Vec<u8>,
    /// By its registered number.
    pub(super) cipher_suite: u16,
    /// TLS 1.2 and before; later it is encrypted.
    pub(super) alpn: Option<String>,
    /// Whether the session is resumed, or an external key used (TLS 1.3).
    pub(super) pre_shared_key: bool,
    pub(super) extended_master_secret: bool,
    pub(super) encrypt_then_mac: bool,
    /// Whether it is a HelloRetryRequest: another ClientHello follows.
    pub(super) retry: bool,
    /// Whether it ends too early somewhere; the rest is what could be read.
    pub(super) malformed: bool,
}

impl ClientHello {
    /// Parses a message's body; where it ends too early, the rest is what could be read.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut hello = Self::default();
        let _whole = hello.read(Cursor(body));
        hello
    }

    fn read(&mut self, mut body: Cursor<'_>) -> Option<()> {
        self.versions.push(body.u16()?);
        self.random = body.array()?;
        self.session_id = body.short_vector()?.0.to_vec();
        let cipher_suites = body.vector()?.0.as_chunks::<2>().0;
        self.cipher_suites = cipher_suites.iter().map(|number| u16::from_be_bytes(*number)).collect();
        let _compression = body.short_vector()?;
        each_extension(body, |kind, extension| self.extension(kind, extension))
    }

    fn extension(&mut self, kind: u16, mut extension: Cursor<'_>) -> Option<()> {
        match kind {
            SERVER_NAME => {
                let mut names = extension.vector()?;
                while !names.is_empty() {
                    let kind = names.u8()?;
                    let name = names.vector()?;
                    // RFC 6066 §3: 0 is a host name; one of each kind.
                    if kind == 0 && self.server_name.is_none() {
                        self.server_name = Some(text(name));
                    }
                }
            }
            ALPN => {
                let mut protocols = extension.vector()?;
                while !protocols.is_empty() {
                    let protocol = protocols.short_vector()?;
                    if !is_grease(protocol.0) {
                        self.alpn.push(text(protocol));
                    }
                }
            }
            SUPPORTED_VERSIONS => {
                let mut versions = extension.short_vector()?;
                // RFC 8446 §4.2.1: if present, the legacy version does not count.
                self.versions.clear();
                while !versions.is_empty() {
                    let version = versions.u16()?;
                    if !is_grease(&version.to_be_bytes()) {
                        self.versions.push(version);
                    }
                }
            }
            SESSION_TICKET => self.ticket = (!extension.is_empty()).then(|| extension.0.to_vec()),
            PRE_SHARED_KEY => self.pre_shared_key = true,
            EARLY_DATA => self.early_data = true,
            EXTENDED_MASTER_SECRET => self.extended_master_secret = true,
            ENCRYPT_THEN_MAC => self.encrypt_then_mac = true,
            _ => {}
        }
        Some(())
    }
}

impl ServerHello {
    /// Parses a message's body.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut hello = Self::default();
        hello.malformed = hello.read(Cursor(body)).is_none();
        hello
    }

    fn read(&mut self, mut body: Cursor<'_>) -> Option<()> {
        self.version = body.u16()?;
        self.random = body.array()?;
        self.retry = self.random == RETRY_RANDOM;
        self.session_id = body.short_vector()?.0.to_vec();
        self.cipher_suite = body.u16()?;
        let _compression = body.u8()?;
        each_extension(body, |kind, mut extension| {
            match kind {
                ALPN => self.alpn = Some(text(extension.vector()?.short_vector()?)),
                SUPPORTED_VERSIONS => self.version = extension.u16()?,
                PRE_SHARED_KEY => self.pre_shared_key = true,
                EXTENDED_MASTER_SECRET => self.extended_master_secret = true,
                ENCRYPT_THEN_MAC => self.encrypt_then_mac = true,
                _ => {}
            }
            Some(())
        })
    }
}

/// What a server says once TLS 1.3 encrypts (RFC 8446 §4.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EncryptedExtensions {
    pub(super) alpn: Option<String>,
    /// Whether early data is accepted (RFC 8446 §4.2.10).
    pub(super) early_data: bool,
}

impl EncryptedExtensions {
    /// Parses a message's body, as far as it goes.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut said = Self::default();
        let _whole = each_extension(Cursor(body), |kind, mut extension| {
            match kind {
                ALPN => said.alpn = Some(text(extension.vector()?.short_vector()?)),
                EARLY_DATA => said.early_data = true,
                _ => {}
            }
            Some(())
        });
        said
    }
}

/// Goes over the extensions that end a hello; TLS 1.2 and before may have none.
fn each_extension<'a>(mut body: Cursor<'a>, mut take: impl FnMut(u16, Cursor<'a>) -> Option<()>) -> Option<()> {
    if body.is_empty() {
        return Some(());
    }
    let mut extensions = body.vector()?;
    let mut whole = Some(());
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        let extension = extensions.vector()?;
        whole = take(kind, extension).and(whole);
    }
    whole
}

/// RFC 8701 §2: reserved values that clients strew in.
fn is_grease(value: &[u8]) -> bool {
    matches!(value, [a, b] if a == b && a & 0x0f == 0x0a)
}

fn text(bytes: Cursor<'_>) -> String {
    String::from_utf8_lossy(bytes.0).into_owned()
}
