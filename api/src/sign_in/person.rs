//! What a source says of a person. Whether an address was verified is part of its type.
//!
//! Spec: product rules R30 (identity, verified addresses) and R32 (claims). OpenID Connect Core, 5.7: only issuer and
//! subject together identify a person; an address may change hands.
//! Stops: an account that is taken over by claiming its owner's address.

use crate::accounts::Email;
use serde_json::{Map, Value};
use std::fmt;

/// Who came, as the source says.
#[derive(Clone, PartialEq)]
pub struct Person {
    /// Who says so: the OpenID issuer, the SAML entity id, or the usersource's own id where the protocol has no issuer.
    pub issuer: String,
    /// Whom the issuer means, for ever: never an address or a name that may change.
    pub subject: String,
    /// The address, if there is one.
    pub email: Option<ClaimedEmail>,
    /// What they are called.
    pub name: Option<String>,
    /// Everything that the source said, for the filter (R32) and an admin's test. No secret is in it.
    pub claims: Map<String, Value>,
}

/// Not personal data in logs.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// An address, and what the source's word on it is worth.
#[derive(Clone, PartialEq, Eq)]
pub enum ClaimedEmail {
    /// The source verified it, and its word counts here: it may find an existing account.
    Verified(Email),
    /// Nobody vouches for it: it finds nobody.
    Unverified(Email),
}

impl ClaimedEmail {
    /// An address with the source's own word on it, such as the claim `email_verified`. What is no address is none.
    pub fn by_claim(address: &str, verified: bool) -> Option<Self> {
        let email = Email::parse(address).ok()?;
        Some(if verified { Self::Verified(email) } else { Self::Unverified(email) })
    }

    /// The address itself.
    pub fn email(&self) -> &Email {
        match self {
            Self::Verified(email) | Self::Unverified(email) => email,
        }
    }

    /// The address, if it is verified.
    pub fn verified(&self) -> Option<&Email> {
        match self {
            Self::Verified(email) => Some(email),
            Self::Unverified(_) => None,
        }
    }
}
