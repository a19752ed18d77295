//! Takes nothing; gives what the `captures` table says of one file.

/// What one capture file holds, and how well it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// `pcap` or `pcapng`.
    pub format: &'static str,
    /// `gzip` or `zstd`, if the file is compressed.
    pub compression: Option<&'static str>,
    /// The program that wrote the file, as far as it says so (pcapng).
    pub application: Option<String>,
    /// `LINKTYPE_*` of the interfaces, each once, in order of appearance, at most 32.
    pub link_types: Vec<u32>,
    /// The largest snapshot length of the interfaces; 0: not limited, or not known.
    pub snaplen: u32,
    /// Records given.
    pub packets: u64,
    /// Captured bytes in them.
    pub bytes: u64,
    /// The earliest time, in nanoseconds since the epoch.
    pub first_time: Option<i64>,
    /// The latest time, in nanoseconds since the epoch.
    pub last_time: Option<i64>,
    /// Records with a time earlier than that of the record before.
    pub out_of_order: u64,
    /// Records with a time before 1970 or after 2106, which was taken for that.
    pub absurd_times: u64,
    /// How much earlier such a record was, at most, in nanoseconds.
    pub most_behind: i64,
    /// Records that the snapshot length cut.
    pub truncated: u64,
    /// Packets that the capturer itself says it lost; `None`: it says nothing.
    pub dropped: Option<u64>,
    /// Blocks with decryption secrets (pcapng).
    pub secrets: u32,
    /// Those of them that came after a packet.
    pub late_secrets: u32,
    /// Where in the (decompressed) file the record begins at which reading had to stop.
    pub cut_at: Option<u64>,
    /// Notes for people, one line each.
    pub problems: Vec<String>,
}

/// How many different link types are listed: a file has one or two, and looking one up must stay cheap.
const MAX_LINK_TYPES: usize = 32;

impl Summary {
    /// Adds a note; the readers note each kind of problem once, so that there are few.
    pub(super) fn note(&mut self, problem: String) {
        self.problems.push(problem);
    }

    pub(super) fn add_interface(&mut self, link_type: u32, snaplen: u32) {
        // Unlimited (0) outweighs any limit.
        let first = self.link_types.is_empty();
        if first || (self.snaplen != 0 && (snaplen == 0 || snaplen > self.snaplen)) {
            self.snaplen = snaplen;
        }
        if self.link_types.len() < MAX_LINK_TYPES && !self.link_types.contains(&link_type) {
            self.link_types.push(link_type);
        }
    }
}
