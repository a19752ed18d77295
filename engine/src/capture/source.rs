//! Takes a file, a pipe or anything that can be read, gives its bytes decompressed.

use std::fmt;
use std::io::{self, BufReader, Chain, Cursor, ErrorKind, Read};

use super::window::Ending;

/// How much is decompressed at a time. A decoder that meets damage withholds what it made in that call, so the less at
/// a time, the less is lost before the damage; small enough for that, large enough to cost nothing.
const STEP: usize = 1 << 10;

/// The largest zstd window: 2^27 bytes, what `zstd -d` accepts too; a hostile header may ask for 2 GiB and more.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// RFC 1952 §2.3.1: the magic number, and deflate, the only method.
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b, 8];

/// RFC 8878 §3.1.1.
const ZSTD_MAGIC: u32 = 0xfd2f_b528;

/// RFC 8878 §3.1.2: the first of sixteen; some compressors begin with such a frame.
const ZSTD_SKIPPABLE_MAGIC: u32 = 0x184d_2a50;

/// Which compression the bytes begin with.
pub(super) fn compression_of(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(GZIP_MAGIC) {
        return Some("gzip");
    }
    let magic = u32::from_le_bytes(*bytes.first_chunk()?);
    (magic == ZSTD_MAGIC || magic & !0xf == ZSTD_SKIPPABLE_MAGIC).then_some("zstd")
}

type Input = Chain<Cursor<Vec<u8>>, Counting>;

/// Where the bytes of a capture come from.
pub(super) enum Source {
    Plain(Input),
    Gzip(Box<flate2::read::MultiGzDecoder<Input>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Input>>>),
}

impl Source {
    /// Looks at the first bytes and chooses the decoder.
    pub(super) fn new(inner: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut counting = Counting { inner, count: 0 };
        let mut head = [0; 4];
        let mut length = 0;
        while length < head.len() {
            match counting.read(&mut head[length..])? {
                0 => break,
                count => length = length.saturating_add(count).min(head.len()),
            }
        }
        let head = &head[..length];
        let compression = compression_of(head);
        let input = Cursor::new(head.to_vec()).chain(counting);
        Ok(match compression {
            Some("gzip") => Self::Gzip(Box::new(flate2::read::MultiGzDecoder::new(input))),
            Some(_) => {
                let mut decoder = zstd::stream::read::Decoder::new(input)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Self::Zstd(Box::new(decoder))
            }
            None => Self::Plain(input),
        })
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = buffer.len().min(STEP);
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Gzip(decoder) => decoder.read(&mut buffer[..step]),
            Self::Zstd(decoder) => decoder.read(&mut buffer[..step]),
        }
    }

    pub(super) fn compression(&self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Gzip(_) => Some("gzip"),
            Self::Zstd(_) => Some("zstd"),
        }
    }

    /// What an error of [`Source::read`] means.
    pub(super) fn explain(&self, error: io::Error) -> Ending {
        match self.compression() {
            // The operating system's errors have a number, the decoders' have none.
            Some(compression) if error.raw_os_error().is_none() => match error.kind() {
                ErrorKind::UnexpectedEof => Ending::Cut(compression),
                _ => Ending::Damaged(compression, error),
            },
            _ => Ending::Failed(error),
        }
    }

    pub(super) fn bytes_read(&self) -> u64 {
        let input = match self {
            Self::Plain(input) => input,
            Self::Gzip(decoder) => decoder.get_ref(),
            Self::Zstd(decoder) => decoder.get_ref().get_ref(),
        };
        input.get_ref().1.count
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Source({:?}, {} bytes read)", self.compression(), self.bytes_read())
    }
}

/// Counts the bytes read; reads again when a signal interrupted.
pub(super) struct Counting {
    inner: Box<dyn Read + Send>,
    count: u64,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Ok(count) => {
                    self.count = self.count.saturating_add(count as u64);
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
