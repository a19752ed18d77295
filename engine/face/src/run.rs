//! Takes files' names, gives what the engine reads from them.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pyo3_arrow::PyRecordBatch;
use wsanalyze_engine::capture::{CaptureError, Opener, Reader, Series, Shift};
use wsanalyze_engine::protocol::conversation::{ExchangeId, Lost, Piece, Wanted};
use wsanalyze_engine::scan::{self as pass, Progress};
use wsanalyze_engine::stream::Direction;

use crate::error::{of_capture, of_panic};

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

type HeadBytes<'py> = (Option<Bound<'py, PyBytes>>, Option<Bound<'py, PyBytes>>);
type PieceBytes<'py> = (bool, i64, Bound<'py, PyBytes>);
type TrafficBytes<'py> = (HeadBytes<'py>, Bound<'py, PyBytes>, bool, Vec<PieceBytes<'py>>, Option<&'static str>);

/// What is known of a capture beside its tables: the lines of the key log in it; whether some of them came after a packet,
/// which they may have been needed for; how many of the last files were left; the largest steps of the clock, each with the
/// frame that it leads to, in nanoseconds.
type Told<'py> = (Bound<'py, PyBytes>, bool, usize, Vec<(u64, i64)>);

/// Read the files of one capture, in their order: its tables by name, as Arrow record batches (of the PyCapsule interface), and
/// what else is known of it.
///
/// `key_log` are SSLKEYLOGFILE lines, to which those are added that the capture carries. `begins`, the times of the files'
/// first packets, has a file that begins before the end of the one before it left, with all after it. `shifts` correct the
/// clock: from which frame on, and by how many nanoseconds. `progress` is told how many bytes were read; what it raises ends
/// the reading, and is raised. A first file that cannot be read is a `CaptureError`; a later one is a problem in its row.
#[pyfunction]
#[pyo3(signature = (files, progress=None, key_log=Vec::new(), begins=None, shifts=Vec::new()))]
pub(crate) fn scan(
    py: Python<'_>,
    files: Vec<String>,
    progress: Option<Py<PyAny>>,
    key_log: Vec<u8>,
    begins: Option<Vec<i64>>,
    shifts: Vec<(u64, i64)>,
) -> PyResult<(Bound<'_, PyDict>, Told<'_>)> {
    let shifts: Vec<Shift> = shifts.into_iter().map(|(frame, by)| Shift { frame, by }).collect();
    let (tables, told) = read(py, &files, progress.as_ref(), |series, progress| {
        let series = series.corrected(&shifts);
        let series = if let Some(begins) = &begins { series.only_in_time(begins) } else { series };
        pass::scan(series, &files, &key_log, progress)
    })?;
    let dict = PyDict::new(py);
    for (name, batch) in [
        ("captures", tables.captures),
        ("connections", tables.connections),
        ("exchanges", tables.exchanges),
        ("websockets", tables.websockets),
        ("defects", tables.defects),
    ] {
        dict.set_item(name, PyRecordBatch::new(batch))?;
    }
    let steps = told.steps.iter().map(|step| (step.frame, step.by)).collect();
    Ok((dict, (PyBytes::new(py, &told.key_log), told.late_keys, told.left, steps)))
}

/// The time of a file's first packet, in nanoseconds since the epoch; None without one. A file that cannot be read is a
/// `CaptureError`.
#[pyfunction]
pub(crate) fn begins(py: Python<'_>, file: PathBuf) -> PyResult<Option<i64>> {
    py.detach(|| {
        catch_unwind(AssertUnwindSafe(|| Reader::open(&file).map(|mut reader| reader.next().map(|record| record.time))))
            .map_err(|payload| of_panic(&*payload))?
            .map_err(|error| of_capture(&error))
    })
}

/// Read a capture again for the heads of exchanges, each named by its connection and its position there: request and
/// response as captured, or None.
#[pyfunction]
#[pyo3(signature = (files, wanted, key_log=Vec::new()))]
pub(crate) fn read_heads<'py>(
    py: Python<'py>,
    files: Vec<String>,
    wanted: Vec<ExchangeId>,
    key_log: Vec<u8>,
) -> PyResult<HashMap<ExchangeId, HeadBytes<'py>>> {
    let wanted = Wanted::heads(wanted);
    let found = read(py, &files, None, |series, progress| Ok(pass::again(series, wanted, &key_log, progress)))?;
    let bytes = |head: Option<Vec<u8>>| head.map(|head| PyBytes::new(py, &head));
    Ok(found.into_iter().map(|(exchange, found)| (exchange, (bytes(found.request), bytes(found.response)))).collect())
}

/// Read a capture again for exchanges, each named by its connection and its position there: request and response heads as
/// captured, or None; the request's body as on the wire, and whether all of it was captured; what both sides of its WebSocket
/// sent, as (by the client, time, bytes), each side's in the order of its stream; and why some of that is not there, `gap` or
/// `limit`, or None.
#[pyfunction]
#[pyo3(signature = (files, wanted, key_log=Vec::new()))]
pub(crate) fn read_traffic<'py>(
    py: Python<'py>,
    files: Vec<String>,
    wanted: Vec<ExchangeId>,
    key_log: Vec<u8>,
) -> PyResult<HashMap<ExchangeId, TrafficBytes<'py>>> {
    let wanted = Wanted::traffic(wanted);
    let found = read(py, &files, None, |series, progress| Ok(pass::again(series, wanted, &key_log, progress)))?;
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    let piece = |piece: &Piece| (piece.sender == Direction::Client, piece.time, bytes(&piece.bytes));
    let traffic = found.into_iter().map(|(exchange, found)| {
        let heads = (found.request.as_deref().map(bytes), found.response.as_deref().map(bytes));
        let lost = found.lost.map(|lost| match lost {
            Lost::Gap => "gap",
            Lost::Limit => "limit",
        });
        let pieces = found.pieces.iter().map(piece).collect();
        (exchange, (heads, bytes(&found.body), found.body_whole, pieces, lost))
    });
    Ok(traffic.collect())
}

/// Opens the files and lets `job` read it, without the GIL.
fn read<T: Send>(
    py: Python<'_>,
    files: &[String],
    progress: Option<&Py<PyAny>>,
    job: impl FnOnce(Series, &mut Progress<'_>) -> Result<T, CaptureError> + Send,
) -> PyResult<T> {
    py.detach(|| {
        let mut raised = None;
        // Often enough for people who interrupt; `scan` calls it some ten times a second.
        let mut tell = |bytes: u64| {
            let told = Python::attach(|py| {
                py.check_signals()?;
                progress.map_or(Ok(()), |progress| progress.call1(py, (bytes,)).map(drop))
            });
            match told {
                Ok(()) => true,
                Err(error) => {
                    raised.get_or_insert(error);
                    false
                }
            }
        };
        // What is unwound is dropped, and seen by nobody.
        let result = catch_unwind(AssertUnwindSafe(|| job(open(files)?, &mut tell)));
        if let Some(error) = raised {
            return Err(error);
        }
        match result {
            Ok(result) => result.map_err(|error| of_capture(&error)),
            Err(payload) => Err(of_panic(&*payload)),
        }
    })
}

fn open(files: &[String]) -> Result<Series, CaptureError> {
    let openers = files.iter().map(|file| {
        let file = PathBuf::from(file);
        let open = move || {
            if file == Path::new(STANDARD_INPUT) {
                Reader::from_read(Box::new(std::io::stdin()))
            } else {
                Reader::open(&file)
            }
        };
        Box::new(open) as Opener
    });
    Series::open(openers.collect())
}
