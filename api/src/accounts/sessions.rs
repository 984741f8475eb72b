//! Sessions: that somebody signed in, for whom, through what, and until when (R20, R28, R65).
//!
//! Spec: a new 256-bit id at each sign-in, stored hashed; an idle and an absolute end, kept with the session as the
//! policy was then. A session resolves only while its account is active and its role may enter its audience.
//! Stops: session fixation; a stolen database used as cookies; a disabled or demoted person who stays in.

use super::people::{ACCOUNT, Account, account, claim};
use super::provider_sessions::{AtProvider, at_provider};
use super::rows::{from_version, number, optional_text, text, time, to_version, word};
use super::secrets::digest;
use super::{Accounts, AccountsError, Means, Secret};
use domain::{AccountId, Audience, HelpdeskId, Policy, Surface, Timestamp, UsersourceId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uuid::Uuid;

/// A sign-in that becomes a session.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who signed in.
    pub account: AccountId,
    /// The audience of the usersource; for a recovery link, agents.
    pub audience: Audience,
    /// Where they stood.
    pub surface: Surface,
    /// Through which usersource; `None` for a recovery link.
    pub usersource: Option<UsersourceId>,
    /// The version of the configuration that admitted them.
    pub version: u64,
    /// How they proved who they are.
    pub means: Means,
    /// When they did: now, or when the provider says.
    pub authenticated_at: Timestamp,
    /// Whose session it is at the source, for a source other than our own.
    pub at_provider: Option<AtProvider>,
}

/// A session that is alive, with its account as it is at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names the session to people. It opens nothing.
    pub id: String,
    /// Whose it is.
    pub account: Account,
    /// Which audience's pages it opens; an agents' session opens the portal too.
    pub audience: Audience,
    /// Where it was made.
    pub surface: Surface,
    /// Through which usersource.
    pub usersource: Option<UsersourceId>,
    /// The version of the configuration at which it was made.
    pub version: u64,
    /// How they proved who they are.
    pub means: Means,
    /// When they did.
    pub authenticated_at: Timestamp,
    /// Whose session it is at the source.
    pub at_provider: Option<AtProvider>,
    /// When the session was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends, used or not.
    pub expires_at: Timestamp,
}

/// The use of a session or token is written at most so often, in milliseconds.
pub(super) const TOUCH_MILLIS: i64 = 60 * 1000;

impl Session {
    /// Whether the sign-in is recent and strong enough for what R41 asks for.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.means.is_fresh(self.authenticated_at, now)
    }
}

const ALIVE: &str =
    "s.expires_at > $3 AND s.last_seen_at + s.idle_millis > $3 AND a.active = 1 AND a.erased_at IS NULL";

fn select(which: &str) -> String {
    format!(
        "SELECT {ACCOUNT}, s.id AS session_id, s.audience AS audience, s.surface AS surface, s.usersource AS usersource, \
         s.version AS version, s.means AS means, s.authenticated_at AS authenticated_at, s.created_at AS created_at, \
         s.last_seen_at AS last_seen_at, s.expires_at AS expires_at, s.issuer AS issuer, s.subject AS subject, \
         s.provider_index AS provider_index, s.provider AS provider \
         FROM sessions s JOIN accounts a ON a.helpdesk = s.helpdesk AND a.id = s.account \
         WHERE s.helpdesk = $1 AND s.{which} = $2 AND {ALIVE}"
    )
}

fn session(row: &AnyRow) -> Result<Session, AccountsError> {
    Ok(Session {
        id: text(row, "session_id")?,
        account: account(row)?,
        audience: word(row, "audience")?,
        surface: word(row, "surface")?,
        usersource: optional_text(row, "usersource")?.map(UsersourceId::new),
        version: to_version(number(row, "version")?)?,
        means: word(row, "means")?,
        authenticated_at: time(row, "authenticated_at")?,
        at_provider: at_provider(row)?,
        created_at: time(row, "created_at")?,
        last_seen_at: time(row, "last_seen_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

/// Makes the session in a transaction that has claimed its account already.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    new: &NewSession,
    policy: &Policy,
    now: Timestamp,
) -> Result<Secret, AccountsError> {
    let secret = Secret::random("")?;
    sqlx::query(
        "INSERT INTO sessions (helpdesk, secret_hash, id, account, audience, surface, usersource, version, means, \
         authenticated_at, created_at, last_seen_at, idle_millis, expires_at, issuer, subject, provider_index, provider) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(helpdesk.as_str())
    .bind(secret.digest())
    .bind(format!("ses_{}", Uuid::now_v7().simple()))
    .bind(new.account.as_str())
    .bind(new.audience.as_str())
    .bind(new.surface.as_str())
    .bind(new.usersource.as_ref().map(UsersourceId::as_str))
    .bind(from_version(new.version))
    .bind(new.means.as_str())
    .bind(new.authenticated_at.millis())
    .bind(now.millis())
    .bind(policy.session_idle_seconds.saturating_mul(1000))
    .bind(now.plus_seconds(policy.session_absolute_seconds).millis())
    .bind(new.at_provider.as_ref().map(|at| at.issuer.as_str()))
    .bind(new.at_provider.as_ref().map(|at| at.subject.as_str()))
    .bind(new.at_provider.as_ref().and_then(|at| at.index.as_deref()))
    .bind(new.at_provider.as_ref().and_then(|at| at.sealed.as_deref()))
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE accounts SET last_sign_in_at = $3 WHERE helpdesk = $1 AND id = $2")
        .bind(helpdesk.as_str())
        .bind(new.account.as_str())
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(secret)
}

impl Accounts {
    /// Makes a session with a new id. An account that is disabled, erased or not of this audience gets none: unknown.
    pub async fn open_session(
        &self,
        helpdesk: &HelpdeskId,
        new: &NewSession,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Secret, AccountsError> {
        let mut transaction = self.db.begin("accounts").await?;
        if !claim(&mut transaction, helpdesk, &new.account).await?.role.may_enter(new.audience) {
            return Err(AccountsError::Unknown);
        }
        let secret = insert(&mut transaction, helpdesk, new, policy, now).await?;
        transaction.commit().await?;
        Ok(secret)
    }

    /// The session that `secret` opens, if it is alive. That it was used is written at most once a minute; should that
    /// writing fail, the session still stands.
    pub async fn find_session(
        &self,
        helpdesk: &HelpdeskId,
        secret: &str,
        now: Timestamp,
    ) -> Result<Option<Session>, AccountsError> {
        let hash = digest(secret);
        let row = sqlx::query(&select("secret_hash"))
            .bind(helpdesk.as_str())
            .bind(&hash)
            .bind(now.millis())
            .fetch_optional(&self.db.read)
            .await?;
        let Some(session) = row.as_ref().map(session).transpose()? else { return Ok(None) };
        if !session.account.role.may_enter(session.audience) {
            return Ok(None);
        }
        let stale = now.millis().saturating_sub(TOUCH_MILLIS);
        if session.last_seen_at.millis() <= stale {
            let touched = sqlx::query(
                "UPDATE sessions SET last_seen_at = $3 WHERE helpdesk = $1 AND secret_hash = $2 AND last_seen_at <= $4",
            )
            .bind(helpdesk.as_str())
            .bind(&hash)
            .bind(now.millis())
            .bind(stale)
            .execute(&self.db.write)
            .await;
            if let Err(error) = touched {
                tracing::warn!(error = %AccountsError::from(error), "the use of a session could not be written");
            }
        }
        Ok(Some(session))
    }

    /// The live sessions of an account, newest first, at most 200.
    pub async fn sessions_of(
        &self,
        helpdesk: &HelpdeskId,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<Vec<Session>, AccountsError> {
        let sql = select("account") + " ORDER BY s.created_at DESC, s.id DESC LIMIT 200";
        let rows = sqlx::query(&sql)
            .bind(helpdesk.as_str())
            .bind(account.as_str())
            .bind(now.millis())
            .fetch_all(&self.db.read)
            .await?;
        rows.iter().map(session).collect()
    }

    /// Ends the session that `secret` opens. Ending what is over is no error.
    pub async fn end_session(&self, helpdesk: &HelpdeskId, secret: &str) -> Result<(), AccountsError> {
        self.delete_sessions("secret_hash = $2", helpdesk, &digest(secret), "").await.map(drop)
    }

    /// Ends the session of `account` that is called `id`.
    pub async fn end_session_by_id(
        &self,
        helpdesk: &HelpdeskId,
        account: &AccountId,
        id: &str,
    ) -> Result<(), AccountsError> {
        let ended = self.delete_sessions("account = $2 AND id = $3", helpdesk, account.as_str(), id).await?;
        if ended == 0 { Err(AccountsError::Unknown) } else { Ok(()) }
    }

    /// Ends every session of an account and says how many there were.
    pub async fn end_all_sessions(&self, helpdesk: &HelpdeskId, account: &AccountId) -> Result<u64, AccountsError> {
        self.delete_sessions("account = $2", helpdesk, account.as_str(), "").await
    }

    /// Ends every session of an account but the one that `keep` opens.
    pub async fn end_other_sessions(
        &self,
        helpdesk: &HelpdeskId,
        account: &AccountId,
        keep: &str,
    ) -> Result<u64, AccountsError> {
        self.delete_sessions("account = $2 AND secret_hash <> $3", helpdesk, account.as_str(), &digest(keep)).await
    }

    async fn delete_sessions(
        &self,
        which: &str,
        helpdesk: &HelpdeskId,
        second: &str,
        third: &str,
    ) -> Result<u64, AccountsError> {
        let sql = format!("DELETE FROM sessions WHERE helpdesk = $1 AND {which}");
        let mut query = sqlx::query(&sql).bind(helpdesk.as_str()).bind(second);
        if which.contains("$3") {
            query = query.bind(third);
        }
        Ok(query.execute(&self.db.write).await?.rows_affected())
    }

    pub(super) async fn purge_sessions(&self, now: Timestamp) -> Result<u64, AccountsError> {
        let done = sqlx::query("DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at + idle_millis <= $1")
            .bind(now.millis())
            .execute(&self.db.write)
            .await?;
        Ok(done.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, new, session, there};
    use super::super::{AccountUpdate, Role};
    use super::*;

    const POLICY: fn() -> Policy =
        || Policy { session_idle_seconds: 300, session_absolute_seconds: 1000, ..Policy::default() };

    #[tokio::test]
    async fn r64_a_session_ends_when_it_is_idle_and_when_its_time_is_over_and_is_then_purged() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Agent), None, at(0)).await.unwrap();
            let idle =
                accounts.open_session(&here(), &session(&jane, Means::Provider), &POLICY(), at(0)).await.unwrap();
            let used =
                accounts.open_session(&here(), &session(&jane, Means::Password), &POLICY(), at(0)).await.unwrap();
            assert_ne!(idle.expose(), used.expose());
            for second in [250, 500, 750, 999] {
                let found = accounts.find_session(&here(), used.expose(), at(second)).await.unwrap();
                assert!(found.is_some(), "{second}");
            }
            assert!(accounts.find_session(&here(), used.expose(), at(1000)).await.unwrap().is_none());
            assert!(accounts.find_session(&here(), idle.expose(), at(299)).await.unwrap().is_some());
            assert!(accounts.find_session(&here(), idle.expose(), at(600)).await.unwrap().is_none());
            assert_eq!(accounts.sessions_of(&here(), &jane.id, at(700)).await.unwrap().len(), 1);
            assert_eq!(accounts.purge_expired(at(700)).await.unwrap(), 1);
            assert_eq!(accounts.purge_expired(at(1000)).await.unwrap(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn the_use_of_a_session_is_written_at_most_once_a_minute() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Agent), None, at(0)).await.unwrap();
            let cookie =
                accounts.open_session(&here(), &session(&jane, Means::Password), &POLICY(), at(0)).await.unwrap();
            for (second, seen_before) in [(59, 0), (60, 0), (119, 60), (120, 60), (121, 120)] {
                let found = accounts.find_session(&here(), cookie.expose(), at(second)).await.unwrap().unwrap();
                assert_eq!(found.last_seen_at, at(seen_before), "{second}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn r33_r20_a_disabled_account_and_one_that_left_the_staff_have_no_session() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Admin), None, at(0)).await.unwrap();
            let new = session(&jane, Means::Password);
            let open = async || accounts.open_session(&here(), &new, &POLICY(), at(0)).await;
            let find = async |secret: &Secret| accounts.find_session(&here(), secret.expose(), at(1)).await.unwrap();
            let change = async |role, active| {
                accounts.update(&here(), &jane.id, &AccountUpdate { role, active, name: None }, None).await.unwrap()
            };
            let cookie = open().await.unwrap();
            change(Some(Role::User), None).await;
            assert!(find(&cookie).await.is_none());
            assert!(matches!(open().await, Err(AccountsError::Unknown)));
            change(Some(Role::Agent), None).await;
            assert_eq!(find(&cookie).await.unwrap().account.role, Role::Agent);
            change(None, Some(false)).await;
            assert!(find(&cookie).await.is_none());
            assert!(matches!(open().await, Err(AccountsError::Unknown)));
            change(None, Some(true)).await;
            assert!(find(&cookie).await.is_none(), "what was ended stays ended");
            let cookie = open().await.unwrap();
            sqlx::query("UPDATE accounts SET active = 0").execute(&accounts.db.write).await.unwrap();
            assert!(find(&cookie).await.is_none(), "judged at use, not only when it was disabled");
        })
        .await;
    }

    #[tokio::test]
    async fn sessions_end_one_by_one_or_all_and_never_those_of_another_helpdesk() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Agent), None, at(0)).await.unwrap();
            let mut cookies = Vec::new();
            for _ in 0..4 {
                let made = accounts.open_session(&here(), &session(&jane, Means::Password), &POLICY(), at(0)).await;
                cookies.push(made.unwrap());
            }
            let left = async || accounts.sessions_of(&here(), &jane.id, at(1)).await.unwrap();
            let elsewhere = accounts.open_session(&there(), &session(&jane, Means::Password), &POLICY(), at(0)).await;
            assert!(matches!(elsewhere, Err(AccountsError::Unknown)));
            assert!(accounts.find_session(&there(), cookies[0].expose(), at(1)).await.unwrap().is_none());
            assert!(accounts.sessions_of(&there(), &jane.id, at(1)).await.unwrap().is_empty());
            accounts.end_session(&there(), cookies[0].expose()).await.unwrap();
            assert_eq!(accounts.end_all_sessions(&there(), &jane.id).await.unwrap(), 0);
            let id = left().await[0].id.clone();
            assert!(accounts.end_session_by_id(&there(), &jane.id, &id).await.is_err());
            assert_eq!(left().await.len(), 4);
            accounts.end_session(&here(), cookies[0].expose()).await.unwrap();
            assert_eq!(accounts.end_other_sessions(&here(), &jane.id, cookies[1].expose()).await.unwrap(), 2);
            let id = left().await[0].id.clone();
            accounts.end_session_by_id(&here(), &jane.id, &id).await.unwrap();
            assert!(left().await.is_empty());
        })
        .await;
    }
}
