//! Segments in, ordered bytes of connections out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod build;
mod cases;
mod properties;
