//! One-time links: the first admin, a lost password, recovery from the host (R24, R44, R65).
//!
//! Spec: 256 bits, stored hashed, short-lived, consumed in the transaction that makes their effect: deleting the row is
//! what wins, and whoever does not win changes nothing.
//! Stops: one link used twice, also by twenty requests at once; a link that is spent although its effect failed.

use super::people::{Account, NewAccount, claim, count_active_admins, delete_of, find, insert};
use super::rows::{from_version, optional_number, optional_text, text, time, to_version, word};
use super::secrets::digest;
use super::{Accounts, AccountsError, Means, NewSession, Role, Secret, sessions};
use domain::{AccountId, Audience, HelpdeskId, Policy, Surface, Timestamp, UsersourceId};
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
        let mut transaction = self.db.write.begin().await?;
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
        let mut transaction = self.db.write.begin().await?;
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

    /// Makes the first admin and uses the link up. Once there is an active admin, no such link works any more.
    pub async fn create_first_admin(
        &self,
        secret: &str,
        new: &NewAccount,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<Account, AccountsError> {
        let admin = NewAccount { role: Role::Admin, ..new.clone() };
        let mut transaction = self.db.write.begin().await?;
        // All of them at once: two different links make one admin, not two.
        let consumed = sqlx::query(
            "DELETE FROM links WHERE helpdesk = $1 AND purpose = 'first_admin' AND EXISTS (SELECT 1 FROM links mine \
             WHERE mine.helpdesk = $1 AND mine.secret_hash = $2 AND mine.purpose = 'first_admin' \
             AND mine.expires_at > $3) RETURNING secret_hash",
        )
        .bind(new.helpdesk.as_str())
        .bind(digest(secret))
        .bind(now.millis())
        .fetch_all(&mut *transaction)
        .await?;
        let mine = digest(secret);
        let hashes = consumed.iter().map(|row| text(row, "secret_hash")).collect::<Result<Vec<_>, _>>()?;
        if !hashes.contains(&mine) || count_active_admins(&mut transaction, &new.helpdesk).await? > 0 {
            return Err(AccountsError::LinkUsed);
        }
        let account = insert(&mut transaction, &admin, Some(password_hash), now).await?;
        transaction.commit().await?;
        Ok(account)
    }

    /// Sets a new password and uses the link up. Whoever had the mail has the address: it is verified now. The account's
    /// sessions and other links end.
    pub async fn reset_password(
        &self,
        helpdesk: &HelpdeskId,
        secret: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<Account, AccountsError> {
        let id = self.addressee(helpdesk, secret, Purpose::ResetPassword, now).await?;
        let mut transaction = self.db.write.begin().await?;
        claim(&mut transaction, helpdesk, &id).await.map_err(unknown_is_used)?;
        consume(&mut transaction, helpdesk, secret, now).await?;
        sqlx::query("UPDATE accounts SET password_hash = $3, email_verified = 1 WHERE helpdesk = $1 AND id = $2")
            .bind(helpdesk.as_str())
            .bind(id.as_str())
            .bind(password_hash)
            .execute(&mut *transaction)
            .await?;
        delete_of(&mut transaction, &["links", "sessions"], helpdesk, &id).await?;
        let account = find(&mut transaction, helpdesk, &id).await?.ok_or(AccountsError::Unknown)?;
        transaction.commit().await?;
        Ok(account)
    }

    /// Lets an admin in and uses the link up. The session has no usersource and proves nothing (R40).
    pub async fn open_recovery_session(
        &self,
        helpdesk: &HelpdeskId,
        secret: &str,
        version: u64,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Secret, AccountsError> {
        let id = self.addressee(helpdesk, secret, Purpose::Recovery, now).await?;
        let mut transaction = self.db.write.begin().await?;
        let account = claim(&mut transaction, helpdesk, &id).await.map_err(unknown_is_used)?;
        if account.role != Role::Admin {
            return Err(AccountsError::LinkUsed);
        }
        consume(&mut transaction, helpdesk, secret, now).await?;
        let new = NewSession {
            account: id,
            audience: Audience::Agents,
            surface: Surface::Admin,
            usersource: None,
            version,
            means: Means::RecoveryLink,
            authenticated_at: now,
        };
        let session = sessions::insert(&mut transaction, helpdesk, &new, policy, now).await?;
        transaction.commit().await?;
        Ok(session)
    }

    /// Whom a link of this purpose is for. Read before the transaction, so that the account's row is always taken before
    /// the link's and no two transactions wait for each other.
    async fn addressee(
        &self,
        helpdesk: &HelpdeskId,
        secret: &str,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<AccountId, AccountsError> {
        let link = self.peek_link(helpdesk, secret, now).await?.filter(|link| link.purpose == purpose);
        link.and_then(|link| link.account).ok_or(AccountsError::LinkUsed)
    }

    pub(super) async fn purge_links(&self, now: Timestamp) -> Result<u64, AccountsError> {
        let done =
            sqlx::query("DELETE FROM links WHERE expires_at <= $1").bind(now.millis()).execute(&self.db.write).await?;
        Ok(done.rows_affected())
    }
}

fn unknown_is_used(error: AccountsError) -> AccountsError {
    if matches!(error, AccountsError::Unknown) { AccountsError::LinkUsed } else { error }
}

/// Whoever deletes the row has won.
async fn consume(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    secret: &str,
    now: Timestamp,
) -> Result<(), AccountsError> {
    let done = sqlx::query("DELETE FROM links WHERE helpdesk = $1 AND secret_hash = $2 AND expires_at > $3")
        .bind(helpdesk.as_str())
        .bind(digest(secret))
        .bind(now.millis())
        .execute(connection)
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(AccountsError::LinkUsed) }
}

#[cfg(test)]
mod tests {
    use super::super::AccountUpdate;
    use super::super::fixture::{Everywhere, at, here, new, session, there};
    use super::*;
    use futures::future::join_all;

    fn won<T>(results: &[Result<T, AccountsError>]) -> usize {
        let lost = results.iter().filter(|r| matches!(r, Err(AccountsError::LinkUsed))).count();
        let won = results.iter().filter(|r| r.is_ok()).count();
        assert_eq!(won + lost, results.len(), "somebody was told something else than used");
        won
    }

    fn link_for(account: &Account, purpose: Purpose) -> NewLink {
        NewLink { account: Some(account.id.clone()), ..NewLink::lasting(purpose, at(300)) }
    }

    #[tokio::test]
    async fn r65_of_twenty_who_use_one_first_admin_link_and_of_two_links_one_makes_the_admin() {
        Everywhere::run(async |accounts| {
            let link = NewLink::lasting(Purpose::FirstAdmin, at(300));
            let links = [
                accounts.issue_link(&here(), &link, at(0)).await.unwrap(),
                accounts.issue_link(&here(), &link, at(0)).await.unwrap(),
            ];
            let tries = (0..20).map(|n| {
                let (accounts, secret) = (accounts.clone(), &links[n % 2]);
                let new = new(&format!("p{n}@x.test"), Role::User);
                async move { accounts.create_first_admin(secret.expose(), &new, "h", at(1)).await }
            });
            let results = join_all(tries).await;
            assert_eq!(won(&results), 1);
            let people = accounts.list(&here(), None, 99).await.unwrap();
            assert_eq!((people.len(), people[0].role, people[0].has_password), (1, Role::Admin, true));
        })
        .await;
    }

    #[tokio::test]
    async fn r65_of_twenty_who_use_one_reset_or_recovery_link_one_wins() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Admin), Some("old"), at(0)).await.unwrap();
            let reset = accounts.issue_link(&here(), &link_for(&jane, Purpose::ResetPassword), at(0)).await.unwrap();
            let tries = (0..20).map(|n| {
                let (accounts, reset) = (accounts.clone(), &reset);
                async move { accounts.reset_password(&here(), reset.expose(), &format!("new{n}"), at(1)).await }
            });
            let results = join_all(tries).await;
            assert_eq!(won(&results), 1);
            let winner = format!("new{}", results.iter().position(Result::is_ok).unwrap());
            assert_eq!(accounts.password_hash(&here(), &jane.id).await.unwrap(), Some(winner));

            let recovery = accounts.issue_link(&here(), &link_for(&jane, Purpose::Recovery), at(0)).await.unwrap();
            let policy = Policy::default();
            let tries = (0..20).map(|_| {
                let (accounts, recovery, policy) = (accounts.clone(), &recovery, &policy);
                async move { accounts.open_recovery_session(&here(), recovery.expose(), 7, policy, at(1)).await }
            });
            assert_eq!(won(&join_all(tries).await), 1);
            let sessions = accounts.sessions_of(&here(), &jane.id, at(2)).await.unwrap();
            assert_eq!((sessions.len(), sessions[0].means, sessions[0].version), (1, Means::RecoveryLink, 7));
        })
        .await;
    }

    #[tokio::test]
    async fn r24_a_reset_verifies_the_address_and_ends_sessions_and_other_links() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Agent), Some("old"), at(0)).await.unwrap();
            let policy = Policy::default();
            let cookie =
                accounts.open_session(&here(), &session(&jane, Means::Password), &policy, at(0)).await.unwrap();
            let link = NewLink {
                version: Some(3),
                usersource: Some("us_1".into()),
                ..link_for(&jane, Purpose::ResetPassword)
            };
            let first = accounts.issue_link(&here(), &link, at(0)).await.unwrap();
            let second = accounts.issue_link(&here(), &link, at(0)).await.unwrap();
            let seen = accounts.peek_link(&here(), second.expose(), at(1)).await.unwrap().unwrap();
            assert_eq!(
                (seen.version, seen.usersource, seen.account),
                (Some(3), link.usersource.clone(), Some(jane.id.clone()))
            );
            assert!(!jane.email_verified);
            let changed = accounts.reset_password(&here(), second.expose(), "new", at(1)).await.unwrap();
            assert!(changed.email_verified);
            assert!(accounts.find_session(&here(), cookie.expose(), at(1)).await.unwrap().is_none());
            assert!(accounts.peek_link(&here(), first.expose(), at(1)).await.unwrap().is_none());
            let third = accounts.issue_link(&here(), &link, at(1)).await.unwrap();
            accounts.set_password_hash(&here(), &jane.id, "newer").await.unwrap();
            assert!(accounts.reset_password(&here(), third.expose(), "x", at(2)).await.is_err());
        })
        .await;
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

    #[tokio::test]
    async fn a_link_works_for_its_purpose_its_helpdesk_its_time_and_active_people_alone() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Agent), Some("old"), at(0)).await.unwrap();
            let policy = Policy::default();
            let issue = async |purpose| accounts.issue_link(&here(), &link_for(&jane, purpose), at(0)).await.unwrap();
            let (reset, recovery) = (issue(Purpose::ResetPassword).await, issue(Purpose::Recovery).await);
            let first = NewLink::lasting(Purpose::FirstAdmin, at(300));
            let first = accounts.issue_link(&here(), &first, at(0)).await.unwrap();
            let used = async |helpdesk: HelpdeskId, secret: &Secret, second| {
                won(&[accounts.reset_password(&helpdesk, secret.expose(), "x", at(second)).await]) == 0
            };
            assert!(used(here(), &recovery, 1).await && used(here(), &first, 1).await);
            assert!(used(there(), &reset, 1).await && used(here(), &reset, 300).await);
            let not_admin = accounts.open_recovery_session(&here(), recovery.expose(), 1, &policy, at(1)).await;
            assert_eq!(won(&[not_admin]), 0);
            let elsewhere = NewAccount { helpdesk: there(), ..new("a@x.test", Role::Admin) };
            assert_eq!(won(&[accounts.create_first_admin(first.expose(), &elsewhere, "h", at(1)).await]), 0);
            let taken = accounts.create_first_admin(first.expose(), &new("j@x.test", Role::Admin), "h", at(1)).await;
            assert!(matches!(taken, Err(AccountsError::EmailTaken)));
            accounts.create(&new("boss@x.test", Role::Admin), None, at(1)).await.unwrap();
            let late = accounts.create_first_admin(first.expose(), &new("b@x.test", Role::Admin), "h", at(1)).await;
            assert_eq!(won(&[late]), 0, "there is an admin already");
            let off = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
            accounts.update(&here(), &jane.id, &off).await.unwrap();
            assert!(used(here(), &reset, 1).await);
            assert!(accounts.issue_link(&here(), &link_for(&jane, Purpose::Recovery), at(1)).await.is_err());
        })
        .await;
    }
}
