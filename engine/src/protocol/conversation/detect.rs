//! Takes the beginning of a connection, gives the protocol that it speaks.
//!
//! Where the beginning was not captured, or says nothing, the beginnings of segments are looked at.

use crate::protocol::Stamp;
use crate::protocol::http1::{Head, Looks, MessageKind, looks_like_start};
use crate::protocol::http2::{LooksHttp2, Speaker, looks_like_http2, looks_like_settings, speaker};
use crate::protocol::tls::{TlsSniff, sniff};
use crate::protocol::websocket::{Role, looks_like_frames};
use crate::stream::Direction;

/// The most bytes of a direction that are kept before it is decided what they are. Requests are known by their first
/// line, which servers limit to 8 KiB or less; a longer one is known by its method.
const MAX_UNDECIDED: usize = 4096;

/// The handshake types of TLS hello messages, and where they stand in a record (RFC 8446 §4, §5.1).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HANDSHAKE_TYPE_AT: usize = 5;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
    Tls,
    Unknown,
}

impl Protocol {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http1 => "http/1",
            Self::Http2 => "http/2",
            Self::Tls => "tls",
            Self::Unknown => "unknown",
        }
    }
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) protocol: Protocol,
    /// Who the sender of the bytes is, where they tell.
    pub(super) sender: Option<Direction>,
    /// Whether they are the first of what that sender says in this protocol.
    first: bool,
}

impl Decision {
    /// Whether what was recognised is the beginning of what `by` says.
    pub(super) fn begins(&self, by: Direction) -> bool {
        self.first && self.sender == Some(by)
    }
}

/// What bytes seem to be.
enum Seems {
    Protocol(Decision),
    Maybe,
    Nothing,
}

/// One direction.
#[derive(Debug)]
struct Side {
    /// Whether the stream's beginning was captured.
    known: bool,
    /// What may be the beginning of something.
    candidate: Vec<u8>,
    /// Where in it the last segment begins.
    segment_at: usize,
    /// The frame of the last bytes.
    frame: Option<u64>,
    /// Whether the segment's beginning was judged.
    judged: bool,
    /// Bytes passed over.
    passed_over: u64,
    /// Segments that began like WebSocket frames, and that did not.
    frames: u32,
    others: u32,
}

/// Looks at the first bytes of both directions.
#[derive(Debug)]
pub(super) struct Detect {
    sides: [Side; 2],
    /// The bytes of the candidates, in the order in which they came.
    kept: Vec<(Direction, Vec<u8>, Stamp)>,
    /// Whether there were any bytes or holes.
    pub(super) begun: bool,
}

impl Detect {
    /// `known` if the connection's beginning was captured.
    pub(super) fn new(known: bool) -> Self {
        let side = || Side {
            known,
            candidate: Vec::new(),
            segment_at: 0,
            frame: None,
            judged: false,
            passed_over: 0,
            frames: 0,
            others: 0,
        };
        Self { sides: [side(), side()], kept: Vec::new(), begun: false }
    }

    /// Bytes of `sender`. After a decision they are to be read after those of `take_kept`.
    pub(super) fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp) -> Option<Decision> {
        self.begun = true;
        let side = &mut self.sides[sender as usize];
        if side.frame.replace(stamp.frame) != Some(stamp.frame) {
            side.judged = false;
            side.segment_at = side.candidate.len();
        }
        if side.judged {
            side.pass_over(bytes.len());
            return None;
        }
        let seems = if side.candidate.is_empty() {
            side.seems(bytes, sender)
        } else {
            side.candidate.extend_from_slice(bytes);
            match side.seems(&side.candidate, sender) {
                // A segment may begin something, whatever came before it.
                Seems::Nothing if side.segment_at > 0 && !side.is_fresh() => {
                    self.drop_candidate(sender, Some(stamp.frame));
                    let side = &self.sides[sender as usize];
                    side.seems(&side.candidate, sender)
                }
                seems => seems,
            }
        };
        match seems {
            Seems::Protocol(decision) => Some(decision),
            Seems::Maybe => {
                let side = &mut self.sides[sender as usize];
                if side.candidate.is_empty() {
                    side.candidate.extend_from_slice(bytes);
                }
                if side.candidate.len() > MAX_UNDECIDED {
                    return self.cut(sender, bytes.len());
                }
                self.kept.push((sender, bytes.to_vec(), stamp));
                None
            }
            Seems::Nothing => self.nothing(sender, bytes),
        }
    }

    /// What `sender` sent last is the beginning of nothing that is known.
    fn nothing(&mut self, sender: Direction, bytes: &[u8]) -> Option<Decision> {
        let side = &mut self.sides[sender as usize];
        if side.is_fresh() && sender == Direction::Client {
            // A client's first bytes tell. A server may greet, and go on in the client's way.
            return Some(Decision { protocol: Protocol::Unknown, sender: None, first: false });
        }
        if !side.known {
            let role = if sender == Direction::Client { Role::Client } else { Role::Server };
            let count = if looks_like_frames(bytes, role) { &mut side.frames } else { &mut side.others };
            *count = count.saturating_add(1);
        }
        side.judged = true;
        side.pass_over(bytes.len());
        self.drop_candidate(sender, None);
        None
    }

    /// What `sender` sent goes on where it is not captured, or ends: a beginning is known by its method.
    ///
    /// `at_hand`: how many of the last bytes are not kept.
    pub(super) fn cut(&mut self, sender: Direction, at_hand: usize) -> Option<Decision> {
        let side = &mut self.sides[sender as usize];
        let decision = Head::parse(&side.candidate).map(|head| http(head.kind()));
        if decision.is_none() {
            side.pass_over(at_hand);
            side.judged = true;
            side.known = false;
            self.drop_candidate(sender, None);
        }
        decision
    }

    /// A hole in what `sender` sent.
    pub(super) fn gap(&mut self, sender: Direction) -> Option<Decision> {
        self.begun = true;
        let decision = self.cut(sender, 0);
        let side = &mut self.sides[sender as usize];
        side.frame = None;
        side.judged = false;
        decision
    }

    /// Passes over the candidate, but for what came in frame `last`.
    fn drop_candidate(&mut self, sender: Direction, last: Option<u64>) {
        let side = &mut self.sides[sender as usize];
        let end = if last.is_some() { side.segment_at } else { side.candidate.len() };
        side.candidate.drain(..end.min(side.candidate.len()));
        side.segment_at = 0;
        let mut dropped = 0;
        self.kept.retain(|(by, bytes, stamp)| {
            let stays = *by != sender || Some(stamp.frame) == last;
            dropped += if stays { 0 } else { bytes.len() };
            stays
        });
        side.pass_over(dropped);
    }

    /// Whether the bytes that are kept, or else the next, are the first that `sender` sent.
    pub(super) fn is_fresh(&self, sender: Direction) -> bool {
        self.sides[sender as usize].is_fresh()
    }

    /// How many bytes of `sender` were the beginning of nothing, and whether its stream's beginning was captured.
    pub(super) fn passed_over(&self, sender: Direction) -> (u64, bool) {
        let side = &self.sides[sender as usize];
        (side.passed_over, side.known)
    }

    /// The bytes that are kept, in order.
    pub(super) fn take_kept(&mut self) -> Vec<(Direction, Vec<u8>, Stamp)> {
        std::mem::take(&mut self.kept)
    }

    /// Client and server turned out to be the other way round.
    pub(super) fn swap(&mut self) {
        self.sides.swap(0, 1);
    }

    /// Whether the segments of a direction whose beginning was not captured begin like WebSocket frames.
    pub(super) fn resembles_frames(&self, sender: Direction) -> bool {
        let Side { known, frames, others, .. } = &self.sides[sender as usize];
        !known && *frames > 0 && (*others == 0 || (*frames > 1 && frames > others))
    }
}

impl Side {
    fn pass_over(&mut self, length: usize) {
        self.passed_over = self.passed_over.saturating_add(length as u64);
    }

    /// What `bytes` of `sender` seem to be, given what is known of what came before.
    fn seems(&self, bytes: &[u8], sender: Direction) -> Seems {
        match seems(bytes) {
            Seems::Nothing if !self.known => http2_frames(bytes),
            // RFC 9113 §3.4: a server need not wait for the client's preface.
            Seems::Nothing if self.is_fresh() && sender == Direction::Server => http2_settings(bytes),
            seems => seems,
        }
    }

    /// Whether the next bytes are the stream's first.
    fn is_fresh(&self) -> bool {
        self.known && self.passed_over == 0
    }
}

fn http(kind: MessageKind) -> Decision {
    let sender = match kind {
        MessageKind::Request => Direction::Client,
        MessageKind::Response => Direction::Server,
    };
    Decision { protocol: Protocol::Http1, sender: Some(sender), first: false }
}

fn seems(bytes: &[u8]) -> Seems {
    match sniff(bytes) {
        TlsSniff::Tls => {
            let sender = match bytes.get(HANDSHAKE_TYPE_AT) {
                Some(&CLIENT_HELLO) if bytes.first() == Some(&22) => Some(Direction::Client),
                Some(&SERVER_HELLO) if bytes.first() == Some(&22) => Some(Direction::Server),
                _ => None,
            };
            return Seems::Protocol(Decision { protocol: Protocol::Tls, sender, first: false });
        }
        TlsSniff::Need => return Seems::Maybe,
        TlsSniff::No => {}
    }
    match looks_like_start(bytes) {
        Looks::Request => Seems::Protocol(http(MessageKind::Request)),
        Looks::Response => Seems::Protocol(http(MessageKind::Response)),
        Looks::Http2Preface => {
            let sender = Some(Direction::Client);
            Seems::Protocol(Decision { protocol: Protocol::Http2, sender, first: true })
        }
        Looks::Maybe => Seems::Maybe,
        Looks::No => Seems::Nothing,
    }
}

/// HTTP/2 that begins with the server's SETTINGS.
fn http2_settings(bytes: &[u8]) -> Seems {
    match looks_like_settings(bytes) {
        LooksHttp2::Yes => Seems::Protocol(Decision { protocol: Protocol::Http2, sender: None, first: false }),
        LooksHttp2::Maybe => Seems::Maybe,
        LooksHttp2::No => Seems::Nothing,
    }
}

/// HTTP/2 somewhere in a connection.
fn http2_frames(bytes: &[u8]) -> Seems {
    let sender = || match speaker(bytes)? {
        Speaker::Client => Some(Direction::Client),
        Speaker::Server => Some(Direction::Server),
    };
    match looks_like_http2(bytes) {
        LooksHttp2::Yes => Seems::Protocol(Decision { protocol: Protocol::Http2, sender: sender(), first: false }),
        LooksHttp2::Maybe => Seems::Maybe,
        LooksHttp2::No => Seems::Nothing,
    }
}
