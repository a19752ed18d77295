//! Takes one direction's bytes, gives the heads of its HTTP/1.x messages and the sizes of their bodies (RFC 9112).
//!
//! `start_line` recognises, `head` parses, `framing` decides how a body ends, `body` and `chunked` walk it, `reader`
//! drives them all and finds its way again (`resync`) after a gap.

mod body;
mod chunked;
mod field;
mod framing;
mod head;
mod message;
mod partial;
mod reader;
mod resync;
mod start_line;

pub(super) use partial::Span;

pub use body::{BodyDefect, BodyDefects, BodyReader, GapOutcome};
pub use field::FieldPlace;
pub use framing::{Framing, FramingDecision, FramingDefect, FramingDefects, request_framing, response_framing};
pub use head::{Head, HeadDefect, HeadDefects, Header, MAX_FIELDS, MAX_HEAD, find_head_end};
pub use message::{Completeness, HeadEvent, MAX_FRAMES, MessageKind, MessageSink, Next, Position, defect};
pub use reader::MessageReader;
pub use start_line::{HTTP2_VERSION, Looks, MAX_METHOD, StartLine, looks_like_start};
