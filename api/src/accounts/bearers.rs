//! Whose the tokens are that callers show: looked up in the database at each use, for all who wait in one statement.
//!
//! Stops: a token that goes on working somewhere after it was revoked, or its owner's role was taken away. Nothing is
//! remembered: the statement that answers a caller is begun after the caller came.

use super::AccountsError;
use super::people::{ACCOUNT, Account, account};
use super::rows::text;
use super::tokens::{TOKEN, Token, token};
use crate::together::Work;
use projections::Database;
use sqlx::{AnyConnection, Connection as _};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// So many are looked up at once.
pub(super) const TOGETHER: usize = 64;

/// A connection that rested for so long is asked whether it still lives.
const RESTED: Duration = Duration::from_secs(1);

/// A token with its owner, who is active.
type Found = (Token, Account);

/// Looks tokens up by their hashes, on a connection of its own.
#[derive(Debug)]
pub(super) struct Bearers {
    db: Database,
    connection: Mutex<Option<(AnyConnection, Instant)>>,
}

impl Bearers {
    pub(super) fn new(db: Database) -> Self {
        Self { db, connection: Mutex::default() }
    }

    async fn connect(&self, held: Option<(AnyConnection, Instant)>) -> Result<AnyConnection, sqlx::Error> {
        if let Some((mut connection, used)) = held
            && (used.elapsed() < RESTED || connection.ping().await.is_ok())
        {
            return Ok(connection);
        }
        Ok(self.db.read.acquire().await?.detach())
    }

    async fn find(&self, hashes: &[String]) -> Result<HashMap<String, Found>, AccountsError> {
        let sql = statement(hashes.len());
        // As many parameters as the statement has, the last hash again and again.
        let padded = hashes.iter().chain(std::iter::repeat(hashes.last()).flatten()).take(size(hashes.len()));
        let query = padded.fold(sqlx::query(&sql), |query, hash| query.bind(hash.as_str()));
        let mut held = self.connection.lock().await;
        let mut connection = self.connect(held.take()).await?;
        let rows = query.fetch_all(&mut connection).await?;
        // After an error, and if nobody waits for the answer any more, the next has a new connection.
        *held = Some((connection, Instant::now()));
        rows.iter().map(|row| Ok((text(row, "secret_hash")?, (token(row)?, account(row)?)))).collect()
    }
}

impl Work for Bearers {
    type Asked = String;
    type Answer = Result<Option<Found>, AccountsError>;

    async fn work(&self, asked: Vec<String>) -> Vec<Self::Answer> {
        match self.find(&asked).await {
            Ok(found) => asked.iter().map(|hash| Ok(found.get(hash).cloned())).collect(),
            Err(error) => asked.iter().map(|_| Err(AccountsError::Unavailable(error.to_string()))).collect(),
        }
    }
}

/// How many parameters the statement for so many hashes has. Few sizes, so that each stays prepared.
fn size(hashes: usize) -> usize {
    hashes.next_power_of_two()
}

fn statement(hashes: usize) -> String {
    let parameters: Vec<_> = (1..=size(hashes)).map(|number| format!("${number}")).collect();
    format!(
        "SELECT t.secret_hash AS secret_hash, {TOKEN}, {ACCOUNT} \
         FROM tokens t JOIN accounts a ON a.helpdesk = t.helpdesk AND a.id = t.owner \
         WHERE t.secret_hash IN ({}) AND a.active = 1 AND a.erased_at IS NULL",
        parameters.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, new};
    use super::super::{NewToken, Role};
    use super::*;

    #[test]
    fn statements_have_few_sizes() {
        assert_eq!([1, 2, 3, 5, 33, 64].map(size), [1, 2, 4, 8, 64, 64]);
        assert!(statement(3).contains("IN ($1, $2, $3, $4)"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r0_each_of_many_at_once_is_told_its_own_owner_and_strangers_nothing() {
        Everywhere::run(async |accounts| {
            let mut bearers = Vec::new();
            for number in 0..9 {
                let owner =
                    accounts.create(&new(&format!("p{number}@x.test"), Role::Admin), None, at(0)).await.unwrap();
                let wanted = NewToken { owner: owner.id, role: Role::Auditor, label: "ci".into(), expires_at: at(9) };
                bearers.push(accounts.create_token(&here(), &wanted, at(0)).await.unwrap());
            }
            accounts.revoke_token(&here(), &bearers.first().unwrap().0.id).await.unwrap();
            let ask = |bearer: String| {
                let accounts = accounts.clone();
                tokio::spawn(async move { accounts.find_token(&bearer, at(1)).await.unwrap() })
            };
            let asked: Vec<_> = (0..90).map(|n| ask(bearers[n % 9].1.expose().to_owned())).collect();
            let stranger = ask(format!("glt_{}", "0".repeat(43)));
            for (number, answer) in asked.into_iter().enumerate() {
                let (token, _) = &bearers[number % 9];
                let found = answer.await.unwrap().map(|(found, owner)| (found.id, owner.id));
                let wanted = (number % 9 != 0).then(|| (token.id.clone(), token.owner.clone()));
                assert_eq!(found, wanted);
            }
            assert!(stranger.await.unwrap().is_none());
        })
        .await;
    }
}
