//! Takes what went wrong with a file, gives sentences for people.

use std::borrow::Cow;

use crate::capture::Summary;

/// The most link types or reasons that are told apart: a sentence stays one.
const MAX_KINDS: usize = 8;

/// Link types that captures on servers and laptops may have and that carry no TCP connections worth reading
/// (<https://www.tcpdump.org/linktypes.html>).
const LINK_NAMES: [(u32, &str); 12] = [
    (105, "IEEE 802.11"),
    (127, "IEEE 802.11 with radiotap"),
    (163, "IEEE 802.11 with AVS"),
    (147, "user-defined"),
    (187, "Bluetooth"),
    (189, "USB, Linux"),
    (192, "PPI"),
    (195, "IEEE 802.15.4"),
    (201, "Bluetooth"),
    (220, "USB, Linux"),
    (227, "CAN"),
    (249, "USBPcap"),
];

/// Packets that could not be decoded.
#[derive(Debug, Default)]
pub(super) struct Undecoded {
    malformed: Vec<(&'static str, u64)>,
    unknown_links: Vec<(u32, u64)>,
    /// Those of more kinds than are told apart.
    others: u64,
}

impl Undecoded {
    pub(super) fn malformed(&mut self, reason: &'static str) {
        self.others = self.others.saturating_add(u64::from(!count(&mut self.malformed, reason)));
    }

    pub(super) fn unknown_link(&mut self, link_type: u32) {
        self.others = self.others.saturating_add(u64::from(!count(&mut self.unknown_links, link_type)));
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        let malformed = self.malformed.iter().map(|(_, count)| count);
        let unknown = self.unknown_links.iter().map(|(_, count)| count);
        malformed.chain(unknown).fold(self.others, |sum, count| sum.saturating_add(*count))
    }
}

/// Counts one more `kind`; `false` if there are too many kinds.
fn count<K: PartialEq>(counts: &mut Vec<(K, u64)>, kind: K) -> bool {
    if let Some((_, count)) = counts.iter_mut().find(|(other, _)| *other == kind) {
        *count = count.saturating_add(1);
    } else if counts.len() < MAX_KINDS {
        counts.push((kind, 1));
    } else {
        return false;
    }
    true
}

/// What people have to know of a file.
pub(super) fn of(summary: &Summary, undecoded: &Undecoded, fragments: u64, absent: u64) -> Vec<Cow<'static, str>> {
    let mut problems: Vec<Cow<'static, str>> = summary.problems.iter().cloned().map(Cow::Owned).collect();
    let mut say = |sentence: String| problems.push(Cow::Owned(sentence));
    if summary.truncated > 0 {
        let limit = match summary.snaplen {
            0 => String::new(),
            snaplen => format!(" of {snaplen} bytes"),
        };
        let packets = packets(summary.truncated);
        say(format!("{packets} longer than the snapshot length{limit}: the rest of each was not captured"));
    }
    if let Some(dropped) = summary.dropped.filter(|dropped| *dropped > 0) {
        say(format!("the capturing program lost {}", packets(dropped)));
    }
    if summary.out_of_order > 0 {
        let packets = packets(summary.out_of_order);
        let by = duration(summary.most_behind);
        say(format!("{packets} earlier than the packet before, by up to {by}: not in the order of time"));
    }
    if summary.absurd_times > 0 {
        say(format!("{} with a time before 1970 or after 2106", packets(summary.absurd_times)));
    }
    for (link_type, count) in &undecoded.unknown_links {
        let known = LINK_NAMES.iter().find(|(number, _)| number == link_type);
        let name = known.map_or_else(String::new, |(_, name)| format!(" ({name})"));
        say(format!("{} of link type {link_type}{name}, which is not read", packets(*count)));
    }
    if !undecoded.malformed.is_empty() {
        let reasons = undecoded.malformed.iter().map(|(reason, count)| format!("{reason} ({count})"));
        let total = undecoded.malformed.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        say(format!("{} that cannot be decoded: {}", packets(total), reasons.collect::<Vec<_>>().join(", ")));
    }
    if undecoded.others > 0 {
        say(format!("{} that cannot be decoded, of other kinds", packets(undecoded.others)));
    }
    if fragments > 0 {
        let datagrams = if fragments == 1 { "datagram" } else { "datagrams" };
        say(format!("{fragments} fragmented {datagrams} not captured whole"));
    }
    if absent > 0 {
        let values = if absent == 1 { "value was" } else { "values were" };
        say(format!("{absent} {values} left out of the tables: there was no room for more"));
    }
    problems
}

/// A time as people say it, to three digits or so.
fn duration(nanoseconds: i64) -> String {
    let (unit, digits) = match nanoseconds {
        ..1_000_000 => ("µs", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000),
    };
    let (whole, rest) = (nanoseconds / digits, nanoseconds % digits * 10 / digits);
    if whole >= 100 || rest == 0 { format!("{whole} {unit}") } else { format!("{whole}.{rest} {unit}") }
}

fn packets(count: u64) -> String {
    match count {
        1 => "1 packet".to_owned(),
        count => format!("{count} packets"),
    }
}
