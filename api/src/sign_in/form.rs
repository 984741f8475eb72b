//! Signing in by the form: its usersources are asked in order, and whom one accepts goes through the gate (R26).
//!
//! Spec: product rules R20, R21, R26, R28, R33, R64; RFC 9106 (argon2id) through the password pool.
//! Stops: a disabled usersource or account that still lets people in (the head of the stream is read for each attempt);
//! telling unknown logins from wrong passwords (the same work, the same words, the same time steps); guessing (a
//! lockout per login, a slower answer per address); locking an admin out by guessing (a browser known from an earlier
//! success has a counter of its own).

use super::gate::{Proven, Who};
use super::{Denied, Reason, Stopped, Trace};
use crate::accounts::lockout::{self, Counted, Standing};
use crate::accounts::passwords::PasswordsError;
use crate::accounts::sign_ins::{NewSignIn, Outcome};
use crate::accounts::{Account, AccountsError, Means, Secret};
use crate::app::App;
use crate::authenticators::{self, Authenticator, SignIn};
use crate::store::{Loaded, StoreError};
use domain::offer::offer;
use domain::values::Usersource;
use domain::{HelpdeskId, Surface, Timestamp, UsersourceId};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// Failures answer at the next multiple of this (R26).
const STEP: Duration = Duration::from_millis(250);

/// What the form sent, and from where.
pub struct Attempt {
    /// At which helpdesk.
    pub helpdesk: HelpdeskId,
    /// On which surface: it decides the audience.
    pub surface: Surface,
    /// What was typed as login.
    pub login: String,
    /// What was typed as password.
    pub password: Zeroizing<String>,
    /// The visitor's address.
    pub ip: IpAddr,
    /// The cookie of a browser that succeeded before.
    pub browser: Option<String>,
}

impl Attempt {
    fn counter(&self) -> lockout::Attempt<'_> {
        lockout::Attempt { helpdesk: &self.helpdesk, login: &self.login, ip: self.ip, browser: self.browser.as_deref() }
    }
}

/// Somebody is in.
pub struct Admitted {
    /// The new session's secret.
    pub session: Secret,
    /// The browser's secret, by which it is known next time.
    pub browser: Secret,
}

/// Why nobody is in, as far as the visitor may know.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Login or password are wrong, or the account may not enter here: one sentence for all of it.
    #[error("this login and password do not match")]
    Mismatch,
    /// The same, and a source that may know the person does not answer.
    #[error("this login and password do not match, or what would know them does not answer")]
    MismatchOrAway,
    /// Too many failures; the same for logins that do not exist.
    #[error("too many failed attempts; try again in a few minutes")]
    TooMany,
    /// There is no form here now.
    #[error("signing in with a password is not possible here")]
    NoForm,
    /// Everybody here signs in at the provider (R22).
    #[error("signing in here happens at the provider alone")]
    Automatic,
    /// Too many sign-ins at once.
    #[error("too many people are signing in at this moment; try again in a few seconds")]
    Busy,
    /// A store does not answer.
    #[error("signing in is not possible at this moment; try again soon")]
    Unavailable,
}

impl From<AccountsError> for Refused {
    fn from(error: AccountsError) -> Self {
        tracing::error!(%error, "a sign-in failed for a reason of ours");
        Self::Unavailable
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a sign-in failed for a reason of ours");
        Self::Unavailable
    }
}

impl From<PasswordsError> for Refused {
    fn from(error: PasswordsError) -> Self {
        match error {
            PasswordsError::Busy => Self::Busy,
            other => {
                tracing::error!(error = %other, "a sign-in failed for a reason of ours");
                Self::Unavailable
            }
        }
    }
}

impl App {
    /// Whether somebody who is signed in still knows their password; failures count like failed sign-ins.
    pub async fn confirm_password(
        &self,
        account: &Account,
        password: Zeroizing<String>,
        surface: Surface,
        ip: IpAddr,
        browser: Option<&str>,
    ) -> Result<(), Refused> {
        let now = self.now();
        let head = self.ledger.refresh(&account.helpdesk).await?;
        let policy = head.state.policy(surface.audience());
        let attempt = lockout::Attempt { helpdesk: &account.helpdesk, login: account.login(), ip, browser };
        let counted = self.accounts.begin_attempt(&attempt, &policy, now).await?;
        match counted.standing {
            Standing::Open => {}
            Standing::Slowed(delay) => tokio::time::sleep(delay).await,
            Standing::Locked(_) => return Err(Refused::TooMany),
        }
        let hash = self.accounts.password_hash(&account.helpdesk, &account.id).await?;
        match self.passwords.verify(hash, password).await {
            Ok(verified) if !verified.matches => return Err(Refused::Mismatch),
            Ok(_) => {}
            Err(error) => {
                self.accounts.attempt_withdrawn(&attempt, &counted, &policy).await?;
                return Err(error.into());
            }
        }
        Ok(self.accounts.attempt_withdrawn(&attempt, &counted, &policy).await?)
    }

    /// Tries the enabled form usersources in order and stops at the first that accepts (R26).
    pub async fn sign_in(&self, attempt: &Attempt) -> Result<Admitted, Refused> {
        let started = Instant::now();
        let result = self.try_sign_in(attempt).await;
        if result.is_err() {
            let passed = u32::try_from(started.elapsed().as_millis() / STEP.as_millis()).unwrap_or(u32::MAX);
            tokio::time::sleep_until(started + STEP * (passed.saturating_add(1))).await;
        }
        result
    }

    async fn try_sign_in(&self, attempt: &Attempt) -> Result<Admitted, Refused> {
        let now = self.now();
        let head = self.ledger.refresh(&attempt.helpdesk).await?;
        let seen = offer(attempt.surface, &head.state.entries());
        if seen.automatic.is_some() {
            return Err(Refused::Automatic);
        }
        let form = seen.form.ok_or(Refused::NoForm)?;
        let policy = head.state.policy(attempt.surface.audience());
        // Counted as failed before the password is looked at: many at once cannot slip past the counter.
        let counted = self.accounts.begin_attempt(&attempt.counter(), &policy, now).await?;
        match counted.standing {
            Standing::Open => {}
            Standing::Slowed(delay) => tokio::time::sleep(delay).await,
            Standing::Locked(_) => {
                self.log_attempt(attempt, None, Outcome::Refused, "locked").await;
                return Err(Refused::TooMany);
            }
        }
        let result = self.ask(attempt, &head, &form.usersources, &counted, now).await;
        if let Err(Refused::Busy | Refused::Unavailable) = result {
            self.accounts.attempt_withdrawn(&attempt.counter(), &counted, &policy).await?;
        }
        result
    }

    /// Asks the usersources one after the other; the first that accepts decides (R26). One that cannot be asked is passed
    /// over: the others may know the person.
    async fn ask(
        &self,
        attempt: &Attempt,
        head: &Loaded,
        usersources: &[UsersourceId],
        counted: &Counted,
        now: Timestamp,
    ) -> Result<Admitted, Refused> {
        let (mut away, mut judged) = (false, false);
        for id in usersources {
            let usersource = head.state.usersource(id).map_err(|_| Refused::NoForm)?;
            match self.accepts(attempt, usersource).await {
                Ok(Accepted::Who(who)) => return self.pass(attempt, usersource, who, counted, now).await,
                Ok(Accepted::Nobody) => judged = true,
                Ok(Accepted::Denied(denied)) => {
                    tracing::warn!(usersource = %id, %denied, "a usersource let nobody in");
                    self.log_attempt(attempt, Some(id), Outcome::Failed, denied.reason.as_str()).await;
                    // Whatever else it says of a login is judged like a wrong password, and looks like one.
                    let silent = matches!(denied.reason, Reason::Unreachable | Reason::Misconfigured);
                    (away, judged) = (away || silent, judged || !silent);
                }
                // A guess that one has judged is counted, whatever the others are busy with.
                Err(Refused::Busy | Refused::Unavailable) if judged => away = true,
                Err(refused) => return Err(refused),
            }
        }
        match (judged, away) {
            (false, true) => Err(Refused::Unavailable),
            (true, true) => Err(Refused::MismatchOrAway),
            (_, false) => {
                self.log_attempt(attempt, usersources.first(), Outcome::Failed, "mismatch").await;
                Err(Refused::Mismatch)
            }
        }
    }

    /// Whether `usersource` knows this login and password.
    async fn accepts(&self, attempt: &Attempt, usersource: &Usersource) -> Result<Accepted, Refused> {
        // A directory would take an empty password for nobody in particular, and say yes.
        if attempt.password.is_empty() {
            return Ok(Accepted::Nobody);
        }
        match authenticators::kind(&usersource.kind).map(Authenticator::sign_in) {
            Some(SignIn::Own) => {
                Ok(self.knows_password(attempt).await?.map_or(Accepted::Nobody, |a| Accepted::Who(Who::Own(a))))
            }
            Some(SignIn::Form(kind)) => {
                let base_url = self.base_url(&attempt.helpdesk);
                let source = self.source(&attempt.helpdesk, usersource, &base_url);
                match kind.ask(&source, &attempt.login, &attempt.password, &mut Trace::off()).await {
                    Ok(Some(person)) => Ok(Accepted::Who(Who::Vouched(person))),
                    Ok(None) => Ok(Accepted::Nobody),
                    Err(denied) => Ok(Accepted::Denied(denied)),
                }
            }
            Some(SignIn::Redirect(_)) | None => Ok(Accepted::Nobody),
        }
    }

    /// Our own account with this login and password.
    async fn knows_password(&self, attempt: &Attempt) -> Result<Option<Account>, Refused> {
        let found = self.accounts.credentials(&attempt.helpdesk, &attempt.login).await?;
        let hash = found.as_ref().and_then(|f| f.password_hash.clone());
        let verified = self.passwords.verify(hash.clone(), attempt.password.clone()).await?;
        let Some(found) = found.filter(|_| verified.matches) else { return Ok(None) };
        // Looking took its time: a password that was set meanwhile ended everything that the former one opens.
        let stored = self.accounts.password_hash(&attempt.helpdesk, &found.account.id).await?;
        if stored != hash && !self.passwords.verify(stored, attempt.password.clone()).await?.matches {
            return Ok(None);
        }
        if let (true, Some(old)) = (verified.rehash_wanted, hash) {
            let new = self.passwords.hash(attempt.password.clone()).await?;
            self.accounts.rehash_password(&attempt.helpdesk, &found.account.id, &old, &new).await?;
        }
        Ok(Some(found.account))
    }

    /// Through the gate. A refusal there ends the attempt, and no other usersource is asked (R26).
    async fn pass(
        &self,
        attempt: &Attempt,
        usersource: &Usersource,
        who: Who,
        counted: &Counted,
        now: Timestamp,
    ) -> Result<Admitted, Refused> {
        let proven = Proven {
            helpdesk: attempt.helpdesk.clone(),
            surface: attempt.surface,
            usersource: usersource.id.clone(),
            digest: usersource.sign_in_digest(),
            who,
            means: Means::Password,
            authenticated_at: now,
            provider: None,
        };
        let (session, account) = self.admit(proven, attempt.ip).await.map_err(|stopped| match stopped {
            Stopped::Unavailable => Refused::Unavailable,
            Stopped::UsersourceDisabled | Stopped::UsersourceChanged => Refused::NoForm,
            Stopped::Automatic => Refused::Automatic,
            // One sentence for all of it: who is disabled here is nobody's business (R26).
            Stopped::Denied(_)
            | Stopped::Expired
            | Stopped::Used
            | Stopped::OtherBrowser
            | Stopped::Filtered
            | Stopped::Unidentified
            | Stopped::NoAccount
            | Stopped::AccountDisabled
            | Stopped::WrongRole
            | Stopped::LinkedElsewhere
            | Stopped::NotSignedIn => Refused::Mismatch,
        })?;
        let browser = self.accounts.attempt_succeeded(&attempt.counter(), counted, &account.id, now).await?;
        Ok(Admitted { session, browser })
    }

    async fn log_attempt(&self, attempt: &Attempt, usersource: Option<&UsersourceId>, outcome: Outcome, reason: &str) {
        let entry = NewSignIn {
            surface: attempt.surface,
            usersource: usersource.cloned(),
            outcome,
            reason: reason.to_owned(),
            account: None,
            ip: Some(attempt.ip),
        };
        self.log_sign_in(&attempt.helpdesk, &entry).await;
    }
}

/// What a usersource says of a login and a password.
enum Accepted {
    /// Somebody's.
    Who(Who),
    /// Nobody's.
    Nobody,
    /// It cannot say, or does not admit them.
    Denied(Denied),
}
