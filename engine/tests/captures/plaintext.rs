//! Takes a capture and a key log, gives what each TLS connection carried, as far as it could be decrypted.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use wsanalyze_engine::capture::Reader;
use wsanalyze_engine::packet::{Decoded, Decoder};
use wsanalyze_engine::protocol::Stamp;
use wsanalyze_engine::protocol::tls::{PlaintextSink, Secrets, Session};
use wsanalyze_engine::stream::{Connections, Direction, Facts, Gap, Handler};

/// What is known of one connection.
#[derive(Debug, Default)]
pub struct Read {
    /// Of the client, and of the server.
    pub plaintext: [Vec<u8>; 2],
    pub decryption: &'static str,
}

struct Conversation {
    number: u32,
    session: Session,
    secrets: Rc<RefCell<Secrets>>,
    sent: Sent,
    read: Rc<RefCell<Vec<(u32, Read)>>>,
}

#[derive(Default)]
struct Sent([Vec<u8>; 2]);

impl PlaintextSink for Sent {
    fn data(&mut self, sender: Direction, bytes: &[u8], _: Stamp) {
        self.0[sender as usize].extend_from_slice(bytes);
    }

    fn gap(&mut self, _: Direction, _: Gap) {}
}

impl Handler for Conversation {
    fn begins(&mut self) {}

    fn data(&mut self, direction: Direction, bytes: &[u8], stamp: Stamp) {
        self.session.data(direction, bytes, stamp, &mut self.secrets.borrow_mut(), &mut self.sent);
    }

    fn gap(&mut self, direction: Direction, gap: Gap) {
        self.session.gap(direction, gap, &mut self.secrets.borrow_mut(), &mut self.sent);
    }

    fn defect(&mut self, _: Direction, _: &'static str, _: Stamp, _: Option<u64>) {}

    fn end(&mut self, direction: Direction, _: Stamp) {
        self.session.end(direction, &mut self.secrets.borrow_mut(), &mut self.sent);
    }

    fn is_reading(&self) -> bool {
        true
    }

    fn finish(self, _: Facts) {
        let read = Read { plaintext: self.sent.0, decryption: self.session.decryption() };
        self.read.borrow_mut().push((self.number, read));
    }
}

/// The connections of the capture, in order.
pub fn read(capture: &Path, key_log: &[u8]) -> Vec<Read> {
    let secrets = Rc::new(RefCell::new(Secrets::default()));
    secrets.borrow_mut().add_key_log(key_log);
    let found = Rc::new(RefCell::new(Vec::new()));
    let mut connections = Connections::new(|number| Conversation {
        number,
        session: Session::new(),
        secrets: Rc::clone(&secrets),
        sent: Sent::default(),
        read: Rc::clone(&found),
    });
    let mut reader = Reader::open(capture).unwrap();
    let mut decoder = Decoder::new();
    while let Some(record) = reader.next() {
        if let Decoded::Segment(segment) = decoder.decode(&record) {
            connections.segment(&segment);
        }
    }
    connections.finish();
    let mut read = found.take();
    read.sort_by_key(|(number, _)| *number);
    read.into_iter().map(|(_, read)| read).collect()
}
