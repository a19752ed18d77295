//! Takes a pcapng Interface Description Block, gives what its packets need: link type, clock, snapshot length, drops.

use super::byte_order::ByteOrder;
use super::option::Options;

/// `if_tsresol`: how long a tick is.
const IF_TSRESOL: u16 = 9;

/// `if_tsoffset`: seconds to add to every time.
const IF_TSOFFSET: u16 = 14;

const NANOSECONDS: u64 = 1_000_000_000;

/// An interface of the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) link_type: u16,
    /// 0: not limited.
    pub(super) snaplen: u32,
    tick: Tick,
    /// In nanoseconds.
    offset: i64,
    drops: Drops,
}

/// The length of a tick of the interface's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tick {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// So many ticks make a nanosecond.
    PerNanosecond(u64),
    /// 2^-n seconds.
    Binary(u8),
}

/// What the capturer says that it lost: in total, and packet by packet; both count the same packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Drops {
    total: u64,
    between: u64,
}

impl Interface {
    /// Reads the block's body (what stands between its length and the repeated length); `None` if it is too short.
    pub(super) fn parse(order: ByteOrder, body: &[u8]) -> Option<Self> {
        let link_type = order.u16_at(body, 0)?;
        let snaplen = order.u32_at(body, 4)?;
        let mut interface =
            Self { link_type, snaplen, tick: Tick::Nanoseconds(1_000), offset: 0, drops: Drops::default() };
        for (code, value) in Options::new(order, body.get(8..)?) {
            match (code, value) {
                (IF_TSRESOL, [resolution, ..]) => interface.tick = Tick::new(*resolution),
                (IF_TSOFFSET, value) => {
                    // Two's complement: the bits are the same.
                    let seconds = order.u64_at(value, 0).unwrap_or(0).cast_signed();
                    interface.offset = seconds.saturating_mul(NANOSECONDS.cast_signed());
                }
                _ => {}
            }
        }
        Some(interface)
    }

    /// Nanoseconds since the epoch, saturating.
    pub(super) fn time(&self, ticks: u64) -> i64 {
        self.tick.nanoseconds(ticks).saturating_add(self.offset)
    }

    /// Takes the counters of an Interface Statistics Block; gives how many more packets are known to be lost.
    pub(super) fn drops_in_all(&mut self, total: u64) -> u64 {
        self.note_drops(|drops| drops.total = drops.total.max(total))
    }

    /// Takes what a packet says was lost since the one before; gives how many more packets are known to be lost.
    pub(super) fn drops_before_packet(&mut self, count: u64) -> u64 {
        self.note_drops(|drops| drops.between = drops.between.saturating_add(count))
    }

    fn note_drops(&mut self, change: impl FnOnce(&mut Drops)) -> u64 {
        let before = self.drops.total.max(self.drops.between);
        change(&mut self.drops);
        self.drops.total.max(self.drops.between) - before
    }
}

impl Tick {
    /// From `if_tsresol`: a negative power of 10, or of 2 where the highest bit is set.
    fn new(resolution: u8) -> Self {
        let exponent = resolution & 0x7f;
        if resolution & 0x80 != 0 {
            return Self::Binary(exponent);
        }
        match exponent.checked_sub(9) {
            None => Self::Nanoseconds(10_u64.pow(9 - u32::from(exponent))),
            // Beyond 10^19 ticks a nanosecond, 2^64 ticks are less than two nanoseconds.
            Some(finer) => Self::PerNanosecond(10_u64.checked_pow(finer.into()).unwrap_or(u64::MAX)),
        }
    }

    fn nanoseconds(self, ticks: u64) -> i64 {
        let nanoseconds = match self {
            Self::Nanoseconds(length) => ticks.saturating_mul(length),
            Self::PerNanosecond(count) => ticks / count,
            Self::Binary(exponent) => {
                // At most 2^64 × 2^30, shifted by at most 127.
                let exact = (u128::from(ticks) * u128::from(NANOSECONDS)) >> exponent;
                u64::try_from(exact).unwrap_or(u64::MAX)
            }
        };
        i64::try_from(nanoseconds).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// An Ethernet interface with one option.
    fn interface(code: u16, value: &[u8]) -> Interface {
        let mut body = vec![1, 0, 0, 0, 0, 0, 4, 0];
        body.extend(code.to_le_bytes());
        body.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
        body.extend(value);
        Interface::parse(ByteOrder::Little, &body).unwrap()
    }

    #[test]
    fn the_clock_ticks_in_microseconds_unless_told_otherwise() {
        let interface = Interface::parse(ByteOrder::Little, &[113, 0, 0, 0, 0, 0, 4, 0]).unwrap();
        assert_eq!((interface.link_type, interface.snaplen), (113, 0x4_0000));
        assert_eq!(interface.time(1_700_000_000_123_456), 1_700_000_000_123_456_000);
    }

    #[test]
    fn resolutions_are_powers_of_ten_or_of_two() {
        let cases: [(u8, u64, i64); 14] = [
            (0, 1_700_000_000, 1_700_000_000_000_000_000),
            (3, 1_700_000_000_123, 1_700_000_000_123_000_000),
            (6, 1_700_000_000_123_456, 1_700_000_000_123_456_000),
            (9, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
            (12, 1_700_000_000_123_456_789, 1_700_000_000_123_456),
            (28, u64::MAX, 1),
            (29, u64::MAX, 1),
            (127, u64::MAX, 1),
            (0x80, 5, 5_000_000_000),
            (0x80 | 10, 1536, 1_500_000_000),
            (0x80 | 32, 3 << 31, 1_500_000_000),
            (0x80 | 63, u64::MAX, 1_999_999_999),
            (0xff, u64::MAX, 0),
            (0, u64::MAX, i64::MAX),
        ];
        for (resolution, ticks, expected) in cases {
            assert_eq!(interface(IF_TSRESOL, &[resolution]).time(ticks), expected, "if_tsresol {resolution:#x}");
        }
    }

    #[test]
    fn the_offset_is_added_in_seconds_and_saturates() {
        assert_eq!(interface(IF_TSOFFSET, &(-10_i64).to_le_bytes()).time(12_000_000), 2_000_000_000);
        assert_eq!(interface(IF_TSOFFSET, &i64::MAX.to_le_bytes()).time(1), i64::MAX);
        assert_eq!(interface(IF_TSOFFSET, &i64::MIN.to_le_bytes()).time(0), i64::MIN);
    }

    #[test]
    fn options_of_the_wrong_length_are_ignored() {
        assert_eq!(interface(IF_TSRESOL, &[]).time(7), 7_000);
        assert_eq!(interface(IF_TSOFFSET, &[1, 2, 3]).time(7), 7_000);
    }

    #[test]
    fn both_ways_of_counting_drops_count_the_same_packets() {
        let mut interface = interface(IF_TSRESOL, &[6]);
        assert_eq!(interface.drops_before_packet(3), 3);
        assert_eq!(interface.drops_in_all(2), 0);
        assert_eq!(interface.drops_in_all(10), 7);
        assert_eq!(interface.drops_before_packet(8), 1);
        assert_eq!(interface.drops_before_packet(u64::MAX), u64::MAX - 11);
    }
}
