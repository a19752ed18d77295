//! Takes capture files, gives Arrow tables: one streaming pass, no judgement.
//!
//! The folders are the stages, in the order in which the data goes through them:
//! `capture` (bytes → records), `packet` (record → TCP segment), `stream` (segments → ordered bytes of
//! connections), `protocol` (bytes → HTTP exchanges and WebSocket frames), `table` (rows → Arrow). `scan` joins them.
#![forbid(unsafe_code)]

pub mod capture;
pub mod packet;
pub mod protocol;
pub mod scan;
pub mod stream;
pub mod table;
