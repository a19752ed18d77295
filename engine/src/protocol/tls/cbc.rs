//! Takes a TLS 1.2 record of a CBC suite, gives what it holds if its MAC is right (RFC 5246 §6.2.3.2, RFC 7366).

use aes::cipher::inout::InOutBuf;
use aes::cipher::{BlockCipherDecrypt, BlockModeDecrypt, BlockSizeUser, InnerIvInit, KeyInit as _, consts::U16};
use aes::{Aes128Dec, Aes256Dec};
use cbc::Decryptor;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use super::record::Record;
use super::suites::Mac;

const BLOCK: usize = 16;

enum Key {
    Aes128(Aes128Dec),
    Aes256(Aes256Dec),
}

enum Authentication {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
}

/// The keys of one direction.
pub(super) struct Cbc {
    key: Key,
    authentication: Authentication,
    mac: Mac,
    encrypt_then_mac: bool,
}

impl Mac {
    /// The length of the MAC, and of its key (RFC 5246 §C).
    pub(super) fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

impl Cbc {
    pub(super) fn new(key: &[u8], mac: Mac, mac_key: &[u8], encrypt_then_mac: bool) -> Option<Self> {
        let key = match key.len() {
            16 => Key::Aes128(Aes128Dec::new_from_slice(key).ok()?),
            _ => Key::Aes256(Aes256Dec::new_from_slice(key).ok()?),
        };
        let authentication = match mac {
            Mac::Sha1 => Authentication::Sha1(Hmac::new_from_slice(mac_key).ok()?),
            Mac::Sha256 => Authentication::Sha256(Hmac::new_from_slice(mac_key).ok()?),
            Mac::Sha384 => Authentication::Sha384(Hmac::new_from_slice(mac_key).ok()?),
        };
        Some(Self { key, authentication, mac, encrypt_then_mac })
    }

    /// Puts what the record holds at the beginning of `scratch`, gives how long it is.
    pub(super) fn open(&self, sequence: u64, record: Record<'_>, scratch: &mut [u8]) -> Option<usize> {
        let mac_length = self.mac.length();
        if self.encrypt_then_mac {
            // RFC 7366 §3: the MAC is over what is sent, the IV included.
            let (sent, mac) = record.fragment.split_at_checked(record.fragment.len().checked_sub(mac_length)?)?;
            self.verify(sequence, record, sent, mac)?;
            let padded = self.decrypt(sent, scratch)?;
            return padded.len().checked_sub(padding(padded)?);
        }
        let padded = self.decrypt(record.fragment, scratch)?;
        let length = padded.len().checked_sub(padding(padded)?)?;
        let (content, mac) = padded.get(..length)?.split_at_checked(length.checked_sub(mac_length)?)?;
        self.verify(sequence, record, content, mac)?;
        Some(content.len())
    }

    fn decrypt<'s>(&self, sent: &[u8], scratch: &'s mut [u8]) -> Option<&'s [u8]> {
        let (iv, blocks) = sent.split_first_chunk::<BLOCK>()?;
        let out = scratch.get_mut(..blocks.len())?;
        match &self.key {
            Key::Aes128(key) => decrypt_blocks(key, iv, blocks, out)?,
            Key::Aes256(key) => decrypt_blocks(key, iv, blocks, out)?,
        }
        Some(out)
    }

    /// RFC 5246 §6.2.3.1.
    fn verify(&self, sequence: u64, record: Record<'_>, bytes: &[u8], mac: &[u8]) -> Option<()> {
        let header = record.pseudo_header(sequence, bytes.len());
        match &self.authentication {
            Authentication::Sha1(keyed) => keyed.clone().chain_update(header).chain_update(bytes).verify_slice(mac),
            Authentication::Sha256(keyed) => keyed.clone().chain_update(header).chain_update(bytes).verify_slice(mac),
            Authentication::Sha384(keyed) => keyed.clone().chain_update(header).chain_update(bytes).verify_slice(mac),
        }
        .ok()
    }
}

fn decrypt_blocks<K>(key: &K, iv: &[u8; BLOCK], blocks: &[u8], out: &mut [u8]) -> Option<()>
where
    K: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    let (blocks, rest) = InOutBuf::new(blocks, out).ok()?.into_chunks();
    if !rest.is_empty() {
        return None;
    }
    Decryptor::inner_iv_init(key, &(*iv).into()).decrypt_blocks_inout(blocks);
    Some(())
}

/// How many bytes of padding there are, their length included (RFC 5246 §6.2.3.2: each of them is the length).
fn padding(padded: &[u8]) -> Option<usize> {
    let last = *padded.last()?;
    let length = usize::from(last) + 1;
    let padding = padded.get(padded.len().checked_sub(length)?..)?;
    padding.iter().all(|byte| *byte == last).then_some(length)
}
