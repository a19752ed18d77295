//! Takes rows, gives Arrow tables.
//!
//! `tables` declares the columns, `kind` their types; `order` puts rows that came when connections ended into the order
//! of time, so that the result does not depend on who finished first.

mod declare;
mod kind;
mod order;
mod tables;

pub use order::{Builders, Tables};
pub use tables::{
    CaptureRow, Captures, ConnectionRow, Connections, DefectRow, Defects, ExchangeRow, Exchanges, WebSocketRow,
    WebSockets,
};
