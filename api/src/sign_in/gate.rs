//! The one gate: whoever a source accepted passes here, or nobody does. No kind opens a session by itself.
//!
//! Spec: product rules R28 (judged when it is used, by the head of the stream), R30–R33 (who gets in), R22.
//! Stops: a usersource that was disabled, or configured anew, while somebody was on the way; a filter that errors and
//! lets people in; a disabled account that comes in through another source; a role that has no business here.

use super::provision::Made;
use super::{Person, ProviderSession, Stopped, filter};
use crate::accounts::sign_ins::{NewSignIn, Outcome};
use crate::accounts::{Account, AccountsError, AtProvider, IdentityKey, Means, NewSession, Secret};
use crate::app::App;
use crate::commands::CommandError;
use crate::people::Hand;
use domain::offer::offer;
use domain::values::Usersource;
use domain::{
    AccountId, Actor, ActorType, Audience, AuthConfig, Command, Field, HelpdeskId, Rejection, Surface, Timestamp,
    UsersourceId, Via,
};
use serde_json::{Map, json};
use std::net::IpAddr;

/// Somebody whom a source accepted, at a usersource as it was when they began.
pub struct Proven {
    /// At which helpdesk.
    pub helpdesk: HelpdeskId,
    /// On which surface.
    pub surface: Surface,
    /// Through which usersource.
    pub usersource: UsersourceId,
    /// The sign-in digest that it had when the attempt began.
    pub digest: String,
    /// Who.
    pub who: Who,
    /// How.
    pub means: Means,
    /// When they really proved it.
    pub authenticated_at: Timestamp,
    /// What signing out at the provider needs.
    pub provider: Option<ProviderSession>,
}

/// Who was accepted.
pub enum Who {
    /// One of our own accounts, by its password.
    Own(Account),
    /// Somebody whom another source vouches for.
    Vouched(Person),
}

impl Who {
    /// What a filter sees (R32).
    fn person(&self, usersource: &UsersourceId) -> Person {
        match self {
            Self::Vouched(person) => person.clone(),
            Self::Own(account) => Person {
                issuer: usersource.to_string(),
                subject: account.id.to_string(),
                email: None,
                name: Some(account.name.clone()),
                claims: Map::from_iter([
                    ("sub".to_owned(), json!(account.id)),
                    ("email".to_owned(), json!(account.email)),
                    ("email_verified".to_owned(), json!(account.email_verified)),
                    ("name".to_owned(), json!(account.name)),
                    ("role".to_owned(), json!(account.role.as_str())),
                ]),
            },
        }
    }
}

/// The usersource as a sign-in may use it now; the same judgement at the beginning, at the end and in between (R28).
pub fn usable<'a>(state: &'a AuthConfig, id: &UsersourceId, surface: Surface) -> Result<&'a Usersource, Stopped> {
    let usersource = state.usersource(id).map_err(|_| Stopped::UsersourceDisabled)?;
    if !usersource.enabled || usersource.audience != surface.audience() {
        return Err(Stopped::UsersourceDisabled);
    }
    match offer(surface, &state.entries()).automatic {
        Some(automatic) if automatic.id != *id => Err(Stopped::Automatic),
        Some(_) | None => Ok(usersource),
    }
}

/// Whether the usersource's filter lets this person in (R32). None lets everybody in; one that fails, nobody.
pub async fn passes_filter(usersource: &Usersource, person: &Person) -> Result<(), Stopped> {
    let Some(expression) = usersource.fields.text(Field::FILTER) else { return Ok(()) };
    match filter::admits(expression, person).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Stopped::Filtered),
        Err(error) => {
            tracing::warn!(usersource = %usersource.id, error, "a filter failed, and so lets nobody in");
            Err(Stopped::Filtered)
        }
    }
}

impl App {
    /// Lets somebody in, or says why not. Either way the log of sign-ins hears of it (R56).
    pub async fn admit(&self, proven: Proven, ip: IpAddr) -> Result<(Secret, Account), Stopped> {
        let mut account = None;
        let admitted = self.judge(&proven, &mut account).await;
        let entry = NewSignIn {
            surface: proven.surface,
            usersource: Some(proven.usersource.clone()),
            outcome: if admitted.is_ok() { Outcome::Admitted } else { Outcome::Refused },
            reason: admitted.as_ref().err().map_or_else(String::new, |stopped| stopped.as_str().to_owned()),
            account,
            ip: Some(ip),
        };
        self.log_sign_in(&proven.helpdesk, &entry).await;
        admitted
    }

    async fn judge(&self, proven: &Proven, known: &mut Option<AccountId>) -> Result<(Secret, Account), Stopped> {
        let head = self.ledger.refresh(&proven.helpdesk).await?;
        let usersource = usable(&head.state, &proven.usersource, proven.surface)?;
        if usersource.sign_in_digest() != proven.digest {
            return Err(Stopped::UsersourceChanged);
        }
        passes_filter(usersource, &proven.who.person(&usersource.id)).await?;
        let account = match &proven.who {
            Who::Own(account) => account.clone(),
            Who::Vouched(person) => match self.match_or_make(&proven.helpdesk, usersource, person).await? {
                Made::Found(account) | Made::New(account) => account,
                Made::Nobody => return Err(Stopped::NoAccount),
            },
        };
        *known = Some(account.id.clone());
        if !account.active {
            return Err(Stopped::AccountDisabled);
        }
        if !account.role.may_enter(usersource.audience) {
            return Err(Stopped::WrongRole);
        }
        let session = NewSession {
            account: account.id.clone(),
            audience: usersource.audience,
            surface: proven.surface,
            usersource: Some(usersource.id.clone()),
            version: head.state.version,
            means: proven.means,
            authenticated_at: proven.authenticated_at,
            at_provider: self.at_provider(proven)?,
        };
        let policy = head.state.policy(usersource.audience);
        let opened = self.accounts.open_session(&proven.helpdesk, &session, &policy, self.now()).await;
        let secret = opened.map_err(|error| {
            // Disabled or demoted in this very moment.
            if matches!(error, AccountsError::Unknown) { Stopped::AccountDisabled } else { error.into() }
        })?;
        if usersource.audience == Audience::Agents && !usersource.capabilities.built_in {
            self.note_proof(&head.state, usersource, &proven.digest, &account).await;
        }
        Ok((secret, account))
    }

    fn at_provider(&self, proven: &Proven) -> Result<Option<AtProvider>, Stopped> {
        let Who::Vouched(person) = &proven.who else { return Ok(None) };
        let sealed = match &proven.provider {
            None => None,
            Some(session) => Some(self.seal_provider_session(&proven.helpdesk, session)?),
        };
        Ok(Some(AtProvider {
            issuer: person.issuer.clone(),
            subject: person.subject.clone(),
            index: proven.provider.as_ref().and_then(|session| session.index.clone()),
            sealed,
        }))
    }

    /// A real sign-in by an active admin proves the usersource as it is configured (R40). It is written down once; a
    /// failure stops nobody, for the next sign-in proves it as well.
    async fn note_proof(&self, state: &AuthConfig, usersource: &Usersource, digest: &str, account: &Account) {
        let admin = state.standings.get(&account.id).is_some_and(|standing| standing.admin && standing.active);
        let known =
            state.proofs.iter().any(|p| p.usersource == usersource.id && p.digest == digest && p.account == account.id);
        if !admin || known {
            return;
        }
        let noted = match self.own_hand(account, None, "signed in") {
            Ok(hand) => self.record_proof(usersource, digest, account, hand).await,
            Err(error) => Err(error),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, usersource = %usersource.id, "a sign-in could not be recorded as a proof");
        }
    }

    /// Somebody who acts for themselves, as the ledger names them.
    pub fn own_hand(&self, account: &Account, ip: Option<&str>, reason: &str) -> Result<Hand, CommandError> {
        let personal = self.seal_personal(account, ip).map_err(|error| CommandError::Accident(Box::new(error)))?;
        let actor = Actor {
            id: account.id.to_string(),
            kind: ActorType::Person,
            role: Some(account.role.as_str().to_owned()),
            personal,
            acting_for: None,
        };
        let reason = Some(reason.to_owned());
        Ok(Hand { actor, via: Via::Console, request: None, reason, accept_lockout: false })
    }

    /// Records that `account` really signed in through the usersource. What proves nothing new is no error.
    pub async fn record_proof(
        &self,
        usersource: &Usersource,
        digest: &str,
        account: &Account,
        hand: Hand,
    ) -> Result<(), CommandError> {
        let proof = Command::RecordProof {
            usersource: usersource.id.clone(),
            digest: digest.to_owned(),
            account: account.id.clone(),
        };
        let wish = hand.wish(&account.helpdesk, vec![proof]);
        match self.commands.execute(&wish, self.now()).await {
            Ok(done) => self.after(&wish.helpdesk, &done),
            Err(CommandError::Rejected(Rejection::NothingToChange)) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Writes an attempt down (R56). What was typed is not in it. A failure to write it stops nobody.
    pub async fn log_sign_in(&self, helpdesk: &HelpdeskId, entry: &NewSignIn) {
        if let Err(error) = self.accounts.record_sign_in(helpdesk, entry, self.now()).await {
            tracing::warn!(%error, "an attempt to sign in could not be logged");
        }
    }
}

/// Whom the source means, as the accounts know them.
pub fn identity_key(usersource: &UsersourceId, person: &Person) -> Result<IdentityKey, Stopped> {
    let key =
        IdentityKey { usersource: usersource.clone(), issuer: person.issuer.clone(), subject: person.subject.clone() };
    if key.can_be_kept() { Ok(key) } else { Err(Stopped::Unidentified) }
}
