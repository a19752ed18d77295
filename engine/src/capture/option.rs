//! Takes the option list of a pcapng block, gives its options one by one.

use super::byte_order::ByteOrder;

/// `opt_endofopt`.
const END: u16 = 0;

/// `shb_userappl`.
const USER_APPLICATION: u16 = 4;

/// The longest name of a program that is kept.
const MAX_APPLICATION: usize = 256;

/// The program that wrote a section, as its header names it.
pub(super) fn application(order: ByteOrder, options: &[u8]) -> Option<String> {
    let (_, name) = Options::new(order, options).find(|(code, _)| *code == USER_APPLICATION)?;
    Some(String::from_utf8_lossy(name.get(..MAX_APPLICATION).unwrap_or(name)).into_owned())
}

/// The options of a block: code, length, value, padding to four bytes. A list that lies about its lengths just ends.
#[derive(Clone, Debug)]
pub(super) struct Options<'a> {
    order: ByteOrder,
    rest: &'a [u8],
}

impl<'a> Options<'a> {
    pub(super) fn new(order: ByteOrder, bytes: &'a [u8]) -> Self {
        Self { order, rest: bytes }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (header, rest) = self.rest.split_first_chunk::<4>()?;
        let code = self.order.u16([header[0], header[1]]);
        let length = usize::from(self.order.u16([header[2], header[3]]));
        if code == END {
            self.rest = &[];
            return None;
        }
        let value = rest.get(..length)?;
        self.rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(bytes: &[u8]) -> Vec<(u16, &[u8])> {
        Options::new(ByteOrder::Big, bytes).collect()
    }

    #[test]
    fn values_are_padded_to_four_bytes() {
        let bytes = b"\0\x01\0\x03abc\0\0\x09\0\x01\x06\0\0\0\0\0\0\0ignored";
        assert_eq!(options(bytes), [(1, &b"abc"[..]), (9, &[6][..])]);
    }

    #[test]
    fn a_missing_end_and_missing_padding_are_tolerated() {
        assert_eq!(options(b"\0\x01\0\x03abc"), [(1, &b"abc"[..])]);
    }

    #[test]
    fn a_length_that_lies_ends_the_list() {
        assert_eq!(options(b"\0\x01\0\0\0\x02\xff\xffabc"), [(1, &b""[..])]);
        assert_eq!(options(b"\0\x01\0"), []);
    }
}
