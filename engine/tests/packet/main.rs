//! Packets built byte by byte: link layers, IP headers, fragments, TCP headers, and cut at every place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod build;
mod fragments;
mod hostile;
mod ip;
mod link;
mod tcp;
mod tunnels;
mod tunnels_refused;

use wsanalyze_engine::capture::Record;
use wsanalyze_engine::packet::{Decoded, Decoder, Segment};

const ETHERNET: u32 = 1;
const RAW: u32 = 101;

/// A record of `data` that was not cut.
fn record(link_type: u32, data: &[u8]) -> Record<'_> {
    Record { frame: 7, time: 1_000, link_type, data, original_len: u32::try_from(data.len()).unwrap() }
}

/// What a record comes to, in words.
fn decode(record: Record<'_>) -> String {
    describe(&Decoder::new().decode(&record))
}

/// `source > destination payload+missing` or the kind.
fn describe(decoded: &Decoded<'_>) -> String {
    match decoded {
        Decoded::Segment(Segment { source, destination, payload, missing, .. }) => {
            format!("{source} > {destination} {}+{missing}", String::from_utf8_lossy(payload))
        }
        Decoded::OtherProtocol => "other protocol".to_owned(),
        Decoded::Fragment => "fragment".to_owned(),
        Decoded::Malformed(reason) => format!("malformed: {reason}"),
        Decoded::UnknownLink(link_type) => format!("unknown link {link_type}"),
    }
}

/// [`describe`] of the segments that `build` makes, with this payload.
fn v4(rest: &str) -> String {
    format!("10.0.0.1:50000 > 10.0.0.2:8080 {rest}")
}

fn v6(rest: &str) -> String {
    format!("[2001:db8::1]:50000 > [2001:db8::2]:8080 {rest}")
}
