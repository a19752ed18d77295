//! Takes one direction's bytes, gives the header blocks of its HTTP/2 streams and the sizes of their data (RFC 9113).
//!
//! `looks` recognises, `frame` parses headers, `reader` drives `payload` and finds its way again (`search`) after a gap;
//! `block` collects a header block, `hpack` decodes it, `fields` shows it as lines.

mod block;
mod event;
mod fields;
mod frame;
pub mod hpack;
mod looks;
mod payload;
mod reader;
mod search;

pub use block::MAX_BLOCK;
pub use event::{Block, FrameSink, Hole, defect};
pub use fields::{BlockDefect, BlockDefects, FieldList};
pub use frame::{DEFAULT_MAX_FRAME, FrameHeader, HEADER, MAX_FRAME, error_name, flag, kind};
pub use looks::{LooksHttp2, Speaker, looks_like_http2, looks_like_settings, speaker};
pub use reader::{FrameReader, PREFACE};
