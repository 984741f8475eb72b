//! Passwords as they are stored: looked up by login, set, and put in place of weaker hashes (R64).
//!
//! Spec: a login is looked up by one statement, whether it exists or not. A new password ends the links that would have
//! reset the old one.
//! Stops: a rehash of the old password that arrives after a change; a reset link that outlives the change.

use super::emails::normalised;
use super::people::{ACCOUNT, Account, account, delete_of};
use super::rows::optional_text;
use super::{Accounts, AccountsError};
use domain::{AccountId, HelpdeskId};

/// An account and what its password is verified against.
pub struct Credentials {
    /// Whose they are.
    pub account: Account,
    /// The stored hash, for `Passwords::verify` alone.
    pub password_hash: Option<String>,
}

impl Accounts {
    /// The account that signs in with `login`, and its password's hash. One look-up, whether it exists or not.
    pub async fn credentials(&self, helpdesk: &HelpdeskId, login: &str) -> Result<Option<Credentials>, AccountsError> {
        let sql = format!(
            "SELECT {ACCOUNT}, a.password_hash AS password_hash FROM accounts a WHERE a.helpdesk = $1 AND a.email_key = $2"
        );
        // A NUL can be in no stored address, and PostgreSQL would not take it.
        let key = normalised(login).replace('\0', " ");
        let row = sqlx::query(&sql).bind(helpdesk.as_str()).bind(key).fetch_optional(&self.db.read).await?;
        row.map(|row| Ok(Credentials { account: account(&row)?, password_hash: optional_text(&row, "password_hash")? }))
            .transpose()
    }

    /// The hash of this account's password, for a visitor who is signed in and changes it.
    pub async fn password_hash(&self, helpdesk: &HelpdeskId, id: &AccountId) -> Result<Option<String>, AccountsError> {
        let row = sqlx::query("SELECT password_hash FROM accounts WHERE helpdesk = $1 AND id = $2")
            .bind(helpdesk.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.db.read)
            .await?;
        row.map_or(Ok(None), |row| optional_text(&row, "password_hash"))
    }

    /// Sets a new password. Links that would reset the old one stop working; sessions are the caller's to end.
    pub async fn set_password_hash(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
        hash: &str,
    ) -> Result<(), AccountsError> {
        let mut transaction = self.db.begin("accounts").await?;
        let done =
            sqlx::query("UPDATE accounts SET password_hash = $3 WHERE helpdesk = $1 AND id = $2 AND erased_at IS NULL")
                .bind(helpdesk.as_str())
                .bind(id.as_str())
                .bind(hash)
                .execute(&mut *transaction)
                .await?;
        if done.rows_affected() == 0 {
            return Err(AccountsError::Unknown);
        }
        delete_of(&mut transaction, &["links"], helpdesk, id).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Puts the same password's hash of stronger parameters in place of `old`. A password that was changed meanwhile
    /// stays: then the answer is `false`.
    pub async fn rehash_password(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
        old: &str,
        new: &str,
    ) -> Result<bool, AccountsError> {
        let done = sqlx::query(
            "UPDATE accounts SET password_hash = $4 WHERE helpdesk = $1 AND id = $2 AND password_hash = $3",
        )
        .bind(helpdesk.as_str())
        .bind(id.as_str())
        .bind(old)
        .bind(new)
        .execute(&self.db.write)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::super::fixture::{Everywhere, at, here, new};

    #[tokio::test]
    async fn r64_a_rehash_never_undoes_a_password_that_was_changed_meanwhile() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::User), Some("old"), at(0)).await.unwrap();
            assert!(jane.has_password);
            accounts.set_password_hash(&here(), &jane.id, "changed").await.unwrap();
            assert!(!accounts.rehash_password(&here(), &jane.id, "old", "rehashed").await.unwrap());
            assert!(accounts.rehash_password(&here(), &jane.id, "changed", "rehashed").await.unwrap());
            let stored = accounts.credentials(&here(), "j@x.test").await.unwrap().unwrap().password_hash;
            assert_eq!(stored.as_deref(), Some("rehashed"));
        })
        .await;
    }
}
