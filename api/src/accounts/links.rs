//! One-time links: issuing them and looking at them (R24, R44, R65). What they do is in `redeem`.
//!
//! Spec: 256 bits, stored hashed, short-lived.
//! Stops: a link that works for another purpose, another helpdesk, too late, or for somebody who was disabled.

use super::people::claim;
use super::rows::{from_version, optional_number, optional_text, time, to_version, word};
use super::secrets::digest;
use super::{Accounts, AccountsError, Secret};
use domain::{AccountId, HelpdeskId, Timestamp, UsersourceId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// What a link does, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Makes the first admin of a helpdesk.
    FirstAdmin,
    /// Sets a new password.
    ResetPassword,
    /// Lets an admin in from the host.
    Recovery,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::FirstAdmin, Self::ResetPassword, Self::Recovery];

    /// The name used in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstAdmin => "first_admin",
            Self::ResetPassword => "reset_password",
            Self::Recovery => "recovery",
        }
    }
}

impl std::str::FromStr for Purpose {
    type Err = AccountsError;
    fn from_str(word: &str) -> Result<Self, AccountsError> {
        Self::ALL.into_iter().find(|p| p.as_str() == word).ok_or(AccountsError::Unreadable("purpose"))
    }
}

/// A link to be made.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// What it does.
    pub purpose: Purpose,
    /// Whom it is for; nobody yet, for the first admin.
    pub account: Option<AccountId>,
    /// The usersource under whose rules it was asked for (R24).
    pub usersource: Option<UsersourceId>,
    /// The version of the configuration then.
    pub version: Option<u64>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl NewLink {
    /// A link for nobody in particular, until `expires_at`.
    pub fn lasting(purpose: Purpose, expires_at: Timestamp) -> Self {
        Self { purpose, account: None, usersource: None, version: None, expires_at }
    }
}

/// A link that still works, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it does.
    pub purpose: Purpose,
    /// Whom it is for.
    pub account: Option<AccountId>,
    /// The usersource under whose rules it was asked for.
    pub usersource: Option<UsersourceId>,
    /// The version of the configuration then.
    pub version: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

fn link(row: &AnyRow) -> Result<Link, AccountsError> {
    Ok(Link {
        purpose: word(row, "purpose")?,
        account: optional_text(row, "account")?.map(AccountId::new),
        usersource: optional_text(row, "usersource")?.map(UsersourceId::new),
        version: optional_number(row, "version")?.map(to_version).transpose()?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

/// Writes a link in a transaction that has claimed its account already.
async fn write(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    new: &NewLink,
    now: Timestamp,
) -> Result<Secret, AccountsError> {
    let secret = Secret::random("")?;
    sqlx::query(
        "INSERT INTO links (helpdesk, secret_hash, purpose, account, usersource, version, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(helpdesk.as_str())
    .bind(secret.digest())
    .bind(new.purpose.as_str())
    .bind(new.account.as_ref().map(AccountId::as_str))
    .bind(new.usersource.as_ref().map(UsersourceId::as_str))
    .bind(new.version.map(from_version))
    .bind(now.millis())
    .bind(new.expires_at.millis())
    .execute(connection)
    .await?;
    Ok(secret)
}

impl Accounts {
    /// Makes a link and says its secret, once.
    pub async fn issue_link(
        &self,
        helpdesk: &HelpdeskId,
        new: &NewLink,
        now: Timestamp,
    ) -> Result<Secret, AccountsError> {
        let mut transaction = self.db.begin("accounts").await?;
        if let Some(account) = &new.account {
            claim(&mut transaction, helpdesk, account).await?;
        }
        let secret = write(&mut transaction, helpdesk, new, now).await?;
        transaction.commit().await?;
        Ok(secret)
    }

    /// The same, unless `account` was given a link of this purpose since `since`: then `None`, and nobody's mailbox is
    /// flooded, also when a hundred ask at once.
    pub async fn issue_link_unless_since(
        &self,
        helpdesk: &HelpdeskId,
        account: &AccountId,
        new: &NewLink,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Secret>, AccountsError> {
        let mut transaction = self.db.begin("accounts").await?;
        // Whoever else asks for this account comes before or after.
        claim(&mut transaction, helpdesk, account).await?;
        let row = sqlx::query(
            "SELECT 1 AS found FROM links WHERE helpdesk = $1 AND account = $2 AND purpose = $3 AND created_at > $4 LIMIT 1",
        )
        .bind(helpdesk.as_str())
        .bind(account.as_str())
        .bind(new.purpose.as_str())
        .bind(since.millis())
        .fetch_optional(&mut *transaction)
        .await?;
        if row.is_some() {
            return Ok(None);
        }
        let new = NewLink { account: Some(account.clone()), ..new.clone() };
        let secret = write(&mut transaction, helpdesk, &new, now).await?;
        transaction.commit().await?;
        Ok(Some(secret))
    }

    /// The link that `secret` opens, if it still works. Looking does not use it up.
    pub async fn peek_link(
        &self,
        helpdesk: &HelpdeskId,
        secret: &str,
        now: Timestamp,
    ) -> Result<Option<Link>, AccountsError> {
        let row = sqlx::query("SELECT * FROM links WHERE helpdesk = $1 AND secret_hash = $2 AND expires_at > $3")
            .bind(helpdesk.as_str())
            .bind(digest(secret))
            .bind(now.millis())
            .fetch_optional(&self.db.read)
            .await?;
        row.as_ref().map(link).transpose()
    }

    pub(super) async fn purge_links(&self, now: Timestamp) -> Result<u64, AccountsError> {
        let done =
            sqlx::query("DELETE FROM links WHERE expires_at <= $1").bind(now.millis()).execute(&self.db.write).await?;
        Ok(done.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, new};
    use super::super::{Account, Role};
    use super::*;
    use futures::future::join_all;

    fn link_for(account: &Account, purpose: Purpose) -> NewLink {
        NewLink { account: Some(account.id.clone()), ..NewLink::lasting(purpose, at(300)) }
    }

    #[tokio::test]
    async fn many_who_ask_at_once_are_one_mail_and_later_one_more() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::User), Some("old"), at(0)).await.unwrap();
            let link = link_for(&jane, Purpose::ResetPassword);
            let ask = |now| {
                let (accounts, link, id) = (accounts.clone(), link.clone(), jane.id.clone());
                async move { accounts.issue_link_unless_since(&here(), &id, &link, at(now - 60), at(now)).await.unwrap() }
            };
            let issued = async |now| join_all((0..20).map(|_| ask(now))).await.iter().flatten().count();
            assert_eq!((issued(0).await, issued(59).await, issued(61).await), (1, 0, 1));
        })
        .await;
    }
}
