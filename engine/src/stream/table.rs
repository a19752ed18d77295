//! Takes all segments of a capture, gives each to its connection; keeps the connections that are open.

use std::collections::{HashMap, VecDeque};

use super::Handler;
use super::connection::Connection;
use crate::packet::{Endpoint, Segment};
use crate::protocol::Stamp;

/// Packets for which a closed connection is kept: its last acknowledgments come then, and captures are a little out of order.
const LINGER: u64 = 4096;
/// Ended connections that are remembered, so that stragglers do not look like new ones.
const REMEMBERED: usize = 1 << 14;
/// Open connections that are kept: about a gigabyte. A flood of SYNs must not take more.
pub const MAX_OPEN: usize = 1 << 19;
/// Bytes that may wait behind holes in all connections together.
pub const MAX_WAITING_TOTAL: usize = 256 << 20;

/// The two ends, the lesser first.
type Key = (Endpoint, Endpoint);

struct Entry<H> {
    connection: Box<Connection<H>>,
    /// Which packet of the capture was its last.
    touched: u64,
    /// It waits for its removal.
    closing: bool,
    /// Tells it from an earlier connection between the same ends.
    serial: u32,
}

/// The connections of a capture.
pub struct Connections<H, M> {
    make: M,
    open: HashMap<Key, Entry<H>, foldhash::fast::RandomState>,
    /// Connections in about the order in which they were last used, for the day when there are too many.
    aging: VecDeque<(Key, u32, u64)>,
    /// Closed connections, and the packet with which they closed.
    closing: VecDeque<(Key, u32, u64)>,
    ended: HashMap<Key, u32, foldhash::fast::RandomState>,
    ended_order: VecDeque<(Key, u32)>,
    packets: u64,
    number: u32,
    waiting: usize,
}

impl<H: Handler, M: FnMut(u32) -> H> Connections<H, M> {
    /// No connections yet; `make` gives the handler of a new one from its number.
    pub fn new(make: M) -> Self {
        Self {
            make,
            open: HashMap::default(),
            aging: VecDeque::new(),
            closing: VecDeque::new(),
            ended: HashMap::default(),
            ended_order: VecDeque::new(),
            packets: 0,
            number: 0,
            waiting: 0,
        }
    }

    /// How many connections are kept.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Bytes that wait behind holes.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes one segment.
    pub fn segment(&mut self, segment: &Segment<'_>) {
        self.packets += 1;
        let key = if segment.source <= segment.destination {
            (segment.source, segment.destination)
        } else {
            (segment.destination, segment.source)
        };
        match self.open.get(&key) {
            Some(entry) if entry.connection.fits(segment) => {}
            Some(_) => {
                self.remove(&key, false);
                self.insert(key, segment);
            }
            None if self.is_straggler(&key, segment) => return,
            None => self.insert(key, segment),
        }
        let Some(entry) = self.open.get_mut(&key) else { return };
        entry.touched = self.packets;
        let before = entry.connection.waiting();
        entry.connection.segment(segment);
        let after = entry.connection.waiting();
        self.waiting = (self.waiting + after).saturating_sub(before);
        if entry.connection.is_closed() && !entry.closing {
            entry.closing = true;
            self.closing.push_back((key, entry.serial, self.packets));
        }
        if self.waiting > MAX_WAITING_TOTAL {
            self.remove(&key, true);
        }
        self.sweep();
    }

    /// What is open ends here.
    pub fn finish(mut self) {
        let mut left: Vec<_> = self.open.drain().map(|(_, entry)| entry).collect();
        left.sort_by_key(|entry| entry.serial);
        for entry in left {
            entry.connection.finish();
        }
    }

    fn insert(&mut self, key: Key, segment: &Segment<'_>) {
        let (client, server) = roles(segment);
        let serial = self.number;
        self.number = self.number.wrapping_add(1);
        let stamp = Stamp { frame: segment.frame, time: segment.time };
        let handler = (self.make)(serial);
        let connection = Box::new(Connection::new(handler, client, server, stamp));
        self.open.insert(key, Entry { connection, touched: self.packets, closing: false, serial });
        self.aging.push_back((key, serial, self.packets));
        self.ended.remove(&key);
    }

    fn remove(&mut self, key: &Key, remember: bool) {
        if let Some(entry) = self.open.remove(key) {
            self.waiting = self.waiting.saturating_sub(entry.connection.waiting());
            if remember {
                self.ended.insert(*key, entry.serial);
                self.ended_order.push_back((*key, entry.serial));
                if self.ended_order.len() > REMEMBERED
                    && let Some((old, serial)) = self.ended_order.pop_front()
                    && self.ended.get(&old) == Some(&serial)
                {
                    self.ended.remove(&old);
                }
            }
            entry.connection.finish();
        }
    }

    /// Whether a packet comes after its connection's end and says nothing new.
    fn is_straggler(&self, key: &Key, segment: &Segment<'_>) -> bool {
        !segment.flags.syn() && segment.payload.is_empty() && self.ended.contains_key(key)
    }

    /// Lets closed connections go, and the longest idle ones where there are too many.
    fn sweep(&mut self) {
        while let Some((key, serial, since)) = self.closing.front().copied() {
            if self.packets.saturating_sub(since) < LINGER {
                break;
            }
            self.closing.pop_front();
            if self.open.get(&key).is_some_and(|entry| entry.serial == serial) {
                self.remove(&key, true);
            }
        }
        while self.aging.len() > 2 * self.open.len() + REMEMBERED || self.open.len() > MAX_OPEN {
            let Some((key, serial, since)) = self.aging.pop_front() else { break };
            match self.open.get(&key).filter(|entry| entry.serial == serial).map(|entry| entry.touched) {
                Some(touched) if touched > since => self.aging.push_back((key, serial, touched)),
                Some(touched) if self.open.len() <= MAX_OPEN => self.aging.push_back((key, serial, touched)),
                Some(_) => self.remove(&key, true),
                None => {}
            }
        }
    }
}

/// Who is client and who is server.
fn roles(segment: &Segment<'_>) -> (Endpoint, Endpoint) {
    let Segment { source, destination, flags, .. } = *segment;
    let from_client = match (flags.syn(), flags.ack()) {
        (true, acknowledges) => !acknowledges,
        // Servers listen on the lower ports.
        (false, _) => source.port >= destination.port,
    };
    if from_client { (source, destination) } else { (destination, source) }
}
