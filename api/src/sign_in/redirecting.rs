//! Signing in through a provider: the beginning and the end of an attempt, the same for every kind that redirects.
//!
//! Spec: product rules R22, R28; RFC 9700 (OAuth 2.0 Security BCP). The usersource is fixed by the address before
//! anything of the answer is read (one callback URL per usersource).
//! Stops: an answer used twice, late, in another browser, through another usersource, or after the usersource was
//! disabled or configured anew.

use super::attempt::{LIFE, Purpose, RedirectAttempt};
use super::gate::{Proven, Who, identity_key, passes_filter, usable};
use super::{Answer, Arrival, Begin, Denied, Departure, Person, ProviderSession, Reason, Source, Stopped, Trace};
use crate::accounts::sign_ins::{NewSignIn, Outcome};
use crate::accounts::{AccountsError, Means, Role, Secret, Session};
use crate::app::App;
use crate::authenticators::{self, Authenticator, RedirectSignIn, SignIn};
use crate::vault::VaultError;
use domain::values::Usersource;
use domain::{AccountId, HelpdeskId, Surface, Timestamp, UsersourceId};
use std::net::IpAddr;

/// How much longer than its life the use of an attempt is remembered, in seconds: nodes' clocks differ.
const REMEMBERED: i64 = LIFE + 120;

/// What somebody who begins asks for.
pub struct Start {
    /// At which helpdesk.
    pub helpdesk: HelpdeskId,
    /// Through which usersource.
    pub usersource: UsersourceId,
    /// Where they stand.
    pub surface: Surface,
    /// Where they go afterwards.
    pub return_to: Option<String>,
    /// Without showing anything (R25).
    pub silent: bool,
    /// The provider is to ask again (R41).
    pub ask_again: bool,
    /// What for.
    pub purpose: Purpose,
}

/// A browser on its way to the provider.
pub struct Begun {
    /// The attempt's name.
    pub id: String,
    /// The attempt, sealed for the browser's cookie.
    pub sealed: String,
    /// Where to.
    pub departure: Departure,
}

/// What came to the callback, and from whom.
pub struct Callback<'a> {
    /// At which helpdesk.
    pub helpdesk: &'a HelpdeskId,
    /// Through which usersource: the address says so.
    pub usersource: &'a UsersourceId,
    /// Where its visitors stand, if nothing else says so.
    pub surface: Surface,
    /// The attempt that this browser began, as far as it holds its cookie.
    pub attempt: Option<RedirectAttempt>,
    /// The session that the browser has, which links and tests need.
    pub session: Option<Session>,
    /// What the provider sent.
    pub answer: Answer,
    /// From where.
    pub ip: IpAddr,
}

/// What came of an attempt.
pub enum Landed {
    /// Somebody is in.
    SignedIn(Secret),
    /// The identity is linked.
    Linked,
    /// The test is over (R42).
    Tested(super::testing::Tested),
}

/// What an attempt is to its kind: the two ways to lead it to its end.
pub fn redirect_kind(kind: &str) -> Option<&'static dyn RedirectSignIn> {
    match authenticators::kind(kind).map(Authenticator::sign_in)? {
        SignIn::Redirect(redirect) => Some(redirect),
        SignIn::Own | SignIn::Form(_) => None,
    }
}

impl App {
    /// The usersource as its kind sees it.
    pub fn source<'a>(&'a self, helpdesk: &'a HelpdeskId, usersource: &'a Usersource, base_url: &'a str) -> Source<'a> {
        Source { helpdesk, usersource, base_url, now: self.now(), vault: &self.vault, outbound: &self.outbound }
    }

    /// Begins an attempt. It reads what is in memory and touches no database: the end judges anew.
    pub async fn begin_attempt(&self, start: Start) -> Result<Begun, Stopped> {
        let head = self.ledger.load(&start.helpdesk).await?;
        let usersource = match &start.purpose {
            // A test may go through what is still disabled (R42).
            Purpose::Test { .. } => {
                head.state.usersource(&start.usersource).map_err(|_| Stopped::UsersourceDisabled)?
            }
            Purpose::SignIn | Purpose::Link { .. } => usable(&head.state, &start.usersource, start.surface)?,
        };
        let kind = redirect_kind(&usersource.kind).ok_or(Stopped::UsersourceDisabled)?;
        let base_url = self.base_url(&start.helpdesk);
        let source = self.source(&start.helpdesk, usersource, &base_url);
        let id = RedirectAttempt::new_id()?;
        let wish = Begin { attempt: id.clone(), silent: start.silent, ask_again: start.ask_again };
        let departure = kind.begin(&source, &wish, &mut Trace::off()).await.map_err(|denied| told(&source, &denied))?;
        let attempt = RedirectAttempt {
            id: id.clone(),
            usersource: start.usersource,
            digest: usersource.sign_in_digest(),
            surface: start.surface,
            return_to: start.return_to,
            silent: start.silent,
            ask_again: start.ask_again,
            purpose: start.purpose,
            began_at: self.now(),
            memory: departure.memory.clone(),
        };
        let sealed = attempt.seal(&self.vault, &start.helpdesk)?;
        Ok(Begun { id, sealed, departure })
    }

    /// Ends an attempt: whatever came of it, it is used up.
    pub async fn finish_attempt(&self, callback: Callback<'_>) -> Result<Landed, Stopped> {
        let surface = callback.attempt.as_ref().map_or(callback.surface, |attempt| attempt.surface);
        match self.try_finish(&callback).await {
            Err(Halted::Before(stopped)) => {
                self.log_stopped(&callback, surface, stopped).await;
                Err(stopped)
            }
            Err(Halted::AtTheGate(stopped)) => Err(stopped),
            Ok(landed) => Ok(landed),
        }
    }

    async fn try_finish(&self, callback: &Callback<'_>) -> Result<Landed, Halted> {
        let attempt = callback.attempt.as_ref();
        if let Some(attempt) = attempt {
            self.use_up(callback, attempt).await?;
        }
        let head = self.ledger.refresh(callback.helpdesk).await?;
        let testing = matches!(attempt.map(|a| &a.purpose), Some(Purpose::Test { .. }));
        let found = head.state.usersource(callback.usersource).map_err(|_| Stopped::UsersourceDisabled)?;
        let surface = attempt.map_or(callback.surface, |attempt| attempt.surface);
        let usersource = if testing { found } else { usable(&head.state, callback.usersource, surface)? };
        let digest = usersource.sign_in_digest();
        if attempt.is_some_and(|attempt| attempt.digest != digest) {
            return Err(Stopped::UsersourceChanged.into());
        }
        let kind = redirect_kind(&usersource.kind).ok_or(Stopped::UsersourceDisabled)?;
        let base_url = self.base_url(callback.helpdesk);
        let source = self.source(callback.helpdesk, usersource, &base_url);
        let memory = attempt.map(|attempt| &attempt.memory);
        let mut trace = if testing { Trace::on() } else { Trace::off() };
        let arrived = kind.finish(&source, memory, &callback.answer, &mut trace).await;
        match attempt.map(|attempt| &attempt.purpose) {
            Some(Purpose::Test { account }) => self.finish_test(callback, account, usersource, arrived, trace).await,
            Some(Purpose::Link { account }) => {
                let arrival = self.first_use(callback, &source, arrived).await?;
                Ok(self.finish_link(callback, account, &digest, surface, &arrival.person).await?)
            }
            Some(Purpose::SignIn) | None => {
                let arrival = self.first_use(callback, &source, arrived).await?;
                let ask_again = attempt.is_some_and(|attempt| attempt.ask_again);
                let proven = proven(callback, surface, digest, arrival, ask_again, self.now());
                let admitted = self.admit(proven, callback.ip).await;
                admitted.map(|(secret, _)| Landed::SignedIn(secret)).map_err(Halted::AtTheGate)
            }
        }
    }

    /// A test belongs to the admin who began it (R42).
    async fn finish_test(
        &self,
        callback: &Callback<'_>,
        account: &AccountId,
        usersource: &Usersource,
        arrived: Result<Arrival, Denied>,
        trace: Trace,
    ) -> Result<Landed, Halted> {
        let session = callback.session.as_ref().filter(|session| session.account.id == *account);
        let session = session.filter(|session| session.account.role == Role::Admin).ok_or(Stopped::NotSignedIn)?;
        let arrived = match arrived {
            Ok(arrival) if self.never_before(callback, &arrival).await? => Ok(arrival.person),
            Ok(_) => Err(replayed()),
            Err(denied) => Err(denied),
        };
        let hand = self.own_hand(&session.account, Some(&callback.ip.to_string()), "tested");
        let hand = hand.map_err(|_| Stopped::Unavailable)?;
        Ok(Landed::Tested(self.conclude_test(callback.helpdesk, usersource, arrived, trace, hand).await?))
    }

    /// Links the identity to the account that began, if this browser is still signed in to it. The usersource is judged
    /// once more: the provider took its time.
    async fn finish_link(
        &self,
        callback: &Callback<'_>,
        account: &AccountId,
        digest: &str,
        surface: Surface,
        person: &Person,
    ) -> Result<Landed, Stopped> {
        let head = self.ledger.refresh(callback.helpdesk).await?;
        let usersource = usable(&head.state, callback.usersource, surface)?;
        if usersource.sign_in_digest() != digest {
            return Err(Stopped::UsersourceChanged);
        }
        let session = callback.session.as_ref().filter(|session| session.account.id == *account);
        session.filter(|session| session.audience == usersource.audience).ok_or(Stopped::NotSignedIn)?;
        passes_filter(usersource, person).await?;
        let key = identity_key(&usersource.id, person)?;
        let linked = self.accounts.link_identity(callback.helpdesk, account, &key, self.now()).await;
        linked.map_err(|error| {
            if matches!(error, AccountsError::Unknown) { Stopped::LinkedElsewhere } else { error.into() }
        })?;
        Ok(Landed::Linked)
    }

    /// An attempt that is too old, or was brought back before, is over.
    async fn use_up(&self, callback: &Callback<'_>, attempt: &RedirectAttempt) -> Result<(), Stopped> {
        if !attempt.is_young(self.now()) {
            return Err(Stopped::Expired);
        }
        let until = attempt.began_at.plus_seconds(REMEMBERED);
        let name = format!("attempt {}", attempt.id);
        let first = self.accounts.use_once(callback.helpdesk, callback.usersource, &name, until).await?;
        if first { Ok(()) } else { Err(Stopped::Used) }
    }

    async fn first_use(
        &self,
        callback: &Callback<'_>,
        source: &Source<'_>,
        arrived: Result<Arrival, Denied>,
    ) -> Result<Arrival, Stopped> {
        let arrival = arrived.map_err(|denied| told(source, &denied))?;
        if self.never_before(callback, &arrival).await? { Ok(arrival) } else { Err(told(source, &replayed())) }
    }

    /// Whether what the answer has that works once was not used before: an assertion, a token.
    async fn never_before(&self, callback: &Callback<'_>, arrival: &Arrival) -> Result<bool, Stopped> {
        for (what, until) in &arrival.once {
            let name = format!("message {what}");
            if !self.accounts.use_once(callback.helpdesk, callback.usersource, &name, *until).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What answers no attempt of this browser is not written down: anybody could fill the log with it.
    async fn log_stopped(&self, callback: &Callback<'_>, surface: Surface, stopped: Stopped) {
        if callback.attempt.is_none() {
            tracing::debug!(usersource = %callback.usersource, reason = stopped.as_str(), "an answer was refused");
            return;
        }
        let entry = NewSignIn {
            surface,
            usersource: Some(callback.usersource.clone()),
            outcome: if stopped.proved_something() { Outcome::Refused } else { Outcome::Failed },
            reason: stopped.as_str().to_owned(),
            account: None,
            ip: Some(callback.ip),
        };
        self.log_sign_in(callback.helpdesk, &entry).await;
    }

    /// What of the provider's session is kept, sealed.
    pub fn seal_provider_session(
        &self,
        helpdesk: &HelpdeskId,
        session: &ProviderSession,
    ) -> Result<String, VaultError> {
        let plain = serde_json::to_vec(session).map_err(|_| VaultError::Unsealable)?;
        self.vault.seal_bytes(&format!("provider session {}", helpdesk.as_str()), &plain)
    }
}

/// Where it stopped: what the gate refuses, the gate has written down already.
enum Halted {
    Before(Stopped),
    AtTheGate(Stopped),
}

impl<E: Into<Stopped>> From<E> for Halted {
    fn from(error: E) -> Self {
        Self::Before(error.into())
    }
}

fn replayed() -> Denied {
    Denied::new(Reason::Replayed, "this answer was used before")
}

/// The true cause is for our log; what it becomes is for everybody.
fn told(source: &Source<'_>, denied: &Denied) -> Stopped {
    tracing::warn!(helpdesk = %source.helpdesk, usersource = %source.usersource.id, %denied, "a source let nobody in");
    Stopped::Denied(denied.reason)
}

fn proven(
    callback: &Callback<'_>,
    surface: Surface,
    digest: String,
    arrival: Arrival,
    ask_again: bool,
    now: Timestamp,
) -> Proven {
    // Only a provider that was told to ask, and says when it did, proves this moment (R41).
    let asked = arrival.asked_again_at.filter(|_| ask_again);
    Proven {
        helpdesk: callback.helpdesk.clone(),
        surface,
        usersource: callback.usersource.clone(),
        digest,
        who: Who::Vouched(arrival.person),
        means: if asked.is_some() { Means::ProviderAskedAgain } else { Means::Provider },
        authenticated_at: asked.unwrap_or(now),
        provider: arrival.session,
    }
}
