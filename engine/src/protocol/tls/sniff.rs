//! Takes the first bytes seen of a stream's direction, gives whether they are TLS records (RFC 8446 §5.1, RFC 5246 §6.2).

use super::cursor::Cursor;
use super::{CLIENT_HELLO, HANDSHAKE, MAX_FRAGMENT, SERVER_HELLO};

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsSniff {
    No,
    /// Too few to tell; never with 11 bytes or more.
    Need,
    Tls,
}

/// The longest alert record: two bytes, or those encrypted with the largest padding (RFC 5246 §6.2.3.2).
const MAX_ALERT: u16 = 512;

/// The shortest encrypted fragment: a content type and the shortest tag (RFC 8446 §5.2; RFC 5246 ciphers add more).
const MIN_ENCRYPTED: u16 = 9;

/// Tells whether `bytes` begin with a TLS record, at a connection's start or later.
#[must_use]
pub fn sniff(bytes: &[u8]) -> TlsSniff {
    let mut fragment = Cursor(bytes);
    let (kind, length) = match record_header(&mut fragment) {
        None => return TlsSniff::Need,
        Some(None) => return TlsSniff::No,
        Some(Some(header)) => header,
    };
    match if kind == HANDSHAKE { known_message(fragment) } else { Some(true) } {
        None => TlsSniff::Need,
        Some(false) => TlsSniff::No,
        Some(true) => {
            // What follows a whole record must be one, too.
            let mut next = Cursor(fragment.0.get(usize::from(length)..).unwrap_or_default());
            if record_header(&mut next) == Some(None) { TlsSniff::No } else { TlsSniff::Tls }
        }
    }
}

/// A record's content type and length; `Some(None)` if there is no record, `None` if bytes are missing.
fn record_header(cursor: &mut Cursor<'_>) -> Option<Option<(u8, u16)>> {
    let kind = cursor.u8()?;
    if !(20..=24).contains(&kind) {
        return Some(None);
    }
    if cursor.u8()? != 3 || cursor.u8()? > 4 {
        return Some(None);
    }
    let length = cursor.u16()?;
    let plausible = match kind {
        // ChangeCipherSpec (RFC 5246 §7.1).
        20 => length == 1,
        21 => length == 2 || (MIN_ENCRYPTED..=MAX_ALERT).contains(&length),
        HANDSHAKE => (4..=MAX_FRAGMENT).contains(&length),
        // Application data, heartbeats (RFC 6520 §4: at least 19 bytes).
        _ => (MIN_ENCRYPTED..=MAX_FRAGMENT).contains(&length),
    };
    Some(plausible.then_some((kind, length)))
}

/// Whether a handshake record's fragment begins with a message that can be read: a known type, a plausible length.
fn known_message(mut fragment: Cursor<'_>) -> Option<bool> {
    let kind = fragment.u8()?;
    let high = fragment.u8()?;
    fragment.u16()?;
    if matches!(kind, CLIENT_HELLO | SERVER_HELLO) {
        // The legacy version (RFC 8446 §4.1.2); and no hello has 64 KiB.
        let (major, minor) = (fragment.u8()?, fragment.u8()?);
        return Some(high == 0 && major == 3 && minor <= 4);
    }
    // RFC 8446 §B.3; long certificate chains stay below 1 MiB.
    Some(matches!(kind, 0 | 4 | 8 | 11..=16 | 20..=24) && high < 0x10)
}
