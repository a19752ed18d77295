//! The protocol parsers, fed whole, byte by byte and cut everywhere: the same bytes give the same events.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod feeding;
mod http1_body;
mod http1_framing;
mod http1_head;
mod http1_hostile;
mod http1_reader;
mod http1_resync;
mod http2_hpack;
mod http2_looks;
mod proxy;
mod tls;
mod tls_decrypt;
mod tls_gaps;
mod tls_keylog;
mod tls_properties;
mod tls_recordings;
mod websocket;
mod websocket_gaps;
mod websocket_handshake;
