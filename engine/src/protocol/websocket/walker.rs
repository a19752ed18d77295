//! Takes one direction's frames in any pieces, gives counts. Payloads are skipped, not read (except what is named).

use super::Role;
use super::close::{Close, ClosePayload};
use super::header::{FrameHeader, MAX_CONTROL, MAX_HEADER, Opcode};
use super::observed::{Counts, Violation, Violations};
use crate::protocol::Stamp;

/// How much of the first data message is kept: enough to compare the two legs of a handshake by.
pub const FIRST_PAYLOAD: usize = 32;

/// Whether a fragmented message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fragments {
    None,
    Open,
    /// The stream's beginning was not captured.
    Unknown,
}

#[derive(Clone, Debug)]
enum State {
    Header,
    Payload { header: FrameHeader, at: u64 },
    Lost,
}

/// Walks the frames of one direction.
#[derive(Clone, Debug)]
pub struct FrameWalker {
    role: Role,
    compression: bool,
    state: State,
    /// The beginning of a header that came in pieces.
    pending: [u8; MAX_HEADER],
    pending_length: usize,
    /// Of the first byte of the current frame.
    frame_first: Stamp,
    fragments: Fragments,
    counts: Counts,
    violations: Violations,
    first_data: Option<Stamp>,
    last_data: Option<Stamp>,
    first_payload: [u8; FIRST_PAYLOAD],
    first_payload_length: usize,
    first_mask: Option<u32>,
    /// Whether frames still belong to the first data message.
    in_first_message: bool,
    close_payload: Option<Box<ClosePayload>>,
    /// Whether bytes of the current payload are missing.
    payload_gap: bool,
    close: Option<Box<Close>>,
    cut: bool,
}

impl FrameWalker {
    /// A walker at the beginning of what `role` sends after the handshake.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            compression: false,
            state: State::Header,
            pending: [0; MAX_HEADER],
            pending_length: 0,
            frame_first: Stamp::default(),
            fragments: Fragments::None,
            counts: Counts::default(),
            violations: Violations::default(),
            first_data: None,
            last_data: None,
            first_payload: [0; FIRST_PAYLOAD],
            first_payload_length: 0,
            first_mask: None,
            in_first_message: true,
            close_payload: None,
            payload_gap: false,
            close: None,
            cut: false,
        }
    }

    /// A walker at a frame somewhere in the stream, maybe within a message.
    #[must_use]
    pub fn mid_stream(role: Role) -> Self {
        Self { fragments: Fragments::Unknown, in_first_message: false, ..Self::new(role) }
    }

    /// Tells whether permessage-deflate was negotiated (RFC 7692).
    pub fn set_compression(&mut self, negotiated: bool) {
        self.compression = negotiated;
    }

    /// Walks `bytes`.
    pub fn feed(&mut self, bytes: &[u8], stamp: Stamp) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            at += match self.state {
                State::Header => self.header(rest, stamp),
                State::Payload { .. } => self.payload(rest, stamp),
                State::Lost => {
                    add(&mut self.counts.unparsed_bytes, rest.len());
                    rest.len()
                }
            };
        }
    }

    /// `length` bytes are not there; `stamp` is where that was found.
    pub fn gap(&mut self, length: u64, stamp: Stamp) {
        if length == 0 {
            return;
        }
        self.counts.missing_bytes = self.counts.missing_bytes.saturating_add(length);
        match &mut self.state {
            State::Payload { header, at } if length <= header.length.saturating_sub(*at) => {
                let header = *header;
                *at = at.saturating_add(length);
                let ended = *at == header.length;
                self.payload_gap = true;
                // What is kept of the first message has no holes.
                self.in_first_message &= !header.opcode.is_data();
                self.count_payload(header.opcode, length);
                if ended {
                    self.end_frame(header, stamp);
                }
            }
            _ => self.state = State::Lost,
        }
    }

    /// The stream ended.
    pub fn end(&mut self) {
        self.cut = self.pending_length > 0 || matches!(self.state, State::Payload { .. });
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What was violated so far.
    #[must_use]
    pub fn violations(&self) -> Violations {
        self.violations
    }

    /// The first Close frame.
    #[must_use]
    pub fn close(&self) -> Option<&Close> {
        self.close.as_deref()
    }

    /// The first byte of the first data frame.
    #[must_use]
    pub fn first_data(&self) -> Option<Stamp> {
        self.first_data
    }

    /// The last byte of data frames.
    #[must_use]
    pub fn last_data(&self) -> Option<Stamp> {
        self.last_data
    }

    /// The masking key over the first byte of `first_payload` (RFC 6455 §5.3); `None` where that is not masked.
    #[must_use]
    pub fn first_mask(&self) -> Option<u32> {
        self.first_mask
    }

    /// The unmasked beginning of the first data message, at most `FIRST_PAYLOAD` bytes; compressed if the message is.
    #[must_use]
    pub fn first_payload(&self) -> &[u8] {
        self.first_payload.get(..self.first_payload_length).unwrap_or_default()
    }

    /// Whether a gap made it lose the frames; bytes are only counted since.
    #[must_use]
    pub fn lost(&self) -> bool {
        matches!(self.state, State::Lost)
    }

    /// Whether the stream ended within a frame.
    #[must_use]
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// Collects a header from the beginning of `bytes`; gives how many were taken.
    fn header(&mut self, bytes: &[u8], stamp: Stamp) -> usize {
        let before = self.pending_length;
        if before == 0 {
            self.frame_first = stamp;
            if let Some(header) = FrameHeader::parse(bytes) {
                self.begin_frame(header, stamp);
                return header.size;
            }
        }
        let taken = bytes.len().min(MAX_HEADER.saturating_sub(before));
        let (Some(place), Some(piece)) = (self.pending.get_mut(before..before + taken), bytes.get(..taken)) else {
            return bytes.len();
        };
        place.copy_from_slice(piece);
        match FrameHeader::parse(&self.pending[..before + taken]) {
            Some(header) => {
                self.pending_length = 0;
                self.begin_frame(header, stamp);
                header.size.saturating_sub(before)
            }
            None => {
                self.pending_length = before + taken;
                taken
            }
        }
    }

    fn begin_frame(&mut self, header: FrameHeader, stamp: Stamp) {
        add(&mut self.counts.frames, 1);
        self.check(header);
        self.count_frame(header);
        if header.opcode.is_data() {
            self.first_data.get_or_insert(self.frame_first);
            self.see_data(stamp);
        }
        if header.length_is_impossible() {
            self.violations.insert(Violation::LengthImpossible);
            self.state = State::Lost;
            return;
        }
        self.payload_gap = false;
        if header.opcode == Opcode::Close && self.close.is_none() {
            self.close_payload = Some(Box::new(ClosePayload::new()));
        }
        self.state = State::Payload { header, at: 0 };
        if header.length == 0 {
            self.end_frame(header, stamp);
        }
    }

    /// Notes what `header` violates, given what came before it.
    fn check(&mut self, header: FrameHeader) {
        let FrameHeader { opcode, fin, .. } = header;
        match (self.role, header.mask) {
            (Role::Client, None) => self.violations.insert(Violation::ClientUnmasked),
            (Role::Server, Some(_)) => self.violations.insert(Violation::ServerMasked),
            _ => {}
        }
        let fragments = self.fragments;
        for (violated, violation) in [
            (header.rsv1 && !(self.compression && opcode.begins_message()), Violation::Rsv1),
            (header.rsv2_or_3, Violation::Rsv2Or3),
            (matches!(opcode, Opcode::Reserved { .. }), Violation::OpcodeReserved),
            (header.overlong, Violation::LengthNotMinimal),
            (opcode.is_control() && header.length > MAX_CONTROL, Violation::ControlTooLong),
            (opcode.is_control() && !fin, Violation::ControlFragmented),
            (opcode == Opcode::Continuation && fragments == Fragments::None, Violation::ContinuationWithoutStart),
            (opcode.begins_message() && fragments == Fragments::Open, Violation::MessageWithinMessage),
            (opcode.is_data() && self.counts.close > 0, Violation::DataAfterClose),
        ] {
            if violated {
                self.violations.insert(violation);
            }
        }
        if opcode.is_data() {
            self.fragments = if fin { Fragments::None } else { Fragments::Open };
        }
    }

    fn count_frame(&mut self, header: FrameHeader) {
        let counts = &mut self.counts;
        let count = match header.opcode {
            Opcode::Continuation => &mut counts.continuation,
            Opcode::Text => &mut counts.text,
            Opcode::Binary => &mut counts.binary,
            Opcode::Close => &mut counts.close,
            Opcode::Ping => &mut counts.ping,
            Opcode::Pong => &mut counts.pong,
            Opcode::Reserved { .. } => &mut counts.reserved,
        };
        add(count, 1);
        // RFC 7692 §6: RSV1 on a message's first frame.
        if header.rsv1 && self.compression && header.opcode.begins_message() {
            add(&mut counts.compressed, 1);
        }
    }

    fn count_payload(&mut self, opcode: Opcode, length: u64) {
        let count = if opcode.is_control() { &mut self.counts.control_bytes } else { &mut self.counts.payload_bytes };
        *count = count.saturating_add(length);
    }

    /// Skips payload from the beginning of `bytes`; gives how much.
    fn payload(&mut self, bytes: &[u8], stamp: Stamp) -> usize {
        let State::Payload { header, at } = &mut self.state else {
            return bytes.len();
        };
        let (header, from) = (*header, *at);
        let left = header.length.saturating_sub(from);
        let run = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        *at = from.saturating_add(run as u64);
        let ended = *at == header.length;
        self.count_payload(header.opcode, run as u64);
        if header.opcode.is_data() {
            self.see_data(stamp);
            self.keep_first_payload(header, from, &bytes[..run]);
        } else if header.opcode == Opcode::Close && !self.payload_gap {
            self.keep_close_payload(header, from, &bytes[..run]);
        }
        if ended {
            self.end_frame(header, stamp);
        }
        run
    }

    fn keep_first_payload(&mut self, header: FrameHeader, from: u64, bytes: &[u8]) {
        if !self.in_first_message || self.counts.messages() != 1 {
            return;
        }
        if self.first_payload_length == 0 && !bytes.is_empty() {
            self.first_mask = header.mask.map(u32::from_be_bytes);
        }
        if let Some(places) = self.first_payload.get_mut(self.first_payload_length..) {
            for (place, byte) in places.iter_mut().zip(unmasked(header, from, bytes)) {
                *place = byte;
                self.first_payload_length += 1;
            }
        }
    }

    fn keep_close_payload(&mut self, header: FrameHeader, from: u64, bytes: &[u8]) {
        if let Some(payload) = &mut self.close_payload {
            unmasked(header, from, bytes).take(MAX_CONTROL as usize).for_each(|byte| payload.push(byte));
        }
    }

    fn end_frame(&mut self, header: FrameHeader, stamp: Stamp) {
        self.state = State::Header;
        if header.opcode.is_data() && header.fin && self.counts.messages() > 0 {
            self.in_first_message = false;
        }
        if header.opcode == Opcode::Close
            && let Some(payload) = self.close_payload.take()
        {
            let whole = !self.payload_gap && header.length <= MAX_CONTROL;
            self.close = Some(Box::new(payload.read(whole, stamp, &mut self.violations)));
        }
    }

    fn see_data(&mut self, stamp: Stamp) {
        self.last_data = Some(self.last_data.map_or(stamp, |last| last.extended_to(stamp)));
    }
}

/// `bytes` of a payload from its `from`th on, with the mask taken off (RFC 6455 §5.3).
fn unmasked(header: FrameHeader, from: u64, bytes: &[u8]) -> impl Iterator<Item = u8> {
    let mask = header.mask.unwrap_or_default();
    let start = (from % 4) as usize;
    bytes.iter().zip(mask.into_iter().cycle().skip(start)).map(|(byte, mask)| byte ^ mask)
}

fn add(count: &mut u64, more: usize) {
    *count = count.saturating_add(more as u64);
}
