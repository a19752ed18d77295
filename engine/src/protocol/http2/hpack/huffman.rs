//! Takes a string in the Huffman code of HPACK, gives its bytes (RFC 7541 §5.2, Appendix B).
//!
//! The code is canonical: the lengths of its words tell the words, too.

/// How many words there are: one for each byte, and EOS.
const WORDS: usize = 257;

/// EOS, which must not occur (RFC 7541 §5.2).
const EOS: u16 = 256;

/// The shortest and the longest word.
const SHORTEST: usize = 5;
const LONGEST: usize = 30;

/// The length of each word (RFC 7541 Appendix B).
#[rustfmt::skip]
const LENGTHS: [u8; WORDS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The words of one length.
#[derive(Clone, Copy)]
struct Run {
    /// The first of them, at the left of 32 bits.
    first: u64,
    /// What follows the last of them, at the left of 32 bits: words that are as long or shorter are below it.
    end: u64,
    /// Where its symbols begin.
    at: usize,
}

/// By length.
const RUNS: [Run; LONGEST + 1] = {
    let mut runs = [Run { first: 0, end: 0, at: 0 }; LONGEST + 1];
    let (mut word, mut at, mut length) = (0, 0, 1);
    while length <= LONGEST {
        runs[length].first = word;
        runs[length].at = at;
        let mut symbol = 0;
        while symbol < WORDS {
            if LENGTHS[symbol] as usize == length {
                word += 1 << (32 - length);
                at += 1;
            }
            symbol += 1;
        }
        runs[length].end = word;
        length += 1;
    }
    runs
};

/// By the order of their words.
const SYMBOLS: [u16; WORDS] = {
    let mut symbols = [0; WORDS];
    let (mut at, mut length) = (0, 1);
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < WORDS {
            if LENGTHS[symbol] as usize == length {
                symbols[at] = symbol as u16;
                at += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    symbols
};

/// Appends what `bytes` stand for to `text`; `None` where they are not in the code.
pub(super) fn decode(bytes: &[u8], text: &mut Vec<u8>) -> Option<()> {
    let (mut bits, mut count) = (0_u64, 0_usize);
    for byte in bytes {
        bits = (bits << 8) | u64::from(*byte);
        count += 8;
        while let Some((symbol, length)) = word(bits, count) {
            // RFC 7541 §5.2: "A Huffman-encoded string literal containing the EOS symbol MUST be treated as a decoding error."
            text.push(u8::try_from(symbol).ok()?);
            count -= length;
        }
        bits &= (1 << count) - 1;
    }
    // RFC 7541 §5.2: padding is at most 7 bits, and the beginning of EOS, which is all ones.
    (count < 8 && bits == (1 << count) - 1).then_some(())
}

/// The word that the last `count` of `bits` begin with, if it is all there.
fn word(bits: u64, count: usize) -> Option<(u16, usize)> {
    let window = (bits << (64 - count.clamp(1, 64))) >> 32;
    let length = (SHORTEST..=LONGEST.min(count)).find(|length| window < RUNS[*length].end)?;
    let run = RUNS[length];
    let nth = usize::try_from((window - run.first) >> (32 - length)).ok()?;
    SYMBOLS.get(run.at + nth).map(|symbol| (*symbol, length))
}

const _: () = assert!(SYMBOLS[WORDS - 1] == EOS, "EOS is the last word");
