//! The identities of an account as its owner and admins see them: listed, linked, unlinked.

use super::identities::{find_match, link, touch};
use super::people::claim;
use super::rows::{text, time};
use super::{Accounts, AccountsError, IdentityKey};
use domain::{AccountId, HelpdeskId, Timestamp, UsersourceId};
use sqlx::any::AnyRow;

/// An identity that belongs to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Names it to people and to `unlink`.
    pub id: String,
    /// Whom the source means.
    pub key: IdentityKey,
    /// Whose it is.
    pub account: AccountId,
    /// When it was linked.
    pub linked_at: Timestamp,
    /// When somebody last signed in with it.
    pub last_used_at: Timestamp,
}

impl Accounts {
    /// Links an identity to an account, for a person who is signed in. One that belongs to somebody else stays theirs:
    /// unknown here.
    pub async fn link_identity(
        &self,
        helpdesk: &HelpdeskId,
        account: &AccountId,
        key: &IdentityKey,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let mut transaction = self.db.begin("accounts").await?;
        claim(&mut transaction, helpdesk, account).await?;
        match find_match(&mut transaction, helpdesk, key, None).await? {
            Some(found) if found.account().id != *account => return Err(AccountsError::Unknown),
            Some(_) => touch(&mut transaction, helpdesk, key, now).await?,
            None => link(&mut transaction, helpdesk, key, account, now).await?,
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Takes an identity away from its account, with the sessions that were made by it.
    pub async fn unlink_identity(
        &self,
        helpdesk: &HelpdeskId,
        account: &AccountId,
        id: &str,
    ) -> Result<(), AccountsError> {
        let mut transaction = self.db.begin("accounts").await?;
        sqlx::query(
            "DELETE FROM sessions WHERE helpdesk = $1 AND account = $2 AND EXISTS (SELECT 1 FROM identities i \
             WHERE i.helpdesk = $1 AND i.account = $2 AND i.id = $3 AND i.usersource = sessions.usersource \
             AND i.issuer = sessions.issuer AND i.subject = sessions.subject)",
        )
        .bind(helpdesk.as_str())
        .bind(account.as_str())
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        let done = sqlx::query("DELETE FROM identities WHERE helpdesk = $1 AND account = $2 AND id = $3")
            .bind(helpdesk.as_str())
            .bind(account.as_str())
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        if done.rows_affected() == 0 { Err(AccountsError::Unknown) } else { Ok(()) }
    }

    /// The identities of an account, oldest first.
    pub async fn identities_of(
        &self,
        helpdesk: &HelpdeskId,
        account: &AccountId,
    ) -> Result<Vec<Identity>, AccountsError> {
        let rows = sqlx::query(
            "SELECT id, usersource, issuer, subject, account, linked_at, last_used_at FROM identities \
             WHERE helpdesk = $1 AND account = $2 ORDER BY linked_at, id",
        )
        .bind(helpdesk.as_str())
        .bind(account.as_str())
        .fetch_all(&self.db.read)
        .await?;
        rows.iter().map(identity).collect()
    }
}

fn identity(row: &AnyRow) -> Result<Identity, AccountsError> {
    Ok(Identity {
        id: text(row, "id")?,
        key: IdentityKey {
            usersource: UsersourceId::new(text(row, "usersource")?),
            issuer: text(row, "issuer")?,
            subject: text(row, "subject")?,
        },
        account: AccountId::new(text(row, "account")?),
        linked_at: time(row, "linked_at")?,
        last_used_at: time(row, "last_used_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, new, there};
    use super::super::{NewAccount, Role};
    use super::*;

    fn known(email: &str) -> NewAccount {
        NewAccount { email_verified: true, ..new(email, Role::User) }
    }

    fn seven() -> IdentityKey {
        IdentityKey { usersource: "us_1".into(), issuer: "https://idp".into(), subject: "7".into() }
    }

    #[tokio::test]
    async fn what_is_linked_to_one_is_not_linked_to_another_and_only_its_owner_unlinks_it() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&known("j@x.test"), None, at(0)).await.unwrap();
            let mary = accounts.create(&known("m@x.test"), None, at(0)).await.unwrap();
            accounts.link_identity(&here(), &jane.id, &seven(), at(1)).await.unwrap();
            accounts.link_identity(&here(), &jane.id, &seven(), at(2)).await.unwrap();
            assert!(accounts.link_identity(&here(), &mary.id, &seven(), at(2)).await.is_err());
            let id = accounts.identities_of(&here(), &jane.id).await.unwrap()[0].id.clone();
            assert!(accounts.unlink_identity(&here(), &mary.id, &id).await.is_err());
            assert!(accounts.unlink_identity(&there(), &jane.id, &id).await.is_err());
            accounts.unlink_identity(&here(), &jane.id, &id).await.unwrap();
            assert_eq!(accounts.match_person(&here(), &seven(), None).await.unwrap(), None);
        })
        .await;
    }
}
