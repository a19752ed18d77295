//! Takes a head, gives the texts of its columns, kept in one allocation while their exchange is open.

use std::borrow::Cow;

use super::text::{text_of, within_limit};
use crate::protocol::http1::Head;

/// The texts of `N` columns, filled in order.
#[derive(Debug)]
pub(super) struct Values<const N: usize> {
    text: String,
    /// Where each one ends; `None` for an absent one.
    ends: [Option<u32>; N],
    length: usize,
    /// Whether one was too long, and is cut.
    pub(super) cut: bool,
}

impl<const N: usize> Values<N> {
    pub(super) fn new() -> Self {
        Self { text: String::new(), ends: [None; N], length: 0, cut: false }
    }

    /// Fills in the next column.
    pub(super) fn push(&mut self, value: Option<&[u8]>) {
        let place = self.length;
        self.length += 1;
        if let (Some(value), Some(end)) = (value, self.ends.get_mut(place)) {
            let text = text_of(value);
            let kept = within_limit(&text);
            self.cut |= kept.len() < text.len();
            self.text.push_str(kept);
            *end = u32::try_from(self.text.len()).ok();
        }
    }

    /// Fills in the next `M` columns with the headers of these names, their lines joined (RFC 9110 §5.3).
    pub(super) fn push_headers<const M: usize>(&mut self, head: &Head<'_>, names: &[&[u8]; M]) {
        let mut values: [Option<Cow<'_, [u8]>>; M] = [const { None }; M];
        // One pass over the headers: heads are read by the hundred thousand.
        for header in head.headers() {
            let Some(column) = names.iter().position(|name| header.name.eq_ignore_ascii_case(name)) else {
                continue;
            };
            if let (Some(value), Some(name)) = (values.get_mut(column), names.get(column)) {
                *value = if value.is_some() { head.joined(name) } else { Some(header.value) };
            }
        }
        for value in values {
            self.push(value.as_deref());
        }
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> [Option<&str>; N] {
        let mut start = 0;
        self.ends.map(|end| {
            let end = end? as usize;
            self.text.get(std::mem::replace(&mut start, end)..end)
        })
    }
}
