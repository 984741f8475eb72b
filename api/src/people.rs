//! Accounts and the ledger together: what an admin's account is worth to the lockout guard is itself in the stream
//! (R40).
//!
//! The event comes before an account write that weakens a standing, and after one that strengthens it, so at every
//! moment the stream promises no more than there is. A write that may need an event marks the account as due first;
//! what a crash left due is settled within minutes. A write that weakens is
//! announced in the accounts before its event, so that nobody settles the stream back in between.

use crate::accounts::{Account, AccountUpdate, AccountsError, NewAccount, Role, Weakening, new_account_id};
use crate::app::App;
use crate::commands::{CommandError, Wish};
use crate::personal_key::PersonalKey;
use crate::vault::VaultError;
use domain::{AccountId, Actor, ActorType, Command, HelpdeskId, Rejection, Standing, Timestamp, Via};

/// Who changes an account, and why.
#[derive(Debug, Clone)]
pub struct Hand {
    /// Who.
    pub actor: Actor,
    /// How.
    pub via: Via,
    /// The request's id.
    pub request: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Whether a lockout is accepted (R41).
    pub accept_lockout: bool,
}

impl Hand {
    /// The service itself.
    pub fn service(reason: &str) -> Self {
        let actor =
            Actor { id: "service".to_owned(), kind: ActorType::Service, role: None, personal: None, acting_for: None };
        Self { actor, via: Via::Service, request: None, reason: Some(reason.to_owned()), accept_lockout: false }
    }
}

impl Hand {
    /// What this hand asks of the ledger.
    pub fn wish(self, helpdesk: &HelpdeskId, commands: Vec<Command>) -> Wish {
        Wish {
            helpdesk: helpdesk.clone(),
            commands,
            actor: self.actor,
            via: self.via,
            request: self.request,
            reason: self.reason,
            if_match: None,
            ask: None,
            accept_lockout: self.accept_lockout,
        }
    }
}

/// What went wrong with a person.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The accounts said no, or do not answer.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The ledger said no, or does not answer.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// No key could be made.
    #[error("a key could not be made")]
    Vault(#[from] VaultError),
}

/// What an account is worth to the lockout guard. Only admins are worth anything, so only they are in the stream.
fn standing(role: Role, active: bool, has_password: bool) -> Standing {
    match role {
        Role::Admin => Standing { admin: true, active, has_password },
        Role::Auditor | Role::Agent | Role::User => Standing::default(),
    }
}

fn standing_of(account: Option<&Account>) -> Standing {
    account.map_or_else(Standing::default, |a| standing(a.role, a.active, a.has_password))
}

impl App {
    /// Draws up an account, whose address counts as verified if it has one, with a key of its own, under which the ledger seals what is personal.
    pub fn draw_up(
        &self,
        helpdesk: &HelpdeskId,
        email: Option<&str>,
        name: &str,
        role: Role,
    ) -> Result<NewAccount, PeopleError> {
        let id = new_account_id();
        let personal_key = PersonalKey::generate()?.wrap(&self.vault, &id)?;
        Ok(NewAccount {
            id,
            helpdesk: helpdesk.clone(),
            email: email.map(str::to_owned),
            email_verified: email.is_some(),
            name: name.to_owned(),
            role,
            personal_key: Some(personal_key),
            group: None,
        })
    }

    /// Creates an account. Its address counts as verified: an admin vouches for it.
    pub async fn create_account(
        &self,
        new: &NewAccount,
        password_hash: Option<&str>,
        hand: &Hand,
    ) -> Result<Account, PeopleError> {
        let account = self.accounts.create(new, password_hash, self.now()).await?;
        self.settle_standing(&new.helpdesk, &account.id, hand).await?;
        Ok(account)
    }

    /// Changes name, role or activity. What weakens an admin is asked of the ledger first, which may refuse (R40).
    pub async fn update_account(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
        update: &AccountUpdate,
        hand: &Hand,
    ) -> Result<Account, PeopleError> {
        let account = self.accounts.by_id(helpdesk, id).await?.ok_or(AccountsError::Unknown)?;
        let before = standing_of(Some(&account));
        let role = update.role.unwrap_or(account.role);
        let after = standing(role, update.active.unwrap_or(account.active), account.has_password);
        let weakening = if before.admin && after != before && !(after.admin && after.active) {
            Some(self.weaken(helpdesk, id, after, hand).await?)
        } else {
            self.accounts.mark_standing_due(helpdesk, id, self.now()).await?;
            None
        };
        let account = self.accounts.update(helpdesk, id, update, weakening.as_ref()).await?;
        self.settle_standing(helpdesk, id, hand).await?;
        Ok(account)
    }

    /// Erases a person: the ledger first, then the account and its key, so that the events stay and tell nobody's name.
    pub async fn erase_account(&self, helpdesk: &HelpdeskId, id: &AccountId, hand: &Hand) -> Result<(), PeopleError> {
        let weakening = self.weaken(helpdesk, id, Standing::default(), hand).await?;
        self.accounts.erase(helpdesk, id, &weakening, self.now()).await?;
        self.settle_standing(helpdesk, id, hand).await
    }

    /// Announces that an account will be worth less and tells the ledger, which may refuse (R40).
    async fn weaken(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
        to: Standing,
        hand: &Hand,
    ) -> Result<Weakening, PeopleError> {
        let weakening = self.accounts.announce_weakening(helpdesk, id, self.now()).await?;
        match self.set_standing(helpdesk, id, to, hand, None).await {
            Ok(()) => Ok(weakening),
            Err(refused) => {
                self.accounts.give_up_weakening(helpdesk, id, &weakening).await?;
                Err(refused)
            }
        }
    }

    /// Brings the stream's view of an account up to the account itself. Whoever wrote last looks last, so it converges.
    pub async fn settle_standing(&self, helpdesk: &HelpdeskId, id: &AccountId, hand: &Hand) -> Result<(), PeopleError> {
        loop {
            let seen = self.ledger.refresh(helpdesk).await.map_err(CommandError::from)?;
            let (account, announced) = self.accounts.standing_facts(helpdesk, id).await?;
            if announced {
                // Whoever announced it settles it; if they are gone, the sweep does.
                return Ok(());
            }
            let wanted = standing_of(account.as_ref());
            if seen.state.standings.get(id).copied().unwrap_or_default() == wanted {
                return Ok(self.accounts.standing_settled(helpdesk, id).await?);
            }
            match self.set_standing(helpdesk, id, wanted, hand, Some(seen.state.version)).await {
                Ok(()) | Err(PeopleError::Command(CommandError::VersionMismatch { .. })) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What a crash or a caller who went away left due since `before`, settled; says how many there were. What the guard
    /// refuses stays due and is told: a service that does not start would help nobody to mend it.
    pub async fn settle_standings(&self, due_since: Timestamp) -> Result<usize, PeopleError> {
        let mut settled = 0;
        loop {
            let before = settled;
            for (helpdesk, id) in &self.accounts.standings_due(due_since, 100).await? {
                match self.settle_standing(helpdesk, id, &Hand::service("settled what was left undone")).await {
                    Ok(()) => settled += 1,
                    Err(PeopleError::Command(CommandError::Rejected(refusal))) => {
                        tracing::error!(%helpdesk, account = %id, %refusal, "an account and the ledger disagree");
                    }
                    Err(error) => return Err(error),
                }
            }
            if settled == before {
                return Ok(settled);
            }
        }
    }

    async fn set_standing(
        &self,
        helpdesk: &HelpdeskId,
        account: &AccountId,
        standing: Standing,
        hand: &Hand,
        if_match: Option<u64>,
    ) -> Result<(), PeopleError> {
        let wish = Wish {
            helpdesk: helpdesk.clone(),
            commands: vec![Command::SetStanding { account: account.clone(), standing }],
            actor: hand.actor.clone(),
            via: hand.via,
            request: hand.request.clone(),
            reason: hand.reason.clone(),
            if_match,
            ask: None,
            accept_lockout: hand.accept_lockout,
        };
        match self.commands.execute(&wish, self.now()).await {
            Ok(done) => {
                self.after(helpdesk, &done);
                Ok(())
            }
            Err(CommandError::Rejected(Rejection::NothingToChange)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::tasks::create_helpdesk;

    #[tokio::test]
    async fn r40_what_the_guard_refuses_to_settle_stays_due_and_keeps_the_service_from_nothing() {
        let folder = std::env::temp_dir().join(format!("gateledger-people-{}", uuid::Uuid::new_v4()));
        let app = App::open(Settings { data_dir: folder.clone(), ..Settings::default() }).await.unwrap();
        let (helpdesk, hand) = (HelpdeskId::new("h"), Hand::service("a test"));
        create_helpdesk(&app, &helpdesk, "H", None, &hand).await.unwrap();
        let jane = app.draw_up(&helpdesk, Some("jane@example.com"), "Jane", Role::Admin).unwrap();
        app.create_account(&jane, Some("a hash"), &hand).await.unwrap();
        // What a race of two nodes can leave behind: the last admin is disabled, and the ledger does not know.
        app.accounts.mark_standing_due(&helpdesk, &jane.id, app.now()).await.unwrap();
        let off = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
        app.accounts.update(&helpdesk, &jane.id, &off, None).await.unwrap();
        let karl = app.draw_up(&helpdesk, Some("karl@example.com"), "Karl", Role::Agent).unwrap();
        app.accounts.create(&karl, None, app.now()).await.unwrap();

        assert_eq!(app.settle_standings(app.now()).await.unwrap(), 1, "Karl is settled though Jane is not");
        assert_eq!(app.accounts.standings_due(app.now(), 9).await.unwrap(), [(helpdesk.clone(), jane.id.clone())]);
        let on = AccountUpdate { active: Some(true), ..AccountUpdate::default() };
        app.update_account(&helpdesk, &jane.id, &on, &hand).await.unwrap();
        assert!(app.accounts.standings_due(app.now(), 9).await.unwrap().is_empty());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// The race that R40 must survive: in the moment between the event and the write, somebody else writes the same
    /// account and settles, and another admin is let go.
    #[tokio::test]
    async fn r40_nobody_settles_an_admin_back_who_is_being_let_go() {
        let folder = std::env::temp_dir().join(format!("gateledger-people-{}", uuid::Uuid::new_v4()));
        let app = App::open(Settings { data_dir: folder.clone(), ..Settings::default() }).await.unwrap();
        let (helpdesk, hand) = (HelpdeskId::new("h"), Hand::service("a test"));
        create_helpdesk(&app, &helpdesk, "H", None, &hand).await.unwrap();
        let mut admins = Vec::new();
        for name in ["jane", "karl"] {
            let drawn = app.draw_up(&helpdesk, Some(&format!("{name}@example.com")), name, Role::Admin).unwrap();
            admins.push(app.create_account(&drawn, Some("a hash"), &hand).await.unwrap().id);
        }
        let (jane, karl) = (&admins[0], &admins[1]);
        let off = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
        let inactive = Standing { active: false, admin: true, has_password: true };
        let weakening = app.weaken(&helpdesk, jane, inactive, &hand).await.unwrap();

        let renamed = AccountUpdate { name: Some("Jane D.".into()), ..AccountUpdate::default() };
        app.update_account(&helpdesk, jane, &renamed, &hand).await.unwrap();
        let refused = app.update_account(&helpdesk, karl, &off, &hand).await.unwrap_err();
        assert!(
            matches!(refused, PeopleError::Command(CommandError::Rejected(Rejection::WouldLockOutAdmins))),
            "{refused}"
        );
        let twice = app.update_account(&helpdesk, jane, &off, &hand).await.unwrap_err();
        assert!(matches!(twice, PeopleError::Accounts(AccountsError::Busy)), "{twice}");

        app.accounts.update(&helpdesk, jane, &off, Some(&weakening)).await.unwrap();
        app.settle_standing(&helpdesk, jane, &hand).await.unwrap();
        assert_eq!(app.settle_standings(app.now()).await.unwrap(), 1, "Karl's refusal left nothing to mend");
        assert!(app.accounts.standings_due(app.now(), 9).await.unwrap().is_empty());
        let head = app.ledger.refresh(&helpdesk).await.unwrap();
        assert!(head.state.has_way_in() && head.state.standings.get(jane) == Some(&inactive));
        assert!(app.accounts.by_id(&helpdesk, karl).await.unwrap().unwrap().active);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
