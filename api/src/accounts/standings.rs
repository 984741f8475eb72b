//! Which accounts the ledger must still hear of, and which are about to be worth less to the lockout guard (R40).
//!
//! An account is due from the moment of a write that may change its worth until the stream says the same. A write that
//! takes worth away is announced first: until it is made or given up, nobody else settles that account, and the write
//! itself only happens while its announcement stands. So nobody can put the
//! stream back in the moment between the event and the write, and no second admin is let go on the strength of that.

use super::people::{ACCOUNT, Account, account};
use super::rows::{optional_text, text};
use super::{Accounts, AccountsError};
use domain::{AccountId, HelpdeskId, Timestamp};
use uuid::Uuid;

/// An announcement is given up after so long, in milliseconds: whoever made it is gone.
const ANNOUNCED_MILLIS: i64 = 60_000;

/// A write that takes worth away, announced and not made yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakening(String);

impl Weakening {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Accounts {
    /// The ledger must hear of this account, whatever happens to this process next. New accounts are due from the
    /// start.
    pub async fn mark_standing_due(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        sqlx::query("UPDATE accounts SET standing_due = $3 WHERE helpdesk = $1 AND id = $2")
            .bind(helpdesk.as_str())
            .bind(id.as_str())
            .bind(now.millis())
            .execute(&self.db.write)
            .await?;
        Ok(())
    }

    /// The ledger says what the account is. Where a weakening is announced, it has not heard the last word yet.
    pub async fn standing_settled(&self, helpdesk: &HelpdeskId, id: &AccountId) -> Result<(), AccountsError> {
        sqlx::query(
            "UPDATE accounts SET standing_due = 0 WHERE helpdesk = $1 AND id = $2 AND weakening IS NULL AND standing_due > 0",
        )
        .bind(helpdesk.as_str())
        .bind(id.as_str())
        .execute(&self.db.write)
        .await?;
        Ok(())
    }

    /// Announces that the account will be worth less. One announcement at a time: another is busy.
    pub async fn announce_weakening(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
        now: Timestamp,
    ) -> Result<Weakening, AccountsError> {
        let weakening = Weakening(Uuid::now_v7().simple().to_string());
        let done = sqlx::query(
            "UPDATE accounts SET standing_due = $4, weakening = $3, weakening_since = $4 \
             WHERE helpdesk = $1 AND id = $2 AND erased_at IS NULL AND (weakening IS NULL OR weakening_since <= $5)",
        )
        .bind(helpdesk.as_str())
        .bind(id.as_str())
        .bind(weakening.as_str())
        .bind(now.millis())
        .bind(now.millis().saturating_sub(ANNOUNCED_MILLIS))
        .execute(&self.db.write)
        .await?;
        match done.rows_affected() {
            0 if self.by_id(helpdesk, id).await?.is_none() => Err(AccountsError::Unknown),
            0 => Err(AccountsError::Busy),
            _ => Ok(weakening),
        }
    }

    /// The announced write will not be made.
    pub async fn give_up_weakening(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
        weakening: &Weakening,
    ) -> Result<(), AccountsError> {
        sqlx::query(
            "UPDATE accounts SET weakening = NULL, weakening_since = NULL \
             WHERE helpdesk = $1 AND id = $2 AND weakening = $3",
        )
        .bind(helpdesk.as_str())
        .bind(id.as_str())
        .bind(weakening.as_str())
        .execute(&self.db.write)
        .await?;
        Ok(())
    }

    /// The account, unless it was erased, and whether it is announced that it will be worth less: read as one.
    pub async fn standing_facts(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
    ) -> Result<(Option<Account>, bool), AccountsError> {
        let sql = format!(
            "SELECT {ACCOUNT}, a.weakening AS weakening FROM accounts a \
             WHERE a.helpdesk = $1 AND a.id = $2 AND a.erased_at IS NULL"
        );
        let row = sqlx::query(&sql).bind(helpdesk.as_str()).bind(id.as_str()).fetch_optional(&self.db.write).await?;
        let Some(row) = row else { return Ok((None, false)) };
        Ok((Some(account(&row)?), optional_text(&row, "weakening")?.is_some()))
    }

    /// At most `limit` accounts that have been due since `before`; announcements as old as that are given up first.
    pub async fn standings_due(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<(HelpdeskId, AccountId)>, AccountsError> {
        sqlx::query(
            "UPDATE accounts SET weakening = NULL, weakening_since = NULL \
             WHERE standing_due > 0 AND weakening_since <= $1",
        )
        .bind(before.millis().saturating_sub(ANNOUNCED_MILLIS))
        .execute(&self.db.write)
        .await?;
        sqlx::query(
            "SELECT helpdesk, id FROM accounts WHERE standing_due > 0 AND standing_due <= $1 ORDER BY helpdesk, id LIMIT $2",
        )
        .bind(before.millis())
        .bind(i64::from(limit))
        .fetch_all(&self.db.read)
        .await?
        .iter()
        .map(|row| Ok((HelpdeskId::new(text(row, "helpdesk")?), AccountId::new(text(row, "id")?))))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, new, there};
    use super::super::{AccountUpdate, AccountsError, Role};

    #[tokio::test]
    async fn r40_a_new_account_is_due_until_the_ledger_has_heard_of_it() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Admin), None, at(5)).await.unwrap();
            let due = vec![(here(), jane.id.clone())];
            assert!(accounts.standings_due(at(4), 10).await.unwrap().is_empty(), "its maker is still at it");
            assert_eq!(accounts.standings_due(at(5), 10).await.unwrap(), due);
            accounts.standing_settled(&there(), &jane.id).await.unwrap();
            assert_eq!(accounts.standings_due(at(5), 10).await.unwrap(), due, "another helpdesk's id does not resolve");
            accounts.standing_settled(&here(), &jane.id).await.unwrap();
            assert!(accounts.standings_due(at(5), 10).await.unwrap().is_empty());
            accounts.mark_standing_due(&here(), &jane.id, at(6)).await.unwrap();
            assert_eq!(accounts.standings_due(at(6), 10).await.unwrap(), due);
        })
        .await;
    }

    #[tokio::test]
    async fn r40_a_write_that_takes_worth_away_happens_only_while_its_announcement_stands() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Admin), None, at(0)).await.unwrap();
            let off = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
            let announce = async |second| accounts.announce_weakening(&here(), &jane.id, at(second)).await;
            let announced = async || accounts.standing_facts(&here(), &jane.id).await.unwrap().1;
            let first = announce(1).await.unwrap();
            assert!(announced().await);
            assert!(matches!(announce(60).await, Err(AccountsError::Busy)), "one at a time");
            accounts.standing_settled(&here(), &jane.id).await.unwrap();
            assert_eq!(accounts.standings_due(at(60), 9).await.unwrap().len(), 1, "due while it is announced");

            let second = announce(61).await.unwrap();
            let late = accounts.update(&here(), &jane.id, &off, Some(&first)).await;
            assert!(matches!(late, Err(AccountsError::Busy)), "the first was given up");
            assert!(matches!(accounts.erase(&here(), &jane.id, &first, at(62)).await, Err(AccountsError::Busy)));
            assert!(accounts.by_id(&here(), &jane.id).await.unwrap().unwrap().active);
            assert!(!accounts.update(&here(), &jane.id, &off, Some(&second)).await.unwrap().active);
            assert!(!announced().await);

            let third = announce(63).await.unwrap();
            accounts.give_up_weakening(&here(), &jane.id, &third).await.unwrap();
            announce(63).await.unwrap();
            accounts.standings_due(at(123), 9).await.unwrap();
            assert!(!announced().await, "given up with its process");
            let stranger = accounts.announce_weakening(&there(), &jane.id, at(130)).await;
            assert!(matches!(stranger, Err(AccountsError::Unknown)));
        })
        .await;
    }
}
