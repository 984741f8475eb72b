//! E-mail addresses: what is stored, and what is compared.
//!
//! Spec: RFC 5321, 4.5.3.1 (254 characters); one `@`, nothing that ends a header line. Compared after trimming and
//! Unicode lower-casing on both sides; mail is only ever sent to the stored address, never to what somebody typed.
//! Stops: a second account under the same address in capitals; header injection; a reset link that goes to a look-alike.

use super::AccountsError;

/// An address that can be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Reads an address that somebody typed or a source sent.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        let text = text.trim();
        let plain = text.len() <= 254 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
        match text.split_once('@') {
            Some((local, host)) if plain && !local.is_empty() && !host.is_empty() && !host.contains('@') => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(AccountsError::InvalidEmail),
        }
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of one address have in common.
    pub(super) fn key(&self) -> String {
        normalised(&self.0)
    }
}

/// A login as it is compared: an e-mail address or a name of another source.
pub(super) fn normalised(login: &str) -> String {
    login.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_sign_and_nothing_that_ends_a_line() {
        let long = format!("{}@x.test", "a".repeat(248));
        for bad in ["", "jane", "@x.test", "jane@", "a@b@c", "a b@x.test", "a@x.test\r\nBcc: b@x.test", "a@x\0", &long]
        {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        let email = Email::parse(" Zoë.ÄRZTIN@Example.test ").unwrap();
        assert_eq!((email.as_str(), email.key().as_str()), ("Zoë.ÄRZTIN@Example.test", "zoë.ärztin@example.test"));
    }
}
