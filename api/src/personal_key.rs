//! One key an account, under which what is personal in its events is sealed (R50).
//!
//! Spec: the key itself is kept outside the ledger, wrapped by the vault for that account alone. Destroying the
//! wrapped key erases every name, e-mail and IP sealed under it, and no event changes.
//! Stops: erasure that would have to rewrite history; a key that is unwrapped for another account.

use crate::vault::{Vault, VaultError, decrypt, encrypt, sealing_key};
use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::AccountId;
use std::fmt;
use zeroize::Zeroizing;

/// Says what the ciphertexts are for; no part of it varies, because each account has a key of its own.
const PURPOSE: &[u8] = b"personal";

/// The key of one account.
pub struct PersonalKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for PersonalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonalKey")
    }
}

impl PersonalKey {
    /// A fresh random key.
    pub fn generate() -> Result<Self, VaultError> {
        let mut key = Zeroizing::new([0; 32]);
        rand::fill(key.as_mut_slice()).map_err(|_| VaultError::Unsealable)?;
        Ok(Self(key))
    }

    /// The form in which it is stored with `account`.
    pub fn wrap(&self, vault: &Vault, account: &AccountId) -> Result<String, VaultError> {
        vault.seal_bytes(&purpose(account), self.0.as_slice())
    }

    /// Takes it out of the stored form; only the account that it was wrapped for.
    pub fn unwrap(vault: &Vault, account: &AccountId, wrapped: &str) -> Result<Self, VaultError> {
        let bytes = vault.open_bytes(&purpose(account), wrapped)?;
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return Err(VaultError::Unopenable);
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    /// Seals a personal text.
    pub fn seal(&self, text: &str) -> Result<String, VaultError> {
        let ciphertext = encrypt(&sealing_key(self.0.as_slice())?, PURPOSE, text.as_bytes())?;
        Ok(STANDARD.encode(ciphertext))
    }

    /// Opens what `seal` made under this key; `None` for anything else.
    pub fn open(&self, sealed: &str) -> Option<String> {
        let key = sealing_key(self.0.as_slice()).ok()?;
        let plain = decrypt(&key, PURPOSE, &STANDARD.decode(sealed).ok()?).ok()?;
        str::from_utf8(&plain).ok().map(str::to_owned)
    }
}

fn purpose(account: &AccountId) -> String {
    format!("personal-key/{account}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_ring::KeyRing;

    #[test]
    fn r50_a_personal_text_opens_under_the_key_of_its_account_only() {
        let (jane, john) = (PersonalKey::generate().unwrap(), PersonalKey::generate().unwrap());
        let sealed = jane.seal("Jane Doe").unwrap();
        assert_eq!(jane.open(&sealed).as_deref(), Some("Jane Doe"));
        assert_eq!(john.open(&sealed), None);
        assert_eq!(jane.open("no seal"), None);
        assert_ne!(sealed, jane.seal("Jane Doe").unwrap(), "equal texts do not show");
    }

    #[test]
    fn r50_a_key_is_unwrapped_for_its_account_only() {
        let vault = Vault::new(&KeyRing::fresh().unwrap()).unwrap();
        let key = PersonalKey::generate().unwrap();
        let sealed = key.seal("jane@example.com").unwrap();
        let wrapped = key.wrap(&vault, &"acc_1".into()).unwrap();
        let again = PersonalKey::unwrap(&vault, &"acc_1".into(), &wrapped).unwrap();
        assert_eq!(again.open(&sealed).as_deref(), Some("jane@example.com"));
        assert_eq!(PersonalKey::unwrap(&vault, &"acc_2".into(), &wrapped).unwrap_err(), VaultError::Unopenable);
        assert_eq!(format!("{key:?}"), "PersonalKey");
    }
}
