//! Takes a request's head, gives the columns of an exchange that speak of the request.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::message::{Message, has_websocket_header, said, version_text};
use super::values::Values;
use crate::protocol::http1::{Framing, FramingDecision, HeadEvent, StartLine};
use crate::protocol::websocket::{accept_for, is_extended_connect, key_valid, offers};
use crate::table::ExchangeRow;

/// Method, target, version, then the headers, then `:protocol`.
const COLUMNS: usize = 4 + HEADERS.len();

const HEADERS: [&[u8]; 17] = [
    b"host",
    b"upgrade",
    b"connection",
    b"sec-websocket-key",
    b"sec-websocket-version",
    b"sec-websocket-protocol",
    b"sec-websocket-extensions",
    b"origin",
    b"user-agent",
    b"x-forwarded-for",
    b"x-forwarded-proto",
    b"forwarded",
    b"via",
    b"x-request-id",
    b"traceparent",
    b"x-amzn-trace-id",
    b"x-b3-traceid",
];

/// The same where `:authority` says what Host does in HTTP/1.1 (RFC 9113 §8.3.1).
const AUTHORITY_HEADERS: [&[u8]; 17] = {
    let mut headers = HEADERS;
    headers[0] = b":authority";
    headers
};

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) message: Message,
    values: Values<COLUMNS>,
    /// Whether it asks for a WebSocket, as far as the Upgrade header goes, or `:protocol`.
    pub(super) asks_websocket: Option<bool>,
    asks_upgrade: Option<bool>,
    pub(super) offers_deflate: bool,
    key: Option<Key>,
    content_hash: Option<u64>,
    /// Whether it is an extended CONNECT for WebSocket (RFC 8441 §4).
    pub(super) extended_connect: bool,
    /// Whether it speaks of WebSocket at all.
    pub(super) speaks: bool,
    /// Whether what follows its head depends on the answer.
    pub(super) holds: bool,
    /// The method, as far as framing needs to know it.
    pub(super) method: Method,
}

/// Methods that change how a response ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Head,
    Connect,
    Other,
}

impl Method {
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Head => b"HEAD",
            Self::Connect => b"CONNECT",
            Self::Other => b"",
        }
    }
}

/// What a Sec-WebSocket-Key comes to.
#[derive(Clone, Copy, Debug)]
struct Key {
    valid: bool,
    hash: u64,
    accept: [u8; 28],
}

impl Request {
    pub(super) fn new(event: &HeadEvent<'_>, framing: FramingDecision) -> Self {
        let head = &event.head;
        let (method, target, version) = match head.start() {
            StartLine::Request { method, target, version } => (method, target, version),
            StartLine::Response { .. } => (&b""[..], &b""[..], &b""[..]),
        };
        let mut values = Values::new();
        // Empty where they were not captured.
        values.push(Some(method).filter(|method| !method.is_empty()));
        values.push(Some(target).filter(|target| !target.is_empty()));
        values.push(version_text(head));
        let authority = head.is_http2() && head.get(b":authority").is_some();
        values.push_headers(head, if authority { &AUTHORITY_HEADERS } else { &HEADERS });
        values.push(head.is_http2().then(|| head.get(b":protocol")).flatten().as_deref());
        let offer = offers(head);
        let key = head.joined(b"sec-websocket-key");
        let connect = method == b"CONNECT";
        let upgrade = head.get(b"upgrade").is_some();
        let bodiless = matches!(framing.framing, Framing::None | Framing::Length(0));
        let speaks = offer.upgrade || offer.connection || has_websocket_header(head);
        let extended_connect = is_extended_connect(head);
        // RFC 8441 §5: it takes the place of GET.
        let hashed_method = if extended_connect { b"GET" } else { method };
        // A target that was cut off would join with others.
        let hashable = ![method, target, version].iter().any(|part| part.is_empty());
        Self {
            extended_connect,
            asks_websocket: said(offer.upgrade, event.completeness),
            asks_upgrade: said(offer.connection, event.completeness),
            offers_deflate: offer.deflate,
            key: key.as_deref().map(Key::new),
            content_hash: hashable.then(|| content_hash(hashed_method, target)),
            speaks,
            holds: bodiless && (upgrade || connect),
            method: match method {
                b"HEAD" => Method::Head,
                b"CONNECT" => Method::Connect,
                _ => Method::Other,
            },
            message: Message::new(event, framing.defects, speaks, values.cut),
            values,
        }
    }

    /// Whether `accept` answers its key (RFC 6455 §4.2.2); `None` without a key.
    pub(super) fn is_answered_by(&self, accept: &[u8]) -> Option<bool> {
        self.key.map(|key| key.accept == *accept.trim_ascii())
    }

    /// Fills in its columns.
    pub(super) fn fill<'a>(&'a self, row: &mut ExchangeRow<'a>) {
        let message = &self.message;
        row.request_first = Some(message.first.time);
        row.request_last = Some(message.last.time);
        row.request_frames = Some(&message.frames);
        row.request_state = Some(message.state());
        [
            row.method,
            row.target,
            row.version,
            row.host,
            row.request_upgrade,
            row.request_connection,
            row.sec_websocket_key,
            row.sec_websocket_version,
            row.sec_websocket_protocol,
            row.sec_websocket_extensions,
            row.origin,
            row.user_agent,
            row.x_forwarded_for,
            row.x_forwarded_proto,
            row.forwarded,
            row.via,
            row.x_request_id,
            row.traceparent,
            row.x_amzn_trace_id,
            row.x_b3_traceid,
            row.protocol,
        ] = self.values.all();
        row.asks_websocket = self.asks_websocket;
        row.asks_upgrade = self.asks_upgrade;
        row.key_valid = self.key.map(|key| key.valid);
        row.key_hash = self.key.map(|key| key.hash);
        row.expected_accept_hash = self.key.map(|key| xxh3_64(&key.accept));
        row.content_hash = self.content_hash;
        row.request_head_hash = message.head_hash;
        row.request_body_bytes = message.body.map(|body| body.bytes);
        row.request_body_hash = message.body.and_then(|body| body.hash);
        row.request_head = message.head.as_deref();
    }
}

impl Key {
    fn new(value: &[u8]) -> Self {
        let value = value.trim_ascii();
        Self { valid: key_valid(value), hash: xxh3_64(value), accept: accept_for(value) }
    }
}

fn content_hash(method: &[u8], target: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(method);
    hash.update(b"\0");
    hash.update(target);
    hash.digest()
}
