//! What works once: attempts and messages that were used, and answers that wait for the browser that began them.
//!
//! Spec: SAML Profiles 4.1.4.5 (a bearer assertion is used once); RFC 6749 §10.5. An answer is sealed while it waits.
//! Stops: an answer that is sent a second time; a table that a stranger fills without end.

use super::secrets::digest;
use super::{Accounts, AccountsError, Secret};
use domain::{HelpdeskId, Timestamp, UsersourceId};
use sqlx::Row as _;

/// At most so many answers of one helpdesk wait at once.
const MOST_HELD: i64 = 2_000;
/// An answer waits for so long, in seconds: the browser comes for it at once.
const HELD_SECONDS: i64 = 120;

impl Accounts {
    /// Whether this is the first use of `what` at the usersource. It is remembered until `expires_at`, after which it
    /// must be refused for its age.
    pub async fn use_once(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &UsersourceId,
        what: &str,
        expires_at: Timestamp,
    ) -> Result<bool, AccountsError> {
        let done = sqlx::query(
            "INSERT INTO used_once (helpdesk, usersource, digest, expires_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (helpdesk, usersource, digest) DO NOTHING",
        )
        .bind(helpdesk.as_str())
        .bind(usersource.as_str())
        .bind(digest(what))
        .bind(expires_at.millis())
        .execute(&self.db.write)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps an answer, sealed, under a handle that works once. Busy if too many wait already.
    pub async fn hold_answer(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &UsersourceId,
        sealed: &str,
        now: Timestamp,
    ) -> Result<Secret, AccountsError> {
        let row = sqlx::query("SELECT count(*) AS held FROM held_answers WHERE helpdesk = $1 AND expires_at > $2")
            .bind(helpdesk.as_str())
            .bind(now.millis())
            .fetch_one(&self.db.read)
            .await?;
        if row.try_get::<i64, _>("held")? >= MOST_HELD {
            return Err(AccountsError::Busy);
        }
        let handle = Secret::random("")?;
        sqlx::query(
            "INSERT INTO held_answers (helpdesk, handle_hash, usersource, sealed, expires_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(helpdesk.as_str())
        .bind(handle.digest())
        .bind(usersource.as_str())
        .bind(sealed)
        .bind(now.plus_seconds(HELD_SECONDS).millis())
        .execute(&self.db.write)
        .await?;
        Ok(handle)
    }

    /// The answer under this handle, which is gone with it.
    pub async fn take_answer(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &UsersourceId,
        handle: &str,
        now: Timestamp,
    ) -> Result<Option<String>, AccountsError> {
        let row = sqlx::query(
            "DELETE FROM held_answers WHERE helpdesk = $1 AND handle_hash = $2 AND usersource = $3 AND expires_at > $4 \
             RETURNING sealed",
        )
        .bind(helpdesk.as_str())
        .bind(digest(handle))
        .bind(usersource.as_str())
        .bind(now.millis())
        .fetch_optional(&self.db.write)
        .await?;
        Ok(row.map(|row| row.try_get("sealed")).transpose()?)
    }

    pub(super) async fn purge_used(&self, now: Timestamp) -> Result<u64, AccountsError> {
        let mut purged = 0;
        for statement in
            ["DELETE FROM used_once WHERE expires_at <= $1", "DELETE FROM held_answers WHERE expires_at <= $1"]
        {
            purged += sqlx::query(statement).bind(now.millis()).execute(&self.db.write).await?.rows_affected();
        }
        Ok(purged)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, there};
    use super::*;
    use futures::future::join_all;

    #[tokio::test]
    async fn of_twenty_uses_at_once_one_is_the_first() {
        Everywhere::run(async |accounts| {
            let uses = join_all((0..20).map(|_| {
                let accounts = accounts.clone();
                async move { accounts.use_once(&here(), &"us_1".into(), "attempt", at(60)).await.unwrap() }
            }));
            assert_eq!(uses.await.into_iter().filter(|first| *first).count(), 1);
            assert!(
                accounts.use_once(&here(), &"us_2".into(), "attempt", at(60)).await.unwrap(),
                "of another usersource"
            );
            assert!(accounts.use_once(&there(), &"us_1".into(), "attempt", at(60)).await.unwrap());
            assert_eq!(accounts.purge_expired(at(59)).await.unwrap(), 0);
            assert_eq!(accounts.purge_expired(at(60)).await.unwrap(), 3);
        })
        .await;
    }

    #[tokio::test]
    async fn an_answer_waits_a_moment_for_one_who_knows_its_handle() {
        Everywhere::run(async |accounts| {
            let id = "us_1".into();
            let handle = accounts.hold_answer(&here(), &id, "sealed", at(0)).await.unwrap();
            let take = async |helpdesk: HelpdeskId, usersource: &str, second| {
                let usersource = usersource.into();
                accounts.take_answer(&helpdesk, &usersource, handle.expose(), at(second)).await.unwrap()
            };
            assert_eq!(take(there(), "us_1", 1).await, None);
            assert_eq!(take(here(), "us_2", 1).await, None);
            assert_eq!(take(here(), "us_1", 120).await, None, "too late");
            assert_eq!(take(here(), "us_1", 119).await.as_deref(), Some("sealed"));
            assert_eq!(take(here(), "us_1", 119).await, None, "once");
        })
        .await;
    }
}
