//! Secrets that are shown once: session ids, API tokens, links, browser cookies.
//!
//! Spec: 256 bits from the system's generator, base64url; only the SHA-256 is stored. A plain hash is enough where the
//! secret itself cannot be guessed, and finding a row by it needs no constant-time comparison.
//! Stops: whoever reads the database, a backup or a log signing in with what they read.

use super::AccountsError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// A secret on its way to the one who may have it.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one, after `prefix`.
    pub fn random(prefix: &str) -> Result<Self, AccountsError> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        aws_lc_rs::rand::fill(bytes.as_mut_slice())
            .map_err(|_| AccountsError::Unavailable("no random numbers".to_owned()))?;
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + 43));
        text.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Ok(Self(text))
    }

    /// One that a visitor brought back.
    pub(super) fn known(secret: &str) -> Self {
        Self(Zeroizing::new(secret.to_owned()))
    }

    /// The secret in clear, for a cookie, a link or the one answer that shows a token.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub(super) fn digest(&self) -> String {
        digest(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is stored of `secret`.
pub(super) fn digest(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_256_bits_is_never_the_same_twice_and_does_not_show_itself() {
        let (a, b) = (Secret::random("glt_").unwrap(), Secret::random("glt_").unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(URL_SAFE_NO_PAD.decode(a.expose().strip_prefix("glt_").unwrap()).unwrap().len(), 32);
        assert!(!format!("{a:?}").contains(a.expose()));
        assert_ne!(a.digest(), a.expose());
    }
}
