//! Whether this program has the keys with which this database was sealed.
//!
//! Stops: a node that silently makes keys of its own and seals beside the others what they cannot open, and a restored
//! database without its key ring.

use super::rows::text;
use super::{Accounts, AccountsError};

impl Accounts {
    /// The mark that whoever came first sealed; `fresh` is kept if nobody came before.
    pub async fn key_mark(&self, fresh: &str) -> Result<String, AccountsError> {
        sqlx::query("INSERT INTO key_marks (id, sealed) VALUES ('first', $1) ON CONFLICT (id) DO NOTHING")
            .bind(fresh)
            .execute(&self.db.write)
            .await?;
        let row = sqlx::query("SELECT sealed FROM key_marks WHERE id = 'first'").fetch_one(&self.db.write).await?;
        text(&row, "sealed")
    }

    /// The old keys are lost: from now on `fresh` is the mark.
    pub async fn replace_key_mark(&self, fresh: &str) -> Result<(), AccountsError> {
        sqlx::query("UPDATE key_marks SET sealed = $1 WHERE id = 'first'").bind(fresh).execute(&self.db.write).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Everywhere;

    #[tokio::test]
    async fn the_first_mark_stays_until_it_is_replaced() {
        Everywhere::run(async |accounts| {
            assert_eq!(accounts.key_mark("mine").await.unwrap(), "mine");
            assert_eq!(accounts.key_mark("another node's").await.unwrap(), "mine");
            accounts.replace_key_mark("new").await.unwrap();
            assert_eq!(accounts.key_mark("mine").await.unwrap(), "new");
        })
        .await;
    }
}
