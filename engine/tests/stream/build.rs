//! Segments made by hand, and a handler that writes down what it is told.

use std::cell::RefCell;
use std::rc::Rc;

use wsanalyze_engine::packet::{Address, Endpoint, Flags, Segment};
use wsanalyze_engine::protocol::{GapCause, Stamp};
use wsanalyze_engine::stream::{Connections, Direction, Facts, Gap, Handler};

pub const FIN: u16 = 0x01;
pub const SYN: u16 = 0x02;
pub const RST: u16 = 0x04;
pub const ACK: u16 = 0x10;

/// A segment that owns its payload.
#[derive(Clone, Debug)]
pub struct Packet {
    pub from_client: bool,
    pub client_port: u16,
    pub sequence: u32,
    pub acknowledgment: u32,
    pub flags: u16,
    pub payload: Vec<u8>,
    pub missing: u32,
    pub window: u16,
    pub ip_id: u32,
    pub frame: u64,
    pub time: i64,
}

impl Packet {
    pub fn segment(&self) -> Segment<'_> {
        let client = Endpoint { address: Address::from_v4([10, 0, 0, 1]), port: self.client_port };
        let server = Endpoint { address: Address::from_v4([10, 0, 0, 2]), port: 80 };
        let (source, destination) = if self.from_client { (client, server) } else { (server, client) };
        Segment {
            frame: self.frame,
            time: self.time,
            source,
            destination,
            sequence: self.sequence,
            acknowledgment: self.acknowledgment,
            flags: Flags(self.flags),
            window: self.window,
            payload: &self.payload,
            missing: self.missing,
            ip_id: self.ip_id,
            verifiable: None,
        }
    }
}

/// A packet of the client (`true`) or the server with these numbers.
pub fn packet(from_client: bool, sequence: u32, acknowledgment: u32, flags: u16, payload: &[u8]) -> Packet {
    Packet {
        from_client,
        client_port: 50_000,
        sequence,
        acknowledgment,
        flags,
        payload: payload.to_vec(),
        missing: 0,
        window: 1000,
        ip_id: 0,
        frame: 0,
        time: 0,
    }
}

/// SYN, SYN|ACK, ACK.
pub fn handshake(client: u32, server: u32) -> Vec<Packet> {
    vec![
        packet(true, client, 0, SYN, b""),
        packet(false, server, client.wrapping_add(1), SYN | ACK, b""),
        packet(true, client.wrapping_add(1), server.wrapping_add(1), ACK, b""),
    ]
}

/// Numbers the packets, one millisecond apart, with IP identifications of their own.
pub fn number(packets: &mut [Packet]) {
    for (index, packet) in packets.iter_mut().enumerate() {
        packet.frame = index as u64 + 1;
        packet.time = 1_000_000_000 + index as i64 * 1_000_000;
        if packet.ip_id == 0 {
            packet.ip_id = index as u32 + 1;
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Data(Direction, Vec<u8>, u64),
    Gap(Direction, u64, GapCause),
    Defect(Direction, &'static str),
    End(Direction),
}

/// What was told of one connection.
#[derive(Clone, Debug)]
pub struct Told {
    pub number: u32,
    pub mid_stream: bool,
    pub events: Vec<Event>,
    pub facts: Facts,
}

impl Told {
    /// The bytes of one direction, `None` for each byte that is missing.
    pub fn stream(&self, wanted: Direction) -> Vec<Option<u8>> {
        let mut bytes = Vec::new();
        for event in &self.events {
            match event {
                Event::Data(direction, data, _) if *direction == wanted => bytes.extend(data.iter().copied().map(Some)),
                Event::Gap(direction, length, _) if *direction == wanted => {
                    bytes.extend(std::iter::repeat_n(None, usize::try_from(*length).unwrap()));
                }
                _ => {}
            }
        }
        bytes
    }

    pub fn bytes(&self, wanted: Direction) -> Vec<u8> {
        self.stream(wanted).into_iter().map(|byte| byte.expect("a gap")).collect()
    }

    pub fn defects(&self) -> Vec<&'static str> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Defect(_, name) = event { Some(*name) } else { None })
            .collect()
    }
}

pub struct Recorder {
    number: u32,
    mid_stream: bool,
    events: Vec<Event>,
    ended: [bool; 2],
    told: Rc<RefCell<Vec<Told>>>,
}

impl Handler for Recorder {
    fn begins(&mut self) {
        assert!(self.mid_stream && self.ended == [false; 2], "begins once, first");
        assert!(self.events.iter().all(|event| matches!(event, Event::Defect(..))), "begins after bytes");
        self.mid_stream = false;
    }

    fn data(&mut self, direction: Direction, bytes: &[u8], stamp: Stamp) {
        assert!(!self.ended[direction as usize], "data after the end");
        assert!(!bytes.is_empty());
        self.events.push(Event::Data(direction, bytes.to_vec(), stamp.frame));
    }

    fn gap(&mut self, direction: Direction, gap: Gap) {
        assert!(!self.ended[direction as usize], "a gap after the end");
        assert!(gap.length > 0);
        self.events.push(Event::Gap(direction, gap.length, gap.cause));
    }

    fn defect(&mut self, direction: Direction, name: &'static str, _: Stamp, _: Option<u64>) {
        self.events.push(Event::Defect(direction, name));
    }

    fn end(&mut self, direction: Direction, _: Stamp) {
        assert!(!std::mem::replace(&mut self.ended[direction as usize], true), "ended twice");
        self.events.push(Event::End(direction));
    }

    fn is_reading(&self) -> bool {
        true
    }

    fn finish(self, facts: Facts) {
        assert_eq!(self.ended, [true, true]);
        let told = Told { number: self.number, mid_stream: self.mid_stream, events: self.events, facts };
        self.told.borrow_mut().push(told);
    }
}

/// Takes the packets in this order, gives what was told, by number.
pub fn run(packets: &[Packet]) -> Vec<Told> {
    let told = Rc::new(RefCell::new(Vec::new()));
    let ours = Rc::clone(&told);
    let mut connections = Connections::new(move |number| Recorder {
        number,
        mid_stream: true,
        events: Vec::new(),
        ended: [false; 2],
        told: Rc::clone(&ours),
    });
    for packet in packets {
        connections.segment(&packet.segment());
    }
    connections.finish();
    let mut told = std::mem::take(&mut *told.borrow_mut());
    told.sort_by_key(|told| told.number);
    told
}
