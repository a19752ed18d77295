//! Takes the first bytes of a file that is no pcap and no pcapng, gives what it is instead, and what to do about it.

use std::fmt;

/// What a file looks like that is not a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// A capture in a format that is not read here, by name with its article.
    OtherCapture(&'static str),
    /// An archive or a compressed file, by name with its article.
    Packed(&'static str),
    /// Compressed inside a compressed file.
    CompressedTwice,
    /// Text, such as what tcpdump prints.
    Text,
    /// Nothing that is known.
    Unknown,
}

/// Signatures and the places where they stand.
const SIGNATURES: &[(usize, &[u8], Likeness)] = &[
    (0, b"snoop\0\0\0", Likeness::OtherCapture("a snoop")),
    (0, b"RTSS", Likeness::OtherCapture("a Network Monitor 1")),
    (0, b"GMBU", Likeness::OtherCapture("a Network Monitor 2")),
    (0, b"XCP\0", Likeness::OtherCapture("a NetXRay")),
    (0, b"TRSNIFF data    \x1a", Likeness::OtherCapture("a Sniffer")),
    // What PowerShell writes when output is redirected: UTF-16 with a byte-order mark.
    (0, b"\xff\xfe", Likeness::Text),
    (0, b"PK\x03\x04", Likeness::Packed("a zip archive")),
    (0, b"\xfd7zXZ\0", Likeness::Packed("an xz file")),
    (0, b"BZh", Likeness::Packed("a bzip2 file")),
    (0, b"\x04\x22\x4d\x18", Likeness::Packed("an lz4 file")),
    (0, b"7z\xbc\xaf\x27\x1c", Likeness::Packed("a 7-Zip archive")),
    (257, b"ustar", Likeness::Packed("a tar archive")),
];

impl Likeness {
    /// What `bytes`, the first of a file, look like.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let signed = SIGNATURES
            .iter()
            .find(|(at, signature, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(signature)));
        if let Some((_, _, likeness)) = signed {
            *likeness
        } else if is_text(bytes) {
            Self::Text
        } else if is_erf(bytes) {
            Self::OtherCapture("an ERF")
        } else {
            Self::Unknown
        }
    }
}

impl fmt::Display for Likeness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherCapture(name) => {
                write!(formatter, "it looks like {name} capture; convert it with editcap -F pcapng")
            }
            Self::Packed(name) => write!(formatter, "it looks like {name}; unpack it first"),
            Self::CompressedTwice => formatter.write_str("it is compressed twice; unpack it once"),
            Self::Text => formatter.write_str(
                "it looks like text; captures are written with tcpdump -w, not by redirecting what it prints",
            ),
            Self::Unknown => formatter.write_str("unknown format"),
        }
    }
}

/// No control characters but white space (and escape, for colours).
fn is_text(bytes: &[u8]) -> bool {
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b) || *byte == 0x7f;
    !bytes.is_empty() && !bytes.iter().any(control)
}

/// ERF has no signature; two record headers in a row that make sense are taken for one.
fn is_erf(bytes: &[u8]) -> bool {
    /// Time stamp, type, flags, record length, loss counter, wire length.
    const HEADER: usize = 16;
    /// The highest type that is defined.
    const MAX_TYPE: u8 = 48;
    let record_length = |at: usize| -> Option<usize> {
        let header: &[u8; HEADER] = bytes.get(at..)?.first_chunk()?;
        let kind = header[8] & 0x7f;
        let length = usize::from(u16::from_be_bytes([header[10], header[11]]));
        ((1..=MAX_TYPE).contains(&kind) && length >= HEADER && header[4..8] != [0; 4]).then_some(length)
    };
    record_length(0).is_some_and(|length| length == bytes.len() || record_length(length).is_some())
}
