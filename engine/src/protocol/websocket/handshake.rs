//! Takes the heads of a WebSocket handshake, gives what they say and whether it is valid (RFC 6455 §4, RFC 7692).

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest, Sha1};

use crate::protocol::http1::Head;

/// RFC 6455 §1.3.
const ACCEPT_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The length of a key: 16 bytes in Base64 (RFC 6455 §4.1).
const KEY_LENGTH: usize = 24;

/// Padding is required; bits that it leaves over may be set, as servers do not look at them.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// What a request says about WebSocket; values as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeRequest<'a> {
    /// `Upgrade` lists `websocket`; or it is an extended CONNECT for WebSocket (RFC 8441 §4).
    pub upgrade: bool,
    /// `Connection` lists `upgrade`; or the same.
    pub connection: bool,
    /// The first `Sec-WebSocket-Key`.
    pub key: Option<Cow<'a, [u8]>>,
    /// How many keys there are; one is right (RFC 6455 §11.3.1).
    pub keys: usize,
    /// Whether the key is 16 bytes in Base64.
    pub key_valid: bool,
    /// `Sec-WebSocket-Version`.
    pub version: Option<Cow<'a, [u8]>>,
    /// Whether the version is 13, and that alone.
    pub version13: bool,
    /// `Sec-WebSocket-Protocol`, all lines.
    pub protocols: Option<Cow<'a, [u8]>>,
    /// `Sec-WebSocket-Extensions`, all lines.
    pub extensions: Option<Cow<'a, [u8]>>,
    /// Whether permessage-deflate is offered.
    pub deflate: bool,
}

impl HandshakeRequest<'_> {
    /// Whether it asks for WebSocket: the pair of headers without which no server sees a handshake.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.upgrade && self.connection
    }
}

/// What a response says about WebSocket; values as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeResponse<'a> {
    /// `Upgrade` lists `websocket`.
    pub upgrade: bool,
    /// `Connection` lists `upgrade`.
    pub connection: bool,
    /// The first `Sec-WebSocket-Accept`.
    pub accept: Option<Cow<'a, [u8]>>,
    /// The first `Sec-WebSocket-Protocol`.
    pub protocol: Option<Cow<'a, [u8]>>,
    /// `Sec-WebSocket-Extensions`, all lines.
    pub extensions: Option<Cow<'a, [u8]>>,
    /// What permessage-deflate was agreed to, if any.
    pub deflate: Option<DeflateParameters>,
}

/// What both sides agreed to (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeflateParameters {
    pub server_no_context_takeover: bool,
    pub client_no_context_takeover: bool,
    pub server_max_window_bits: Option<u8>,
    pub client_max_window_bits: Option<u8>,
}

/// What `head`, a request, says about WebSocket.
#[must_use]
pub fn offers<'a>(head: &Head<'a>) -> HandshakeRequest<'a> {
    let key = head.get(b"sec-websocket-key");
    let version = head.joined(b"sec-websocket-version");
    let extensions = head.joined(b"sec-websocket-extensions");
    let extended = is_extended_connect(head);
    HandshakeRequest {
        upgrade: extended || head.lists_token(b"upgrade", b"websocket"),
        connection: extended || head.lists_token(b"connection", b"upgrade"),
        keys: head.all(b"sec-websocket-key").count(),
        key_valid: key.as_deref().is_some_and(key_valid),
        key,
        // RFC 6455 §4.1: "The value of this header field MUST be 13".
        version13: version.as_deref().is_some_and(|version| version == b"13"),
        version,
        protocols: head.joined(b"sec-websocket-protocol"),
        deflate: extensions.as_deref().is_some_and(|list| permessage_deflate(list).is_some()),
        extensions,
    }
}

/// Whether `head`, a request, asks for WebSocket as HTTP/2 does (RFC 8441 §4).
#[must_use]
pub fn is_extended_connect(head: &Head<'_>) -> bool {
    head.is_http2()
        && head.method() == Some(b"CONNECT")
        && head.get(b":protocol").is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}

/// What `head`, a response, says about WebSocket.
#[must_use]
pub fn answers<'a>(head: &Head<'a>) -> HandshakeResponse<'a> {
    let extensions = head.joined(b"sec-websocket-extensions");
    HandshakeResponse {
        upgrade: head.lists_token(b"upgrade", b"websocket"),
        connection: head.lists_token(b"connection", b"upgrade"),
        accept: head.get(b"sec-websocket-accept"),
        protocol: head.get(b"sec-websocket-protocol"),
        deflate: extensions.as_deref().and_then(permessage_deflate),
        extensions,
    }
}

/// Whether a `Sec-WebSocket-Key` is 16 bytes in Base64 (RFC 6455 §4.1).
#[must_use]
pub fn key_valid(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    // 24 characters may be up to 18 bytes: room for all.
    let mut bytes = [0; 18];
    value.len() == KEY_LENGTH && BASE64.decode_slice(value, &mut bytes) == Ok(16)
}

/// The `Sec-WebSocket-Accept` that answers `key` (RFC 6455 §4.2.2), whitespace around it aside.
#[must_use]
pub fn accept_for(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key.trim_ascii()).chain_update(ACCEPT_SUFFIX).finalize();
    let mut accept = [0; 28];
    // 20 bytes are always 28 characters.
    let written = BASE64.encode_slice(digest, &mut accept);
    debug_assert_eq!(written, Ok(accept.len()));
    accept
}

/// Whether `accept` answers `key`.
#[must_use]
pub fn accept_matches(key: &[u8], accept: &[u8]) -> bool {
    accept.trim_ascii() == accept_for(key)
}

/// The parameters of the first permessage-deflate in a list of extensions (RFC 6455 §9.1).
fn permessage_deflate(list: &[u8]) -> Option<DeflateParameters> {
    let extension = list.split(|byte| *byte == b',').find(|extension| {
        let name = extension.split(|byte| *byte == b';').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"permessage-deflate")
    })?;
    let mut agreed = DeflateParameters::default();
    for parameter in extension.split(|byte| *byte == b';').skip(1) {
        let mut parts = parameter.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let mut bits = || std::str::from_utf8(parts.next()?).ok()?.trim_matches('"').parse().ok();
        match name.as_slice() {
            b"server_no_context_takeover" => agreed.server_no_context_takeover = true,
            b"client_no_context_takeover" => agreed.client_no_context_takeover = true,
            b"server_max_window_bits" => agreed.server_max_window_bits = bits(),
            b"client_max_window_bits" => agreed.client_max_window_bits = bits(),
            _ => {}
        }
    }
    Some(agreed)
}
