//! Takes fields in the order in which they are added, gives them by their index (RFC 7541 §2.3).

use std::collections::VecDeque;
use std::rc::Rc;

/// The largest dynamic table that is kept. Browsers announce 64 KiB, servers 4 KiB; this bounds what a connection can
/// make us keep.
pub const MAX_TABLE: u32 = 64 * 1024;

/// The size before anything is said (RFC 9113 §6.5.2).
pub(super) const DEFAULT_TABLE: u32 = 4096;

/// What an entry costs beside its name and value (RFC 7541 §4.1).
const OVERHEAD: usize = 32;

/// A name or a value in the table.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Static(&'static [u8]),
    /// Shared, so that adding a field with the name of another costs nothing.
    Shared(Rc<[u8]>),
    /// It was added where that was not captured.
    Unknown,
}

impl Text {
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Static(bytes) => Some(bytes),
            Self::Shared(bytes) => Some(bytes),
            Self::Unknown => None,
        }
    }

    fn len(&self) -> usize {
        self.bytes().map_or(0, <[u8]>::len)
    }
}

/// A field in the table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Text,
    pub(super) value: Text,
}

impl Entry {
    fn size(&self) -> usize {
        self.name.len() + self.value.len() + OVERHEAD
    }
}

/// The static and the dynamic table of one direction.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest first.
    entries: VecDeque<Entry>,
    size: usize,
    limit: u32,
    /// Whether there are entries beyond those at hand that were not captured.
    lossy: bool,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), size: 0, limit: DEFAULT_TABLE, lossy: false }
    }

    /// Fields may have been added that were not captured: what is added from now on keeps its index, the rest is unknown.
    pub(super) fn forget(&mut self) {
        self.entries.clear();
        self.size = 0;
        // What the sender's limit is, is not known either: it asks for nothing that it has evicted.
        self.limit = MAX_TABLE;
        self.lossy = true;
    }

    /// RFC 7541 §6.3; also the announced limit of §4.2.
    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = limit.min(MAX_TABLE);
        // An emptied table is a known one; one larger than is kept is not.
        self.lossy = (self.lossy && limit > 0) || limit > MAX_TABLE;
        self.evict();
    }

    pub(super) fn add(&mut self, entry: Entry) {
        self.size += entry.size();
        self.entries.push_front(entry);
        self.evict();
    }

    /// RFC 7541 §4.3, §4.4: an entry larger than the table empties it, and is not in it.
    fn evict(&mut self) {
        while self.size > self.limit as usize
            && let Some(entry) = self.entries.pop_back()
        {
            self.size = self.size.saturating_sub(entry.size());
        }
    }

    /// The field of this index (RFC 7541 §2.3.3); `None` where there is none.
    pub(super) fn get(&self, index: u32) -> Option<Entry> {
        let index = (index as usize).checked_sub(1)?;
        if let Some((name, value)) = STATIC.get(index) {
            return Some(Entry { name: Text::Static(name.as_bytes()), value: Text::Static(value.as_bytes()) });
        }
        match self.entries.get(index - STATIC.len()) {
            Some(entry) => Some(entry.clone()),
            None => self.lossy.then_some(Entry { name: Text::Unknown, value: Text::Unknown }),
        }
    }
}

/// RFC 7541 Appendix A.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];
