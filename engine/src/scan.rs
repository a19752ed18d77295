//! Takes a capture, gives its tables; or, in a second look, the heads of some of its exchanges.

mod keys;
mod problems;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::capture::{CaptureError, Reader, Summary};
use crate::packet::{Decoded, Decoder, Tunnels};
use crate::protocol::conversation::{Conversation, ExchangeId, Heads, Output, Wanted};
use crate::stream::Connections;
use crate::table::{Builders, CaptureRow, Tables};
use keys::Keys;
use problems::Undecoded;

/// How many bytes of a file are read between two reports of progress, and how much time passes, at most: people see a
/// bar move, and are heard when they interrupt.
const REPORT_BYTES: u64 = 4 << 20;
const REPORT_TIME: Duration = Duration::from_millis(50);

/// How many packets are read between two looks at the clock; they cost some microseconds.
const PACKETS_A_LOOK: u32 = 64;

/// Told how many bytes of the file were read; `false` to stop.
pub type Progress<'a> = dyn FnMut(u64) -> bool + 'a;

/// The key log that a capture carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarriedKeys {
    /// Its lines.
    pub key_log: Vec<u8>,
    /// Whether some came after a packet, which they may have been needed for.
    pub late: bool,
}

/// Reads a capture; `name` is what the tables call it. Gives its tables, and the key log that it carries.
///
/// `key_log` are SSLKEYLOGFILE lines, to which those are added that the capture carries.
/// Stopped by `progress`, the tables hold what was read until then.
///
/// # Errors
/// None after the reader was opened that is known: damage is told in the tables.
pub fn scan(
    mut reader: Reader,
    name: &str,
    key_log: &[u8],
    progress: &mut Progress<'_>,
) -> Result<(Tables, CarriedKeys), CaptureError> {
    let output = Rc::new(RefCell::new(Output::Tables(Box::new(Builders::new()))));
    let keys = Keys::new(key_log);
    let counted = walk(&mut reader, &output, &keys, progress);
    let Some(Output::Tables(builders)) = Rc::into_inner(output).map(RefCell::into_inner) else {
        return Err(io::Error::other("internal error: a connection outlived the capture").into());
    };
    let tables = finish(*builders, name, reader.summary(), &counted);
    let tables = tables.map_err(|error| io::Error::other(format!("internal error: {error}")))?;
    Ok((tables, CarriedKeys { key_log: keys.carried(), late: reader.summary().late_secrets > 0 }))
}

/// Reads a capture again for the heads of the `wanted` exchanges, whole up to `http1::MAX_HEAD`.
///
/// An exchange that is not there has no heads.
#[must_use]
pub fn heads(
    mut reader: Reader,
    wanted: &[ExchangeId],
    key_log: &[u8],
    progress: &mut Progress<'_>,
) -> HashMap<ExchangeId, Heads> {
    let output = Rc::new(RefCell::new(Output::Heads(Wanted::new(wanted.iter().copied()))));
    walk(&mut reader, &output, &Keys::new(key_log), progress);
    match Rc::into_inner(output).map(RefCell::into_inner) {
        Some(Output::Heads(wanted)) => wanted.into_heads(),
        _ => HashMap::new(),
    }
}

/// What is counted on the way.
#[derive(Default)]
struct Counted {
    segments: u64,
    undecoded: Undecoded,
    incomplete_datagrams: u64,
    tunnels: Tunnels,
}

/// The way of the data: records, segments, connections, rows.
fn walk(reader: &mut Reader, output: &Rc<RefCell<Output>>, keys: &Keys, progress: &mut Progress<'_>) -> Counted {
    let mut decoder = Decoder::new();
    let taker = keys.clone();
    reader.hand_secrets_to(Box::new(move |lines| taker.add(lines)));
    let mut connections =
        Connections::new(|number| Conversation::new(number, Rc::clone(output), Arc::clone(&keys.secrets)));
    let mut counted = Counted::default();
    let mut pace = Pace::new();
    while let Some(record) = reader.next() {
        match decoder.decode(&record) {
            Decoded::Segment(segment) => {
                counted.segments = counted.segments.saturating_add(1);
                connections.segment(&segment);
            }
            Decoded::OtherProtocol | Decoded::Fragment => {}
            Decoded::Malformed(reason) => counted.undecoded.malformed(reason),
            Decoded::UnknownLink(link_type) => counted.undecoded.unknown_link(link_type),
        }
        if pace.is_due() && (!pace.report(reader.bytes_read(), progress) || is_complete(output)) {
            break;
        }
    }
    connections.finish();
    counted.incomplete_datagrams = decoder.incomplete_datagrams();
    counted.tunnels = decoder.tunnels().clone();
    progress(reader.bytes_read());
    counted
}

fn is_complete(output: &RefCell<Output>) -> bool {
    matches!(&*output.borrow(), Output::Heads(wanted) if wanted.is_complete())
}

/// When progress was reported.
struct Pace {
    packets: u32,
    bytes: u64,
    time: Instant,
}

impl Pace {
    fn new() -> Self {
        Self { packets: 0, bytes: 0, time: Instant::now() }
    }

    /// Counts a packet; `true` once in a while.
    fn is_due(&mut self) -> bool {
        self.packets = self.packets.wrapping_add(1);
        self.packets.is_multiple_of(PACKETS_A_LOOK)
    }

    /// Reports `bytes` if it is time; gives whether to go on.
    fn report(&mut self, bytes: u64, progress: &mut Progress<'_>) -> bool {
        if bytes.saturating_sub(self.bytes) < REPORT_BYTES && self.time.elapsed() < REPORT_TIME {
            return true;
        }
        self.bytes = bytes;
        self.time = Instant::now();
        progress(bytes)
    }
}

fn finish(
    builders: Builders,
    name: &str,
    summary: &Summary,
    counted: &Counted,
) -> Result<Tables, arrow_schema::ArrowError> {
    let format = match summary.compression {
        Some(compression) => format!("{}+{compression}", summary.format),
        None => summary.format.to_owned(),
    };
    let link_types: Vec<String> = summary.link_types.iter().map(u32::to_string).collect();
    let link_types = link_types.join(",");
    let problems = problems::of(summary, &counted.undecoded, counted.incomplete_datagrams, builders.absent());
    let tunnels = Some(counted.tunnels.to_string()).filter(|told| !told.is_empty());
    builders.finish(&CaptureRow {
        file: Some(name),
        format: Some(&format),
        link_types: Some(&link_types),
        snaplen: Some(summary.snaplen),
        packets: Some(summary.packets),
        bytes: Some(summary.bytes),
        segments: Some(counted.segments),
        first: summary.first_time,
        last: summary.last_time,
        out_of_order: Some(summary.out_of_order),
        truncated: Some(summary.truncated),
        dropped: summary.dropped,
        undecoded: Some(counted.undecoded.count()),
        cut_at: summary.cut_at,
        problems: Some(&problems),
        tunnels: tunnels.as_deref(),
    })
}
