//! Takes a connection's secrets, gives the keys that follow from them (RFC 5246 §5, §6.3; RFC 8446 §7).

use hkdf::Hkdf;
use hmac::digest::OutputSizeUser;
use hmac::digest::typenum::Unsigned;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384};

use super::suites::Hash;

/// RFC 5246 §8.1.
pub(super) const MASTER_LENGTH: usize = 48;

/// RFC 5246 §5: the pseudorandom function, whose seed comes in two parts. `false` if there is no output.
pub(super) fn prf(hash: Hash, secret: &[u8], label: &[u8], seed: [&[u8]; 2], out: &mut [u8]) -> Option<()> {
    let seed = [label, seed[0], seed[1]];
    match hash {
        Hash::Sha256 => expand(&Hmac::<Sha256>::new_from_slice(secret).ok()?, seed, out),
        Hash::Sha384 => expand(&Hmac::<Sha384>::new_from_slice(secret).ok()?, seed, out),
    }
    Some(())
}

/// RFC 5246 §5: `P_hash`.
fn expand<M: Mac + OutputSizeUser + Clone>(keyed: &M, seed: [&[u8]; 3], out: &mut [u8]) {
    let mac = |parts: &[&[u8]]| {
        let mut mac = keyed.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()
    };
    let mut link = mac(&seed);
    for piece in out.chunks_mut(M::OutputSize::USIZE) {
        let block = mac(&[&link, seed[0], seed[1], seed[2]]);
        piece.iter_mut().zip(&block).for_each(|(place, byte)| *place = *byte);
        link = mac(&[&link]);
    }
}

/// RFC 8446 §7.1: `HKDF-Expand-Label` without a context.
pub(super) fn expand_label(hash: Hash, secret: &[u8], label: &[u8], out: &mut [u8]) -> Option<()> {
    const PREFIX: &[u8] = b"tls13 ";
    let length = u16::try_from(out.len()).ok()?.to_be_bytes();
    let label_length = [u8::try_from(PREFIX.len() + label.len()).ok()?];
    let info: [&[u8]; 5] = [&length, &label_length, PREFIX, label, &[0]];
    match hash {
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret).ok()?.expand_multi_info(&info, out).ok(),
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret).ok()?.expand_multi_info(&info, out).ok(),
    }
}

/// RFC 8446 §7.2: the traffic secret after a KeyUpdate.
pub(super) fn next_secret(hash: Hash, secret: &[u8]) -> Option<Box<[u8]>> {
    let mut next = vec![0; secret.len()].into_boxed_slice();
    expand_label(hash, secret, b"traffic upd", &mut next)?;
    Some(next)
}
