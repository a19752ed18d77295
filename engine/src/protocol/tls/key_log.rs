//! Takes a line of a key log, gives the secret that it holds (draft-ietf-tls-keylogfile; NSS and OpenSSL write the form).

use super::derive::MASTER_LENGTH;

/// The longest premaster secret: that of a Diffie-Hellman group of 8192 bits, the largest of RFC 7919.
const MAX_PREMASTER: usize = 1024;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Label {
    Master,
    Premaster,
    ClientEarly,
    ClientHandshake,
    ServerHandshake,
    ClientApplication,
    ServerApplication,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// By the client's random.
    Secret(Label, [u8; 32], Box<[u8]>),
    /// By the first bytes of the encrypted premaster secret.
    EncryptedPremaster([u8; 8], Box<[u8]>),
    /// By the session's id.
    Session(Box<[u8]>, [u8; MASTER_LENGTH]),
}

impl Line {
    /// The line's secret; `None` for comments and all that is not understood.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let (name, key, value) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() {
            return None;
        }
        let label = match name {
            b"CLIENT_RANDOM" => Label::Master,
            b"PMS_CLIENT_RANDOM" => Label::Premaster,
            b"CLIENT_EARLY_TRAFFIC_SECRET" => Label::ClientEarly,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Label::ClientHandshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Label::ServerHandshake,
            b"CLIENT_TRAFFIC_SECRET_0" => Label::ClientApplication,
            b"SERVER_TRAFFIC_SECRET_0" => Label::ServerApplication,
            b"RSA" => return Self::rsa(key, value),
            _ => return None,
        };
        let secret = hex(value)?;
        let fits = match label {
            Label::Master => secret.len() == MASTER_LENGTH,
            Label::Premaster => secret.len() <= MAX_PREMASTER,
            // The output of SHA-256 or SHA-384 (RFC 8446 §7.1).
            _ => matches!(secret.len(), 32 | 48),
        };
        let random = <[u8; 32]>::try_from(&*hex(key)?).ok()?;
        fits.then_some(Self::Secret(label, random, secret))
    }

    fn rsa(key: &[u8], value: &[u8]) -> Option<Self> {
        if let Some(id) = key.strip_prefix(b"Session-ID:") {
            let master = hex(value.strip_prefix(b"Master-Key:")?)?;
            // RFC 5246 §7.4.1.2: at most 32 bytes.
            let id = hex(id).filter(|id| id.len() <= 32)?;
            return Some(Self::Session(id, <[u8; MASTER_LENGTH]>::try_from(&*master).ok()?));
        }
        // RFC 5246 §7.4.7.1: 48 bytes.
        let secret = hex(value).filter(|secret| secret.len() == 48)?;
        Some(Self::EncryptedPremaster(<[u8; 8]>::try_from(&*hex(key)?).ok()?, secret))
    }
}

/// Bytes written in hexadecimal digits of either case; never none.
fn hex(text: &[u8]) -> Option<Box<[u8]>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.is_empty() || pairs.len() > MAX_PREMASTER || !rest.is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}
