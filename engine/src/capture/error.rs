//! Takes what went wrong before the first record, gives a one-line error; the caller adds the file's name.

use std::io;

use super::likeness::Likeness;
use super::source::compression_of;
use super::window::{Ending, Window};

/// How many bytes are looked at to say what a file is instead: enough for the longest signature, two ERF headers, and
/// to tell text.
const LOOK_AT: usize = 512;

/// How many first bytes an error shows.
const SHOWN: usize = 8;

/// Why there is no reading a file at all.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The operating system's error.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file has no bytes.
    #[error("the file is empty (zero bytes)")]
    Empty,
    /// Neither pcap nor pcapng.
    #[error("not a packet capture (pcap or pcapng): {likeness} (first bytes: {first_bytes})")]
    NotACapture {
        /// What it looks like.
        likeness: Likeness,
        /// The first bytes, in hexadecimal.
        first_bytes: String,
    },
    /// A capture by its first bytes, but its header is not whole.
    #[error("the file ends inside the {format} header: expected {expected} bytes; got {got}")]
    HeaderCut {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// The header's length.
        expected: usize,
        /// The file's length.
        got: usize,
    },
    /// A header that no reader of this format understands.
    #[error("the {format} header is damaged: {reason}")]
    HeaderDamaged {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The compressed stream broke before a header could be read.
    #[error("the {compression} stream {reason} before a capture's header could be read")]
    Compression {
        /// `gzip` or `zstd`.
        compression: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// The error for a window that ended before a format could be told.
pub(super) fn header_missing(window: &mut Window) -> CaptureError {
    let clean = matches!(window.ending(), Ending::Clean);
    match (clean, window.bytes().is_empty()) {
        (true, true) => CaptureError::Empty,
        (true, false) => not_a_capture(window),
        (false, _) => header_cut(window, "capture", 0),
    }
}

/// The error for a window that ended inside the header of `format`.
pub(super) fn header_cut(window: &mut Window, format: &'static str, expected: usize) -> CaptureError {
    match window.take_ending() {
        Ending::Clean => CaptureError::HeaderCut { format, expected, got: window.bytes().len() },
        Ending::Cut(compression) => CaptureError::Compression { compression, reason: "is cut off".to_owned() },
        Ending::Failed(error) => CaptureError::Io(error),
        Ending::Damaged(compression, error) => {
            CaptureError::Compression { compression, reason: format!("is damaged ({error})") }
        }
    }
}

/// The error for bytes that no format begins with.
pub(super) fn not_a_capture(window: &mut Window) -> CaptureError {
    window.fill(LOOK_AT);
    let bytes = window.bytes();
    let likeness = match (window.compression(), compression_of(bytes)) {
        (Some(_), Some(_)) => Likeness::CompressedTwice,
        _ => Likeness::of(bytes),
    };
    let shown: Vec<String> = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    CaptureError::NotACapture { likeness, first_bytes: shown.join(" ") }
}
