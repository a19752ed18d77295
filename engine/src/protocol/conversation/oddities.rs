//! Takes what is odd in the streams of one connection, gives rows of `defects`, few enough to read.

use super::{direction_name, opposite};
use crate::protocol::{GapCause, Stamp};
use crate::stream::{Direction, Gap};
use crate::table::{Builders, DefectRow};

/// The most rows of one name on one connection; after that one row tells of the rest.
const MAX_ROWS: u32 = 100;

/// Bytes that no message or frame was found in.
pub(super) const UNEXPECTED_BYTES: &str = "unexpected-bytes";

/// The segment was not captured.
const GAP: &str = "gap";

/// The frame was cut by the snapshot length.
const TRUNCATED: &str = "truncated";

#[derive(Clone, Debug)]
struct Oddity {
    name: &'static str,
    direction: Direction,
    stamp: Stamp,
    since: Option<i64>,
    bytes: Option<u64>,
}

/// How many there are of a name, and what those are that have no row of their own.
#[derive(Clone, Debug)]
struct Tally {
    name: &'static str,
    rows: u32,
    rest: Option<Oddity>,
}

/// What is odd on one connection.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    rows: Vec<Oddity>,
    tallies: Vec<Tally>,
    /// With a small snapshot length every packet is cut: one row a direction.
    truncated: [Option<Oddity>; 2],
}

impl Oddities {
    pub(super) fn add(&mut self, direction: Direction, name: &'static str, stamp: Stamp, bytes: Option<u64>) {
        self.enter(Oddity { name, direction, stamp, since: None, bytes });
    }

    /// Bytes that were captured and could not be read, from `since` on where that is known.
    pub(super) fn unread(
        &mut self,
        direction: Direction,
        name: &'static str,
        stamp: Stamp,
        since: Option<i64>,
        bytes: Option<u64>,
    ) {
        self.enter(Oddity { name, direction, stamp, since, bytes });
    }

    pub(super) fn gap(&mut self, direction: Direction, gap: Gap) {
        let Gap { length, cause, since, stamp } = gap;
        if cause == GapCause::Missing {
            self.enter(Oddity { name: GAP, direction, stamp, since, bytes: Some(length) });
            return;
        }
        match &mut self.truncated[direction as usize] {
            Some(sum) => absorb(sum, stamp, Some(length)),
            first => {
                let since = Some(since.unwrap_or(stamp.time).min(stamp.time));
                *first = Some(Oddity { name: TRUNCATED, direction, stamp, since, bytes: Some(length) });
            }
        }
    }

    fn enter(&mut self, oddity: Oddity) {
        let tally = match self.tallies.iter().position(|tally| tally.name == oddity.name) {
            Some(at) => self.tallies.get_mut(at),
            None => {
                self.tallies.push(Tally { name: oddity.name, rows: 0, rest: None });
                self.tallies.last_mut()
            }
        };
        let Some(tally) = tally else {
            return;
        };
        if tally.rows < MAX_ROWS {
            tally.rows += 1;
            self.rows.push(oddity);
        } else if let Some(rest) = &mut tally.rest {
            absorb(rest, oddity.stamp, oddity.bytes);
        } else {
            tally.rest = Some(Oddity { since: Some(oddity.since.unwrap_or(oddity.stamp.time)), ..oddity });
        }
    }

    /// Client and server turned out to be the other way round.
    pub(super) fn swap(&mut self) {
        let rests = self.tallies.iter_mut().filter_map(|tally| tally.rest.as_mut());
        for oddity in self.rows.iter_mut().chain(self.truncated.iter_mut().flatten()).chain(rests) {
            oddity.direction = opposite(oddity.direction);
        }
        self.truncated.swap(0, 1);
    }

    /// Appends the rows.
    pub(super) fn write(self, connection: u32, builders: &mut Builders) {
        let rests = self.tallies.into_iter().filter_map(|tally| tally.rest);
        for oddity in self.rows.into_iter().chain(self.truncated.into_iter().flatten()).chain(rests) {
            builders.defect(&DefectRow {
                name: Some(oddity.name),
                connection: Some(connection),
                direction: Some(direction_name(oddity.direction)),
                frame: Some(oddity.stamp.frame),
                time: Some(oddity.stamp.time),
                since: oddity.since,
                bytes: oddity.bytes,
            });
        }
    }
}

/// Lets `sum` stand for one more.
fn absorb(sum: &mut Oddity, stamp: Stamp, bytes: Option<u64>) {
    sum.stamp = sum.stamp.extended_to(stamp);
    sum.bytes = match (sum.bytes, bytes) {
        (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
        (sum, more) => sum.or(more),
    };
}
