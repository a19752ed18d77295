//! Takes the tunnels around each segment, gives how many segments came in each kind.

use std::fmt;

use super::{Kind, MAX_TUNNELS};

/// The kinds of tunnels around one packet.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::packet) struct Around {
    kinds: u8,
    count: u8,
}

impl Around {
    pub(in crate::packet) fn add(&mut self, kind: Kind) {
        self.kinds |= 1 << kind as u8;
        self.count += 1;
    }

    /// How many there are, also of one kind.
    pub(in crate::packet) fn count(self) -> u8 {
        self.count
    }

    /// Whether there are as many as are taken off.
    pub(in crate::packet) fn is_full(self) -> bool {
        usize::from(self.count) >= MAX_TUNNELS
    }
}

/// How many segments came in tunnels, by kind; one in several tunnels counts for each of their kinds.
///
/// Shown as `vxlan: 120, geneve: 3`, without the kinds that there were none of.
#[derive(Clone, Debug, Default)]
pub struct Tunnels {
    counts: [u64; Kind::ALL.len()],
}

impl Tunnels {
    pub(in crate::packet) fn add(&mut self, around: Around) {
        for (bit, count) in self.counts.iter_mut().enumerate() {
            *count = count.saturating_add(u64::from(around.kinds >> bit & 1));
        }
    }
}

impl fmt::Display for Tunnels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = Kind::ALL.iter().zip(self.counts).filter(|(_, count)| *count > 0);
        for (index, (kind, count)) in counted.enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(formatter, "{separator}{}: {count}", kind.name())?;
        }
        Ok(())
    }
}
