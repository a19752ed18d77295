//! Takes the exchanges that are asked for, keeps what was captured of them: heads, the request's body, the WebSocket's bytes.

use std::collections::HashMap;

use super::output::ExchangeId;
use crate::stream::Direction;

/// The most that is kept of one exchange beside its heads, and of all together, in bytes.
const MAX_EXCHANGE: usize = 16 << 20;
const MAX_TOTAL: usize = 64 << 20;
/// What a piece costs beside its bytes.
const PIECE: usize = 64;

/// Bytes of a WebSocket as one segment brought them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub sender: Direction,
    /// Nanoseconds since the epoch.
    pub time: i64,
    pub bytes: Vec<u8>,
}

/// Why some of a WebSocket's bytes are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// They were not captured.
    Gap,
    /// There is more than is kept.
    Limit,
}

/// An exchange as captured; heads are `None` where none was captured, whole up to `http1::MAX_HEAD`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub request: Option<Vec<u8>>,
    pub response: Option<Vec<u8>>,
    /// What followed the request's head, with its chunk framing.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub body_whole: bool,
    /// What both sides sent after the handshake; each side's in the order of its stream.
    pub pieces: Vec<Piece>,
    pub lost: Option<Lost>,
    kept: usize,
}

/// The exchanges that are asked for, and what was found of them.
#[derive(Debug)]
pub struct Wanted {
    found: HashMap<ExchangeId, Traffic>,
    /// Whether more than heads is asked for.
    traffic: bool,
    /// How many lack a head.
    left: usize,
    kept: usize,
}

impl Wanted {
    /// The heads of these exchanges.
    pub fn heads(exchanges: impl IntoIterator<Item = ExchangeId>) -> Self {
        let found: HashMap<_, _> = exchanges.into_iter().map(|exchange| (exchange, Traffic::default())).collect();
        Self { left: found.len(), found, traffic: false, kept: 0 }
    }

    /// All of these exchanges but the response's body.
    pub fn traffic(exchanges: impl IntoIterator<Item = ExchangeId>) -> Self {
        Self { traffic: true, ..Self::heads(exchanges) }
    }

    /// Whether no more is to be found.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.left == 0 && !self.traffic
    }

    /// What was found.
    #[must_use]
    pub fn into_found(self) -> HashMap<ExchangeId, Traffic> {
        self.found
    }

    pub(super) fn asks_traffic(&self, exchange: ExchangeId) -> bool {
        self.traffic && self.found.contains_key(&exchange)
    }

    pub(super) fn head(&mut self, exchange: ExchangeId, sender: Direction, raw: &[u8]) {
        if let Some(found) = self.found.get_mut(&exchange) {
            let head = match sender {
                Direction::Client => &mut found.request,
                Direction::Server => &mut found.response,
            };
            *head = Some(raw.to_vec());
            if found.request.is_some() && found.response.is_some() {
                self.left = self.left.saturating_sub(1);
            }
        }
    }

    /// More of the request's body.
    pub(super) fn body(&mut self, exchange: ExchangeId, bytes: &[u8]) {
        if let Some(found) = self.keep(exchange, bytes.len()) {
            found.body.extend_from_slice(bytes);
        }
    }

    /// The request's body ended; `whole` if all of it was captured.
    pub(super) fn body_ended(&mut self, exchange: ExchangeId, whole: bool) {
        if let Some(found) = self.found.get_mut(&exchange) {
            found.body_whole = whole && found.lost.is_none();
        }
    }

    /// More of the WebSocket.
    pub(super) fn piece(&mut self, exchange: ExchangeId, sender: Direction, time: i64, bytes: &[u8]) {
        if let Some(found) = self.keep(exchange, bytes.len().saturating_add(PIECE)) {
            found.pieces.push(Piece { sender, time, bytes: bytes.to_vec() });
        }
    }

    /// Some of the WebSocket was not captured.
    pub(super) fn lose(&mut self, exchange: ExchangeId) {
        if let Some(found) = self.found.get_mut(&exchange) {
            found.lost.get_or_insert(Lost::Gap);
        }
    }

    /// Where `cost` more may be kept; what follows a loss is not.
    fn keep(&mut self, exchange: ExchangeId, cost: usize) -> Option<&mut Traffic> {
        let found = self.found.get_mut(&exchange).filter(|found| found.lost.is_none())?;
        if found.kept.saturating_add(cost) > MAX_EXCHANGE || self.kept.saturating_add(cost) > MAX_TOTAL {
            found.lost = Some(Lost::Limit);
            return None;
        }
        found.kept += cost;
        self.kept += cost;
        Some(found)
    }
}
