//! Takes the octets of a representation, gives its integers, and its strings out of the Huffman code (RFC 7541 §5).

use httlib_huffman::DecoderSpeed;
use httlib_huffman::encoder::table::ENCODE_TABLE;

/// The longest integer: 5 octets after the prefix hold 32 bits; more is zeros at best (RFC 7541 §5.1).
const MAX_OCTETS: u32 = 5;

/// The length of each word of the Huffman code, and the word (RFC 7541 Appendix B).
const WORDS: &[(u8, u32); 257] = &ENCODE_TABLE;

/// An integer with a prefix of so many bits (RFC 7541 §5.1).
pub(super) fn integer(rest: &mut &[u8], prefix: u32) -> Option<u32> {
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

/// Appends a string to `copy` as one that is not in the Huffman code (RFC 7541 §5.2).
pub(super) fn copy_string(rest: &mut &[u8], copy: &mut Vec<u8>) -> Option<()> {
    let coded = *rest.first()? & 0x80 != 0;
    let length = usize::try_from(integer(rest, 7)?).ok()?;
    let (octets, after) = rest.split_at_checked(length)?;
    *rest = after;
    if !coded {
        put_length(length, copy);
        copy.extend_from_slice(octets);
        return Some(());
    }
    let start = copy.len();
    decode_huffman(octets, copy)?;
    // How long it is shows only now, and has to come first.
    let end = copy.len();
    put_length(end - start, copy);
    let length = copy.len() - end;
    copy.get_mut(start..)?.rotate_right(length);
    Some(())
}

/// Appends the length of a string that is not in the Huffman code.
fn put_length(length: usize, copy: &mut Vec<u8>) {
    const FULL: usize = 0x7f;
    let Some(mut more) = length.checked_sub(FULL) else {
        copy.push(length as u8);
        return;
    };
    copy.push(FULL as u8);
    while more > 0x7f {
        copy.push(more as u8 | 0x80);
        more >>= 7;
    }
    copy.push(more as u8);
}

/// Appends what `octets` stand for to `text`; `None` where they are not in the code.
fn decode_huffman(octets: &[u8], text: &mut Vec<u8>) -> Option<()> {
    let start = text.len();
    // EOS is an error to it, too.
    httlib_huffman::decode(octets, text, DecoderSpeed::FiveBits).ok()?;
    // It takes some zeros for padding. RFC 7541 §5.2: that is at most 7 bits, and the beginning of EOS, which is all ones.
    let words = text.get(start..)?.iter().map(|byte| usize::from(WORDS[usize::from(*byte)].0));
    let padding = (octets.len() * 8).checked_sub(words.sum())?;
    let last = octets.last().map_or(0, |octet| octet.trailing_ones() as usize);
    (padding < 8 && padding <= last).then_some(())
}
