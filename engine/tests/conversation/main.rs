//! The streams of one connection, as they are told to a `Conversation`, and the rows that it gives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod detect;
mod gaps;
mod hostile;
mod http2;
mod http2_build;
mod http2_gaps;
mod http2_hostile;
mod http2_recorded;
mod limits;
mod mid_stream;
mod oddities;
mod pairing;
mod play;
mod rows;
mod traffic;
mod upgrade;
mod websocket;
