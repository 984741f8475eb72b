//! One usersource as its kind sees it at the moment of a sign-in: settings, secrets opened on request, our own URLs.

use super::{ClaimedEmail, Denied, Reason};
use crate::accounts::Email;
use crate::outbound::{Outbound, OutboundError, Schemes};
use crate::vault::Vault;
use domain::values::Usersource;
use domain::{Field, HelpdeskId, Plain, Setting, Timestamp};
use zeroize::Zeroizing;

/// A usersource, ready to be asked.
pub struct Source<'a> {
    /// Whose it is.
    pub helpdesk: &'a HelpdeskId,
    /// As it is configured.
    pub usersource: &'a Usersource,
    /// The helpdesk's own URL, without a slash at the end (R0).
    pub base_url: &'a str,
    /// The time.
    pub now: Timestamp,
    /// Opens secrets.
    pub vault: &'a Vault,
    /// The way to other machines.
    pub outbound: &'a Outbound,
}

impl Source<'_> {
    /// The text of the setting `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.usersource.fields.setting(name)? {
            Setting::Plain(Plain::Text(text)) => Some(text),
            Setting::Plain(Plain::Flag(_) | Plain::Number(_) | Plain::List(_)) | Setting::Sealed(_) => None,
        }
    }

    /// The text of a setting without which the usersource could not have been enabled.
    pub fn needed(&self, name: &str) -> Result<&str, Denied> {
        self.text(name).ok_or_else(|| Denied::new(Reason::Misconfigured, format!("the setting {name} is missing")))
    }

    /// Whether the setting `name` is on.
    pub fn flag(&self, name: &str) -> bool {
        self.usersource.fields.setting(name) == Some(&Setting::flag(true))
    }

    /// The number of the setting `name`.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.usersource.fields.setting(name)? {
            Setting::Plain(Plain::Number(number)) => Some(*number),
            Setting::Plain(Plain::Flag(_) | Plain::Text(_) | Plain::List(_)) | Setting::Sealed(_) => None,
        }
    }

    /// The texts of the setting `name`; none if it is not set.
    pub fn list(&self, name: &str) -> &[String] {
        match self.usersource.fields.setting(name) {
            Some(Setting::Plain(Plain::List(texts))) => texts,
            _ => &[],
        }
    }

    /// The secret of the setting `name`, opened for this use.
    pub fn secret(&self, name: &str) -> Result<Option<Zeroizing<String>>, Denied> {
        let Some(Setting::Sealed(sealed)) = self.usersource.fields.setting(name) else { return Ok(None) };
        let opened = self.vault.open(self.helpdesk, &self.usersource.id, &Field::setting(name), sealed);
        opened.map(Some).map_err(|error| Denied::new(Reason::Misconfigured, format!("{name}: {error}")))
    }

    /// Which schemes its URLs may have.
    pub fn schemes(&self) -> Schemes {
        if self.flag("allow_insecure") { Schemes::HttpToo } else { Schemes::Https }
    }

    /// Our callback URL of this usersource; no other has the same.
    pub fn callback_url(&self) -> String {
        self.url("callback")
    }

    /// Another of this usersource's URLs: `BASE/auth/ID/END`.
    pub fn url(&self, end: &str) -> String {
        format!("{}/auth/{}/{end}", self.base_url, self.usersource.id)
    }

    /// An address from a source whose protocol does not say whether it was verified (R30): its word counts only where
    /// `trust_email` is on, and only in the domains that are named.
    pub fn email_by_trust(&self, address: &str) -> Option<ClaimedEmail> {
        let email = Email::parse(address).ok()?;
        let trusted = self.flag("trust_email") && in_domains(&email, self.list("email_domains"));
        Some(if trusted { ClaimedEmail::Verified(email) } else { ClaimedEmail::Unverified(email) })
    }
}

impl From<OutboundError> for Denied {
    fn from(error: OutboundError) -> Self {
        let reason = match error {
            OutboundError::Forbidden(_) => Reason::Misconfigured,
            OutboundError::Unreachable(_) | OutboundError::Unusable(_) => Reason::Unreachable,
        };
        Self::new(reason, error.to_string())
    }
}

/// Whether the address is in one of `domains`, exactly: a subdomain is another domain.
pub fn in_domains(email: &Email, domains: &[String]) -> bool {
    let host = email.as_str().rsplit_once('@').map(|(_, host)| host.to_lowercase());
    host.is_some_and(|host| domains.iter().any(|domain| domain.to_lowercase() == host))
}
