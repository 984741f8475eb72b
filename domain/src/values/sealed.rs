//! A secret as the domain sees it: a box that it cannot open.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A value that was encrypted before it reached the domain. Only an authenticator opens it, when it is used.
///
/// Two seals of the same secret differ in their ciphertext and agree in their fingerprint, so the rules compare
/// fingerprints: that is what "the secret changed" means.
#[derive(Clone, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Which key of the key ring opens it.
    pub key: String,
    /// Nonce and ciphertext, base64.
    pub ciphertext: String,
    /// A keyed hash of the secret: equal secrets of one field have equal fingerprints, and nobody without the key
    /// can guess the secret from it.
    pub fingerprint: String,
}

impl PartialEq for Sealed {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({})", self.fingerprint)
    }
}
