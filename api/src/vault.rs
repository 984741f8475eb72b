//! Sealing secrets before they reach the ledger, and opening them where they are used.
//!
//! Spec: AES-256-GCM-SIV (RFC 8452) with a random nonce; associated data are the parts of the place that the secret
//! belongs to, each with its length before it. Fingerprints are HMAC-SHA256 under a key of their own (R51).
//! Stops: a sealed value that is moved to another helpdesk, usersource or field and opened there; a nonce that
//! repeats and gives the key away; a guess at a secret from its fingerprint.

use crate::key_ring::KeyRing;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::chain::hex;
use domain::{Field, HelpdeskId, Sealed, UsersourceId};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// Why a secret could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key is not in the ring. Add it back, or set the secret again.
    #[error("the key {0} is not in the key ring; add it back, or set the secret again")]
    KeyMissing(String),
    /// It was not sealed here, for this place, or it was altered. Set the secret again.
    #[error("the sealed value is damaged or belongs elsewhere; set the secret again")]
    Unopenable,
    /// The cryptographic library failed.
    #[error("the value could not be sealed")]
    Unsealable,
}

/// Seals and opens under the keys of one ring.
pub struct Vault {
    current: String,
    keys: BTreeMap<String, RandomizedNonceKey>,
    fingerprint: hmac::Key,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(current {})", self.current)
    }
}

impl Vault {
    /// Takes the keys in.
    pub fn new(ring: &KeyRing) -> Result<Self, VaultError> {
        let mut keys = BTreeMap::new();
        for (id, key) in &ring.keys {
            keys.insert(id.clone(), sealing_key(key.as_slice())?);
        }
        let fingerprint = hmac::Key::new(hmac::HMAC_SHA256, ring.fingerprint.as_slice());
        Ok(Self { current: ring.current.clone(), keys, fingerprint })
    }

    /// Seals the secret of one field. Equal secrets of one field have equal fingerprints, and nowhere else.
    pub fn seal(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &UsersourceId,
        field: &Field,
        secret: &str,
    ) -> Result<Sealed, VaultError> {
        let place = place(helpdesk, usersource, field);
        let ciphertext = encrypt(self.key(&self.current)?, &joined(&place), secret.as_bytes())?;
        let mut fingerprint = self.keyed_hash(&[place.as_slice(), &[secret]].concat());
        fingerprint.truncate(32);
        Ok(Sealed { key: self.current.clone(), ciphertext: STANDARD.encode(ciphertext), fingerprint })
    }

    /// Opens what `seal` made for the same place.
    pub fn open(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &UsersourceId,
        field: &Field,
        sealed: &Sealed,
    ) -> Result<Zeroizing<String>, VaultError> {
        let associated = joined(&place(helpdesk, usersource, field));
        let plain = self.decode_and_open(&sealed.key, &associated, &sealed.ciphertext)?;
        let text = str::from_utf8(&plain).map_err(|_| VaultError::Unopenable)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// Seals something small that is no field: `KEY.CIPHERTEXT`. Only the same `purpose` opens it.
    pub fn seal_bytes(&self, purpose: &str, plain: &[u8]) -> Result<String, VaultError> {
        let ciphertext = encrypt(self.key(&self.current)?, &joined(&["bytes", purpose]), plain)?;
        Ok(format!("{}.{}", self.current, STANDARD.encode(ciphertext)))
    }

    /// Opens what `seal_bytes` made for the same `purpose`.
    pub fn open_bytes(&self, purpose: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (key, ciphertext) = sealed.split_once('.').ok_or(VaultError::Unopenable)?;
        self.decode_and_open(key, &joined(&["bytes", purpose]), ciphertext)
    }

    /// A keyed hash of `text`, as 64 hexadecimal digits: to find or compare it without keeping it.
    pub fn fingerprint(&self, purpose: &str, text: &str) -> String {
        self.keyed_hash(&["fingerprint", purpose, text])
    }

    fn keyed_hash(&self, parts: &[&str]) -> String {
        hex(hmac::sign(&self.fingerprint, &joined(parts)).as_ref())
    }

    fn key(&self, id: &str) -> Result<&RandomizedNonceKey, VaultError> {
        self.keys.get(id).ok_or_else(|| VaultError::KeyMissing(id.to_owned()))
    }

    fn decode_and_open(&self, key: &str, associated: &[u8], text: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let ciphertext = STANDARD.decode(text).map_err(|_| VaultError::Unopenable)?;
        decrypt(self.key(key)?, associated, &ciphertext)
    }
}

fn place<'a>(helpdesk: &'a HelpdeskId, usersource: &'a UsersourceId, field: &'a Field) -> [&'a str; 4] {
    ["usersource", helpdesk.as_str(), usersource.as_str(), field.as_str()]
}

/// The parts in one row, each with its length before it, so that no two lists of parts make the same row.
fn joined(parts: &[&str]) -> Zeroizing<Vec<u8>> {
    let mut row = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum()));
    for part in parts {
        row.extend_from_slice(&(part.len() as u64).to_be_bytes());
        row.extend_from_slice(part.as_bytes());
    }
    row
}

pub(crate) fn sealing_key(bytes: &[u8]) -> Result<RandomizedNonceKey, VaultError> {
    RandomizedNonceKey::new(&AES_256_GCM_SIV, bytes).map_err(|_| VaultError::Unsealable)
}

/// Nonce, then ciphertext and tag.
pub(crate) fn encrypt(key: &RandomizedNonceKey, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut text = Vec::with_capacity(plain.len() + AES_256_GCM_SIV.tag_len());
    text.extend_from_slice(plain);
    let nonce = key.seal_in_place_append_tag(Aad::from(associated), &mut text).map_err(|_| VaultError::Unsealable)?;
    Ok([nonce.as_ref().as_slice(), &text].concat())
}

/// Opens what `encrypt` made.
pub(crate) fn decrypt(
    key: &RandomizedNonceKey,
    associated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(VaultError::Unopenable)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Unopenable)?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = key.open_in_place(nonce, Aad::from(associated), &mut text).map_err(|_| VaultError::Unopenable)?.len();
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vault() -> Vault {
        Vault::new(&KeyRing::fresh().unwrap()).unwrap()
    }

    fn ring(current: &str, keys: &[(&str, u8)]) -> KeyRing {
        let encoded = |byte: u8| STANDARD.encode([byte; 32]);
        let keys: BTreeMap<_, _> = keys.iter().map(|(id, byte)| (*id, encoded(*byte))).collect();
        let json = serde_json::json!({"current": current, "keys": keys, "fingerprint": encoded(9)});
        KeyRing::from_json(&json.to_string(), "the test").unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_in_its_own_place_and_nowhere_else() {
        let vault = vault();
        let field = Field::setting("secret");
        let sealed = vault.seal(&"h".into(), &"us_1".into(), &field, "hush").unwrap();
        assert_eq!(*vault.open(&"h".into(), &"us_1".into(), &field, &sealed).unwrap(), "hush");
        let elsewhere =
            [("g", "us_1", "secret"), ("h", "us_2", "secret"), ("h", "us_1", "other"), ("hu", "s_1", "secret")];
        for (helpdesk, usersource, name) in elsewhere {
            let opened = vault.open(&helpdesk.into(), &usersource.into(), &Field::setting(name), &sealed);
            assert_eq!(opened, Err(VaultError::Unopenable), "{helpdesk} {usersource} {name}");
        }
    }

    #[test]
    fn r51_fingerprints_agree_for_the_same_secret_of_the_same_field_only() {
        let vault = vault();
        let seal = |helpdesk: &str, usersource: &str, field: &str, secret: &str| {
            vault.seal(&helpdesk.into(), &usersource.into(), &Field::setting(field), secret).unwrap()
        };
        let first = seal("h", "us_1", "secret", "hush");
        let again = seal("h", "us_1", "secret", "hush");
        assert_eq!(first, again);
        assert_ne!(first.ciphertext, again.ciphertext, "the nonce is random");
        assert_eq!(first.fingerprint.len(), 32);
        assert_ne!(first, seal("h", "us_1", "secret", "loud"));
        assert_ne!(first, seal("h", "us_2", "secret", "hush"));
        assert_ne!(first, seal("g", "us_1", "secret", "hush"));
        assert_ne!(first, seal("h", "us_1", "password", "hush"));
    }

    #[test]
    fn a_key_that_is_gone_is_named_and_an_older_one_still_opens() {
        let (field, id) = (Field::setting("secret"), "us_1".into());
        let old = Vault::new(&ring("k1", &[("k1", 1)])).unwrap();
        let sealed = old.seal(&"h".into(), &id, &field, "hush").unwrap();
        let rotated = Vault::new(&ring("k2", &[("k1", 1), ("k2", 2)])).unwrap();
        assert_eq!(*rotated.open(&"h".into(), &id, &field, &sealed).unwrap(), "hush");
        assert_eq!(rotated.seal(&"h".into(), &id, &field, "hush").unwrap().key, "k2");
        assert_eq!(rotated.seal(&"h".into(), &id, &field, "hush").unwrap(), sealed, "re-sealing changes nothing");
        let lost = Vault::new(&ring("k2", &[("k2", 2)])).unwrap();
        assert_eq!(lost.open(&"h".into(), &id, &field, &sealed), Err(VaultError::KeyMissing("k1".into())));
    }

    #[test]
    fn bytes_open_for_their_purpose_only() {
        let vault = vault();
        let sealed = vault.seal_bytes("cookie", b"\x00\xff").unwrap();
        assert_eq!(*vault.open_bytes("cookie", &sealed).unwrap(), b"\x00\xff");
        assert_eq!(vault.open_bytes("other", &sealed), Err(VaultError::Unopenable));
        assert_eq!(vault.open_bytes("cookie", "k9.AAAA"), Err(VaultError::KeyMissing("k9".into())));
        assert_ne!(vault.fingerprint("a", "bc"), vault.fingerprint("ab", "c"));
    }

    #[test]
    fn the_gcm_siv_vector_of_rfc_8452_opens() {
        // RFC 8452, appendix C.2, the second vector: plaintext 0100000000000000 under key 0100…, nonce 0300….
        let mut key = [0; 32];
        key[0] = 1;
        let mut sealed = vec![0; NONCE_LEN];
        sealed[0] = 3;
        sealed.extend([0xc2, 0xef, 0x32, 0x8e, 0x5c, 0x71, 0xc8, 0x3b]);
        sealed.extend([0x84, 0x31, 0x22, 0x13, 0x0f, 0x73, 0x64, 0xb7, 0x61, 0xe0, 0xb9, 0x74, 0x27, 0xe3, 0xdf, 0x28]);
        let opened = decrypt(&sealing_key(&key).unwrap(), b"", &sealed).unwrap();
        assert_eq!(*opened, [1, 0, 0, 0, 0, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_again_and_nothing_damaged_does(secret in ".{0,60}", at in 0usize..200, bit in 0u8..8) {
            let vault = vault();
            let field = Field::setting("secret");
            let mut sealed = vault.seal(&"h".into(), &"u".into(), &field, &secret).unwrap();
            prop_assert_eq!(&*vault.open(&"h".into(), &"u".into(), &field, &sealed).unwrap(), &secret);
            let mut bytes = STANDARD.decode(&sealed.ciphertext).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            sealed.ciphertext = STANDARD.encode(bytes);
            prop_assert_eq!(vault.open(&"h".into(), &"u".into(), &field, &sealed), Err(VaultError::Unopenable));
        }

        #[test]
        fn nothing_that_is_no_seal_opens_or_panics(text in ".{0,80}") {
            prop_assert!(vault().open_bytes("p", &text).is_err());
        }
    }
}
