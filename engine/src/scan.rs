//! Takes a capture, gives its tables; or, in a second look, some of its exchanges as they were captured.

mod keys;
mod problems;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::capture::{CaptureError, Part, Series, Step};
use crate::packet::{Decoded, Decoder, Tunnels};
use crate::protocol::conversation::{Conversation, ExchangeId, Output, Traffic, Wanted};
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

/// What is known of a capture beside its tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The lines of the key log that it carries.
    pub key_log: Vec<u8>,
    /// Whether some came after a packet, which they may have been needed for.
    pub late_keys: bool,
    /// How many of the last files were not read, as they do not follow.
    pub left: usize,
    /// The largest steps of the clock, in the order of their frames.
    pub steps: Vec<Step>,
}

/// Reads the files of a capture; `names` are what the tables call them. Gives its tables, and what else is known of it.
///
/// `key_log` are SSLKEYLOGFILE lines, to which those are added that the capture carries.
/// Stopped by `progress`, the tables hold what was read until then.
///
/// # Errors
/// None after the reader was opened that is known: damage is told in the tables.
pub fn scan(
    mut series: Series,
    names: &[String],
    key_log: &[u8],
    progress: &mut Progress<'_>,
) -> Result<(Tables, Told), CaptureError> {
    let output = Rc::new(RefCell::new(Output::Tables(Box::new(Builders::new()))));
    let keys = Keys::new(key_log);
    let counted = walk(&mut series, &output, &keys, progress);
    let Some(Output::Tables(builders)) = Rc::into_inner(output).map(RefCell::into_inner) else {
        return Err(io::Error::other("internal error: a connection outlived the capture").into());
    };
    let parts = series.finish();
    let tables = finish(*builders, names, &parts.files, counted);
    let tables = tables.map_err(|error| io::Error::other(format!("internal error: {error}")))?;
    let told = Told { key_log: keys.carried(), late_keys: parts.late_secrets, left: parts.left, steps: parts.steps };
    Ok((tables, told))
}

/// Reads a capture again for the `wanted` exchanges. One that is not there has no heads.
#[must_use]
pub fn again(
    mut series: Series,
    wanted: Wanted,
    key_log: &[u8],
    progress: &mut Progress<'_>,
) -> HashMap<ExchangeId, Traffic> {
    let output = Rc::new(RefCell::new(Output::Wanted(wanted)));
    walk(&mut series, &output, &Keys::new(key_log), progress);
    match Rc::into_inner(output).map(RefCell::into_inner) {
        Some(Output::Wanted(wanted)) => wanted.into_found(),
        _ => HashMap::new(),
    }
}

/// What is counted on the way.
#[derive(Default)]
struct Counted {
    files: Vec<OfFile>,
    incomplete_datagrams: u64,
}

/// What is counted of one file.
#[derive(Default)]
struct OfFile {
    segments: u64,
    undecoded: Undecoded,
    tunnels: Tunnels,
}

impl Counted {
    /// Of the file with this index, made where it is missing.
    fn file(&mut self, index: usize) -> &mut OfFile {
        if self.files.len() <= index {
            self.files.resize_with(index.saturating_add(1), OfFile::default);
        }
        &mut self.files[index]
    }
}

/// The way of the data: records, segments, connections, rows.
fn walk(series: &mut Series, output: &Rc<RefCell<Output>>, keys: &Keys, progress: &mut Progress<'_>) -> Counted {
    let mut decoder = Decoder::new();
    let taker = keys.clone();
    series.hand_secrets_to(Box::new(move || {
        let taker = taker.clone();
        Box::new(move |lines| taker.add(lines))
    }));
    let mut connections =
        Connections::new(|number| Conversation::new(number, Rc::clone(output), Arc::clone(&keys.secrets)));
    let mut counted = Counted::default();
    let mut pace = Pace::new();
    let mut current = 0;
    while let Some((file, record)) = series.next() {
        if file != current {
            counted.file(current).tunnels = decoder.take_tunnels();
            current = file;
        }
        let of_file = counted.file(file);
        match decoder.decode(&record) {
            Decoded::Segment(segment) => {
                of_file.segments = of_file.segments.saturating_add(1);
                connections.segment(&segment);
            }
            Decoded::OtherProtocol | Decoded::Fragment => {}
            Decoded::Malformed(reason) => of_file.undecoded.malformed(reason),
            Decoded::UnknownLink(link_type) => of_file.undecoded.unknown_link(link_type),
        }
        if pace.is_due() && (!pace.report(series.bytes_read(), progress) || is_complete(output)) {
            break;
        }
    }
    connections.finish();
    counted.incomplete_datagrams = decoder.incomplete_datagrams();
    counted.file(current).tunnels = decoder.take_tunnels();
    progress(series.bytes_read());
    counted
}

fn is_complete(output: &RefCell<Output>) -> bool {
    matches!(&*output.borrow(), Output::Wanted(wanted) if wanted.is_complete())
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
    names: &[String],
    parts: &[Part],
    mut counted: Counted,
) -> Result<Tables, arrow_schema::ArrowError> {
    let absent = builders.absent();
    let last = parts.len().saturating_sub(1);
    let files: Vec<File> = (0..)
        .zip(parts)
        .map(|(index, part)| {
            let of_file = std::mem::take(counted.file(index));
            // What was left without an end is told at the end.
            let (fragments, absent) = if index == last { (counted.incomplete_datagrams, absent) } else { (0, 0) };
            File::new(names.get(index).map_or("", String::as_str), part, &of_file, fragments, absent)
        })
        .collect();
    builders.finish(&files.iter().map(File::row).collect::<Vec<_>>())
}

/// A file's row, with the texts that it refers to.
struct File<'a> {
    name: &'a str,
    part: &'a Part,
    format: String,
    link_types: String,
    segments: u64,
    undecoded: u64,
    tunnels: Option<String>,
    problems: Vec<Cow<'static, str>>,
}

impl<'a> File<'a> {
    fn new(name: &'a str, part: &'a Part, counted: &OfFile, fragments: u64, absent: u64) -> Self {
        let summary = &part.summary;
        let format = match summary.compression {
            Some(compression) => format!("{}+{compression}", summary.format),
            None => summary.format.to_owned(),
        };
        let link_types: Vec<String> = summary.link_types.iter().map(u32::to_string).collect();
        Self {
            name,
            part,
            format,
            link_types: link_types.join(","),
            segments: counted.segments,
            undecoded: counted.undecoded.count(),
            tunnels: Some(counted.tunnels.to_string()).filter(|told| !told.is_empty()),
            problems: problems::of(summary, &counted.undecoded, fragments, absent),
        }
    }

    fn row(&self) -> CaptureRow<'_> {
        let summary = &self.part.summary;
        CaptureRow {
            capture: Some(0),
            file: Some(self.name),
            format: Some(&self.format),
            link_types: Some(&self.link_types),
            snaplen: Some(summary.snaplen),
            packets: Some(summary.packets),
            bytes: Some(summary.bytes),
            segments: Some(self.segments),
            first: summary.first_time,
            last: summary.last_time,
            out_of_order: Some(summary.out_of_order),
            truncated: Some(summary.truncated),
            dropped: summary.dropped,
            undecoded: Some(self.undecoded),
            cut_at: summary.cut_at,
            problems: Some(&self.problems),
            frames: Some(self.part.frames),
            tunnels: self.tunnels.as_deref(),
            application: summary.application.as_deref(),
        }
    }
}
