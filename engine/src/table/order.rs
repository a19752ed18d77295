//! Takes the rows in the order in which connections ended, gives the tables in the order of time.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::ArrowError;
use arrow_select::take::take;

use super::tables::{
    CaptureRow, Captures, ConnectionRow, Connections, DefectRow, Defects, ExchangeRow, Exchanges, WebSocketRow,
    WebSockets,
};

/// The finished tables of one capture.
#[derive(Clone, Debug)]
pub struct Tables {
    pub captures: RecordBatch,
    pub connections: RecordBatch,
    pub exchanges: RecordBatch,
    pub websockets: RecordBatch,
    pub defects: RecordBatch,
}

/// Where an exchange stands in its table: by time, then frame, then connection, then position.
type ExchangeKey = (i64, u64, u32, u32);

/// Collects the rows of one capture.
#[derive(Debug, Default)]
pub struct Builders {
    connections: Connections,
    connection_keys: Vec<u32>,
    exchanges: Exchanges,
    exchange_keys: Vec<ExchangeKey>,
    websockets: WebSockets,
    /// Of each WebSocket, which row its exchange is in.
    websocket_exchanges: Vec<usize>,
    defects: Defects,
    /// Connection, frame.
    defect_keys: Vec<(u32, u64)>,
}

impl Builders {
    /// No rows yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a connection.
    pub fn connection(&mut self, row: &ConnectionRow<'_>) {
        self.connections.push(row);
        self.connection_keys.push(row.connection.unwrap_or(u32::MAX));
    }

    /// Adds an exchange; its number comes in the end. Gives what a WebSocket refers to it by.
    pub fn exchange(&mut self, row: &ExchangeRow<'_>) -> usize {
        let frame = |frames: Option<&[u64]>| frames.and_then(<[u64]>::first).copied();
        let time = row.request_first.or(row.response_first).unwrap_or(i64::MAX);
        let first = frame(row.request_frames).or(frame(row.response_frames)).unwrap_or(u64::MAX);
        let connection = row.connection.unwrap_or(u32::MAX);
        self.exchange_keys.push((time, first, connection, row.position.unwrap_or(u32::MAX)));
        self.exchanges.push(row)
    }

    /// Adds a WebSocket that was opened by the exchange in row `exchange`.
    pub fn websocket(&mut self, exchange: usize, row: &WebSocketRow<'_>) {
        self.websockets.push(row);
        self.websocket_exchanges.push(exchange);
    }

    /// Adds a defect.
    pub fn defect(&mut self, row: &DefectRow<'_>) {
        self.defect_keys.push((row.connection.unwrap_or(u32::MAX), row.frame.unwrap_or(u64::MAX)));
        self.defects.push(row);
    }

    /// How many values had no room in their column.
    #[must_use]
    pub fn absent(&self) -> u64 {
        [self.connections.absent(), self.exchanges.absent(), self.websockets.absent(), self.defects.absent()]
            .iter()
            .fold(0, |sum, absent| sum.saturating_add(*absent))
    }

    /// The tables, with `files` as the rows of the files.
    ///
    /// # Errors
    /// None that is known: the columns of a table are equally long.
    pub fn finish(self, files: &[CaptureRow<'_>]) -> Result<Tables, ArrowError> {
        let mut captures = Captures::new();
        for file in files {
            captures.push(file);
        }
        let connections = ordered(&self.connection_keys);
        let exchanges = ordered(&self.exchange_keys);
        let numbers = inverse(&exchanges);
        let number = |row: &usize| numbers.get(*row).copied().unwrap_or(u32::MAX);
        let websocket_exchanges: Vec<u32> = self.websocket_exchanges.iter().map(number).collect();
        let websockets = ordered(&websocket_exchanges);
        let defects = ordered(&self.defect_keys);
        let exchange_numbers = counting(exchanges.len());
        let of_websockets: ArrayRef = Arc::new(UInt32Array::from(websocket_exchanges));
        Ok(Tables {
            captures: captures.finish_with(|_, column| Ok(column))?,
            connections: self.connections.finish_with(|_, column| take(&column, &connections, None))?,
            exchanges: self.exchanges.finish_with(|name, column| match name {
                "exchange" => Ok(Arc::clone(&exchange_numbers)),
                _ => take(&column, &exchanges, None),
            })?,
            websockets: self.websockets.finish_with(|name, column| {
                take(if name == "exchange" { &of_websockets } else { &column }, &websockets, None)
            })?,
            defects: self.defects.finish_with(|_, column| take(&column, &defects, None))?,
        })
    }
}

/// Which row comes where, by its key; equal keys stay in the order in which they came.
fn ordered<K: Ord + Copy>(keys: &[K]) -> UInt32Array {
    let mut rows: Vec<u32> = (0..u32::try_from(keys.len()).unwrap_or(u32::MAX)).collect();
    rows.sort_by_key(|row| keys.get(*row as usize).copied());
    UInt32Array::from(rows)
}

/// Of each row, where it comes.
fn inverse(order: &UInt32Array) -> Vec<u32> {
    let mut places = vec![u32::MAX; order.len()];
    for (place, row) in (0..).zip(order.values()) {
        if let Some(entry) = places.get_mut(*row as usize) {
            *entry = place;
        }
    }
    places
}

/// 0, 1, 2 …
fn counting(length: usize) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(0..u32::try_from(length).unwrap_or(u32::MAX)))
}
