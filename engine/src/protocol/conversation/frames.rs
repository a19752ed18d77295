//! Takes both directions of a connection that became a WebSocket, gives the row of `websockets`.

use std::borrow::Cow;

use super::direction_name;
use super::output::{ExchangeId, Shared, Tape};
use super::text::within_limit;
use super::wanted::Wanted;
use crate::protocol::Stamp;
use crate::protocol::http1::{Looks, looks_like_start};
use crate::protocol::websocket::{Close, Counts, FrameWalker, Role, Violations, looks_like_frames};
use crate::stream::{Direction, Gap};
use crate::table::WebSocketRow;

/// The longest beginning of an HTTP response that has to be seen to know it: `HTTP/1.1 200`.
const LONGEST_START: usize = 12;

/// HTTP went on after the 101.
const HTTP_INSTEAD_OF_FRAMES: &str = "http-instead-of-frames";

/// The frames of both directions.
#[derive(Debug)]
pub(super) struct Frames {
    /// Time of the 101, or of the 2xx that takes its place in HTTP/2, if it was captured.
    opened: Option<i64>,
    sides: [Side; 2],
    /// Whether permessage-deflate was agreed to, if that is known.
    compression: Option<bool>,
    early: bool,
    /// The first Close frame, and who sent it.
    close: Option<(Direction, Close)>,
    /// The last segment with frames.
    last: Option<Stamp>,
    longest_silence: i64,
    tape: Option<Tape>,
}

/// The frames of one direction.
#[derive(Debug)]
struct Side {
    role: Role,
    walker: FrameWalker,
    compression: bool,
    /// What was counted before the walker was lost and began anew.
    before: Counts,
    /// What was violated, and the frame at which that was noticed.
    violations: Vec<(&'static str, u64)>,
    /// Those of them that the walker has told already.
    told: Violations,
    first_payload: Option<Vec<u8>>,
    first_mask: Option<u32>,
    /// The first bytes of the direction, until they are enough.
    start: Option<Vec<u8>>,
    /// The frame of the last bytes.
    frame: Option<u64>,
}

impl Frames {
    /// What is taken for frames, though no 101 was seen yet.
    pub(super) fn new(tape: Option<Tape>) -> Self {
        Self {
            tape,
            opened: None,
            sides: [Side::new(Role::Client), Side::new(Role::Server)],
            compression: None,
            early: false,
            close: None,
            last: None,
            longest_silence: 0,
        }
    }

    /// The WebSocket was opened, by a 101 at `opened` if that was captured.
    ///
    /// `compression` is whether permessage-deflate was agreed to, or else whether it was `offered`.
    pub(super) fn open(&mut self, opened: Option<Stamp>, compression: Option<bool>, offered: bool) {
        self.opened = opened.map(|stamp| stamp.time);
        if let Some(stamp) = opened {
            self.last = Some(self.last.map_or(stamp, |last| later(last, stamp)));
        }
        self.compression = compression;
        self.offer(compression.unwrap_or(offered));
    }

    /// permessage-deflate was `offered`; whether it is agreed to is not known yet.
    pub(super) fn offer(&mut self, offered: bool) {
        for side in &mut self.sides {
            side.set_compression(offered);
        }
    }

    /// The client sent frames before the 101.
    pub(super) fn note_early(&mut self) {
        self.early = true;
    }

    /// Bytes of `sender`.
    pub(super) fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp) {
        self.heard(stamp);
        self.tell(|wanted, exchange| wanted.piece(exchange, sender, stamp.time, bytes));
        let side = &mut self.sides[sender as usize];
        side.feed(bytes, stamp);
        if self.close.is_none()
            && let Some(close) = side.walker.close()
        {
            self.close = Some((sender, close.clone()));
        }
    }

    /// Bytes of `sender` are missing.
    pub(super) fn gap(&mut self, sender: Direction, gap: Gap) {
        self.tell(Wanted::lose);
        let side = &mut self.sides[sender as usize];
        side.start = None;
        side.walker.gap(gap.length, gap.stamp);
        side.note_violations(gap.stamp);
    }

    /// Nobody knows how many bytes of `sender` are missing.
    pub(super) fn hole(&mut self, sender: Direction, stamp: Stamp) {
        self.tell(Wanted::lose);
        let side = &mut self.sides[sender as usize];
        side.start = None;
        side.walker.gap(u64::MAX, stamp);
    }

    /// It is not known where a frame of `sender` begins: that is looked for. `unread` bytes were passed over.
    pub(super) fn lose(&mut self, sender: Direction, unread: u64) {
        self.tell(Wanted::lose);
        let side = &mut self.sides[sender as usize];
        side.start = None;
        side.before.unparsed_bytes = side.before.unparsed_bytes.saturating_add(unread);
        side.walker.gap(1, Stamp::default());
    }

    /// The stream of `sender` ended.
    pub(super) fn end(&mut self, sender: Direction) {
        self.sides[sender as usize].walker.end();
    }

    fn tell(&self, what: impl FnOnce(&mut Wanted, ExchangeId)) {
        if let Some(tape) = &self.tape {
            tape.tell(what);
        }
    }

    fn heard(&mut self, stamp: Stamp) {
        self.silent_until(stamp.time);
        self.last = Some(self.last.map_or(stamp, |last| later(last, stamp)));
    }

    fn silent_until(&mut self, time: i64) {
        let silence = self.last.map_or(0, |last| time.saturating_sub(last.time));
        self.longest_silence = self.longest_silence.max(silence);
    }

    /// Writes its row; `exchange` is the row of the exchange that opened it, `ended` the time of the last packet.
    pub(super) fn write(mut self, exchange: usize, connection: u32, ended: i64, output: &Shared) {
        self.silent_until(ended);
        for side in &mut self.sides {
            // However the bytes came, in pieces or at once.
            side.violations.sort_unstable_by_key(|(name, frame)| (*frame, *name));
        }
        let (violations, violation_frames): (Vec<Cow<'static, str>>, Vec<u64>) = [Direction::Client, Direction::Server]
            .into_iter()
            .zip(&self.sides)
            .flat_map(|(sender, side)| side.violations.iter().map(move |violation| (direction_name(sender), violation)))
            .map(|(name, (violation, frame))| (Cow::Owned(format!("{name}:{violation}")), *frame))
            .unzip();
        let [client, server] = &self.sides;
        let (from_client, from_server) = (client.counts(), server.counts());
        let (closed_by, close) = self.close.as_ref().map(|(sender, close)| (*sender, close)).unzip();
        let row = WebSocketRow {
            exchange: None,
            connection: Some(connection),
            opened: self.opened,
            ended: Some(close.map_or(ended, |close| close.stamp.time)),
            client_frames: Some(from_client.frames),
            client_messages: Some(from_client.messages()),
            client_text: Some(from_client.text),
            client_binary: Some(from_client.binary),
            client_bytes: Some(from_client.payload_bytes),
            client_ping: Some(from_client.ping),
            client_pong: Some(from_client.pong),
            client_unparsed: Some(from_client.unparsed_bytes),
            client_first_payload: client.first_payload(),
            client_first_mask: client.first_mask(),
            server_frames: Some(from_server.frames),
            server_messages: Some(from_server.messages()),
            server_text: Some(from_server.text),
            server_binary: Some(from_server.binary),
            server_bytes: Some(from_server.payload_bytes),
            server_ping: Some(from_server.ping),
            server_pong: Some(from_server.pong),
            server_unparsed: Some(from_server.unparsed_bytes),
            server_first_payload: server.first_payload(),
            close_code: close.and_then(|close| close.code),
            close_reason: close.and_then(|close| close.reason.as_deref()).map(within_limit),
            closed_by: closed_by.map(direction_name),
            close_frame: close.map(|close| close.stamp.frame),
            compression: self.compression,
            // Without the 101 nobody knows what came before it.
            early_client_data: self.opened.map(|_| self.early),
            longest_silence: Some(self.longest_silence),
            last_heard: self.last.map(|last| last.time),
            last_heard_frame: self.last.map(|last| last.frame),
            violations: Some(&violations),
            violation_frames: Some(&violation_frames),
        };
        if let Some(builders) = output.borrow_mut().tables() {
            builders.websocket(exchange, &row);
        }
    }
}

impl Side {
    fn new(role: Role) -> Self {
        Self {
            role,
            walker: FrameWalker::new(role),
            compression: false,
            before: Counts::default(),
            violations: Vec::new(),
            told: Violations::default(),
            first_payload: None,
            first_mask: None,
            start: Some(Vec::new()),
            frame: None,
        }
    }

    fn feed(&mut self, bytes: &[u8], stamp: Stamp) {
        self.look_for_http(bytes, stamp);
        let begins_segment = self.frame.replace(stamp.frame) != Some(stamp.frame);
        if begins_segment && self.walker.lost() && looks_like_frames(bytes, self.role) {
            self.begin_anew();
        }
        self.walker.feed(bytes, stamp);
        self.note_violations(stamp);
    }

    /// Notes the frame at which the walker first told of a violation.
    fn note_violations(&mut self, stamp: Stamp) {
        let violations = self.walker.violations();
        if violations != self.told {
            self.told = violations;
            violations.names().for_each(|name| self.note_violation(name, stamp));
        }
    }

    fn note_violation(&mut self, name: &'static str, stamp: Stamp) {
        if !self.violations.iter().any(|(known, _)| *known == name) {
            self.violations.push((name, stamp.frame));
        }
    }

    fn set_compression(&mut self, compression: bool) {
        self.compression = compression;
        self.walker.set_compression(compression);
    }

    /// Goes on at a frame somewhere in the stream.
    fn begin_anew(&mut self) {
        (self.first_mask, self.first_payload) = (self.first_mask(), self.first_payload().map(<[u8]>::to_vec));
        let mut fresh = FrameWalker::mid_stream(self.role);
        fresh.set_compression(self.compression);
        let old = std::mem::replace(&mut self.walker, fresh);
        self.before = sum(&self.before, old.counts());
        self.told = Violations::default();
    }

    /// Notes where the first bytes are HTTP: the 101 was a lie, or meant for somebody else.
    fn look_for_http(&mut self, bytes: &[u8], stamp: Stamp) {
        if let Some(mut start) = self.start.take() {
            let missing = LONGEST_START.saturating_sub(start.len()).min(bytes.len());
            start.extend_from_slice(&bytes[..missing]);
            if looks_like_start(&start) == Looks::Response {
                self.note_violation(HTTP_INSTEAD_OF_FRAMES, stamp);
            } else if start.len() < LONGEST_START {
                self.start = Some(start);
            }
        }
    }

    fn counts(&self) -> Counts {
        sum(&self.before, self.walker.counts())
    }

    /// The masking key of `first_payload`.
    fn first_mask(&self) -> Option<u32> {
        if self.first_payload.is_some() { self.first_mask } else { self.walker.first_mask() }
    }

    fn first_payload(&self) -> Option<&[u8]> {
        let now = Some(self.walker.first_payload()).filter(|payload| !payload.is_empty());
        self.first_payload.as_deref().or(now)
    }
}

/// The later of two; bytes come in stream order, which is not always the order of capture.
fn later(one: Stamp, other: Stamp) -> Stamp {
    if other.time >= one.time { other } else { one }
}

fn sum(a: &Counts, b: &Counts) -> Counts {
    Counts {
        frames: a.frames.saturating_add(b.frames),
        text: a.text.saturating_add(b.text),
        binary: a.binary.saturating_add(b.binary),
        continuation: a.continuation.saturating_add(b.continuation),
        ping: a.ping.saturating_add(b.ping),
        pong: a.pong.saturating_add(b.pong),
        close: a.close.saturating_add(b.close),
        reserved: a.reserved.saturating_add(b.reserved),
        compressed: a.compressed.saturating_add(b.compressed),
        payload_bytes: a.payload_bytes.saturating_add(b.payload_bytes),
        control_bytes: a.control_bytes.saturating_add(b.control_bytes),
        unparsed_bytes: a.unparsed_bytes.saturating_add(b.unparsed_bytes),
        missing_bytes: a.missing_bytes.saturating_add(b.missing_bytes),
    }
}
