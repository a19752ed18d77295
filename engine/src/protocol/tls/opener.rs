//! Takes a record and the keys of its sender, gives what was sealed in it, or nothing: all of it is authenticated.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;

use super::cbc::Cbc;
use super::derive::expand_label;
use super::record::Record;
use super::suites::{Hash, Protection};

/// The length of every AEAD's tag here (RFC 5116 §5.1, RFC 8439 §2.8).
const TAG: usize = 16;

/// The part of a nonce that a TLS 1.2 record carries (RFC 5288 §3).
const EXPLICIT_NONCE: usize = 8;

/// What is sealed with a record in TLS 1.3: the content type (RFC 8446 §5.2).
const INNER_TYPE: usize = 1;

enum Cipher {
    Aes128Gcm(Aes128Gcm),
    Aes256Gcm(Aes256Gcm),
    ChaCha20Poly1305(ChaCha20Poly1305),
    Cbc(Cbc),
}

/// How a record's nonce and additional data come about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// RFC 5288 §3: the first four bytes are the keys', the others the record's.
    Explicit,
    /// RFC 7905 §2: the sequence number; otherwise as in TLS 1.2.
    Sequence,
    /// RFC 8446 §5.3.
    Tls13,
}

/// The keys of one direction, from one change of keys to the next.
pub(super) struct Opener {
    /// Boxed: a key schedule has up to 1 KiB.
    cipher: Box<Cipher>,
    iv: [u8; 12],
    form: Form,
}

impl Opener {
    /// How long the key and the IV of a TLS 1.2 suite are (RFC 5246 §6.3), and the MAC's key.
    pub(super) fn lengths(protection: Protection) -> (usize, usize, usize) {
        match protection {
            Protection::Aes128Gcm => (0, 16, 4),
            Protection::Aes256Gcm => (0, 32, 4),
            Protection::ChaCha20Poly1305 => (0, 32, 12),
            Protection::Aes128Cbc(mac) => (mac.length(), 16, 0),
            Protection::Aes256Cbc(mac) => (mac.length(), 32, 0),
        }
    }

    /// TLS 1.2, from the parts of the key block.
    pub(super) fn tls12(
        protection: Protection,
        mac_key: &[u8],
        key: &[u8],
        iv: &[u8],
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let mut whole = [0; 12];
        whole.iter_mut().zip(iv).for_each(|(place, byte)| *place = *byte);
        let form = match protection {
            Protection::ChaCha20Poly1305 => Form::Sequence,
            _ => Form::Explicit,
        };
        let cipher = match protection {
            Protection::Aes128Cbc(mac) | Protection::Aes256Cbc(mac) => {
                Cipher::Cbc(Cbc::new(key, mac, mac_key, encrypt_then_mac)?)
            }
            other => aead(other, key)?,
        };
        Some(Self { cipher: Box::new(cipher), iv: whole, form })
    }

    /// TLS 1.3, from a traffic secret (RFC 8446 §7.3).
    pub(super) fn tls13(protection: Protection, hash: Hash, secret: &[u8]) -> Option<Self> {
        let (_, length, _) = Self::lengths(protection);
        let mut key = [0; 32];
        let key = key.get_mut(..length)?;
        let mut iv = [0; 12];
        expand_label(hash, secret, b"key", key)?;
        expand_label(hash, secret, b"iv", &mut iv)?;
        Some(Self { cipher: Box::new(aead(protection, key)?), iv, form: Form::Tls13 })
    }

    /// Puts what the record with this sequence number holds at the beginning of `scratch`, gives how long it is; `None` if it
    /// does not authenticate.
    pub(super) fn open(&self, sequence: u64, record: Record<'_>, scratch: &mut [u8]) -> Option<usize> {
        let (explicit, sealed) = match (&*self.cipher, self.form) {
            (Cipher::Cbc(cbc), _) => return cbc.open(sequence, record, scratch),
            (_, Form::Explicit) => record.fragment.split_at_checked(EXPLICIT_NONCE)?,
            _ => ([].as_slice(), record.fragment),
        };
        let (sealed, tag) = sealed.split_last_chunk::<TAG>()?;
        let mut nonce = self.iv;
        let [_, _, _, _, changing @ ..] = &mut nonce;
        if self.form == Form::Explicit {
            *changing = <[u8; EXPLICIT_NONCE]>::try_from(explicit).ok()?;
        } else {
            changing.iter_mut().zip(sequence.to_be_bytes()).for_each(|(place, byte)| *place ^= byte);
        }
        let header = record.header();
        let pseudo = record.pseudo_header(sequence, sealed.len());
        let additional: &[u8] = if self.form == Form::Tls13 { &header } else { &pseudo };
        let out = scratch.get_mut(..sealed.len())?;
        let buffer = InOutBuf::new(sealed, out).ok()?;
        match &*self.cipher {
            Cipher::Aes128Gcm(cipher) => {
                cipher.decrypt_inout_detached(&nonce.into(), additional, buffer, &(*tag).into())
            }
            Cipher::Aes256Gcm(cipher) => {
                cipher.decrypt_inout_detached(&nonce.into(), additional, buffer, &(*tag).into())
            }
            Cipher::ChaCha20Poly1305(cipher) => {
                cipher.decrypt_inout_detached(&nonce.into(), additional, buffer, &(*tag).into())
            }
            Cipher::Cbc(_) => return None,
        }
        .ok()?;
        Some(sealed.len())
    }

    /// By how much a record's fragment is longer than what it holds; `None` where that varies.
    pub(super) fn overhead(&self) -> Option<usize> {
        match (&*self.cipher, self.form) {
            (Cipher::Cbc(_), _) => None,
            (_, Form::Explicit) => Some(EXPLICIT_NONCE + TAG),
            (_, Form::Sequence) => Some(TAG),
            // Padding is not counted: nobody can see it, and hardly anybody uses it.
            (_, Form::Tls13) => Some(TAG + INNER_TYPE),
        }
    }

    /// The part of the nonce that the record carries: most senders count in it.
    pub(super) fn explicit_nonce(&self, record: Record<'_>) -> Option<u64> {
        let carries = self.form == Form::Explicit && !matches!(&*self.cipher, Cipher::Cbc(_));
        record.fragment.first_chunk().filter(|_| carries).map(|nonce| u64::from_be_bytes(*nonce))
    }
}

fn aead(protection: Protection, key: &[u8]) -> Option<Cipher> {
    match protection {
        Protection::Aes128Gcm => Aes128Gcm::new_from_slice(key).ok().map(Cipher::Aes128Gcm),
        Protection::Aes256Gcm => Aes256Gcm::new_from_slice(key).ok().map(Cipher::Aes256Gcm),
        Protection::ChaCha20Poly1305 => ChaCha20Poly1305::new_from_slice(key).ok().map(Cipher::ChaCha20Poly1305),
        // RFC 8446 §B.4: TLS 1.3 has AEADs only.
        Protection::Aes128Cbc(_) | Protection::Aes256Cbc(_) => None,
    }
}
