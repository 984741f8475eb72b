//! Reading providers' metadata again, so that a new certificate arrives by itself: a change of the configuration like any
//! other, by the service, in the ledger.
//!
//! Spec: product rule R42: a certificate that arrives through the configured URL carries the proof forward, for the
//! address that was proven is the one that names it. SAML Metadata 2.3.
//! Stops: a roll-over that locks everybody out overnight; a provider whose new certificate nobody vouches for.

use crate::app::App;
use crate::authenticators::changed_metadata;
use crate::commands::{CommandError, Wish};
use crate::people::Hand;
use domain::values::Usersource;
use domain::{AuthConfig, Command, Field, HelpdeskId, Rejection, Setting, UsersourceId};
use futures::StreamExt as _;
use projections::Facts as _;
use std::collections::BTreeMap;

/// Helpdesks looked at in one go.
const PAGE: u32 = 500;
/// So many of them at once.
const AT_ONCE: usize = 16;
const CERTIFICATES: &str = "settings.certificates";
const SLO_URL: &str = "settings.slo_url";

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
            // A provider that does not answer holds up nobody else's.
            let each = async |helpdesk: HelpdeskId| self.read_metadata_of(&helpdesk).await;
            let read = futures::stream::iter(page.clone()).map(each);
            changed += read.buffer_unordered(AT_ONCE).fold(0, |sum, one| async move { sum + one }).await;
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
            let read = changed_metadata(&source).await;
            for fields in read.as_ref().map(|fields| parts(usersource, fields)).unwrap_or_default() {
                match self.take_metadata(helpdesk, &usersource.id, fields).await {
                    Ok(taken) => changed += u64::from(taken),
                    Err(error) => {
                        tracing::warn!(%helpdesk, usersource = %usersource.id, %error, "metadata was not taken over");
                    }
                }
            }
            if let Err(denied) = read {
                tracing::warn!(%helpdesk, usersource = %usersource.id, %denied, "metadata could not be read again");
            }
        }
        changed
    }

    /// Whether the change was ours to make: another node may have been faster.
    async fn take_metadata(
        &self,
        helpdesk: &HelpdeskId,
        id: &UsersourceId,
        fields: Changed,
    ) -> Result<bool, CommandError> {
        let head = self.ledger.refresh(helpdesk).await?;
        let Ok(usersource) = head.state.usersource(id) else { return Ok(false) };
        let commands = commands(&head.state, usersource, fields);
        let wish = Hand::service("the provider's metadata changed").wish(helpdesk, commands);
        let wish = Wish { if_match: Some(head.state.version), ..wish };
        match self.commands.execute(&wish, self.now()).await {
            Ok(done) => {
                self.after(helpdesk, &done);
                Ok(true)
            }
            Err(CommandError::Rejected(Rejection::NothingToChange) | CommandError::VersionMismatch { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What may be taken over by itself: first what a proof survives, then the rest, which the guard may refuse (R40). What an
/// admin left out stays out.
fn parts(usersource: &Usersource, changed: &Changed) -> Vec<Changed> {
    let wanted = changed
        .iter()
        .filter(|(field, _)| field.as_str() == CERTIFICATES || usersource.fields.get(field.as_str()).is_some());
    let (first, rest): (Changed, Changed) =
        wanted.map(|(field, value)| (field.clone(), value.clone())).partition(|(field, _)| survives(field));
    [first, rest].into_iter().filter(|part| !part.is_empty()).collect()
}

/// Whether whoever proved the usersource before this field changed has proven it still: the address that was proven is
/// the one that names the certificate, and where people sign out has no part in signing in.
fn survives(field: &Field) -> bool {
    [CERTIFICATES, SLO_URL].contains(&field.as_str())
}

/// The change, and with it the proofs that stay good.
fn commands(state: &AuthConfig, usersource: &Usersource, fields: Changed) -> Vec<Command> {
    let before = usersource.sign_in_digest();
    let mut after = usersource.clone();
    for (field, value) in &fields {
        after.fields.set(field.clone(), value.clone());
    }
    let all_survive = fields.keys().all(survives);
    let proven = state.proofs.iter().filter(|proof| {
        let active = state.standings.get(&proof.account).is_some_and(|standing| standing.admin && standing.active);
        all_survive && active && proof.usersource == usersource.id && proof.digest == before
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
        assert_eq!(commands(&state, &usersource, change(&["slo_url"])).len(), 2, "signing out is not signing in");
    }

    #[test]
    fn a_certificate_never_waits_for_an_address_and_what_an_admin_left_out_stays_out() {
        let settings = json!({"sso_url": "https://idp.example/sso"});
        let usersource = Fixture::new("saml", Audience::Agents, settings).usersource;
        let changed: Changed = ["certificates", "sso_url", "slo_url"]
            .iter()
            .map(|name| (Field::setting(name), Some(Setting::text("new"))))
            .collect();
        let parts: Vec<Vec<_>> =
            parts(&usersource, &changed).iter().map(|part| part.keys().map(Field::to_string).collect()).collect();
        assert_eq!(parts, [["settings.certificates"], ["settings.sso_url"]]);
    }
}
