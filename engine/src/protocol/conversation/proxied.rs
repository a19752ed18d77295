//! Takes the client's first bytes, gives the PROXY protocol header there, and what follows it.

use crate::protocol::Stamp;
use crate::protocol::proxy::{ProxyHeader, ProxyParse, parse};

/// What is to be done with the bytes at hand.
#[derive(Debug)]
pub(super) enum Passed {
    /// They are kept until more come.
    None,
    /// They belong to the stream, from this index on.
    From(usize),
    /// So do those that were kept, before them.
    WithKept(Vec<(Vec<u8>, Stamp)>),
}

/// Looks for a PROXY protocol header.
#[derive(Debug, Default)]
pub(super) struct Proxied {
    kept: Vec<(Vec<u8>, Stamp)>,
    pub(super) done: bool,
    pub(super) header: Option<ProxyHeader>,
    pub(super) defect: Option<(&'static str, Stamp)>,
}

impl Proxied {
    /// The client's next bytes, while not `done`.
    pub(super) fn feed(&mut self, bytes: &[u8], stamp: Stamp) -> Passed {
        let before: usize = self.kept.iter().map(|(kept, _)| kept.len()).sum();
        let parsed = if before == 0 { parse(bytes) } else { parse(&self.joined(bytes)) };
        let length = match parsed {
            ProxyParse::Need => {
                self.kept.push((bytes.to_vec(), stamp));
                return Passed::None;
            }
            ProxyParse::No => 0,
            ProxyParse::Header(header) => {
                self.header = Some(header);
                self.defect = header.defect.map(|name| (name, stamp));
                header.length
            }
            ProxyParse::Bad(name, length) => {
                self.defect = Some((name, stamp));
                length.unwrap_or(0)
            }
        };
        self.done = true;
        let kept = std::mem::take(&mut self.kept);
        match length.checked_sub(before) {
            // A header ends in the bytes that completed it.
            Some(rest) if length > 0 => Passed::From(rest.min(bytes.len())),
            _ if before == 0 => Passed::From(0),
            _ => Passed::WithKept(kept),
        }
    }

    /// No more is to come that belongs to a header: gives what was kept.
    pub(super) fn stop(&mut self) -> Vec<(Vec<u8>, Stamp)> {
        self.done = true;
        std::mem::take(&mut self.kept)
    }

    fn joined(&self, bytes: &[u8]) -> Vec<u8> {
        self.kept.iter().flat_map(|(kept, _)| kept).chain(bytes).copied().collect()
    }
}
