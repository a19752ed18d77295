//! Takes the header blocks of one direction in order, gives their fields (RFC 7541).
//!
//! `loona_hpack` keeps the tables and resolves what refers to them. It gets one representation at a time, for what
//! captures need and decoders of endpoints lack: a field whose entry was not captured is unknown, and the next one is
//! read; a block that makes it copy without measure is left. `primitive` takes the strings out of the Huffman code
//! before that, as `loona_hpack` makes the tables of the code anew for every string.

mod primitive;

use std::fmt;

use loona_hpack::decoder::DecoderError;

use crate::protocol::http1::MAX_HEAD;
use primitive::{copy_string, integer};

/// The largest dynamic table that is kept. Browsers announce 64 KiB, servers 4 KiB; this bounds what a connection can
/// make us keep.
pub const MAX_TABLE: u32 = 64 * 1024;

/// The size before anything is said (RFC 9113 §6.5.2).
const DEFAULT_TABLE: u32 = 4096;

/// How long the names of one block's literals may be: with two bytes a name as long as the table is added anew (RFC 7541
/// §7.3), and copied. What is longer is more than a head may be, and not looked at anyway.
pub const MAX_NAMES: usize = MAX_HEAD;

/// A block that breaks the rules; the table is not known after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A field as far as it is known: where its table entry was not captured, name, value or both are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
}

/// Where the name of a field comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Literal,
    Referenced,
    /// Referenced, and not captured.
    Lost,
}

/// Decodes the header blocks of one direction.
pub struct Decoder {
    tables: loona_hpack::Decoder<'static>,
    /// The most that the receiver allows the table to be; `None` where that was not captured.
    allowed: Option<u32>,
    /// Whether there are entries beyond those at hand that were not captured. An entry at hand with no name is one
    /// whose name was not captured: none is empty by itself (RFC 9110 §5.1).
    lossy: bool,
    /// Room for a literal.
    literal: Vec<u8>,
    /// How long the names of the block's literals are so far.
    names: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { allowed, lossy, .. } = self;
        formatter.debug_struct("Decoder").field("allowed", allowed).field("lossy", lossy).finish_non_exhaustive()
    }
}

impl Decoder {
    /// At the beginning of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tables: tables(DEFAULT_TABLE),
            allowed: Some(DEFAULT_TABLE),
            lossy: false,
            literal: Vec::new(),
            names: 0,
        }
    }

    /// Somewhere in a connection.
    #[must_use]
    pub fn mid_stream() -> Self {
        let mut decoder = Self::new();
        decoder.forget();
        decoder.allowed = None;
        decoder
    }

    /// Blocks were not captured, or not understood: what is added from now on keeps its index, the rest is unknown.
    pub fn forget(&mut self) {
        // What the sender's limit is, is not known either: it asks for nothing that it has evicted.
        self.tables = tables(MAX_TABLE);
        self.lossy = true;
    }

    /// The receiver allows a table of this size (SETTINGS_HEADER_TABLE_SIZE, RFC 9113 §6.5.2); `None`: not captured.
    ///
    /// A smaller one takes effect when the sender says so (RFC 7541 §4.2), and it may have allowed more before.
    pub fn allow(&mut self, size: Option<u32>) {
        self.allowed = size.and_then(|size| self.allowed.map(|before| before.max(size)));
    }

    /// Gives the fields of a block to `take`, in order; those after `MAX_NAMES` are not read. After that, and after an
    /// error, the table is taken for unknown.
    ///
    /// # Errors
    /// If it is malformed; the fields before that were given.
    pub fn decode(&mut self, block: &[u8], mut take: impl FnMut(Field<'_>)) -> Result<(), Malformed> {
        self.names = 0;
        let mut rest = block;
        while !rest.is_empty() {
            if self.names > MAX_NAMES {
                self.forget();
                return Ok(());
            }
            if self.representation(&mut rest, &mut take).is_none() {
                self.forget();
                return Err(Malformed);
            }
        }
        Ok(())
    }

    /// One representation (RFC 7541 §6).
    fn representation(&mut self, rest: &mut &[u8], take: &mut impl FnMut(Field<'_>)) -> Option<()> {
        let whole = *rest;
        match *whole.first()? {
            // §6.1: indexed.
            0x80.. => {
                // "The index value of 0 is not used. It MUST be treated as a decoding error".
                if integer(rest, 7)? == 0 {
                    return None;
                }
                let (indexed, _) = whole.split_at_checked(whole.len() - rest.len())?;
                if !resolve(&mut self.tables, indexed, self.lossy, Name::Referenced, take)? {
                    take(Field { name: None, value: None });
                }
            }
            // §6.3: dynamic table size update.
            0x20..=0x3f => {
                let size = integer(rest, 5)?;
                // "This value MUST be lower than or equal to the limit determined by the protocol using HPACK."
                if self.allowed.is_some_and(|allowed| size > allowed) {
                    return None;
                }
                self.resize(size);
            }
            // §6.2.1: literal with incremental indexing.
            0x40..=0x7f => self.literal(rest, 6, take)?,
            // §6.2.2, §6.2.3: literal without indexing, or never indexed.
            0x00..=0x1f => self.literal(rest, 4, take)?,
        }
        Some(())
    }

    /// A literal whose index has a prefix of so many bits (RFC 7541 §6.2).
    fn literal(&mut self, rest: &mut &[u8], prefix: u32, take: &mut impl FnMut(Field<'_>)) -> Option<()> {
        let whole = *rest;
        let index = integer(rest, prefix)?;
        let (head, _) = whole.split_at_checked(whole.len() - rest.len())?;
        self.literal.clear();
        self.literal.extend_from_slice(head);
        let mut name = Name::Referenced;
        if index == 0 {
            name = Name::Literal;
            copy_string(rest, &mut self.literal)?;
        }
        copy_string(rest, &mut self.literal)?;
        let names = &mut self.names;
        let mut take = |field: Field<'_>| {
            *names = names.saturating_add(field.name.map_or(0, <[u8]>::len));
            take(field);
        };
        if !resolve(&mut self.tables, &self.literal, self.lossy, name, &mut take)? {
            // The same with an empty name, which stands for it in the table from now on.
            let kind = head.first()? & (u8::MAX << prefix);
            self.literal.splice(..head.len(), [kind, 0]);
            resolve(&mut self.tables, &self.literal, self.lossy, Name::Lost, &mut take)?;
        }
        Some(())
    }

    /// The sender changes the size of the table (RFC 7541 §4.2, §6.3); one that it announces late is no harm here.
    fn resize(&mut self, size: u32) {
        // `loona_hpack` is never told what is allowed, which it would assert here.
        self.tables.set_max_table_size(size.min(MAX_TABLE) as usize);
        // An emptied table is a known one; one larger than is kept is not.
        self.lossy = (self.lossy && size > 0) || size > MAX_TABLE;
    }
}

/// Empty tables of this size.
fn tables(size: u32) -> loona_hpack::Decoder<'static> {
    let mut tables = loona_hpack::Decoder::new();
    tables.set_max_table_size(size as usize);
    tables
}

/// Gives the field of one representation to `take`; false where it refers to what was not captured. Its index is not 0,
/// and its strings are not in the Huffman code.
fn resolve(
    tables: &mut loona_hpack::Decoder<'static>,
    representation: &[u8],
    lossy: bool,
    from: Name,
    take: &mut impl FnMut(Field<'_>),
) -> Option<bool> {
    let resolved = tables.decode_with_cb(representation, |name, value| {
        let lost = from == Name::Lost || (from == Name::Referenced && lossy && name.is_empty());
        take(Field { name: (!lost).then_some(&*name), value: Some(&value) });
    });
    match resolved {
        Ok(()) => Some(true),
        // RFC 7541 §2.3.3: beyond both tables, which is an error only if all of the dynamic one is at hand.
        Err(DecoderError::HeaderIndexOutOfBounds) if lossy => Some(false),
        // Or beyond 28 bits, and any table.
        Err(_) => None,
    }
}
