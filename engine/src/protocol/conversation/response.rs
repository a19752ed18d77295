//! Takes a final response's head, gives the columns of an exchange that speak of the response.

use xxhash_rust::xxh3::xxh3_64;

use super::message::{Message, has_websocket_header, said, version_text};
use super::request::Request;
use super::values::Values;
use crate::protocol::http1::{FramingDefects, HeadEvent};
use crate::protocol::websocket::answers;
use crate::table::ExchangeRow;

/// Version, then the headers.
const COLUMNS: usize = 1 + HEADERS.len();

const HEADERS: [&[u8]; 9] = [
    b"upgrade",
    b"connection",
    b"sec-websocket-accept",
    b"sec-websocket-protocol",
    b"sec-websocket-extensions",
    b"x-cf-routererror",
    b"x-vcap-request-id",
    b"server",
    b"location",
];

/// RFC 9110 §15.5.22: Upgrade Required.
const UPGRADE_REQUIRED: u16 = 426;

/// A final response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) message: Message,
    values: Values<COLUMNS>,
    /// `None` where it was not captured.
    pub(super) status: Option<u16>,
    accepts_websocket: Option<bool>,
    accepts_upgrade: Option<bool>,
    accept_hash: Option<u64>,
    accept_valid: Option<bool>,
}

impl Response {
    pub(super) fn new(event: &HeadEvent<'_>, framing: FramingDefects, request: Option<&Request>) -> Self {
        let head = &event.head;
        let status = head.status().unwrap_or_default();
        let answer = answers(head);
        // RFC 8441 §5: a 2xx is what 101 is in HTTP/1.1.
        let opens = request.is_some_and(|request| request.extended_connect) && (200..300).contains(&status);
        let accept = head.joined(b"sec-websocket-accept");
        let mut values = Values::new();
        values.push(version_text(head));
        values.push_headers(head, &HEADERS);
        let speaks = matches!(status, 101 | UPGRADE_REQUIRED)
            || request.is_some_and(|request| request.speaks)
            || head.get(b"upgrade").is_some()
            || has_websocket_header(head);
        Self {
            status: head.status().filter(|status| *status != 0 || !head.is_http2()),
            accepts_websocket: said(answer.upgrade || opens, event.completeness),
            accepts_upgrade: said(answer.connection || opens, event.completeness),
            accept_hash: accept.as_deref().map(|accept| xxh3_64(accept.trim_ascii())),
            accept_valid: accept.as_deref().and_then(|accept| request?.is_answered_by(accept)),
            message: Message::new(event, framing, speaks, values.cut),
            values,
        }
    }

    /// Fills in its columns.
    pub(super) fn fill<'a>(&'a self, row: &mut ExchangeRow<'a>) {
        let message = &self.message;
        row.response_first = Some(message.first.time);
        row.response_last = Some(message.last.time);
        row.response_frames = Some(&message.frames);
        row.response_state = Some(message.state());
        row.status = self.status;
        [
            row.response_version,
            row.response_upgrade,
            row.response_connection,
            row.sec_websocket_accept,
            row.response_sec_websocket_protocol,
            row.response_sec_websocket_extensions,
            row.x_cf_routererror,
            row.x_vcap_request_id,
            row.server,
            row.location,
        ] = self.values.all();
        row.accepts_websocket = self.accepts_websocket;
        row.accepts_upgrade = self.accepts_upgrade;
        row.accept_hash = self.accept_hash;
        row.accept_valid = self.accept_valid;
        row.response_head_hash = message.head_hash;
        row.response_body_bytes = message.body.map(|body| body.bytes);
        row.response_head = message.head.as_deref();
    }
}
