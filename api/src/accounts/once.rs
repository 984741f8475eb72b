//! What works once: attempts and messages that were used, as hashes, until they would be too old anyhow.
//!
//! Spec: SAML Profiles 4.1.4.5 (a bearer assertion is used once); RFC 6749 §10.5.
//! Stops: an answer that is sent a second time, to this node or to another.

use super::secrets::digest;
use super::{Accounts, AccountsError};
use domain::{HelpdeskId, Timestamp, UsersourceId};

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

    pub(super) async fn purge_used(&self, now: Timestamp) -> Result<u64, AccountsError> {
        let purged =
            sqlx::query("DELETE FROM used_once WHERE expires_at <= $1").bind(now.millis()).execute(&self.db.write);
        Ok(purged.await?.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, there};
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
}
