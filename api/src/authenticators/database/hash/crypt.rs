//! Hashes of the crypt family: bcrypt, sha512-crypt, and phpass as WordPress and phpBB have it.
//!
//! Spec: the `$2a$`, `$2b$` and `$2y$` forms of bcrypt, which are one algorithm (`$2x$` is that of a broken program);
//! Drepper's specification of SHA-crypt; phpass's portable hashes, `$P$` and `$H$`.
//! Stops: a cost in somebody's table that would take minutes.

use super::{Unusable, same};
use md5::{Digest as _, Md5};
use sha_crypt::{PasswordVerifier as _, ShaCrypt};

/// The highest cost of bcrypt: about two seconds.
const MOST_BCRYPT: u32 = 15;
/// The most rounds of sha512-crypt: about a second.
const MOST_SHA_CRYPT: u32 = 1_000_000;
/// The most rounds of phpass, as a power of two: half a second.
const MOST_PHPASS: usize = 20;

/// The digits of phpass, the lowest first.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) fn bcrypt(hash: &str, password: &[u8]) -> Result<bool, Unusable> {
    // Django writes its own name before it.
    let hash = hash.strip_prefix("bcrypt$").unwrap_or(hash);
    let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| hash.strip_prefix(prefix));
    let cost = rest.and_then(|rest| rest.split('$').next()?.parse::<u32>().ok()).ok_or(Unusable::Unreadable)?;
    if cost > MOST_BCRYPT {
        return Err(Unusable::TooCostly);
    }
    bcrypt::verify(password, hash).map_err(|_| Unusable::Unreadable)
}

pub(super) fn sha512_crypt(hash: &str, password: &[u8]) -> Result<bool, Unusable> {
    let rest = hash.strip_prefix("$6$").ok_or(Unusable::Unreadable)?;
    let rounds = rest.strip_prefix("rounds=").and_then(|rest| rest.split('$').next());
    let rounds = rounds.map_or(Ok(0), |rounds| rounds.parse::<u32>().map_err(|_| Unusable::Unreadable))?;
    if rounds > MOST_SHA_CRYPT {
        return Err(Unusable::TooCostly);
    }
    match ShaCrypt::default().verify_password(password, hash) {
        Ok(()) => Ok(true),
        Err(sha_crypt::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(Unusable::Unreadable),
    }
}

pub(super) fn phpass(hash: &str, password: &[u8]) -> Result<bool, Unusable> {
    let rest = hash.strip_prefix("$P$").or_else(|| hash.strip_prefix("$H$")).ok_or(Unusable::Unreadable)?;
    let (Some(&count), Some(salt), Some(expected)) =
        (rest.as_bytes().first(), rest.as_bytes().get(1..9), rest.as_bytes().get(9..))
    else {
        return Err(Unusable::Unreadable);
    };
    let rounds = DIGITS.iter().position(|digit| *digit == count).filter(|power| (7..=30).contains(power));
    let rounds = rounds.ok_or(Unusable::Unreadable)?;
    if expected.len() != 22 {
        return Err(Unusable::Unreadable);
    }
    if rounds > MOST_PHPASS {
        return Err(Unusable::TooCostly);
    }
    let mut made = Md5::new().chain_update(salt).chain_update(password).finalize();
    for _ in 0..1_u32 << rounds {
        made = Md5::new().chain_update(made).chain_update(password).finalize();
    }
    Ok(same(&written(&made), expected))
}

/// Three bytes are four digits, the lowest bits first.
fn written(bytes: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(22);
    for three in bytes.chunks(3) {
        let mut number = three.iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        for _ in 0..=three.len() {
            digits.extend(DIGITS.get((number & 0x3f) as usize));
            number >>= 6;
        }
    }
    digits
}
