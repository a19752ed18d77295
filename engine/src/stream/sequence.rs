//! Takes sequence numbers, gives distances: the only place where they are compared (RFC 9293 §3.4).

/// How far `to` is ahead of `from`, modulo 2^32; negative when it is behind.
pub(super) const fn distance(from: u32, to: u32) -> i64 {
    to.wrapping_sub(from).cast_signed() as i64
}

/// A place in a stream: bytes from its beginning, counted from `START`, so that what turns out to come before the first
/// captured byte has a place as well.
pub(super) type Offset = u64;

/// The place of the byte that was taken for the first.
pub(super) const START: Offset = 1 << 40;

/// The place of `sequence`, near `reference`, in a stream in which `START` is `base`.
pub(super) fn place(base: u32, reference: Offset, sequence: u32) -> Offset {
    reference.saturating_add_signed(distance(number(base, reference), sequence))
}

/// The sequence number of a place.
pub(super) fn number(base: u32, offset: Offset) -> u32 {
    // Truncation is the point: sequence numbers count modulo 2^32.
    base.wrapping_add(offset.wrapping_sub(START) as u32)
}
