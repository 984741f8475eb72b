//! What one-time links do: the first admin, a new password, a session for recovery (R24, R44, R65).
//!
//! Spec: a link is consumed in the transaction that makes its effect: deleting the row is what wins, and whoever does
//! not win changes nothing.
//! Stops: one link used twice, also by twenty requests at once; a link that is spent although its effect failed.

use super::links::Purpose;
use super::people::{Account, NewAccount, claim, count_active_admins, delete_of, find, insert};
use super::rows::text;
use super::secrets::digest;
use super::{Accounts, AccountsError, Means, NewSession, Role, Secret, sessions};
use domain::{AccountId, Audience, HelpdeskId, Policy, Surface, Timestamp};
use sqlx::AnyConnection;

impl Accounts {
    /// Makes the first admin and uses the link up. Once there is an active admin, no such link works any more.
    pub async fn create_first_admin(
        &self,
        secret: &str,
        new: &NewAccount,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<Account, AccountsError> {
        let admin = NewAccount { role: Role::Admin, ..new.clone() };
        let mut transaction = self.db.begin("accounts").await?;
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
        let mut transaction = self.db.begin("accounts").await?;
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
        let mut transaction = self.db.begin("accounts").await?;
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
            at_provider: None,
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
    use crate::accounts::NewLink;
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
            accounts.update(&here(), &jane.id, &off, None).await.unwrap();
            assert!(used(here(), &reset, 1).await);
            assert!(accounts.issue_link(&here(), &link_for(&jane, Purpose::Recovery), at(1)).await.is_err());
        })
        .await;
    }
}
