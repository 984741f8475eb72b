//! Whom a login and a password belong to in somebody's table.
//!
//! Spec: product rules R26 (an unknown login is like a wrong password, in work too) and R30.
//! Stops: a sign-in without a password; a slow database that holds a visitor for longer than ten seconds.

use super::hash::{Hash, Unusable};
use super::row::Row;
use super::{Answer, Database, Limits, mysql, postgresql, sqlite};
use crate::authenticators::FormSignIn;
use crate::authenticators::turns::turn;
use crate::sign_in::{Denied, Person, Reason, Source, Trace};
use async_trait::async_trait;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long a sign-in may take, whatever the database does.
const TOTAL: Duration = Duration::from_millis(9500);
/// The longest login that is asked for, in bytes.
const LONGEST_LOGIN: usize = 512;
/// So many sign-ins ask one usersource's database at once, if nothing else was set.
const AT_ONCE: i64 = 4;

#[async_trait]
impl FormSignIn for Database {
    async fn ask(
        &self,
        source: &Source<'_>,
        login: &str,
        password: &Zeroizing<String>,
        trace: &mut Trace,
    ) -> Result<Option<Person>, Denied> {
        let login = login.trim();
        if login.is_empty() || login.len() > LONGEST_LOGIN || login.contains('\0') || password.is_empty() {
            trace.failed("Nobody is asked without a login and a password", || json!(null));
            return Ok(None);
        }
        let asked = timeout(TOTAL, Box::pin(ask(source, login, password, trace))).await;
        asked.unwrap_or_else(|_| {
            trace.failed("No answer in time", || json!(null));
            Err(Denied::new(Reason::Unreachable, "the database did not answer in time"))
        })
    }
}

async fn ask(
    source: &Source<'_>,
    login: &str,
    password: &Zeroizing<String>,
    trace: &mut Trace,
) -> Result<Option<Person>, Denied> {
    let hash = Hash::named(source.needed("hash")?);
    let hash = hash.ok_or_else(|| Denied::new(Reason::Misconfigured, "the setting hash is no hash that is known"))?;
    let at_once = source.number("max_connections").unwrap_or(AT_ONCE);
    let _turn = turn(source, usize::try_from(at_once).unwrap_or(1)).await?;
    let limits = Limits::of(source);
    let answer = match source.needed("engine")? {
        "postgresql" => postgresql::ask(source, login, limits, trace).await?,
        "mysql" => mysql::ask(source, login, limits, trace).await?,
        _ => sqlite::ask(source, login, limits, trace).await?,
    };
    judge(source, hash, answer, login, password, trace).await
}

/// Chooses the row of `login`, and compares the password with its hash; where there is none, with somebody else's.
async fn judge(
    source: &Source<'_>,
    hash: Hash,
    answer: Answer,
    login: &str,
    password: &Zeroizing<String>,
    trace: &mut Trace,
) -> Result<Option<Person>, Denied> {
    let mut rows: Vec<Row> = answer.rows.into_iter().filter(|row| row.has_login(login)).collect();
    let found = rows.len();
    trace.note("Searched", || json!({"table": source.text("table"), "found": found}));
    let row = if found == 1 { rows.pop() } else { None };
    let stored = row.as_ref().and_then(|row| row.secret.clone().stored(source));
    let verified = hash.verify(stored.clone(), answer.anybody.stored(source), password.clone()).await;
    if found > 1 {
        return Err(Denied::new(Reason::Ambiguous, "the login is the address or the user name of more than one row"));
    }
    match verified {
        Ok(true) => {}
        Ok(false) => {
            let why = if stored.is_some() { "The password is another one" } else { "There is no row with a hash" };
            trace.failed(why, || json!(null));
            return Ok(None);
        }
        Err(Unusable::Unreadable) => {
            trace.failed("What the row holds is no hash of this sort", || json!(source.text("hash")));
            return Ok(None);
        }
        Err(Unusable::TooCostly) => {
            let cause = "the row's hash would take more time or memory than a sign-in may";
            trace.failed("The hash is too costly", || json!(source.text("hash")));
            return Err(Denied::new(Reason::Misconfigured, cause));
        }
    }
    let Some(row) = row else { return Ok(None) };
    let person = row.person(source)?;
    trace.note("The table knows the person", || json!({"subject": person.subject, "claims": person.claims}));
    Ok(Some(person))
}
