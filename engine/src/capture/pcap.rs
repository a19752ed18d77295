//! Takes the bytes of a classic pcap file, gives where its records stand.
//!
//! The format: draft-ietf-opsawg-pcap. The variants are those that Wireshark tells by the magic number or the version.

use super::byte_order::ByteOrder;
use super::error::{self, CaptureError};
use super::ledger::Ledger;
use super::window::Window;
use super::{Found, MAX_RECORD};

/// Magic, version, time zone, accuracy, snapshot length, link type.
const FILE_HEADER: usize = 24;

/// Ixia's file header has the length of all records behind it.
const IXIA_FILE_HEADER: usize = 28;

/// Time, captured length, original length.
const RECORD_HEADER: usize = 16;

/// Kuznetzov's record header adds interface, protocol and packet type.
const KUZNETZOV_RECORD_HEADER: usize = 24;

/// What the magic number says: nanoseconds in one unit of the fraction, length of the file header and of a record's.
const MAGICS: &[(u32, i64, usize, usize)] = &[
    (0xa1b2_c3d4, 1_000, FILE_HEADER, RECORD_HEADER),
    (0xa1b2_3c4d, 1, FILE_HEADER, RECORD_HEADER),
    (0xa1b2_cd34, 1_000, FILE_HEADER, KUZNETZOV_RECORD_HEADER),
    (0x1c00_01ac, 1, IXIA_FILE_HEADER, RECORD_HEADER),
    (0x1c00_01ab, 1_000, IXIA_FILE_HEADER, RECORD_HEADER),
];

/// The link type is in the lower half; above it stand the length of the frame check sequence and reserved bits.
const LINK_TYPE_MASK: u32 = 0xffff;

/// A classic pcap file whose header was read.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    fraction: i64,
    record_header: usize,
    link_type: u32,
    lengths: Lengths,
}

/// The order of the two lengths in a record's header: version 2.3 put the captured one first.
#[derive(Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// Some writers say 2.3 and have not changed.
    SmallerIsCaptured,
}

impl Pcap {
    /// Reads the file header; `None` where the bytes are not pcap.
    pub(super) fn open(window: &mut Window, ledger: &mut Ledger) -> Result<Option<Self>, CaptureError> {
        let Some(magic) = window.bytes().first_chunk::<4>().copied() else {
            return Ok(None);
        };
        let told = [ByteOrder::Little, ByteOrder::Big].into_iter().find_map(|order| {
            let magic = order.u32(magic);
            MAGICS.iter().find(|entry| entry.0 == magic).map(|entry| (order, *entry))
        });
        let Some((order, (_, mut fraction, file_header, record_header))) = told else {
            return Ok(None);
        };
        if !window.fill(file_header) {
            return Err(error::header_cut(window, "pcap", file_header));
        }
        let header = window.bytes();
        let version = (order.u16_at(header, 4).unwrap_or(0), order.u16_at(header, 6).unwrap_or(0));
        let snaplen = order.u32_at(header, 16).unwrap_or(0);
        let mut link_type = order.u32_at(header, 20).unwrap_or(0) & LINK_TYPE_MASK;
        let lengths = match version {
            // 543.0 is what DG/UX wrote.
            (2, 0..3) | (543, _) => Lengths::OriginalFirst,
            (2, 3) => Lengths::SmallerIsCaptured,
            _ => Lengths::CapturedFirst,
        };
        // AIX writes version 2.2, the numbers of RFC 1573 for the link type, and nanoseconds.
        if let ((2, 2), Some(aix)) = (version, aix_link_type(link_type)) {
            link_type = aix;
            fraction = 1;
        }
        window.take(file_header, 0..0);
        ledger.summary.format = "pcap";
        ledger.summary.add_interface(link_type, snaplen);
        Ok(Some(Self { order, fraction, record_header, link_type, lengths }))
    }

    /// The next record; `None` at the end, and where reading has to stop.
    pub(super) fn next(&mut self, window: &mut Window, ledger: &mut Ledger) -> Option<Found> {
        let offset = window.offset();
        if !window.fill(self.record_header) {
            ledger.ended(window, offset, "packet record");
            return None;
        }
        let header: &[u8; RECORD_HEADER] = window.bytes().first_chunk()?;
        let field = |at: usize| self.order.u32([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (seconds, fraction) = (field(0), field(4));
        let (first, second) = (field(8), field(12));
        let (captured, original_len) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        let length = usize::try_from(captured).unwrap_or(usize::MAX);
        if length > MAX_RECORD {
            let what = format!("a packet record claims {captured} bytes; expected at most {MAX_RECORD}");
            ledger.damaged(offset, &what);
            return None;
        }
        let whole = self.record_header + length;
        if !window.fill(whole) {
            ledger.ended(window, offset, "packet record");
            return None;
        }
        // Below 2^32 × (10^9 + 10^3): no overflow.
        let time = i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * self.fraction;
        let data = window.take(whole, self.record_header..whole);
        Some(Found { time: Some(time), link_type: self.link_type, data, original_len })
    }
}

/// The `LINKTYPE_*` of AIX's Ethernet and loopback interfaces (RFC 1573 ifType).
fn aix_link_type(if_type: u32) -> Option<u32> {
    match if_type {
        6 => Some(1),
        24 => Some(0),
        _ => None,
    }
}
