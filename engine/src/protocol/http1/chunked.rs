//! Takes a chunked body in any pieces, gives its payload and where it ends (RFC 9112 §7.1).

use memchr::memchr;

use super::body::{BodyDefect, BodyDefects};

/// The longest line with a chunk's size and extensions. Nobody needs more than a few bytes; servers stop at 4 to 16 KiB.
const MAX_CHUNK_LINE: u32 = 16 * 1024;

/// The most bytes of trailers: as many as of headers.
const MAX_TRAILERS: u32 = 256 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before or in the digits of a chunk's size.
    Size {
        value: u64,
        any: bool,
    },
    /// After the digits: whitespace and extensions; `cr` after a carriage return.
    Extension {
        value: u64,
        cr: bool,
    },
    /// In a chunk's data.
    Data {
        left: u64,
    },
    /// At the line end after a chunk's data.
    DataEnd {
        cr: bool,
    },
    /// In the trailers; `blank` while the line has no byte.
    Trailers {
        blank: bool,
        cr: bool,
    },
    Done,
    Lost,
}

/// Walks a chunked body.
#[derive(Clone, Debug)]
pub(super) struct ChunkWalker {
    state: State,
    /// Bytes of the current size line, or of all trailers.
    overhead: u32,
}

/// What one step found.
pub(super) struct Step {
    pub(super) consumed: usize,
    /// How many of the last bytes consumed are payload: all of them, or none.
    pub(super) payload: bool,
}

impl ChunkWalker {
    pub(super) const fn new() -> Self {
        Self { state: State::Size { value: 0, any: false }, overhead: 0 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(super) fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    /// Goes over the beginning of `bytes`: a run of payload, or a byte or more of what is around it.
    pub(super) fn step(&mut self, bytes: &[u8], defects: &mut BodyDefects) -> Step {
        if let State::Data { left } = self.state {
            let run = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            self.skip_data(left, run as u64);
            return Step { consumed: run, payload: true };
        }
        let text = self.text_length(bytes);
        if text > 0 {
            self.skip_text(&bytes[..text], defects);
            return Step { consumed: text, payload: false };
        }
        let Some(byte) = bytes.first() else {
            return Step { consumed: 0, payload: false };
        };
        self.byte(*byte, defects);
        // The byte that does not fit is not part of the body.
        Step { consumed: usize::from(!self.is_lost()), payload: false }
    }

    /// Skips `length` bytes that were not seen; whether that is sure to have been payload.
    pub(super) fn gap(&mut self, length: u64) -> bool {
        match self.state {
            State::Data { left } if length <= left => {
                self.skip_data(left, length);
                true
            }
            _ => {
                self.state = State::Lost;
                false
            }
        }
    }

    fn skip_data(&mut self, left: u64, length: u64) {
        let left = left.saturating_sub(length);
        self.state = if left == 0 { State::DataEnd { cr: false } } else { State::Data { left } };
    }

    /// How many of `bytes` belong to an extension or a trailer: those before the line feed, up to the limit.
    fn text_length(&self, bytes: &[u8]) -> usize {
        let limit = match self.state {
            State::Extension { .. } => MAX_CHUNK_LINE,
            State::Trailers { blank: false, .. } => MAX_TRAILERS,
            _ => return 0,
        };
        let room = limit.saturating_sub(self.overhead) as usize;
        let window = &bytes[..bytes.len().min(room)];
        memchr(b'\n', window).unwrap_or(window.len())
    }

    /// Skips a piece of a line, without its line feed.
    fn skip_text(&mut self, text: &[u8], defects: &mut BodyDefects) {
        if let (State::Extension { cr, .. } | State::Trailers { cr, .. }, Some((last, before))) =
            (&mut self.state, text.split_last())
        {
            // RFC 9112 §2.2: a CR alone is invalid; recipients differ in what they make of it.
            if *cr || memchr(b'\r', before).is_some() {
                defects.insert(BodyDefect::ChunkBareReturn);
            }
            *cr = *last == b'\r';
        }
        self.count(text.len(), defects);
    }

    fn byte(&mut self, byte: u8, defects: &mut BodyDefects) {
        self.count(1, defects);
        self.state = match (self.state, byte) {
            (State::Size { value, .. }, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                match value.checked_mul(16) {
                    Some(shifted) => State::Size { value: shifted | digit, any: true },
                    None => bad_size(defects),
                }
            }
            (State::Size { value, any: true }, b'\r') => State::Extension { value, cr: true },
            (State::Size { value, any: true }, b'\n') => {
                defects.insert(BodyDefect::ChunkBareLineFeed);
                self.after_size(value)
            }
            (State::Size { value, any: true }, b';') => State::Extension { value, cr: false },
            (State::Size { value, any: true }, b' ' | b'\t') => {
                // RFC 9112 §7.1.1 allows blanks before an extension only; some senders pad the size.
                defects.insert(BodyDefect::ChunkSizePadded);
                State::Extension { value, cr: false }
            }
            (State::Size { .. }, _) => bad_size(defects),
            (State::Extension { value, cr }, b'\n') => {
                if !cr {
                    defects.insert(BodyDefect::ChunkBareLineFeed);
                }
                self.after_size(value)
            }
            (State::DataEnd { cr: false }, b'\r') => State::DataEnd { cr: true },
            (State::DataEnd { cr }, b'\n') => {
                if !cr {
                    defects.insert(BodyDefect::ChunkBareLineFeed);
                }
                self.overhead = 0;
                State::Size { value: 0, any: false }
            }
            (State::DataEnd { .. }, _) => {
                defects.insert(BodyDefect::ChunkDataEnd);
                State::Lost
            }
            (State::Trailers { blank: true, cr }, b'\n') => {
                if !cr {
                    defects.insert(BodyDefect::ChunkBareLineFeed);
                }
                State::Done
            }
            (State::Trailers { blank: false, cr }, b'\n') => {
                if !cr {
                    defects.insert(BodyDefect::ChunkBareLineFeed);
                }
                State::Trailers { blank: true, cr: false }
            }
            (State::Trailers { blank: true, cr: false }, b'\r') => State::Trailers { blank: true, cr: true },
            (State::Trailers { blank: true, cr }, _) => {
                if cr {
                    defects.insert(BodyDefect::ChunkBareReturn);
                }
                State::Trailers { blank: false, cr: byte == b'\r' }
            }
            // Walked elsewhere.
            (state, _) => state,
        };
    }

    fn after_size(&mut self, value: u64) -> State {
        self.overhead = 0;
        if value == 0 { State::Trailers { blank: true, cr: false } } else { State::Data { left: value } }
    }

    /// Counts bytes of a size line or of trailers.
    fn count(&mut self, length: usize, defects: &mut BodyDefects) {
        self.overhead = self.overhead.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
        let (limit, defect) = match self.state {
            State::Size { .. } | State::Extension { .. } => (MAX_CHUNK_LINE, BodyDefect::ChunkLineTooLong),
            State::Trailers { .. } => (MAX_TRAILERS, BodyDefect::TrailersTooLong),
            _ => return,
        };
        if self.overhead > limit {
            defects.insert(defect);
            self.state = State::Lost;
        }
    }
}

fn bad_size(defects: &mut BodyDefects) -> State {
    defects.insert(BodyDefect::ChunkSizeMalformed);
    State::Lost
}
