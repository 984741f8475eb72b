//! `deskpro`: our own accounts and their passwords. It is there from the start, once per audience (R1, R2).

use super::{Authenticator, FieldSpec, SignIn};
use domain::{Capabilities, Display, Silent};

/// The kind.
pub(super) struct Deskpro;

impl Authenticator for Deskpro {
    fn slug(&self) -> &'static str {
        "deskpro"
    }

    fn label(&self) -> &'static str {
        "Deskpro"
    }

    fn summary(&self) -> &'static str {
        "Accounts and passwords kept here, with lost and changed passwords by mail."
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { display: Display::Form, sso: false, silent: Silent::Never, built_in: true }
    }

    fn settings(&self) -> &'static [&'static [FieldSpec]] {
        &[]
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Own
    }

    #[cfg(test)]
    fn sample(&self) -> serde_json::Value {
        serde_json::json!({"title": "Deskpro"})
    }
}
