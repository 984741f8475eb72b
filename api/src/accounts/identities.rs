//! Identities: which person at a source is which account (R30), and accounts that are made at a first sign-in (R31).
//!
//! Spec: the key is (usersource, issuer, subject), never an address or a name, which change hands. An address finds an
//! account only if the source verified it and the account's own was verified too.
//! Stops: taking an account over by claiming its address at some source, or by changing one's own address there; two
//! accounts for one person who signs in twice at the same moment.

use super::people::{ACCOUNT, Account, NewAccount, account, claim, insert};
use super::{Accounts, AccountsError, Email};
use domain::{AccountId, Audience, HelpdeskId, Timestamp, UsersourceId};
use sqlx::AnyConnection;
use uuid::Uuid;

/// Whom a source means, for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityKey {
    /// Through which usersource.
    pub usersource: UsersourceId,
    /// Who says so.
    pub issuer: String,
    /// Whom they mean.
    pub subject: String,
}

/// How an account was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The identity is linked to it.
    Linked(Account),
    /// Its verified address is the one that the source verified.
    ByEmail(Account),
}

impl Match {
    /// The account.
    pub fn account(&self) -> &Account {
        match self {
            Self::Linked(account) | Self::ByEmail(account) => account,
        }
    }
}

/// Nobody else has both: the longest issuer and subject that are kept, in bytes, fit an index of every database.
const LONGEST: usize = 1_000;

impl IdentityKey {
    /// Whether it can be kept: neither part is empty, too long, or holds what no text may hold.
    pub fn can_be_kept(&self) -> bool {
        [&self.issuer, &self.subject]
            .into_iter()
            .all(|part| !part.trim().is_empty() && part.len() <= LONGEST && !part.chars().any(char::is_control))
    }
}

impl Accounts {
    /// Whose identity this is; else whose verified address, if the source verified it. Nothing is changed.
    pub async fn match_person(
        &self,
        helpdesk: &HelpdeskId,
        key: &IdentityKey,
        verified: Option<&Email>,
    ) -> Result<Option<Match>, AccountsError> {
        find_match(&mut *self.db.read.acquire().await?, helpdesk, key, verified).await
    }

    /// The same for a sign-in at `audience`: an account that was found by its address and may enter there is linked, and
    /// where nobody was found, `new` is made and linked. The answer says whether the account is new.
    pub async fn match_or_make(
        &self,
        (helpdesk, audience): (&HelpdeskId, Audience),
        key: &IdentityKey,
        verified: Option<&Email>,
        new: Option<&NewAccount>,
        now: Timestamp,
    ) -> Result<Option<(Account, bool)>, AccountsError> {
        // Somebody may sign in for the first time in two windows at once: the second finds what the first one made. Where
        // an account whose own address was never verified has this one, the new account has none.
        let without_address = new.map(|new| NewAccount { email: None, email_verified: false, ..new.clone() });
        for new in [new, new, without_address.as_ref()] {
            match self.try_match_or_make((helpdesk, audience), key, verified, new, now).await {
                Err(AccountsError::Busy | AccountsError::EmailTaken) => {}
                other => return other,
            }
        }
        Err(AccountsError::Busy)
    }

    async fn try_match_or_make(
        &self,
        (helpdesk, audience): (&HelpdeskId, Audience),
        key: &IdentityKey,
        verified: Option<&Email>,
        new: Option<&NewAccount>,
        now: Timestamp,
    ) -> Result<Option<(Account, bool)>, AccountsError> {
        let mut transaction = self.db.begin("accounts").await?;
        let found = match find_match(&mut transaction, helpdesk, key, verified).await? {
            Some(Match::Linked(account)) => {
                touch(&mut transaction, helpdesk, key, now).await?;
                Some((account, false))
            }
            // One who is disabled stays out whatever the source says (R33), one who has no business here too (R20);
            // neither gains anything on the way.
            Some(Match::ByEmail(account)) if !account.active || !account.role.may_enter(audience) => {
                Some((account, false))
            }
            Some(Match::ByEmail(account)) => {
                // Whatever erases or disables the account comes before or after, never between.
                match claim(&mut transaction, helpdesk, &account.id).await {
                    Ok(_) => {}
                    Err(AccountsError::Unknown) => return Err(AccountsError::Busy),
                    Err(error) => return Err(error),
                }
                link(&mut transaction, helpdesk, key, &account.id, now).await?;
                Some((account, false))
            }
            None => match new {
                None => None,
                Some(new) => {
                    let account = insert(&mut transaction, new, None, now).await?;
                    link(&mut transaction, helpdesk, key, &account.id, now).await?;
                    Some((account, true))
                }
            },
        };
        transaction.commit().await?;
        Ok(found)
    }
}

/// The account, by its identity or its verified address.
pub(super) async fn find_match(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    key: &IdentityKey,
    verified: Option<&Email>,
) -> Result<Option<Match>, AccountsError> {
    let linked = format!(
        "SELECT {ACCOUNT} FROM identities i JOIN accounts a ON a.helpdesk = i.helpdesk AND a.id = i.account \
         WHERE i.helpdesk = $1 AND i.usersource = $2 AND i.issuer = $3 AND i.subject = $4 AND a.erased_at IS NULL"
    );
    let row = sqlx::query(&linked)
        .bind(helpdesk.as_str())
        .bind(key.usersource.as_str())
        .bind(&key.issuer)
        .bind(&key.subject)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = row {
        return Ok(Some(Match::Linked(account(&row)?)));
    }
    let Some(email) = verified else { return Ok(None) };
    let by_email = format!(
        "SELECT {ACCOUNT} FROM accounts a WHERE a.helpdesk = $1 AND a.email_key = $2 AND a.email_verified = 1 \
         AND a.erased_at IS NULL"
    );
    let row = sqlx::query(&by_email).bind(helpdesk.as_str()).bind(email.key()).fetch_optional(&mut *connection).await?;
    row.map(|row| Ok(Match::ByEmail(account(&row)?))).transpose()
}

/// Writes down whose identity it is; busy if somebody else just did.
pub(super) async fn link(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    key: &IdentityKey,
    account: &AccountId,
    now: Timestamp,
) -> Result<(), AccountsError> {
    sqlx::query(
        "INSERT INTO identities (helpdesk, usersource, issuer, subject, id, account, linked_at, last_used_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(helpdesk.as_str())
    .bind(key.usersource.as_str())
    .bind(&key.issuer)
    .bind(&key.subject)
    .bind(format!("idt_{}", Uuid::now_v7().simple()))
    .bind(account.as_str())
    .bind(now.millis())
    .execute(connection)
    .await
    .map_err(|error| match error.as_database_error() {
        Some(e) if e.is_unique_violation() => AccountsError::Busy,
        _ => error.into(),
    })?;
    Ok(())
}

/// Notes that it was used.
pub(super) async fn touch(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    key: &IdentityKey,
    now: Timestamp,
) -> Result<(), AccountsError> {
    sqlx::query(
        "UPDATE identities SET last_used_at = $5 WHERE helpdesk = $1 AND usersource = $2 AND issuer = $3 AND subject = $4",
    )
    .bind(helpdesk.as_str())
    .bind(key.usersource.as_str())
    .bind(&key.issuer)
    .bind(&key.subject)
    .bind(now.millis())
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, new, there};
    use super::super::{AccountUpdate, Role};
    use super::*;
    use futures::future::join_all;

    fn key(subject: &str) -> IdentityKey {
        IdentityKey { usersource: "us_1".into(), issuer: "https://idp".into(), subject: subject.into() }
    }

    fn known(email: &str) -> NewAccount {
        NewAccount { email_verified: true, ..new(email, Role::User) }
    }

    #[tokio::test]
    async fn r30_an_identity_is_usersource_issuer_and_subject_and_no_other_finds_the_account() {
        Everywhere::run(async |accounts| {
            let made = accounts
                .match_or_make((&here(), Audience::Users), &key("7"), None, Some(&known("j@x.test")), at(0))
                .await
                .unwrap();
            let (jane, true) = made.unwrap() else { panic!("nobody was made") };
            let again = accounts.match_or_make((&here(), Audience::Users), &key("7"), None, None, at(5)).await.unwrap();
            assert_eq!(again.unwrap(), (jane.clone(), false));
            assert_eq!(accounts.identities_of(&here(), &jane.id).await.unwrap()[0].last_used_at, at(5));
            for other in [
                IdentityKey { usersource: "us_2".into(), ..key("7") },
                IdentityKey { issuer: "https://other".into(), ..key("7") },
                key("8"),
            ] {
                assert_eq!(accounts.match_person(&here(), &other, None).await.unwrap(), None, "{other:?}");
            }
            assert_eq!(accounts.match_person(&there(), &key("7"), None).await.unwrap(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn r30_an_address_finds_an_account_only_if_both_sides_verified_it() {
        Everywhere::run(async |accounts| {
            let verified = accounts.create(&known("v@x.test"), None, at(0)).await.unwrap();
            accounts.create(&new("u@x.test", Role::User), None, at(0)).await.unwrap();
            let email = |text: &str| Email::parse(text).unwrap();
            let find = async |key: IdentityKey, email: Option<&Email>| {
                accounts.match_person(&here(), &key, email).await.unwrap()
            };
            assert_eq!(find(key("1"), Some(&email("V@x.test"))).await, Some(Match::ByEmail(verified.clone())));
            assert_eq!(find(key("1"), Some(&email("u@x.test"))).await, None, "the account's own is not verified");
            assert_eq!(find(key("1"), None).await, None, "the source did not verify it");
            let signed_in = accounts
                .match_or_make((&here(), Audience::Users), &key("1"), Some(&email("v@x.test")), None, at(1))
                .await;
            assert_eq!(signed_in.unwrap().unwrap().0.id, verified.id);
            assert_eq!(find(key("1"), None).await, Some(Match::Linked(verified)), "linked from now on");
        })
        .await;
    }

    #[tokio::test]
    async fn r30_a_newcomer_whose_address_an_unverified_account_has_gets_an_account_without_one() {
        Everywhere::run(async |accounts| {
            let squatter = accounts.create(&new("j@x.test", Role::User), None, at(0)).await.unwrap();
            let email = Email::parse("j@x.test").unwrap();
            let place = (&here(), Audience::Users);
            let made = accounts.match_or_make(place, &key("7"), Some(&email), Some(&known("j@x.test")), at(1)).await;
            let (account, true) = made.unwrap().unwrap() else { panic!("nobody was made") };
            assert_eq!((account.email.as_deref(), account.email_verified), (None, false));
            assert_ne!(account.id, squatter.id);
        })
        .await;
    }

    #[tokio::test]
    async fn r20_whoever_has_no_business_at_an_audience_is_found_there_and_not_linked() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&known("j@x.test"), None, at(0)).await.unwrap();
            let email = Email::parse("j@x.test").unwrap();
            let found = accounts.match_or_make((&here(), Audience::Agents), &key("1"), Some(&email), None, at(1)).await;
            assert_eq!(found.unwrap().unwrap().0.id, jane.id);
            assert!(accounts.identities_of(&here(), &jane.id).await.unwrap().is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn r33_a_disabled_account_is_not_linked_by_its_address() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&known("j@x.test"), None, at(0)).await.unwrap();
            let off = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
            accounts.update(&here(), &jane.id, &off, None).await.unwrap();
            let email = Email::parse("j@x.test").unwrap();
            let found = accounts
                .match_or_make((&here(), Audience::Users), &key("1"), Some(&email), None, at(1))
                .await
                .unwrap()
                .unwrap();
            assert!(!found.0.active);
            assert!(accounts.identities_of(&here(), &jane.id).await.unwrap().is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn of_ten_first_sign_ins_at_once_one_account_comes_out() {
        Everywhere::run(async |accounts| {
            let email = Email::parse("j@x.test").unwrap();
            let all = join_all((0..10).map(|_| {
                let (accounts, email) = (accounts.clone(), email.clone());
                async move {
                    let new = known("j@x.test");
                    accounts
                        .match_or_make((&here(), Audience::Users), &key("7"), Some(&email), Some(&new), at(0))
                        .await
                        .unwrap()
                        .unwrap()
                }
            }))
            .await;
            assert_eq!(all.iter().filter(|(_, made)| *made).count(), 1);
            assert!(all.iter().all(|(account, _)| account.id == all[0].0.id));
        })
        .await;
    }

    #[test]
    fn what_names_nobody_for_good_is_not_kept() {
        assert!(key("7").can_be_kept());
        for subject in ["", "  ", "a\0", &"x".repeat(1_001)] {
            assert!(!key(subject).can_be_kept());
        }
    }
}
