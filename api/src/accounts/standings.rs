//! Which accounts the ledger must still hear of: marked in the accounts before, or with, a write that may change what
//! an account is worth to the lockout guard (R40), and cleared once the stream says the same.

use super::rows::text;
use super::{Accounts, AccountsError};
use domain::{AccountId, HelpdeskId};

impl Accounts {
    /// The ledger must hear of this account, whatever happens to this process next. New accounts are due from the
    /// start.
    pub async fn mark_standing_due(&self, helpdesk: &HelpdeskId, id: &AccountId) -> Result<(), AccountsError> {
        self.set_standing_due(helpdesk, id, 1).await
    }

    /// The ledger says what the account is.
    pub async fn standing_settled(&self, helpdesk: &HelpdeskId, id: &AccountId) -> Result<(), AccountsError> {
        self.set_standing_due(helpdesk, id, 0).await
    }

    async fn set_standing_due(&self, helpdesk: &HelpdeskId, id: &AccountId, due: i64) -> Result<(), AccountsError> {
        sqlx::query("UPDATE accounts SET standing_due = $3 WHERE helpdesk = $1 AND id = $2")
            .bind(helpdesk.as_str())
            .bind(id.as_str())
            .bind(due)
            .execute(&self.db.write)
            .await?;
        Ok(())
    }

    /// At most `limit` accounts that are due.
    pub async fn standings_due(&self, limit: u32) -> Result<Vec<(HelpdeskId, AccountId)>, AccountsError> {
        sqlx::query("SELECT helpdesk, id FROM accounts WHERE standing_due = 1 ORDER BY helpdesk, id LIMIT $1")
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
    use super::super::fixture::{Everywhere, at};
    use super::super::{NewAccount, Role, new_account_id};

    #[tokio::test]
    async fn r40_a_new_account_is_due_until_the_ledger_has_heard_of_it() {
        Everywhere::run(async |accounts| {
            let new = NewAccount {
                id: new_account_id(),
                helpdesk: "h".into(),
                email: "a@example.com".into(),
                email_verified: true,
                name: "A".into(),
                role: Role::Admin,
                personal_key: None,
            };
            accounts.create(&new, None, at(0)).await.unwrap();
            let due = vec![("h".into(), new.id.clone())];
            assert_eq!(accounts.standings_due(10).await.unwrap(), due);
            accounts.standing_settled(&"other".into(), &new.id).await.unwrap();
            assert_eq!(accounts.standings_due(10).await.unwrap(), due, "another helpdesk's id does not resolve");
            accounts.standing_settled(&"h".into(), &new.id).await.unwrap();
            assert!(accounts.standings_due(10).await.unwrap().is_empty());
            accounts.mark_standing_due(&"h".into(), &new.id).await.unwrap();
            assert_eq!(accounts.standings_due(10).await.unwrap(), due);
        })
        .await;
    }
}
