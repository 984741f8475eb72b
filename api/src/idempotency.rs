//! What makes a repeated request recognisable (R60): the caller's key, and a hash of what was asked with it.
//!
//! Stops: a guess at a secret from the ledger. A body may hold one, and its hash is stored for ever: so it is keyed.

use crate::vault::Vault;
use sha2::{Digest as _, Sha256};

/// A request under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The caller's key: 1 to 128 visible ASCII characters.
    pub key: String,
    /// A keyed hash of method, path and body, so that a key cannot be used for another request.
    pub asked: String,
}

impl Ask {
    /// The request under `key`, or `None` if that is not a key.
    pub fn new(vault: &Vault, key: &str, method: &str, path: &str, body: &[u8]) -> Option<Self> {
        let valid = (1..=128).contains(&key.len()) && key.bytes().all(|b| (0x21..=0x7e).contains(&b));
        valid.then(|| {
            let mut hash = Sha256::new();
            for part in [method.as_bytes(), path.as_bytes(), body] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
            let asked = vault.fingerprint("asked", &domain::chain::hex(&hash.finalize()));
            Self { key: key.to_owned(), asked }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_ring::KeyRing;

    fn vault() -> Vault {
        Vault::new(&KeyRing::fresh().unwrap()).unwrap()
    }

    #[test]
    fn r51_what_was_asked_cannot_be_guessed_without_the_key_ring() {
        let asked = |vault: &Vault| Ask::new(vault, "k", "PATCH", "/a", b"{\"password\":\"1234\"}").unwrap().asked;
        let ours = vault();
        assert_eq!(asked(&ours), asked(&ours));
        assert_ne!(asked(&ours), asked(&vault()));
    }

    #[test]
    fn r60_another_method_path_or_body_is_another_request() {
        let vault = vault();
        let asked = |m, p, b: &[u8]| Ask::new(&vault, "k", m, p, b).unwrap().asked;
        let original = asked("POST", "/a", b"x");
        assert_eq!(original, asked("POST", "/a", b"x"));
        for other in [asked("PUT", "/a", b"x"), asked("POST", "/ax", b""), asked("POST", "/a", b"y")] {
            assert_ne!(original, other);
        }
    }

    #[test]
    fn a_key_is_short_visible_ascii() {
        let vault = vault();
        for wrong in ["", " ", "a b", "ü", "\n", &"x".repeat(129)] {
            assert_eq!(Ask::new(&vault, wrong, "POST", "/", b""), None, "{wrong:?}");
        }
        assert!(Ask::new(&vault, &"x".repeat(128), "POST", "/", b"").is_some());
    }
}
