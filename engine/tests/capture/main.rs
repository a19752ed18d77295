//! Capture files built byte by byte, read whole, in single bytes, and cut at every place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod build;
mod compression;
mod damage;
mod hostile;
mod pcap;
mod pcapng;
mod refused;
mod series;

use std::io::{self, Read};

use wsanalyze_engine::capture::{CaptureError, Reader, Record, Summary};

/// A record that outlives its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    frame: u64,
    time: i64,
    link_type: u32,
    data: Vec<u8>,
    original_len: u32,
}

impl From<Record<'_>> for Owned {
    fn from(record: Record<'_>) -> Self {
        let Record { frame, time, link_type, data, original_len } = record;
        Self { frame, time, link_type, data: data.to_vec(), original_len }
    }
}

/// All records of a source, and the summary at the end.
fn try_read(source: impl Read + Send + 'static) -> Result<(Vec<Owned>, Summary), CaptureError> {
    let mut reader = Reader::from_read(Box::new(source))?;
    let mut records = Vec::new();
    while let Some(record) = reader.next() {
        records.push(record.into());
    }
    assert!(reader.next().is_none(), "the end is the end");
    Ok((records, reader.summary().clone()))
}

fn read(file: &[u8]) -> (Vec<Owned>, Summary) {
    try_read(io::Cursor::new(file.to_vec())).unwrap()
}

/// The only problem that a file has.
fn problem(summary: &Summary) -> &str {
    assert_eq!(summary.problems.len(), 1, "{:?}", summary.problems);
    &summary.problems[0]
}

/// Gives one byte at a time, and is interrupted before each.
struct Trickle {
    bytes: io::Cursor<Vec<u8>>,
    interrupted: bool,
}

impl Trickle {
    fn new(bytes: &[u8]) -> Self {
        Self { bytes: io::Cursor::new(bytes.to_vec()), interrupted: false }
    }
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = buffer.len().min(1);
        self.bytes.read(&mut buffer[..length])
    }
}

/// Gives its bytes, then an error of the operating system.
struct Failing(io::Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            // EIO.
            0 => Err(io::Error::from_raw_os_error(5)),
            count => Ok(count),
        }
    }
}

/// Every valid file that the tests build, with a name.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    use build::{Pcap, Pcapng};
    let mut samples = vec![
        ("pcap", Pcap::little().records(3)),
        ("pcap, big-endian", Pcap::big().records(3)),
        ("pcap, nanoseconds", Pcap { magic: 0xa1b2_3c4d, ..Pcap::little() }.records(3)),
        ("pcap, Kuznetzov", Pcap { magic: 0xa1b2_cd34, ..Pcap::little() }.records(3)),
        ("pcapng", Pcapng::little().sample()),
        ("pcapng, big-endian", Pcapng::big().sample()),
    ];
    samples.push(("pcapng, two sections", [Pcapng::little().sample(), Pcapng::big().sample()].concat()));
    samples
}

#[test]
fn a_file_reads_the_same_in_single_bytes() {
    for (name, file) in samples() {
        let whole = read(&file);
        assert!(whole.0.len() >= 3, "{name}");
        assert_eq!(whole.1.problems, Vec::<String>::new(), "{name}");
        assert_eq!(try_read(Trickle::new(&file)).unwrap(), whole, "{name}");
    }
}

#[test]
fn a_cut_file_gives_the_records_before_the_cut() {
    for (name, file) in samples() {
        let (records, _) = read(&file);
        for length in 0..file.len() {
            // An error: the cut is inside the header.
            let Ok((part, summary)) = try_read(io::Cursor::new(file[..length].to_vec())) else {
                assert!(length < 28, "{name} cut at {length}");
                continue;
            };
            assert_eq!(part, records[..part.len()], "{name} cut at {length}");
            assert_eq!(summary.packets, part.len() as u64, "{name} cut at {length}");
            assert_eq!(summary.problems.is_empty(), summary.cut_at.is_none(), "{name} cut at {length}");
            if let Some(cut_at) = summary.cut_at {
                // What was cut begins where the file was still whole.
                let (again, summary) = read(&file[..usize::try_from(cut_at).unwrap().max(length.min(24))]);
                assert_eq!(again, part, "{name} cut at {length}");
                assert!(cut_at < 28 || summary.cut_at.is_none(), "{name} cut at {length}");
            }
        }
    }
}

#[test]
fn a_record_is_given_before_more_is_read() {
    for (name, file) in samples() {
        let (records, summary) = try_read(Failing(io::Cursor::new(file.clone()))).unwrap();
        assert_eq!(records, read(&file).0, "{name}");
        assert!(problem(&summary).starts_with("reading failed (after packet "), "{name}: {:?}", summary.problems);
        assert_eq!(summary.cut_at, Some(file.len() as u64), "{name}");
    }
}

#[test]
fn readers_go_from_thread_to_thread() {
    fn is_send<T: Send>() {}
    is_send::<Reader>();
}

#[test]
fn a_file_is_opened_by_its_path() {
    let path = std::env::temp_dir().join(format!("wsanalyze-capture-{}.pcap", std::process::id()));
    let file = build::Pcap::little().records(2);
    std::fs::write(&path, &file).unwrap();
    let mut reader = Reader::open(&path).unwrap();
    assert_eq!(std::iter::from_fn(|| reader.next().map(|_| ())).count(), 2);
    assert_eq!(reader.bytes_read(), file.len() as u64);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Reader::open(&path), Err(CaptureError::Io(_))));
    assert!(matches!(Reader::open(&std::env::temp_dir()), Err(CaptureError::Io(_))));
}
