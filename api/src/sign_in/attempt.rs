//! An attempt through a provider, from the moment the browser leaves until it comes back.
//!
//! Spec: OAuth 2.0 Security BCP (RFC 9700 §4.7): the answer belongs to the browser that asked. The attempt is sealed into a
//! cookie, so that any node finishes what another began, and beginning one touches no database.
//! Stops: an answer that is slipped to another person's browser (login forgery); an attempt through one usersource that
//! is ended through another; one that is read, changed or kept for later.

use crate::accounts::Secret;
use crate::vault::{Vault, VaultError};
use domain::{AccountId, HelpdeskId, Surface, Timestamp, UsersourceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An attempt may take so long, in seconds.
pub const LIFE: i64 = 600;
/// Two nodes' clocks may differ by so much, in seconds.
const SKEW: i64 = 60;
/// How many characters an attempt's name has.
const NAME_LENGTH: usize = 43;

/// What somebody means to do with the identity that comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Sign in.
    SignIn,
    /// Link it to the account that they are signed in to.
    Link {
        /// That account.
        account: AccountId,
    },
    /// See whether the usersource works, and sign nobody in (R42).
    Test {
        /// The admin who tests.
        account: AccountId,
    },
}

/// One attempt. What its kind must remember may be secret, so it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct RedirectAttempt {
    /// Its name, which the provider brings back.
    pub id: String,
    /// Through which usersource.
    pub usersource: UsersourceId,
    /// The sign-in digest that this had.
    pub digest: String,
    /// Where the visitor stood.
    pub surface: Surface,
    /// Where they go afterwards: a path of our own.
    pub return_to: Option<String>,
    /// Without showing anything (R25).
    pub silent: bool,
    /// Whether the provider was told to ask again (R41).
    pub ask_again: bool,
    /// What for.
    pub purpose: Purpose,
    /// When it began.
    pub began_at: Timestamp,
    /// What the kind needs at the end.
    pub memory: Value,
}

impl RedirectAttempt {
    /// A name for a new attempt: 256 bits of chance.
    pub fn new_id() -> Result<String, VaultError> {
        let secret = Secret::random("").map_err(|_| VaultError::Unsealable)?;
        Ok(secret.expose().to_owned())
    }

    /// Whether this could be the name of an attempt.
    pub fn is_an_id(text: &str) -> bool {
        text.len() == NAME_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    }

    /// The attempt as its cookie holds it.
    pub fn seal(&self, vault: &Vault, helpdesk: &HelpdeskId) -> Result<String, VaultError> {
        let plain = serde_json::to_vec(self).map_err(|_| VaultError::Unsealable)?;
        vault.seal_bytes(&place(helpdesk, &self.usersource, &self.id), &plain)
    }

    /// The attempt of this name through this usersource, if `cookie` holds it.
    pub fn open(
        vault: &Vault,
        helpdesk: &HelpdeskId,
        usersource: &UsersourceId,
        id: &str,
        cookie: &str,
    ) -> Option<Self> {
        let plain = vault.open_bytes(&place(helpdesk, usersource, id), cookie).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// Whether it may still be finished.
    pub fn is_young(&self, now: Timestamp) -> bool {
        let age = now.millis().saturating_sub(self.began_at.millis());
        (-SKEW * 1000..LIFE * 1000).contains(&age)
    }
}

fn place(helpdesk: &HelpdeskId, usersource: &UsersourceId, id: &str) -> String {
    format!("attempt {} {} {id}", helpdesk.as_str(), usersource.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_ring::KeyRing;
    use serde_json::json;

    fn attempt() -> RedirectAttempt {
        RedirectAttempt {
            id: RedirectAttempt::new_id().unwrap(),
            usersource: "us_1".into(),
            digest: "d".into(),
            surface: Surface::Agent,
            return_to: None,
            silent: false,
            ask_again: false,
            purpose: Purpose::SignIn,
            began_at: Timestamp::from_millis(1_000_000),
            memory: json!({"nonce": "planted"}),
        }
    }

    #[test]
    fn an_attempt_opens_for_its_helpdesk_usersource_and_name_alone() {
        let vault = Vault::new(&KeyRing::fresh().unwrap()).unwrap();
        let attempt = attempt();
        let cookie = attempt.seal(&vault, &"h".into()).unwrap();
        assert!(!cookie.contains("planted"));
        let open = |helpdesk: &str, usersource: &str, id: &str| {
            RedirectAttempt::open(&vault, &helpdesk.into(), &usersource.into(), id, &cookie).is_some()
        };
        assert!(open("h", "us_1", &attempt.id));
        let other = RedirectAttempt::new_id().unwrap();
        assert!(!open("g", "us_1", &attempt.id) && !open("h", "us_2", &attempt.id) && !open("h", "us_1", &other));
    }

    #[test]
    fn an_attempt_lives_for_ten_minutes() {
        let attempt = attempt();
        let young = |seconds| attempt.is_young(attempt.began_at.plus_seconds(seconds));
        assert!(young(0) && young(599) && young(-60) && !young(600) && !young(-61));
    }

    #[test]
    fn names_are_known_by_their_form() {
        assert!(RedirectAttempt::is_an_id(&RedirectAttempt::new_id().unwrap()));
        for other in ["", "abc", &"a".repeat(44), &format!("{}\n", "a".repeat(42)), &"ä".repeat(21)] {
            assert!(!RedirectAttempt::is_an_id(other));
        }
    }
}
