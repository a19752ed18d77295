//! Takes the records as they are found, gives them their frame numbers and keeps the [`Summary`].

use std::fmt;
use std::ops::RangeInclusive;

use super::window::{Ending, Window};
use super::{Entry, Found, Summary, TakeSecrets};

/// Times that clocks show, in nanoseconds: from 1970 to 2106, as many seconds as 32 bits hold. Sums of them stay within 64.
pub(super) const TIMES: RangeInclusive<i64> = 0..=(1 << 32) * 1_000_000_000;

/// Counts frames and keeps the books.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) summary: Summary,
    pub(super) secrets: SecretsTaker,
    frame: u64,
    last_time: Option<i64>,
}

/// Who takes the key logs that a capture carries.
#[derive(Default)]
pub(super) struct SecretsTaker(pub(super) Option<TakeSecrets>);

impl SecretsTaker {
    /// Hands over the lines of one block.
    pub(super) fn take(&mut self, lines: &[u8]) {
        if let Some(take) = &mut self.0 {
            take(lines);
        }
    }
}

impl fmt::Debug for SecretsTaker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SecretsTaker").field(&self.0.is_some()).finish()
    }
}

impl Ledger {
    pub(super) fn new(compression: Option<&'static str>) -> Self {
        Self {
            summary: Summary { compression, ..Summary::default() },
            secrets: SecretsTaker::default(),
            frame: 0,
            last_time: None,
        }
    }

    /// Counts a frame that Wireshark numbers but that is not handed out.
    pub(super) fn pass_over(&mut self) {
        self.frame = self.frame.saturating_add(1);
    }

    /// How many frames were numbered.
    pub(super) fn frames(&self) -> u64 {
        self.frame
    }

    /// Enters a packet.
    pub(super) fn enter(&mut self, found: Found) -> Entry {
        let Found { time: found_time, link_type, data, original_len } = found;
        self.frame = self.frame.saturating_add(1);
        let summary = &mut self.summary;
        summary.packets = summary.packets.saturating_add(1);
        summary.bytes = summary.bytes.saturating_add(data.len() as u64);
        // A broken writer may give less than it captured.
        let captured = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let original_len = original_len.max(captured);
        summary.truncated = summary.truncated.saturating_add(u64::from(original_len > captured));
        let time = found_time.map(|time| time.clamp(*TIMES.start(), *TIMES.end()));
        summary.absurd_times = summary.absurd_times.saturating_add(u64::from(found_time != time));
        if let Some(time) = time {
            let behind = self.last_time.map_or(0, |last| last.saturating_sub(time));
            summary.out_of_order = summary.out_of_order.saturating_add(u64::from(behind > 0));
            summary.most_behind = summary.most_behind.max(behind);
            summary.first_time = Some(summary.first_time.map_or(time, |first| first.min(time)));
            summary.last_time = Some(summary.last_time.map_or(time, |last| last.max(time)));
            self.last_time = Some(time);
        }
        let time = self.last_time.unwrap_or(0);
        Entry { frame: self.frame, time, link_type, data, original_len }
    }

    /// Notes that the bytes ended; says why, unless they ended where a `unit` (record or block) could have begun.
    pub(super) fn ended(&mut self, window: &Window, begun_at: u64, unit: &str) {
        let after = self.after();
        let problem = match window.ending() {
            Ending::Clean if window.offset() == begun_at && window.bytes().is_empty() => return,
            Ending::Clean => {
                format!("the file ends in the middle of a {unit} ({after}); all before it was read")
            }
            Ending::Cut(compression) => {
                format!("the {compression} stream is cut off ({after}); all before that was read")
            }
            Ending::Failed(error) => format!("reading failed ({after}): {error}"),
            Ending::Damaged(compression, error) => {
                format!("the {compression} stream is damaged ({after}): {error}")
            }
        };
        self.summary.cut_at = Some(begun_at);
        self.summary.note(problem);
    }

    /// Notes that what stands at `offset` cannot be read, nor anything after it.
    pub(super) fn damaged(&mut self, offset: u64, what: &str) {
        let problem = format!("reading stopped at byte {offset} ({}): {what}", self.after());
        self.summary.cut_at = Some(offset);
        self.summary.note(problem);
    }

    /// Adds to what the capturer says it lost.
    pub(super) fn add_drops(&mut self, count: u64) {
        let dropped = &mut self.summary.dropped;
        *dropped = Some(dropped.unwrap_or(0).saturating_add(count));
    }

    /// Notes that `what` was left out, and reading went on.
    pub(super) fn left_out(&mut self, what: &str) {
        let problem = format!("left out: {what} ({}); so were others like it, if there are any", self.after());
        self.summary.note(problem);
    }

    fn after(&self) -> String {
        match self.frame {
            0 => "before the first packet".to_owned(),
            frame => format!("after packet {frame}"),
        }
    }
}
