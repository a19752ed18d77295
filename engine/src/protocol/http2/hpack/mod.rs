//! Takes the header blocks of one direction in order, gives their fields (RFC 7541).
//!
//! Our own, for what captures need and decoders of endpoints lack: a table of which a part was not captured, limits on
//! what a block may cost, and tables of the code that are made once, not for every string.

mod huffman;
mod table;

pub use table::MAX_TABLE;
use table::{Entry, Table, Text};

use std::rc::Rc;

/// The longest integer: 5 octets after the prefix hold 32 bits; more is zeros at best (RFC 7541 §5.1).
const MAX_OCTETS: u32 = 5;

/// A block that breaks the rules; the table is not known after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A field as far as it is known: where its table entry was not captured, name, value or both are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
}

/// Decodes the header blocks of one direction.
#[derive(Debug)]
pub struct Decoder {
    table: Table,
    /// The most that the receiver allows the table to be; `None` where that was not captured.
    allowed: Option<u32>,
    /// Room for a literal.
    literal: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// At the beginning of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self { table: Table::new(), allowed: Some(table::DEFAULT_TABLE), literal: Vec::new() }
    }

    /// Somewhere in a connection.
    #[must_use]
    pub fn mid_stream() -> Self {
        let mut decoder = Self::new();
        decoder.forget();
        decoder.allowed = None;
        decoder
    }

    /// Blocks were not captured, or not understood: what the table held is unknown.
    pub fn forget(&mut self) {
        self.table.forget();
    }

    /// The receiver allows a table of this size (SETTINGS_HEADER_TABLE_SIZE, RFC 9113 §6.5.2); `None`: not captured.
    ///
    /// A smaller one takes effect when the sender says so (RFC 7541 §4.2), and it may have allowed more before.
    pub fn allow(&mut self, size: Option<u32>) {
        self.allowed = size.and_then(|size| self.allowed.map(|before| before.max(size)));
    }

    /// Gives the fields of a block to `take`, in order. After an error the table is taken for unknown.
    ///
    /// # Errors
    /// If it is malformed; the fields before that were given.
    pub fn decode(&mut self, block: &[u8], mut take: impl FnMut(Field<'_>)) -> Result<(), Malformed> {
        let mut rest = block;
        while !rest.is_empty() {
            if self.field(&mut rest, &mut take).is_none() {
                self.forget();
                return Err(Malformed);
            }
        }
        Ok(())
    }

    /// One representation (RFC 7541 §6).
    fn field(&mut self, rest: &mut &[u8], take: &mut impl FnMut(Field<'_>)) -> Option<()> {
        match *rest.first()? {
            // §6.1: indexed.
            0x80.. => {
                let entry = self.table.get(integer(rest, 7)?)?;
                take(Field { name: entry.name.bytes(), value: entry.value.bytes() });
            }
            // §6.2.1: literal with incremental indexing.
            0x40..=0x7f => {
                let name = self.name(rest, 6)?;
                string(rest, &mut self.literal)?;
                take(Field { name: name.bytes(), value: Some(&self.literal) });
                self.table.add(Entry { name, value: Text::Shared(Rc::from(self.literal.as_slice())) });
            }
            // §6.3: dynamic table size update.
            0x20..=0x3f => {
                let size = integer(rest, 5)?;
                // "This value MUST be lower than or equal to the limit determined by the protocol using HPACK."
                if self.allowed.is_some_and(|allowed| size > allowed) {
                    return None;
                }
                self.table.set_limit(size);
            }
            // §6.2.2, §6.2.3: literal without indexing, or never indexed.
            0x00..=0x1f => {
                let name = self.name(rest, 4)?;
                string(rest, &mut self.literal)?;
                take(Field { name: name.bytes(), value: Some(&self.literal) });
            }
        }
        Some(())
    }

    /// The name of a literal.
    fn name(&mut self, rest: &mut &[u8], prefix: u32) -> Option<Text> {
        match integer(rest, prefix)? {
            0 => {
                string(rest, &mut self.literal)?;
                Some(Text::Shared(Rc::from(self.literal.as_slice())))
            }
            index => Some(self.table.get(index)?.name),
        }
    }
}

/// An integer with a prefix of so many bits (RFC 7541 §5.1).
fn integer(rest: &mut &[u8], prefix: u32) -> Option<u32> {
    let (first, mut octets) = rest.split_first()?;
    let full = (1 << prefix) - 1;
    let mut value = u32::from(*first) & full;
    if value == full {
        let mut shift = 0;
        loop {
            let (octet, after) = octets.split_first()?;
            octets = after;
            let more = u32::from(octet & 0x7f);
            // "Integer encodings that exceed implementation limits -- in value or octet length -- MUST be treated as
            // decoding errors."
            let bits = more.checked_shl(shift).filter(|bits| bits >> shift == more)?;
            value = value.checked_add(bits)?;
            if octet & 0x80 == 0 {
                break;
            }
            shift += 7;
            if shift >= 7 * MAX_OCTETS {
                return None;
            }
        }
    }
    *rest = octets;
    Some(value)
}

/// A string (RFC 7541 §5.2), into `text`.
fn string(rest: &mut &[u8], text: &mut Vec<u8>) -> Option<()> {
    let coded = *rest.first()? & 0x80 != 0;
    let length = usize::try_from(integer(rest, 7)?).ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    text.clear();
    if coded {
        return huffman::decode(bytes, text);
    }
    text.extend_from_slice(bytes);
    Some(())
}
