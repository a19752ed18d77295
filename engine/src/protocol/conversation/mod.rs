//! Takes the streams of one connection, gives its rows: the connection, its exchanges, its WebSocket, its defects.
//!
//! `proxied` takes a PROXY header off, `opening` digests the first bytes; `spoken` reads what is then in the clear: `detect`
//! tells the protocol, `http` reads HTTP/1.x, where `pairing` tells which response answers which request and `upgrade` what
//! the connection becomes, `http2` reads HTTP/2, a stream at a time, `frames` what a WebSocket carries. Other protocols are
//! counted only. `tls` reads the same within TLS, as far as the keys allow.

mod detect;
mod exchange;
mod frames;
mod hold;
mod http;
mod http2;
mod message;
mod oddities;
mod opening;
mod output;
mod pairing;
mod proxied;
mod request;
mod response;
mod row;
mod sink;
mod spoken;
mod text;
mod tls;
mod upgrade;
mod values;
mod wanted;

pub use output::{ExchangeId, Output, Shared};
pub use text::{MAX_TEXT, text_of};
pub use wanted::{Lost, Piece, Traffic, Wanted};

use std::sync::{Arc, Mutex};

use oddities::Oddities;
use opening::Opening;
use proxied::{Passed, Proxied};
use spoken::{Spoken, Turn};
use tls::Tls;

use super::Stamp;
use super::tls::Secrets;
use crate::stream::{Direction, Facts, Gap, Handler};

/// The secrets that the connections of one capture share; they grow while it is read.
pub type SharedSecrets = Arc<Mutex<Secrets>>;

/// How the connection is read.
enum Layer {
    Clear(Box<Spoken>),
    Tls(Box<Tls>),
}

/// One connection.
///
/// Inside, `Direction` is who is client and server in truth: where the beginning was not captured, the stream's guess may
/// have been wrong.
pub struct Conversation {
    connection: u32,
    output: Shared,
    secrets: SharedSecrets,
    /// Whether the stream's client is the server.
    swapped: bool,
    proxied: Proxied,
    openings: [Opening; 2],
    layer: Layer,
    oddities: Oddities,
    /// Stamp of the last bytes or hole.
    last: Stamp,
}

impl Conversation {
    /// The connection of this number, whose rows go to `output`; `secrets` decrypt its TLS.
    #[must_use]
    pub fn new(connection: u32, output: Shared, secrets: SharedSecrets) -> Self {
        Self {
            connection,
            layer: Layer::Clear(Box::new(Spoken::new(connection, false, Shared::clone(&output)))),
            output,
            secrets,
            swapped: false,
            proxied: Proxied::default(),
            openings: [Opening::new(false), Opening::new(false)],
            oddities: Oddities::default(),
            last: Stamp::default(),
        }
    }

    fn sender(&self, direction: Direction) -> Direction {
        if self.swapped { opposite(direction) } else { direction }
    }

    /// Stream bytes, without a PROXY header.
    fn bytes(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp) {
        if bytes.is_empty() {
            return;
        }
        self.openings[sender as usize].feed(bytes);
        let turn = match &mut self.layer {
            Layer::Clear(spoken) => spoken.data(sender, bytes, stamp, &mut self.oddities),
            Layer::Tls(tls) => return tls.data(sender, bytes, stamp, &mut self.oddities),
        };
        self.turn(turn);
    }

    /// Goes on as the first bytes told.
    fn turn(&mut self, turn: Option<Turn>) {
        let Some(Turn { swapped, tls }) = turn else {
            return;
        };
        if let Some(first) = tls {
            let inside = Spoken::new(self.connection, true, Shared::clone(&self.output));
            let mut tls = Box::new(Tls::new(Arc::clone(&self.secrets), inside));
            for (by, bytes, stamp) in first {
                tls.data(by, &bytes, stamp, &mut self.oddities);
            }
            self.layer = Layer::Tls(tls);
        }
        if swapped {
            self.swapped = !self.swapped;
            // What was taken for the client's may be a PROXY header no more.
            for (bytes, stamp) in self.proxied.stop() {
                self.bytes(Direction::Server, &bytes, stamp);
            }
        }
    }

    /// What was kept in search of a PROXY header is none.
    fn give_up_proxy(&mut self, sender: Direction) {
        if sender == Direction::Client && !self.proxied.done {
            for (bytes, stamp) in self.proxied.stop() {
                self.bytes(sender, &bytes, stamp);
            }
        }
    }
}

impl Handler for Conversation {
    fn begins(&mut self) {
        self.openings = [Opening::new(true), Opening::new(true)];
        self.layer = Layer::Clear(Box::new(Spoken::new(self.connection, true, Shared::clone(&self.output))));
    }

    fn data(&mut self, direction: Direction, bytes: &[u8], stamp: Stamp) {
        self.last = stamp;
        let sender = self.sender(direction);
        if self.proxied.done || sender == Direction::Server {
            return self.bytes(sender, bytes, stamp);
        }
        let rest = match self.proxied.feed(bytes, stamp) {
            Passed::None => return,
            Passed::From(at) => &bytes[at..],
            Passed::WithKept(kept) => {
                for (bytes, stamp) in kept {
                    self.bytes(self.sender(direction), &bytes, stamp);
                }
                bytes
            }
        };
        if let Some((name, stamp)) = self.proxied.defect {
            self.oddities.add(sender, name, stamp, None);
        }
        self.bytes(self.sender(direction), rest, stamp);
    }

    fn gap(&mut self, direction: Direction, gap: Gap) {
        self.last = gap.stamp;
        let sender = self.sender(direction);
        self.give_up_proxy(sender);
        let sender = self.sender(direction);
        self.oddities.gap(sender, gap);
        self.openings[sender as usize].stop();
        let turn = match &mut self.layer {
            Layer::Clear(spoken) => spoken.gap(sender, gap, &mut self.oddities),
            Layer::Tls(tls) => return tls.gap(sender, gap, &mut self.oddities),
        };
        self.turn(turn);
    }

    fn defect(&mut self, direction: Direction, name: &'static str, stamp: Stamp, bytes: Option<u64>) {
        self.oddities.add(self.sender(direction), name, stamp, bytes);
    }

    fn end(&mut self, direction: Direction, _: Stamp) {
        self.give_up_proxy(self.sender(direction));
        let sender = self.sender(direction);
        let turn = match &mut self.layer {
            Layer::Clear(spoken) => spoken.end(sender, self.last, &mut self.oddities),
            Layer::Tls(tls) => return tls.end(sender, &mut self.oddities),
        };
        self.turn(turn);
    }

    fn is_reading(&self) -> bool {
        match &self.layer {
            Layer::Clear(spoken) => spoken.is_reading(),
            Layer::Tls(tls) => tls.is_reading(),
        }
    }

    fn finish(mut self, facts: Facts) {
        match &mut self.layer {
            Layer::Clear(spoken) => spoken.finish(&facts, &mut self.oddities),
            Layer::Tls(tls) => tls.finish(&facts, &mut self.oddities),
        }
        self.write(&facts);
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Client => Direction::Server,
        Direction::Server => Direction::Client,
    }
}

/// As the tables name it.
fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Client => "client",
        Direction::Server => "server",
    }
}
