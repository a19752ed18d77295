//! Takes the bytes of a capture file (pcap or pcapng, plain, gzip or zstd), gives its packet records one by one.
//!
//! Records are borrowed from one buffer and never copied. Damage is no error: what stands before it is read, and the
//! [`Summary`] says where reading had to stop and why. Only a file that is no capture at all is a [`CaptureError`].

mod byte_order;
mod error;
mod interface;
mod ledger;
mod likeness;
mod option;
mod pcap;
mod pcapng;
mod series;
mod source;
mod summary;
mod window;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

pub use error::CaptureError;
pub use likeness::Likeness;
pub use series::{Opener, Part, Parts, Series, Shift, Step};
pub use summary::Summary;

use ledger::Ledger;
use pcap::Pcap;
use pcapng::Pcapng;
use source::Source;
use window::Window;

/// The largest packet that is read, in bytes.
///
/// libpcap's own limit is 256 KiB (`MAXIMUM_SNAPLEN`), and segmentation offload makes packets of up to 512 KiB. A few
/// writers ignore their own snapshot length, so there is room above; beyond it a length is damage, and memory is safe.
pub const MAX_RECORD: usize = 16 << 20;

/// Takes the lines of a key log that a capture carries.
pub type TakeSecrets = Box<dyn FnMut(&[u8]) + Send>;

/// One captured packet, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// From 1, counted as Wireshark counts frames.
    pub frame: u64,
    /// Nanoseconds since the epoch, UTC. A record without a time (pcapng Simple Packet Block) has the last one seen.
    pub time: i64,
    /// `LINKTYPE_*` of the interface that it was captured on.
    pub link_type: u32,
    /// The captured bytes.
    pub data: &'a [u8],
    /// How many bytes were on the wire; never less than were captured.
    pub original_len: u32,
}

/// A record that was entered into the books: all of it but its bytes, which stand in the window.
#[derive(Debug)]
struct Entry {
    frame: u64,
    time: i64,
    link_type: u32,
    data: Range<usize>,
    original_len: u32,
}

/// A record as a format's reader found it: where its bytes stand in the window.
#[derive(Debug)]
struct Found {
    time: Option<i64>,
    link_type: u32,
    data: Range<usize>,
    original_len: u32,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Reads one capture, in one pass.
#[derive(Debug)]
pub struct Reader {
    window: Window,
    format: Format,
    ledger: Ledger,
    ended: bool,
}

impl Reader {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is no capture.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Self::from_read(Box::new(File::open(path)?))
    }

    /// Reads a capture from anything, such as a pipe; a record is given as soon as its last byte is there.
    ///
    /// # Errors
    /// The source cannot be read, is empty, or is no capture.
    pub fn from_read(source: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        let mut window = Window::new(Source::new(source)?);
        let mut ledger = Ledger::new(window.compression());
        if !window.fill(4) {
            return Err(error::header_missing(&mut window));
        }
        let format = if let Some(pcap) = Pcap::open(&mut window, &mut ledger)? {
            Format::Pcap(pcap)
        } else if let Some(pcapng) = Pcapng::open(&mut window, &mut ledger)? {
            Format::Pcapng(pcapng)
        } else {
            return Err(error::not_a_capture(&mut window));
        };
        Ok(Self { window, format, ledger, ended: false })
    }

    /// The next record, or `None` at the end.
    ///
    /// Not an `Iterator`: the record is lent until the next call.
    #[expect(clippy::should_implement_trait, reason = "an Iterator cannot lend its items")]
    pub fn next(&mut self) -> Option<Record<'_>> {
        let entry = self.advance()?;
        Some(self.lend(entry))
    }

    /// Goes on to the next record.
    fn advance(&mut self) -> Option<Entry> {
        if self.ended {
            return None;
        }
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.window, &mut self.ledger),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.window, &mut self.ledger),
        };
        let Some(found) = found else {
            self.ended = true;
            return None;
        };
        Some(self.ledger.enter(found))
    }

    /// The record that was entered last.
    fn lend(&self, entry: Entry) -> Record<'_> {
        let Entry { frame, time, link_type, data, original_len } = entry;
        Record { frame, time, link_type, data: self.window.lent(data), original_len }
    }

    /// Has `take` given the key logs that the file carries (pcapng Decryption Secrets Blocks), each before the packets
    /// that follow it.
    pub fn hand_secrets_to(&mut self, take: TakeSecrets) {
        self.ledger.secrets.0 = Some(take);
    }

    /// What is known of the file so far; all of it once [`Reader::next`] gave `None`.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.ledger.summary
    }

    /// How many bytes were taken from the file so far, before decompression.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.window.bytes_read()
    }
}
