//! Hashes that name their parameters: argon2, scrypt and PBKDF2.
//!
//! Spec: the PHC string format; RFC 9106 (argon2), RFC 7914 (scrypt), RFC 8018 (PBKDF2). PBKDF2 also as Django and
//! passlib write it; `argon2$…` is Django's too.
//! Stops: parameters in somebody's table that would take gigabytes or minutes.

use super::{MOST_MEMORY, Unusable, same};
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params};
use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::num::NonZeroU32;

/// The most work of argon2 and of scrypt: so many bytes are filled, all passes together.
const MOST_FILLED: u64 = 4 * MOST_MEMORY;
const MOST_LANES: u32 = 16;
const MOST_PASSES: u32 = 64;
/// The most rounds of PBKDF2: about a second.
const MOST_ROUNDS: u32 = 2_000_000;
/// A shorter result could be met by chance.
const SHORTEST: usize = 16;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn argon2(hash: &str, password: &[u8]) -> Result<bool, Unusable> {
    let hash = if hash.starts_with("argon2$argon2") { hash.get(6..).unwrap_or(hash) } else { hash };
    let hash = PasswordHash::new(hash).map_err(|_| Unusable::Unreadable)?;
    let unlike = !hash.algorithm.as_str().starts_with("argon2") || hash.hash.is_none_or(|hash| hash.len() < SHORTEST);
    if unlike {
        return Err(Unusable::Unreadable);
    }
    let params = Params::try_from(&hash).map_err(|_| Unusable::Unreadable)?;
    let memory = u64::from(params.m_cost()) * 1024;
    let filled = memory.saturating_mul(params.t_cost().into());
    if memory > MOST_MEMORY || filled > MOST_FILLED || params.t_cost() > MOST_PASSES || params.p_cost() > MOST_LANES {
        return Err(Unusable::TooCostly);
    }
    Ok(Argon2::default().verify_password(password, &hash).is_ok())
}

pub(super) fn scrypt(hash: &str, password: &[u8]) -> Result<bool, Unusable> {
    let hash = PasswordHash::new(hash).map_err(|_| Unusable::Unreadable)?;
    let number = |name: &str| hash.params.get_decimal(name).ok_or(Unusable::Unreadable);
    let (log_n, r, p) = (number("ln")?, number("r")?, number("p")?);
    let (Some(salt), Some(expected), "scrypt") = (hash.salt, hash.hash, hash.algorithm.as_str()) else {
        return Err(Unusable::Unreadable);
    };
    let memory = 1_u64.checked_shl(log_n).filter(|_| log_n < 40).and_then(|n| n.checked_mul(128 * u64::from(r)));
    let filled = memory.and_then(|memory| memory.checked_mul(p.into()));
    if memory.is_none_or(|memory| memory > MOST_MEMORY) || filled.is_none_or(|f| f > MOST_FILLED) || p > MOST_LANES {
        return Err(Unusable::TooCostly);
    }
    let log_n = u8::try_from(log_n).map_err(|_| Unusable::TooCostly)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| Unusable::Unreadable)?;
    if expected.len() < SHORTEST {
        return Err(Unusable::Unreadable);
    }
    let mut made = vec![0; expected.len()];
    scrypt::scrypt(password, salt.as_ref(), &params, &mut made).map_err(|_| Unusable::Unreadable)?;
    Ok(same(&made, expected.as_bytes()))
}

pub(super) fn pbkdf2(hash: &str, password: &[u8]) -> Result<bool, Unusable> {
    let parts: Vec<_> = hash.split('$').collect();
    let (name, rounds, salt, expected) = match *parts.as_slice() {
        ["", name, params, salt, expected] => {
            let rounds = params.split(',').find_map(|param| param.strip_prefix("i=")).unwrap_or(params);
            (name.strip_prefix("pbkdf2-"), rounds, decoded(salt)?, decoded(expected)?)
        }
        [name, rounds, salt, expected] => {
            (name.strip_prefix("pbkdf2_"), rounds, salt.as_bytes().to_vec(), decoded(expected)?)
        }
        _ => return Err(Unusable::Unreadable),
    };
    let algorithm = match name {
        Some("sha1") => pbkdf2::PBKDF2_HMAC_SHA1,
        Some("sha256") => pbkdf2::PBKDF2_HMAC_SHA256,
        Some("sha512") => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return Err(Unusable::Unreadable),
    };
    let rounds: NonZeroU32 = rounds.parse().map_err(|_| Unusable::Unreadable)?;
    if rounds.get() > MOST_ROUNDS {
        return Err(Unusable::TooCostly);
    }
    if !(SHORTEST..=64).contains(&expected.len()) {
        return Err(Unusable::Unreadable);
    }
    Ok(pbkdf2::verify(algorithm, rounds, &salt, password, &expected).is_ok())
}

/// Base64 with padding or without, and with passlib's `.` for `+`.
fn decoded(text: &str) -> Result<Vec<u8>, Unusable> {
    BASE64.decode(text.replace('.', "+")).map_err(|_| Unusable::Unreadable)
}
