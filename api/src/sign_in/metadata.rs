//! Reading providers' metadata again, so that a new certificate arrives by itself: a change of the configuration like any
//! other, by the service, in the ledger.
//!
//! Spec: product rule R42: a certificate that arrives through the configured URL carries the proof forward, for the
//! address that was proven is the one that names it. SAML Metadata 2.3.
//! Stops: a roll-over that locks everybody out overnight; a provider whose new certificate nobody vouches for.

use super::{Denied, Reason};
use crate::app::App;
use crate::authenticators::changed_metadata;
use crate::commands::{CommandError, Wish};
use crate::people::Hand;
use domain::values::Usersource;
use domain::{AuthConfig, Command, Field, HelpdeskId, Rejection, Setting};
use projections::Facts as _;
use std::collections::BTreeMap;

/// Helpdesks looked at in one go.
const PAGE: u32 = 500;
const CERTIFICATES: &str = "settings.certificates";

/// The fields that changed, with their new values.
type Changed = BTreeMap<Field, Option<Setting>>;

impl App {
    /// Reads the metadata of every usersource that names its URL, and says how many changed. What cannot be read stays as
    /// it is.
    pub async fn read_metadata_again(&self) -> u64 {
        let mut changed = 0;
        let mut last: Option<HelpdeskId> = None;
        loop {
            let page = match self.ledger.helpdesks(last.as_ref(), PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "helpdesks cannot be listed; metadata is read again later");
                    return changed;
                }
            };
            for helpdesk in &page {
                changed += self.read_metadata_of(helpdesk).await;
            }
            if page.len() < PAGE as usize {
                return changed;
            }
            last = page.into_iter().next_back();
        }
    }

    async fn read_metadata_of(&self, helpdesk: &HelpdeskId) -> u64 {
        let Ok(head) = self.ledger.refresh(helpdesk).await else { return 0 };
        let base_url = self.base_url(helpdesk);
        let mut changed = 0;
        for usersource in head.state.usersources.iter().filter(|u| u.fields.text("settings.metadata_url").is_some()) {
            let source = self.source(helpdesk, usersource, &base_url);
            let outcome = match changed_metadata(&source).await {
                Ok(fields) if fields.is_empty() => continue,
                Ok(fields) => self.take_metadata(helpdesk, &head.state, usersource, fields).await,
                Err(denied) => Err(denied),
            };
            match outcome {
                Ok(()) => changed += 1,
                Err(denied) => {
                    tracing::warn!(%helpdesk, usersource = %usersource.id, %denied, "metadata was not taken over");
                }
            }
        }
        changed
    }

    async fn take_metadata(
        &self,
        helpdesk: &HelpdeskId,
        state: &AuthConfig,
        usersource: &Usersource,
        fields: Changed,
    ) -> Result<(), Denied> {
        let hand = Hand::service("the provider's metadata changed");
        let wish = Wish {
            helpdesk: helpdesk.clone(),
            commands: commands(state, usersource, fields),
            actor: hand.actor,
            via: hand.via,
            request: None,
            reason: hand.reason,
            if_match: Some(state.version),
            ask: None,
            accept_lockout: false,
        };
        match self.commands.execute(&wish, self.now()).await {
            Ok(done) => {
                self.after(helpdesk, &done);
                Ok(())
            }
            // Another node was faster.
            Err(CommandError::Rejected(Rejection::NothingToChange)) => Ok(()),
            Err(error) => Err(Denied::new(Reason::Misconfigured, error.to_string())),
        }
    }
}

/// The change, and with it the proofs that stay good: where nothing but certificates is new, whoever proved the usersource
/// as it was has proven it as it is.
fn commands(state: &AuthConfig, usersource: &Usersource, fields: Changed) -> Vec<Command> {
    let before = usersource.sign_in_digest();
    let mut after = usersource.clone();
    for (field, value) in &fields {
        after.fields.set(field.clone(), value.clone());
    }
    let certificates_alone = fields.keys().all(|field| field.as_str() == CERTIFICATES);
    let proven = state.proofs.iter().filter(|proof| {
        let active = state.standings.get(&proof.account).is_some_and(|standing| standing.admin && standing.active);
        certificates_alone && active && proof.usersource == usersource.id && proof.digest == before
    });
    let proofs: Vec<Command> = proven
        .map(|proof| Command::RecordProof {
            usersource: usersource.id.clone(),
            digest: after.sign_in_digest(),
            account: proof.account.clone(),
        })
        .collect();
    std::iter::once(Command::ChangeUsersource { id: usersource.id.clone(), fields }).chain(proofs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::fixture::Fixture;
    use domain::values::Proof;
    use domain::{Audience, Standing};
    use serde_json::json;

    fn state(usersource: &Usersource) -> AuthConfig {
        let mut state = AuthConfig { usersources: vec![usersource.clone()], ..AuthConfig::default() };
        for (account, admin) in [("acc_admin", true), ("acc_former", false)] {
            state.standings.insert(account.into(), Standing { admin, active: true, has_password: true });
            let digest = usersource.sign_in_digest();
            state.proofs.insert(Proof { usersource: usersource.id.clone(), digest, account: account.into() });
        }
        let other = Proof { usersource: "us_1".into(), digest: "older".into(), account: "acc_admin".into() };
        state.proofs.insert(other);
        state
    }

    #[test]
    fn r42_a_certificate_carries_the_proofs_of_active_admins_forward_and_another_address_does_not() {
        let usersource = Fixture::new("saml", Audience::Agents, json!({})).usersource;
        let state = state(&usersource);
        let change = |names: &[&str]| -> Changed {
            names.iter().map(|name| (Field::setting(name), Some(Setting::text("new")))).collect()
        };
        let carried = commands(&state, &usersource, change(&["certificates"]));
        let [Command::ChangeUsersource { .. }, Command::RecordProof { digest, account, .. }] = carried.as_slice()
        else {
            panic!("{carried:?}")
        };
        assert_eq!(account.as_str(), "acc_admin");
        assert_ne!(*digest, usersource.sign_in_digest());
        assert_eq!(commands(&state, &usersource, change(&["certificates", "sso_url"])).len(), 1);
        assert_eq!(commands(&state, &usersource, change(&["sso_url"])).len(), 1);
    }
}
