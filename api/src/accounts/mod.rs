//! People: their accounts, passwords, sessions, tokens, links and sign-ins, in one database.
//!
//! Every row belongs to a helpdesk and every look-up names it, so that no id of another helpdesk resolves (R0).
//! Nothing here asks the clock: `now` comes in. Nothing here appends events: whoever calls does, in the order that
//! R40 asks for.

mod bearers;
mod counters;
mod credentials;
mod emails;
mod erasure;
#[cfg(test)]
mod fixture;
mod identities;
mod key_check;
mod linking;
mod links;
pub mod lockout;
pub mod mail;
mod means;
mod once;
pub mod passwords;
mod people;
mod provider_sessions;
mod redeem;
mod roles;
mod rows;
mod secrets;
mod sessions;
pub mod sign_ins;
mod standings;
mod tokens;

pub use credentials::Credentials;
pub use emails::Email;
pub use identities::{IdentityKey, Match};
pub use linking::Identity;
pub use links::{Link, NewLink, Purpose};
pub use means::Means;
pub use people::{Account, AccountUpdate, NewAccount, new_account_id};
pub use provider_sessions::AtProvider;
pub use roles::Role;
pub use secrets::Secret;
pub use sessions::{NewSession, Session};
pub use standings::Weakening;
pub use tokens::{NewToken, Token};

use crate::together::Together;
use bearers::Bearers;
use domain::Timestamp;
use projections::Database;

/// The accounts' database. Cloning it is cheap: the clones share the connections.
#[derive(Debug, Clone)]
pub struct Accounts {
    db: Database,
    bearers: Together<Bearers>,
}

/// Why people could not be read or written. Nothing was changed. No message holds a secret or anybody's data.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// Another account of this helpdesk has this e-mail address. Nobody but an admin may be told.
    #[error("another account has this e-mail address")]
    EmailTaken,
    /// Not an e-mail address.
    #[error("this is not an e-mail address")]
    InvalidEmail,
    /// A name or label that is empty, too long or has control characters.
    #[error("a name has 1 to 200 characters and no control characters")]
    InvalidName,
    /// No such thing in this helpdesk, or it was erased, or it is disabled where it must not be.
    #[error("there is no such thing here")]
    Unknown,
    /// Another change of the same account is under way; trying again in a moment is right.
    #[error("another change of this account is under way; try again in a moment")]
    Busy,
    /// The link never was, was used, or is too old: which of them is not told.
    #[error("this link does not work, or no longer works")]
    LinkUsed,
    /// A token's role is `admin` or `auditor`, and never more than its owner's.
    #[error("a token is an admin's or an auditor's, and never more than its owner is")]
    RoleTooHigh,
    /// A row says what this program does not understand.
    #[error("a row of the accounts is unreadable: {0}")]
    Unreadable(&'static str),
    /// The database is gone, full or too slow. Trying again later is safe.
    #[error("the accounts' database does not answer: {0}")]
    Unavailable(String),
}

/// PostgreSQL's code for a text that no database text can be (a NUL).
const NOT_A_TEXT: &str = "22021";

impl From<sqlx::Error> for AccountsError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code().map(|code| code.into_owned()));
        match code {
            Some(code) if code == NOT_A_TEXT => Self::Unknown,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl Accounts {
    /// Makes the tables that are missing and takes the database over.
    pub async fn open(db: Database) -> Result<Self, AccountsError> {
        migrations::ACCOUNTS.run(&db.write).await.map_err(|e| AccountsError::Unavailable(e.to_string()))?;
        let bearers = Together::new(Bearers::new(db.clone()), bearers::TOGETHER);
        Ok(Self { db, bearers })
    }

    /// Forgets what is over: sessions, links, tokens, what was used once, and attempts and browsers of long ago. Says how many rows went.
    pub async fn purge_expired(&self, now: Timestamp) -> Result<u64, AccountsError> {
        let people = self.purge_sessions(now).await? + self.purge_links(now).await? + self.purge_tokens(now).await?;
        Ok(people + self.purge_attempts(now).await? + self.purge_used(now).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::{Everywhere, at};
    use super::*;

    #[tokio::test]
    async fn opening_twice_changes_nothing_and_other_sets_of_tables_do_not_matter() {
        Everywhere::run(async |accounts| {
            Accounts::open(accounts.db.clone()).await.unwrap();
            sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) SELECT 1, 'another set', success, checksum, 0 FROM _sqlx_migrations WHERE version = 2001")
                .execute(&accounts.db.write).await.unwrap();
            Accounts::open(accounts.db.clone()).await.unwrap();
            assert_eq!(accounts.purge_expired(at(0)).await.unwrap(), 0);
        })
        .await;
    }

    #[tokio::test]
    async fn a_lost_database_is_unavailable_and_an_impossible_id_is_unknown() {
        Everywhere::run(async |accounts| {
            let strange = accounts.by_id(&"default".into(), &"a\0b".into()).await;
            assert!(matches!(strange, Ok(None) | Err(AccountsError::Unknown)), "{strange:?}");
            accounts.db.write.close().await;
            accounts.db.read.close().await;
            let lost = accounts.by_id(&"default".into(), &"a".into()).await;
            assert!(matches!(lost, Err(AccountsError::Unavailable(_))), "{lost:?}");
        })
        .await;
    }
}
