//! The log of sign-in attempts (R56): who came through what, and why not. It is no ledger: it expires.
//!
//! What was typed as login is not kept: people type their password there.

use super::rows::{optional_text, text, time, word};
use super::{Accounts, AccountsError};
use domain::{AccountId, HelpdeskId, Surface, Timestamp, UsersourceId};
use sqlx::any::AnyRow;
use std::net::IpAddr;
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A session was made.
    Admitted,
    /// They are who they say, or may be, and may not come in: locked, disabled, filtered, switched off.
    Refused,
    /// Nothing was proved: wrong or unknown, or the source did not answer.
    Failed,
}

impl Outcome {
    /// The name used in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for Outcome {
    type Err = AccountsError;
    fn from_str(word: &str) -> Result<Self, AccountsError> {
        let all = [Self::Admitted, Self::Refused, Self::Failed];
        all.into_iter().find(|outcome| outcome.as_str() == word).ok_or(AccountsError::Unreadable("outcome"))
    }
}

/// An attempt to be written down.
#[derive(Debug, Clone)]
pub struct NewSignIn {
    /// Where they stood.
    pub surface: Surface,
    /// Through which usersource; `None` if none took the credentials, or for a recovery link.
    pub usersource: Option<UsersourceId>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, as a stable word.
    pub reason: String,
    /// Who it was, if that is known.
    pub account: Option<AccountId>,
    /// Where it came from.
    pub ip: Option<IpAddr>,
}

/// An attempt that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Where it is in the log.
    pub place: Place,
    /// Where they stood.
    pub surface: Surface,
    /// Through which usersource.
    pub usersource: Option<UsersourceId>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// Who it was.
    pub account: Option<AccountId>,
    /// Where it came from, as text; gone after an erasure.
    pub ip: Option<String>,
}

/// A place in the log, for the next page. As text it is a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// When it was.
    pub at: Timestamp,
    id: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.millis(), self.id)
    }
}

impl FromStr for Place {
    type Err = AccountsError;
    fn from_str(cursor: &str) -> Result<Self, AccountsError> {
        let (at, id) = cursor.split_once('-').ok_or(AccountsError::Unknown)?;
        let at = at.parse().map(Timestamp::from_millis).map_err(|_| AccountsError::Unknown)?;
        let plain = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
        if plain { Ok(Self { at, id: id.to_owned() }) } else { Err(AccountsError::Unknown) }
    }
}

/// Which attempts to read; `None` is all.
#[derive(Debug, Clone, Default)]
pub struct SignInFilter {
    /// Of this account.
    pub account: Option<AccountId>,
    /// Through this usersource.
    pub usersource: Option<UsersourceId>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// On this surface.
    pub surface: Option<Surface>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Older than this place.
    pub before: Option<Place>,
}

/// A value to compare a column with.
enum Bound<'a> {
    Text(&'a str),
    Number(i64),
}

impl SignInFilter {
    /// The conditions, numbered after `$1`, and their values in that order.
    fn conditions(&self) -> (String, Vec<Bound<'_>>) {
        let mut sql = String::new();
        let mut bounds = Vec::new();
        let texts = [
            ("account", self.account.as_ref().map(AccountId::as_str)),
            ("usersource", self.usersource.as_ref().map(UsersourceId::as_str)),
            ("outcome", self.outcome.map(Outcome::as_str)),
            ("surface", self.surface.map(Surface::as_str)),
        ];
        for (column, text) in texts.into_iter().filter_map(|(column, text)| Some((column, text?))) {
            bounds.push(Bound::Text(text));
            sql.push_str(&format!(" AND {column} = ${}", bounds.len() + 1));
        }
        for (comparison, moment) in [(">=", self.since), ("<", self.until)] {
            if let Some(moment) = moment {
                bounds.push(Bound::Number(moment.millis()));
                sql.push_str(&format!(" AND at {comparison} ${}", bounds.len() + 1));
            }
        }
        if let Some(place) = &self.before {
            bounds.push(Bound::Number(place.at.millis()));
            bounds.push(Bound::Text(&place.id));
            sql.push_str(&format!(" AND (at, id) < (${}, ${})", bounds.len(), bounds.len() + 1));
        }
        (sql, bounds)
    }
}

fn sign_in(row: &AnyRow) -> Result<SignIn, AccountsError> {
    Ok(SignIn {
        place: Place { at: time(row, "at")?, id: text(row, "id")? },
        surface: word(row, "surface")?,
        usersource: optional_text(row, "usersource")?.map(UsersourceId::new),
        outcome: word(row, "outcome")?,
        reason: text(row, "reason")?,
        account: optional_text(row, "account")?.map(AccountId::new),
        ip: optional_text(row, "ip")?,
    })
}

impl Accounts {
    /// Writes an attempt down.
    pub async fn record_sign_in(
        &self,
        helpdesk: &HelpdeskId,
        new: &NewSignIn,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        sqlx::query(
            "INSERT INTO sign_ins (helpdesk, id, at, surface, usersource, outcome, reason, account, ip) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(helpdesk.as_str())
        .bind(Uuid::now_v7().simple().to_string())
        .bind(now.millis())
        .bind(new.surface.as_str())
        .bind(new.usersource.as_ref().map(UsersourceId::as_str))
        .bind(new.outcome.as_str())
        .bind(&new.reason)
        .bind(new.account.as_ref().map(AccountId::as_str))
        .bind(new.ip.map(|ip| ip.to_canonical().to_string()))
        .execute(&self.db.write)
        .await?;
        Ok(())
    }

    /// At most `limit` (and 1,000) attempts, newest first.
    pub async fn sign_ins(
        &self,
        helpdesk: &HelpdeskId,
        filter: &SignInFilter,
        limit: u32,
    ) -> Result<Vec<SignIn>, AccountsError> {
        let (conditions, bounds) = filter.conditions();
        let sql = format!(
            "SELECT id, at, surface, usersource, outcome, reason, account, ip FROM sign_ins \
             WHERE helpdesk = $1{conditions} ORDER BY at DESC, id DESC LIMIT {}",
            limit.clamp(1, 1000)
        );
        let mut query = sqlx::query(&sql).bind(helpdesk.as_str());
        for bound in bounds {
            query = match bound {
                Bound::Text(text) => query.bind(text),
                Bound::Number(number) => query.bind(number),
            };
        }
        query.fetch_all(&self.db.read).await?.iter().map(sign_in).collect()
    }

    /// Forgets the attempts of every helpdesk before `before`, and says how many.
    pub async fn expire_sign_ins(&self, before: Timestamp) -> Result<u64, AccountsError> {
        let done =
            sqlx::query("DELETE FROM sign_ins WHERE at < $1").bind(before.millis()).execute(&self.db.write).await?;
        Ok(done.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, sign_in, there};
    use super::*;

    #[tokio::test]
    async fn r56_the_log_is_read_newest_first_by_pages_and_filters_and_expires() {
        Everywhere::run(async |accounts| {
            for n in 0..6 {
                let mut new = sign_in(Some(&"acc_1".into()));
                if n % 2 == 1 {
                    new = NewSignIn { outcome: Outcome::Failed, account: None, usersource: None, ..new };
                    new.surface = Surface::Portal;
                }
                accounts.record_sign_in(&here(), &new, at(n / 2)).await.unwrap();
            }
            let read = async |filter: SignInFilter, limit| accounts.sign_ins(&here(), &filter, limit).await.unwrap();
            let all = read(SignInFilter::default(), 99).await;
            assert_eq!(all.iter().map(|s| s.place.at).collect::<Vec<_>>(), [2, 2, 1, 1, 0, 0].map(at));
            let mut pages = read(SignInFilter::default(), 1).await;
            while let Some(before) = pages.last().map(|last| last.place.to_string().parse().unwrap()) {
                let next = read(SignInFilter { before: Some(before), ..SignInFilter::default() }, 2).await;
                if next.is_empty() {
                    break;
                }
                pages.extend(next);
            }
            assert_eq!(pages, all);
            let failed = Some(Outcome::Failed);
            for (filter, count) in [
                (SignInFilter { account: Some("acc_1".into()), ..SignInFilter::default() }, 3),
                (SignInFilter { usersource: Some("us_1".into()), outcome: failed, ..SignInFilter::default() }, 0),
                (SignInFilter { outcome: failed, surface: Some(Surface::Portal), ..SignInFilter::default() }, 3),
                (SignInFilter { since: Some(at(1)), until: Some(at(2)), ..SignInFilter::default() }, 2),
            ] {
                assert_eq!(read(filter.clone(), 99).await.len(), count, "{filter:?}");
            }
            assert!(accounts.sign_ins(&there(), &SignInFilter::default(), 99).await.unwrap().is_empty());
            assert_eq!(accounts.expire_sign_ins(at(1)).await.unwrap(), 2);
            assert_eq!(read(SignInFilter::default(), 99).await.len(), 4);
        })
        .await;
        assert!("1-x".parse::<Place>().is_err() && "x".parse::<Place>().is_err());
    }
}
