//! Takes calls from Python, gives the engine's tables as Arrow objects: the module `wsanalyze._engine`.
//!
//! The GIL is released while a capture is read. Errors and panics become `CaptureError`.
#![forbid(unsafe_code)]

mod error;
mod run;

use pyo3::prelude::*;

/// Reads packet captures in one streaming pass and gives Arrow tables; nothing here judges.
#[pymodule]
mod _engine {
    #[pymodule_export]
    use super::error::CaptureError;
    #[pymodule_export]
    use super::run::{begins, read_heads, read_traffic, scan};

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
