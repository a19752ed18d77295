//! Takes what a client sends after asking for an upgrade, keeps it until the answer tells how to read it.

use crate::protocol::Stamp;
use crate::protocol::http1::{Looks, looks_like_start};
use crate::protocol::websocket::{Role, looks_like_frames};
use crate::stream::Gap;

/// The most bytes that are kept: early frames are a few, and a client waits for the answer to its handshake.
const MAX_HELD: usize = 64 * 1024;

/// What a hole costs of that.
const GAP_COST: usize = 64;

/// The most bytes that are looked at to see whether they begin a request; one is known by its first line.
const MAX_START: usize = 4096;

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    /// They begin another request.
    Request,
    /// There is more than is to be kept.
    TooMany,
}

/// A piece of the client's stream.
#[derive(Debug)]
pub(super) enum Piece {
    Bytes(Vec<u8>, Stamp),
    Gap(Gap),
}

/// What the client sent after the head of a request.
#[derive(Debug)]
pub(super) struct Hold {
    /// The position of the request's exchange.
    pub(super) position: u32,
    pieces: Vec<Piece>,
    size: usize,
    /// The first bytes, until it is clear whether they begin a request.
    start: Option<Vec<u8>>,
    /// Bytes given up: there were too many.
    given_up: u64,
}

impl Hold {
    pub(super) fn new(position: u32) -> Self {
        Self { position, pieces: Vec::new(), size: 0, start: Some(Vec::new()), given_up: 0 }
    }

    /// Whether nothing came.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.given_up == 0
    }

    /// Bytes that were given up.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Keeps bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8], stamp: Stamp) -> Kept {
        if self.given_up > 0 {
            self.given_up = self.given_up.saturating_add(bytes.len() as u64);
            return Kept::Yes;
        }
        self.keep(Piece::Bytes(bytes.to_vec(), stamp), bytes.len());
        if let Some(mut start) = self.start.take() {
            start.extend_from_slice(bytes);
            match looks_like_start(&start) {
                // The client went on with another request: it does not take the connection for upgraded.
                Looks::Request => return Kept::Request,
                Looks::Maybe if start.len() < MAX_START => self.start = Some(start),
                _ => {}
            }
        }
        if self.size > MAX_HELD { Kept::TooMany } else { Kept::Yes }
    }

    /// Keeps a hole.
    pub(super) fn gap(&mut self, gap: Gap) -> Kept {
        self.start = None;
        if self.given_up == 0 {
            self.keep(Piece::Gap(gap), GAP_COST);
        }
        if self.size > MAX_HELD { Kept::TooMany } else { Kept::Yes }
    }

    fn keep(&mut self, piece: Piece, size: usize) {
        self.size = self.size.saturating_add(size);
        self.pieces.push(piece);
    }

    /// Gives up what is kept, and what follows.
    pub(super) fn give_up(&mut self) {
        self.given_up = (self.size as u64).max(1);
        self.take();
    }

    /// The pieces, in order.
    pub(super) fn take(&mut self) -> Vec<Piece> {
        self.size = 0;
        std::mem::take(&mut self.pieces)
    }

    /// Whether the first piece looks like frames.
    pub(super) fn resembles_frames(&self) -> bool {
        matches!(self.pieces.first(), Some(Piece::Bytes(bytes, _)) if looks_like_frames(bytes, Role::Client))
    }
}
