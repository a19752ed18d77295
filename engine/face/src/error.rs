//! Takes what keeps a capture from being read, gives the exception.

use std::any::Any;

use pyo3::PyErr;
use pyo3::exceptions::PyException;
use wsanalyze_engine::capture;

pyo3::create_exception!(
    wsanalyze._engine,
    CaptureError,
    PyException,
    "A capture cannot be read: a message of one line, and where there is one a hint."
);

/// The exception for an error of the engine.
pub(crate) fn of_capture(error: &capture::CaptureError) -> PyErr {
    let message = one_line(&error.to_string());
    let hint = match error {
        capture::CaptureError::Empty => "Was the capture stopped before it was written?",
        capture::CaptureError::NotACapture { .. } => "Give a capture as tcpdump, dumpcap or Wireshark write it.",
        capture::CaptureError::HeaderCut { .. } => "The file is cut off at its beginning: copy or record it again.",
        capture::CaptureError::HeaderDamaged { .. } | capture::CaptureError::Compression { .. } => {
            "The file is damaged: copy or record it again."
        }
        capture::CaptureError::Io(_) => return CaptureError::new_err((message,)),
    };
    CaptureError::new_err((message, hint))
}

/// The exception for a panic: a bug of the engine, which is not to end Python.
pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> PyErr {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    let message = format!("internal error: {}", one_line(text.unwrap_or("unknown")));
    CaptureError::new_err((message, "This is a bug in wsanalyze; please report it with the capture's first packets."))
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}
