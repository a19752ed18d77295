//! Takes the bytes of a pcapng file, gives where its packets stand.
//!
//! The format: draft-ietf-opsawg-pcapng. A block whose frame (its two lengths) is sound but whose content is not is left
//! out and noted; a block whose frame is broken ends the reading, because nothing tells where the next one begins.

use super::byte_order::ByteOrder;
use super::error::{self, CaptureError};
use super::interface::Interface;
use super::ledger::Ledger;
use super::option::{self, Options};
use super::window::Window;
use super::{Found, MAX_RECORD};

/// How many interfaces a section may have: more than any host, and 4 MiB at most.
const MAX_INTERFACES: usize = 65_536;

/// The largest block that is looked into: the largest packet with its headers, and 64 KiB for options.
const MAX_BLOCK: usize = MAX_RECORD + (64 << 10);

/// Block type, block length, and the length again at its end.
const FRAME: usize = 12;

/// Block type and length, before the body.
const BLOCK_HEADER: usize = 8;

/// The length again, after the body.
const REPEATED_LENGTH: u64 = 4;

/// Interface, time, captured and original length: the fixed part of a packet's body.
const PACKET_HEADER: usize = 20;

const TOO_SHORT: Content = Content::Broken("a packet block that is too short");

/// Where the options begin in the body of a Section Header Block.
const SECTION_OPTIONS: usize = 16;

/// The shortest Section Header Block.
const SECTION_HEADER_MIN: usize = 28;

/// The same in both byte orders.
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

const INTERFACE_DESCRIPTION: u32 = 1;
/// Obsolete.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

/// Blocks without a packet that Wireshark numbers as frames all the same: systemd journal, custom (both kinds), and
/// Sysdig's events.
const NUMBERED_BLOCKS: [u32; 9] = [9, 0xbad, 0x4000_0bad, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222];

/// Type and length, before the secrets themselves; and the type of SSLKEYLOGFILE lines.
const SECRETS_HEADER: usize = 8;
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// Packets received but dropped by the interface, and by the operating system.
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// Packets lost between this one and the one before.
const EPB_DROPCOUNT: u16 = 4;

/// The Packet Block's count of lost packets when it is not known.
const DROPS_UNKNOWN: u16 = 0xffff;

/// A pcapng file whose first section header makes sense.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    noted: Noted,
}

/// Which problems were noted: each kind once.
#[derive(Debug, Default)]
struct Noted {
    too_many_interfaces: bool,
    unknown_interface: bool,
    broken: bool,
}

/// What stands around a block's body.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: u32,
    /// The length as it is written; a few writers forget the padding in it.
    claimed: u32,
    /// The length in the file.
    size: u64,
}

/// What a block's body comes to.
enum Content {
    /// The place of the data is that in the body.
    Packet(Found),
    NoPacket,
    Broken(&'static str),
    UnknownInterface(u32),
}

/// Why reading has to stop.
enum Stop {
    Ended,
    Damaged(String),
}

impl Pcapng {
    /// Looks at the first section header; `None` where the bytes are not pcapng.
    pub(super) fn open(window: &mut Window, ledger: &mut Ledger) -> Result<Option<Self>, CaptureError> {
        if ByteOrder::Little.u32_at(window.bytes(), 0) != Some(SECTION_HEADER) {
            return Ok(None);
        }
        if !window.fill(SECTION_HEADER_MIN) {
            return Err(error::header_cut(window, "pcapng", SECTION_HEADER_MIN));
        }
        let Some(order) = byte_order(window.bytes()) else {
            return Ok(None);
        };
        let mut pcapng = Self { order, interfaces: Vec::new(), noted: Noted::default() };
        // Only looked at: the header is the first block that `next` comes to.
        let header = pcapng.frame(window.bytes()).and_then(|_| pcapng.begin_section(window.bytes()));
        match header {
            Err(Stop::Damaged(reason)) => Err(CaptureError::HeaderDamaged { format: "pcapng", reason }),
            Ok(()) | Err(Stop::Ended) => {
                ledger.summary.format = "pcapng";
                Ok(Some(pcapng))
            }
        }
    }

    /// The next packet; `None` at the end, and where reading has to stop.
    pub(super) fn next(&mut self, window: &mut Window, ledger: &mut Ledger) -> Option<Found> {
        loop {
            let offset = window.offset();
            let block = if window.fill(FRAME) { self.block(window, ledger) } else { Err(Stop::Ended) };
            match block {
                Ok(Some(found)) => return Some(found),
                Ok(None) => {}
                Err(Stop::Ended) => {
                    ledger.ended(window, offset, "block");
                    return None;
                }
                Err(Stop::Damaged(what)) => {
                    ledger.damaged(offset, &what);
                    return None;
                }
            }
        }
    }

    /// Reads one block, whose first [`FRAME`] bytes are there; gives its packet if it has one.
    fn block(&mut self, window: &mut Window, ledger: &mut Ledger) -> Result<Option<Found>, Stop> {
        let frame = self.frame(window.bytes())?;
        match frame.kind {
            SECTION_HEADER => {
                if !window.fill(SECTION_HEADER_MIN) {
                    return Err(Stop::Ended);
                }
                self.begin_section(window.bytes())?;
                if frame.size <= MAX_BLOCK as u64 {
                    return self.look_into(frame, window, ledger);
                }
            }
            INTERFACE_DESCRIPTION | PACKET | SIMPLE_PACKET | INTERFACE_STATISTICS | ENHANCED_PACKET => {
                return self.look_into(frame, window, ledger);
            }
            DECRYPTION_SECRETS => {
                let summary = &mut ledger.summary;
                summary.secrets = summary.secrets.saturating_add(1);
                summary.late_secrets = summary.late_secrets.saturating_add(u32::from(summary.packets > 0));
                if frame.size <= MAX_BLOCK as u64 {
                    return self.look_into(frame, window, ledger);
                }
                ledger.left_out("decryption secrets in a block that is too long");
            }
            _ => {}
        }
        if !window.discard(frame.size - REPEATED_LENGTH) || !window.fill(4) {
            return Err(Stop::Ended);
        }
        self.check_repeated_length(frame, window.bytes())?;
        window.take(4, 0..0);
        if NUMBERED_BLOCKS.contains(&frame.kind) {
            ledger.pass_over();
        }
        Ok(None)
    }

    /// Reads a block as a whole and what is in it.
    fn look_into(&mut self, frame: Frame, window: &mut Window, ledger: &mut Ledger) -> Result<Option<Found>, Stop> {
        let size = usize::try_from(frame.size).unwrap_or(usize::MAX);
        if size > MAX_BLOCK {
            let what = format!("a block claims {} bytes; expected at most {MAX_BLOCK}", frame.claimed);
            return Err(Stop::Damaged(what));
        }
        if !window.fill(size) {
            return Err(Stop::Ended);
        }
        let end = size.saturating_sub(4);
        let bytes = window.bytes();
        self.check_repeated_length(frame, bytes.get(end..).unwrap_or_default())?;
        let body = bytes.get(BLOCK_HEADER..end).unwrap_or_default();
        let content = match frame.kind {
            INTERFACE_DESCRIPTION => self.interface_description(body, ledger),
            INTERFACE_STATISTICS => self.interface_statistics(body, ledger),
            ENHANCED_PACKET => self.enhanced_packet(body, ledger),
            SIMPLE_PACKET => self.simple_packet(body),
            DECRYPTION_SECRETS => self.decryption_secrets(body, ledger),
            SECTION_HEADER => section_header(self.order, body, ledger),
            _ => self.packet(body, ledger),
        };
        let is_packet = matches!(frame.kind, ENHANCED_PACKET | SIMPLE_PACKET | PACKET);
        match content {
            Content::Packet(mut found) => {
                let data = BLOCK_HEADER + found.data.start..BLOCK_HEADER + found.data.end;
                found.data = window.take(size, data);
                return Ok(Some(found));
            }
            Content::NoPacket => {}
            Content::Broken(what) => self.note_broken(what, is_packet, ledger),
            Content::UnknownInterface(id) => self.note_unknown_interface(id, ledger),
        }
        window.take(size, 0..0);
        Ok(None)
    }

    /// Reads a block's type and length. A section header says itself in which byte order it is, and all after it.
    fn frame(&mut self, bytes: &[u8]) -> Result<Frame, Stop> {
        let kind = self.order.u32_at(bytes, 0).unwrap_or(0);
        if kind == SECTION_HEADER {
            let Some(order) = byte_order(bytes) else {
                return Err(Stop::Damaged("a section header has no byte-order magic".to_owned()));
            };
            self.order = order;
        }
        let claimed = self.order.u32_at(bytes, 4).unwrap_or(0);
        let min = if kind == SECTION_HEADER { SECTION_HEADER_MIN } else { FRAME };
        if u64::from(claimed) < min as u64 {
            return Err(Stop::Damaged(format!("a block claims {claimed} bytes; expected at least {min}")));
        }
        Ok(Frame { kind, claimed, size: u64::from(claimed).next_multiple_of(4) })
    }

    fn check_repeated_length(&self, frame: Frame, bytes: &[u8]) -> Result<(), Stop> {
        let repeated = self.order.u32_at(bytes, 0).unwrap_or(0);
        if repeated == frame.claimed || u64::from(repeated) == frame.size {
            return Ok(());
        }
        let what = format!("a block claims {} bytes at its start and {repeated} at its end", frame.claimed);
        Err(Stop::Damaged(what))
    }

    /// Takes a section header: all that was said of interfaces is over.
    fn begin_section(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let version = self.order.u16_at(bytes, 12).unwrap_or(0);
        if version != 1 {
            return Err(Stop::Damaged(format!("a section has version {version}; expected 1")));
        }
        self.interfaces.clear();
        Ok(())
    }

    fn interface_description(&mut self, body: &[u8], ledger: &mut Ledger) -> Content {
        let Some(interface) = Interface::parse(self.order, body) else {
            return Content::Broken("an interface description is too short");
        };
        ledger.summary.add_interface(interface.link_type.into(), interface.snaplen);
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(interface);
        } else if !self.noted.too_many_interfaces {
            self.noted.too_many_interfaces = true;
            ledger.summary.note(format!(
                "the file describes more than {MAX_INTERFACES} interfaces; packets of the others were left out"
            ));
        }
        Content::NoPacket
    }

    fn interface_statistics(&mut self, body: &[u8], ledger: &mut Ledger) -> Content {
        let id = self.order.u32_at(body, 0).unwrap_or(u32::MAX);
        let Some(interface) = interface(&mut self.interfaces, id) else {
            return Content::NoPacket;
        };
        let mut total: Option<u64> = None;
        for (code, value) in Options::new(self.order, body.get(12..).unwrap_or_default()) {
            if let (ISB_IFDROP | ISB_OSDROP, Some(count)) = (code, self.order.u64_at(value, 0)) {
                total = Some(total.unwrap_or(0).saturating_add(count));
            }
        }
        if let Some(total) = total {
            ledger.add_drops(interface.drops_in_all(total));
        }
        Content::NoPacket
    }

    fn decryption_secrets(&self, body: &[u8], ledger: &mut Ledger) -> Content {
        let lines = body.get(SECRETS_HEADER..).unwrap_or_default();
        let length = self.order.u32_at(body, 4).and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
        if self.order.u32_at(body, 0) == Some(TLS_KEY_LOG) {
            ledger.secrets.take(&lines[..lines.len().min(length)]);
        }
        Content::NoPacket
    }

    fn enhanced_packet(&mut self, body: &[u8], ledger: &mut Ledger) -> Content {
        let Some(header) = body.first_chunk::<PACKET_HEADER>() else {
            return TOO_SHORT;
        };
        let id = self.order.u32([header[0], header[1], header[2], header[3]]);
        let Some(interface) = interface(&mut self.interfaces, id) else {
            return Content::UnknownInterface(id);
        };
        let (content, options) = timed_packet(self.order, interface, header, body);
        for (code, value) in options {
            if let (EPB_DROPCOUNT, Some(count)) = (code, self.order.u64_at(value, 0)) {
                ledger.add_drops(interface.drops_before_packet(count));
            }
        }
        content
    }

    /// The obsolete Packet Block: an Enhanced one with a count of drops in half of the interface's number.
    fn packet(&mut self, body: &[u8], ledger: &mut Ledger) -> Content {
        let Some(header) = body.first_chunk::<PACKET_HEADER>() else {
            return TOO_SHORT;
        };
        let id = self.order.u16([header[0], header[1]]).into();
        let drops = self.order.u16([header[2], header[3]]);
        let Some(interface) = interface(&mut self.interfaces, id) else {
            return Content::UnknownInterface(id);
        };
        if drops != DROPS_UNKNOWN {
            ledger.add_drops(interface.drops_before_packet(drops.into()));
        }
        timed_packet(self.order, interface, header, body).0
    }

    /// A packet of the first interface, without a time.
    fn simple_packet(&mut self, body: &[u8]) -> Content {
        let Some(original_len) = self.order.u32_at(body, 0) else {
            return TOO_SHORT;
        };
        let Some(interface) = interface(&mut self.interfaces, 0) else {
            return Content::UnknownInterface(0);
        };
        let limit = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let captured = usize::try_from(original_len.min(limit)).unwrap_or(usize::MAX);
        let end = captured.saturating_add(4).min(body.len());
        Content::Packet(Found { time: None, link_type: interface.link_type.into(), data: 4..end, original_len })
    }

    fn note_broken(&mut self, what: &str, is_packet: bool, ledger: &mut Ledger) {
        if is_packet {
            ledger.pass_over();
        }
        if !self.noted.broken {
            self.noted.broken = true;
            ledger.left_out(what);
        }
    }

    fn note_unknown_interface(&mut self, id: u32, ledger: &mut Ledger) {
        ledger.pass_over();
        if !self.noted.unknown_interface {
            self.noted.unknown_interface = true;
            ledger.left_out(&format!("a packet of interface {id}, which is not described"));
        }
    }
}

/// Who wrote the section.
fn section_header(order: ByteOrder, body: &[u8], ledger: &mut Ledger) -> Content {
    if let Some(name) = option::application(order, body.get(SECTION_OPTIONS..).unwrap_or_default()) {
        ledger.summary.application.get_or_insert(name);
    }
    Content::NoPacket
}

/// The byte order of the section whose header's first bytes these are.
fn byte_order(bytes: &[u8]) -> Option<ByteOrder> {
    [ByteOrder::Little, ByteOrder::Big].into_iter().find(|order| order.u32_at(bytes, 8) == Some(BYTE_ORDER_MAGIC))
}

fn interface(interfaces: &mut [Interface], id: u32) -> Option<&mut Interface> {
    interfaces.get_mut(usize::try_from(id).ok()?)
}

/// What the Enhanced Packet Block and the Packet Block have in common; the options come after the padded data.
fn timed_packet<'a>(
    order: ByteOrder,
    interface: &Interface,
    header: &[u8; PACKET_HEADER],
    body: &'a [u8],
) -> (Content, Options<'a>) {
    let field = |at: usize| order.u32([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let ticks = u64::from(field(4)) << 32 | u64::from(field(8));
    let (captured, original_len) = (field(12), field(16));
    let end = usize::try_from(captured).unwrap_or(usize::MAX).saturating_add(PACKET_HEADER);
    if end > body.len() || end > MAX_RECORD + PACKET_HEADER {
        let broken = Content::Broken("a packet that claims more bytes than its block has");
        return (broken, Options::new(order, &[]));
    }
    let options = body.get(end.next_multiple_of(4)..).unwrap_or_default();
    let found = Found {
        time: Some(interface.time(ticks)),
        link_type: interface.link_type.into(),
        data: PACKET_HEADER..end,
        original_len,
    };
    (Content::Packet(found), Options::new(order, options))
}
