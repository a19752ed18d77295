//! Takes what a test wants to see, gives the bytes of a capture file.

/// The number's bytes in one of the two orders.
#[derive(Clone, Copy, Debug)]
pub struct Order(bool);

pub const LITTLE: Order = Order(false);
pub const BIG: Order = Order(true);

impl Order {
    pub fn u16(self, value: u16) -> [u8; 2] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub fn u32(self, value: u32) -> [u8; 4] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub fn u64(self, value: u64) -> [u8; 8] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub fn u32s(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| self.u32(*value)).collect()
    }
}

/// A classic pcap file.
#[derive(Clone, Copy, Debug)]
pub struct Pcap {
    pub order: Order,
    pub magic: u32,
    pub version: (u16, u16),
    pub snaplen: u32,
    pub network: u32,
}

impl Pcap {
    pub fn little() -> Self {
        Self { order: LITTLE, magic: 0xa1b2_c3d4, version: (2, 4), snaplen: 65_535, network: 1 }
    }

    pub fn big() -> Self {
        Self { order: BIG, ..Self::little() }
    }

    pub fn header(self) -> Vec<u8> {
        let order = self.order;
        let mut bytes = order.u32(self.magic).to_vec();
        bytes.extend(order.u16(self.version.0));
        bytes.extend(order.u16(self.version.1));
        bytes.extend(order.u32s(&[0, 0, self.snaplen, self.network]));
        if self.magic >> 16 == 0x1c00 {
            bytes.extend(order.u32(12_345));
        }
        bytes
    }

    /// A record whose header says what it is told to.
    pub fn raw_record(self, seconds: u32, fraction: u32, lengths: [u32; 2], data: &[u8]) -> Vec<u8> {
        let mut bytes = self.order.u32s(&[seconds, fraction, lengths[0], lengths[1]]);
        if self.magic == 0xa1b2_cd34 {
            bytes.extend([1, 0, 0, 0, 8, 0, 0, 0]);
        }
        bytes.extend(data);
        bytes
    }

    pub fn record(self, seconds: u32, fraction: u32, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        self.raw_record(seconds, fraction, [length, length], data)
    }

    /// A file with `count` records of 20, 21, … bytes.
    pub fn records(self, count: u8) -> Vec<u8> {
        let record =
            |index: u8| self.record(1_700_000_000 + u32::from(index), 123_456, &vec![index; 20 + usize::from(index)]);
        self.header().into_iter().chain((0..count).flat_map(record)).collect()
    }
}

/// Blocks of a pcapng file.
#[derive(Clone, Copy, Debug)]
pub struct Pcapng(pub Order);

impl Pcapng {
    pub fn little() -> Self {
        Self(LITTLE)
    }

    pub fn big() -> Self {
        Self(BIG)
    }

    pub fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len().next_multiple_of(4) + 12).unwrap();
        let mut bytes = self.0.u32s(&[kind, length]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(self.0.u32(length));
        bytes
    }

    pub fn section(self) -> Vec<u8> {
        let mut body = self.0.u32(0x1a2b_3c4d).to_vec();
        body.extend(self.0.u16(1));
        body.extend(self.0.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    pub fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = [self.0.u16(code), self.0.u16(u16::try_from(value.len()).unwrap())].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    pub fn interface(self, link_type: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        let mut body = [self.0.u16(link_type), [0, 0]].concat();
        body.extend(self.0.u32(snaplen));
        body.extend(options);
        self.block(1, &body)
    }

    pub fn packet_body(
        self,
        interface: [u8; 4],
        ticks: u64,
        lengths: [u32; 2],
        data: &[u8],
        options: &[u8],
    ) -> Vec<u8> {
        let mut body = interface.to_vec();
        let (high, low) = (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap());
        body.extend(self.0.u32s(&[high, low, lengths[0], lengths[1]]));
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        body
    }

    /// An Enhanced Packet Block.
    pub fn enhanced(self, interface: u32, ticks: u64, data: &[u8], options: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        self.block(6, &self.packet_body(self.0.u32(interface), ticks, [length, length], data, options))
    }

    /// An obsolete Packet Block.
    pub fn obsolete(self, interface: u16, drops: u16, ticks: u64, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let interface = [self.0.u16(interface), self.0.u16(drops)].concat();
        self.block(2, &self.packet_body(interface.try_into().unwrap(), ticks, [length, length], data, &[]))
    }

    pub fn simple(self, original_len: u32, data: &[u8]) -> Vec<u8> {
        self.block(3, &[&self.0.u32(original_len)[..], data].concat())
    }

    pub fn statistics(self, interface: u32, counters: &[(u16, u64)]) -> Vec<u8> {
        let mut body = self.0.u32s(&[interface, 0, 0]);
        body.extend(counters.iter().flat_map(|(code, value)| self.option(*code, &self.0.u64(*value))));
        self.block(5, &body)
    }

    /// A section with two interfaces and a packet of each kind.
    pub fn sample(self) -> Vec<u8> {
        [
            self.section(),
            self.interface(1, 262_144, &[]),
            self.interface(113, 96, &self.option(9, &[9])),
            self.enhanced(0, 1_700_000_000_123_456, &[1; 21], &self.option(1, b"a comment")),
            self.block(4, &[0; 4]),
            self.enhanced(1, 1_700_000_001_123_456_789, &[2; 22], &[]),
            self.simple(23, &[3; 23]),
            self.obsolete(0, 0xffff, 1_700_000_003_000_000, &[4; 24]),
            self.statistics(0, &[(4, 100)]),
        ]
        .concat()
    }
}
