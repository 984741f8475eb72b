//! The old ones: a plain digest in hexadecimal digits. Whoever copies such a table finds most passwords in a day; the
//! usersource wears a warning badge for it.

use super::{Unusable, same};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use md5::{Digest as _, Md5};

pub(super) fn sha256(hash: &str, salted: &[u8]) -> Result<bool, Unusable> {
    is_written_so(hash, aws_lc_rs::digest::digest(&SHA256, salted).as_ref())
}

pub(super) fn sha1(hash: &str, salted: &[u8]) -> Result<bool, Unusable> {
    is_written_so(hash, aws_lc_rs::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, salted).as_ref())
}

pub(super) fn md5(hash: &str, salted: &[u8]) -> Result<bool, Unusable> {
    is_written_so(hash, &Md5::digest(salted))
}

/// Letters may be capitals.
fn is_written_so(hash: &str, digest: &[u8]) -> Result<bool, Unusable> {
    if hash.len() != 2 * digest.len() || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Unusable::Unreadable);
    }
    let made: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(same(hash.to_ascii_lowercase().as_bytes(), made.as_bytes()))
}
