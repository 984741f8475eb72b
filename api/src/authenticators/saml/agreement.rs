//! What the two sides have agreed upon: who the provider is, who we are, and what is signed how.
//!
//! Stops: a provider that speaks for another usersource: every address of ours has the usersource's id in it, and the
//! keys are those of the settings, never those of a message.

use super::super::pem;
use super::shape::Digests;
use crate::sign_in::{Denied, Reason, Source};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Which part of a response must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// The assertion.
    Assertion,
    /// The whole response.
    Response,
    /// One of the two.
    Either,
}

/// The settings of one usersource, read for use.
pub(super) struct Agreement<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The provider's certificates, base64 of DER.
    pub certificates: Vec<String>,
    /// What must be signed.
    pub want: Want,
    /// Over which digests.
    pub digests: Digests,
    /// Our name, which is the address of our metadata.
    pub entity_id: String,
    /// Our address for responses.
    pub acs_url: String,
    /// Our address for single log-out.
    pub slo_url: String,
}

impl<'a> Agreement<'a> {
    /// Reads the settings.
    pub(super) fn of(source: &'a Source<'_>) -> Result<Self, Denied> {
        let certificates = pem::ders(source.needed("certificates")?).iter().map(|der| STANDARD.encode(der)).collect();
        let want = match source.text("want") {
            None | Some("assertion") => Want::Assertion,
            Some("response") => Want::Response,
            Some("either") => Want::Either,
            Some(_) => return Err(Denied::new(Reason::Misconfigured, "the setting want is none of the three")),
        };
        Ok(Self {
            provider: source.needed("idp_entity_id")?,
            certificates,
            want,
            digests: if source.flag("allow_sha1") { Digests::Sha1Too } else { Digests::Sha2 },
            entity_id: source.url("metadata"),
            acs_url: source.callback_url(),
            slo_url: source.url("logout"),
        })
    }
}
