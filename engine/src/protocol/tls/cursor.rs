//! Takes a TLS structure's bytes, gives its fields one by one; `None` where they end too early.

/// What is left of a structure (RFC 8446 §3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A vector whose length is one byte.
    pub(super) fn short_vector(&mut self) -> Option<Cursor<'a>> {
        let length = self.u8()?;
        self.take(length.into()).map(Cursor)
    }

    /// A vector whose length is two bytes.
    pub(super) fn vector(&mut self) -> Option<Cursor<'a>> {
        let length = self.u16()?;
        self.take(length.into()).map(Cursor)
    }
}
