//! Takes a file's name, gives what the engine reads from it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pyo3_arrow::PyRecordBatch;
use wsanalyze_engine::capture::{CaptureError, Reader};
use wsanalyze_engine::protocol::conversation::ExchangeId;
use wsanalyze_engine::scan::{self as pass, Progress};

use crate::error::{of_capture, of_panic};

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

type HeadBytes<'py> = (Option<Bound<'py, PyBytes>>, Option<Bound<'py, PyBytes>>);

/// Read a capture: its tables by name, as Arrow record batches (of the PyCapsule interface); the key log in it, and whether
/// some of that came after a packet, which it may have been needed for.
///
/// `key_log` are SSLKEYLOGFILE lines, to which those are added that the capture carries.
/// `name` is what the table `captures` calls the file. `progress` is told how many bytes were read; what it raises ends
/// the reading, and is raised. A file that cannot be read is a `CaptureError`.
#[pyfunction]
#[pyo3(signature = (path, name, progress=None, key_log=Vec::new()))]
pub(crate) fn scan(
    py: Python<'_>,
    path: PathBuf,
    name: String,
    progress: Option<Py<PyAny>>,
    key_log: Vec<u8>,
) -> PyResult<(Bound<'_, PyDict>, Bound<'_, PyBytes>, bool)> {
    let (tables, carried) =
        read(py, &path, progress.as_ref(), |reader, progress| pass::scan(reader, &name, &key_log, progress))?;
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
    Ok((dict, PyBytes::new(py, &carried.key_log), carried.late))
}

/// Read a capture again for the heads of exchanges, each named by its connection and its position there: request and
/// response as captured, or None.
#[pyfunction]
#[pyo3(signature = (path, wanted, key_log=Vec::new()))]
pub(crate) fn read_heads<'py>(
    py: Python<'py>,
    path: PathBuf,
    wanted: Vec<ExchangeId>,
    key_log: Vec<u8>,
) -> PyResult<HashMap<ExchangeId, HeadBytes<'py>>> {
    let heads = read(py, &path, None, |reader, progress| Ok(pass::heads(reader, &wanted, &key_log, progress)))?;
    let bytes = |head: Option<Vec<u8>>| head.map(|head| PyBytes::new(py, &head));
    Ok(heads.into_iter().map(|(exchange, heads)| (exchange, (bytes(heads.request), bytes(heads.response)))).collect())
}

/// Opens `path` and lets `job` read it, without the GIL.
fn read<T: Send>(
    py: Python<'_>,
    path: &Path,
    progress: Option<&Py<PyAny>>,
    job: impl FnOnce(Reader, &mut Progress<'_>) -> Result<T, CaptureError> + Send,
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
        let result = catch_unwind(AssertUnwindSafe(|| job(open(path)?, &mut tell)));
        if let Some(error) = raised {
            return Err(error);
        }
        match result {
            Ok(result) => result.map_err(|error| of_capture(&error)),
            Err(payload) => Err(of_panic(&*payload)),
        }
    })
}

fn open(path: &Path) -> Result<Reader, CaptureError> {
    if path == Path::new(STANDARD_INPUT) { Reader::from_read(Box::new(std::io::stdin())) } else { Reader::open(path) }
}
