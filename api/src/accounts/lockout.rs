//! Login lockout: how many failures an account, a browser and an address may have (R26, R64).
//!
//! Spec: so many failures within *any* window lock the login; an unknown login counts like a known one. An attempt is
//! counted before its password is looked at and taken back when it succeeds, so that a thousand guesses sent at once
//! are a thousand failures, not one.
//! Stops: guessing; guessing in parallel; telling known logins from unknown ones by their lock; a stranger who locks an
//! admin out (a browser known from an earlier success has a counter of its own); one address that tries everybody.

use super::counters::{Counter, FAILURES_PER_DELAY, address_key, failures, login_key, take_back};
use super::rows::optional_number;
use super::secrets::digest;
use super::{Accounts, AccountsError, Secret};
use domain::{AccountId, HelpdeskId, Policy, Timestamp};
use sqlx::AnyConnection;
use std::net::IpAddr;
use std::time::Duration;

/// One submitted login form.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Whose form it was.
    pub helpdesk: &'a HelpdeskId,
    /// What was typed as login. It is stored hashed alone.
    pub login: &'a str,
    /// Where it came from.
    pub ip: IpAddr,
    /// The cookie of a browser that signed in before.
    pub browser: Option<&'a str>,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The password may be looked at.
    Open,
    /// It may be looked at, and the answer waits so long: this address failed often.
    Slowed(Duration),
    /// It may not be looked at before this moment.
    Locked(Timestamp),
}

/// An attempt that was counted as a failure, for the time being.
#[derive(Debug, Clone)]
pub struct Counted {
    /// What may happen next. Under `Locked` the submit is over.
    pub standing: Standing,
    key: String,
    number: i64,
    address_number: i64,
}

/// The delays of an address end here.
const LONGEST_DELAY_SECONDS: i64 = 8;

/// Windows and locks are at most a day each, so what is older than both matters to nobody.
const COUNTER_SECONDS: i64 = 2 * 86_400;
const BROWSER_SECONDS: i64 = 90 * 86_400;

/// Twice as long for every five failures beyond the limit of a login.
fn slowed(failures: i64, policy: &Policy) -> Standing {
    let beyond = failures - policy.lockout_failures;
    if beyond <= 0 {
        return Standing::Open;
    }
    let doubled = 1_i64 << ((beyond - 1) / FAILURES_PER_DELAY).min(3);
    Standing::Slowed(Duration::from_secs(doubled.min(LONGEST_DELAY_SECONDS).unsigned_abs()))
}

impl Accounts {
    /// How the visitor stands, without counting anything.
    pub async fn sign_in_standing(
        &self,
        attempt: &Attempt<'_>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Standing, AccountsError> {
        let key = self.counter_key(attempt).await?;
        let row = sqlx::query("SELECT locked_until FROM attempt_counters WHERE helpdesk = $1 AND key = $2")
            .bind(attempt.helpdesk.as_str())
            .bind(&key)
            .fetch_optional(&self.db.read)
            .await?;
        let until = row.map_or(Ok(None), |row| optional_number(&row, "locked_until"))?;
        if let Some(until) = until.filter(|until| *until > now.millis()) {
            return Ok(Standing::Locked(Timestamp::from_millis(until)));
        }
        let mut connection = self.db.read.acquire().await?;
        let since = now.plus_seconds(-policy.lockout_window_seconds);
        Ok(slowed(failures(&mut connection, attempt.helpdesk, &address_key(attempt.ip), since).await?, policy))
    }

    /// Counts the attempt as failed, before its password is looked at. Then either it failed and nothing is to be done,
    /// or [`Accounts::attempt_succeeded`], or [`Accounts::attempt_withdrawn`] where nobody could judge it.
    pub async fn begin_attempt(
        &self,
        attempt: &Attempt<'_>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Counted, AccountsError> {
        let key = self.counter_key(attempt).await?;
        let mut transaction = self.db.begin("accounts").await?;
        let login = Counter { helpdesk: attempt.helpdesk, key: &key, policy, locks: true };
        let (number, until, _) = login.count(&mut transaction, now).await?;
        let address = address_key(attempt.ip);
        let address = Counter { helpdesk: attempt.helpdesk, key: &address, policy, locks: false };
        let (address_number, _, failures) = address.count(&mut transaction, now).await?;
        transaction.commit().await?;
        let standing = until.map_or_else(|| slowed(failures - 1, policy), Standing::Locked);
        Ok(Counted { standing, key, number, address_number })
    }

    /// Clears the counter, takes the attempt back from the address, and knows this browser from now on: the answer is
    /// its cookie. A cookie that the visitor made up is never taken over.
    pub async fn attempt_succeeded(
        &self,
        attempt: &Attempt<'_>,
        counted: &Counted,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<Secret, AccountsError> {
        let helpdesk = attempt.helpdesk.as_str();
        let mut transaction = self.db.begin("accounts").await?;
        sqlx::query("UPDATE attempt_counters SET locked_until = NULL WHERE helpdesk = $1 AND key = $2")
            .bind(helpdesk)
            .bind(&counted.key)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM attempts WHERE helpdesk = $1 AND key = $2")
            .bind(helpdesk)
            .bind(&counted.key)
            .execute(&mut *transaction)
            .await?;
        take_back(&mut transaction, attempt.helpdesk, &address_key(attempt.ip), counted.address_number).await?;
        let known = match attempt.browser {
            Some(cookie) if is_known(&mut transaction, attempt.helpdesk, cookie).await? => Some(cookie),
            Some(_) | None => None,
        };
        let cookie = known.map_or_else(|| Secret::random(""), |cookie| Ok(Secret::known(cookie)))?;
        sqlx::query(
            "INSERT INTO known_browsers (helpdesk, browser_hash, login_key, account, seen_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (helpdesk, browser_hash, login_key) DO UPDATE SET seen_at = $5, account = $4",
        )
        .bind(helpdesk)
        .bind(cookie.digest())
        .bind(login_key(attempt.login))
        .bind(account.as_str())
        .bind(now.millis())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(cookie)
    }

    /// Takes the attempt back: the service was too busy, or a source did not answer. A lock that it caused goes too.
    pub async fn attempt_withdrawn(
        &self,
        attempt: &Attempt<'_>,
        counted: &Counted,
        policy: &Policy,
    ) -> Result<(), AccountsError> {
        if matches!(counted.standing, Standing::Locked(_)) {
            return Ok(());
        }
        let mut transaction = self.db.begin("accounts").await?;
        // The counter's row first: whoever counts at this moment comes before or after.
        sqlx::query("UPDATE attempt_counters SET total = total WHERE helpdesk = $1 AND key = $2")
            .bind(attempt.helpdesk.as_str())
            .bind(&counted.key)
            .execute(&mut *transaction)
            .await?;
        take_back(&mut transaction, attempt.helpdesk, &counted.key, counted.number).await?;
        sqlx::query(
            "UPDATE attempt_counters SET locked_until = NULL WHERE helpdesk = $1 AND key = $2 AND $3 > \
             (SELECT count(*) FROM attempts WHERE helpdesk = $1 AND key = $2)",
        )
        .bind(attempt.helpdesk.as_str())
        .bind(&counted.key)
        .bind(policy.lockout_failures)
        .execute(&mut *transaction)
        .await?;
        take_back(&mut transaction, attempt.helpdesk, &address_key(attempt.ip), counted.address_number).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The counter that this attempt is counted on: the browser's own if it is known for this login, else the login's.
    async fn counter_key(&self, attempt: &Attempt<'_>) -> Result<String, AccountsError> {
        let login = login_key(attempt.login);
        let Some(cookie) = attempt.browser else { return Ok(login) };
        let browser = digest(cookie);
        let known = sqlx::query(
            "SELECT seen_at FROM known_browsers WHERE helpdesk = $1 AND browser_hash = $2 AND login_key = $3",
        )
        .bind(attempt.helpdesk.as_str())
        .bind(&browser)
        .bind(&login)
        .fetch_optional(&self.db.read)
        .await?;
        Ok(known.map_or(login.clone(), |_| digest(&format!("browser {browser} {login}"))))
    }

    pub(super) async fn purge_attempts(&self, now: Timestamp) -> Result<u64, AccountsError> {
        let mut purged = 0;
        for (statement, seconds) in [
            ("DELETE FROM attempts WHERE at < $1", COUNTER_SECONDS),
            ("DELETE FROM attempt_counters WHERE seen_at < $1", COUNTER_SECONDS),
            ("DELETE FROM known_browsers WHERE seen_at < $1", BROWSER_SECONDS),
        ] {
            let before = now.plus_seconds(-seconds).millis();
            purged += sqlx::query(statement).bind(before).execute(&self.db.write).await?.rows_affected();
        }
        Ok(purged)
    }
}

/// Whether this helpdesk gave the cookie to some browser.
async fn is_known(connection: &mut AnyConnection, helpdesk: &HelpdeskId, cookie: &str) -> Result<bool, AccountsError> {
    let row = sqlx::query("SELECT seen_at FROM known_browsers WHERE helpdesk = $1 AND browser_hash = $2 LIMIT 1")
        .bind(helpdesk.as_str())
        .bind(digest(cookie))
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::super::fixture::{Everywhere, at, attempt, new, there};
    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn policy() -> Policy {
        Policy { lockout_failures: 5, lockout_window_seconds: 900, lockout_seconds: 600, ..Policy::default() }
    }

    /// An address of its own for each attempt, so that addresses do not come into it.
    fn from_anywhere(login: &str) -> Attempt<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(0x0a00_0000);
        Attempt { ip: IpAddr::V4(NEXT.fetch_add(1, Ordering::Relaxed).into()), ..attempt(login) }
    }

    async fn fail(accounts: &Accounts, login: &str, second: i64) -> Standing {
        accounts.begin_attempt(&from_anywhere(login), &policy(), at(second)).await.unwrap().standing
    }

    #[tokio::test]
    async fn r64_of_fifty_guesses_sent_at_once_exactly_the_limit_is_looked_at() {
        Everywhere::run(async |accounts| {
            let results =
                join_all((0..50).map(|_| {
                    let accounts = accounts.clone();
                    async move {
                        accounts.begin_attempt(&from_anywhere("j@x.test"), &policy(), at(0)).await.unwrap().standing
                    }
                }));
            let results = results.await;
            assert_eq!(results.iter().filter(|s| **s == Standing::Open).count(), 5);
            assert_eq!(results.iter().filter(|s| **s == Standing::Locked(at(600))).count(), 45);
        })
        .await;
    }

    #[tokio::test]
    async fn r64_failures_in_any_window_lock_for_a_time_and_older_ones_do_not_count() {
        Everywhere::run(async |accounts| {
            for (second, standing) in [
                (0, Standing::Open),
                (880, Standing::Open),
                (890, Standing::Open),
                (899, Standing::Open),
                // The first is out of the window: these are four and five.
                (900, Standing::Open),
                (901, Standing::Open),
                (902, Standing::Locked(at(1501))),
                (1500, Standing::Locked(at(1501))),
                (1501, Standing::Open),
                (1502, Standing::Open),
            ] {
                assert_eq!(fail(&accounts, "j@x.test", second).await, standing, "{second}");
                let other = accounts.sign_in_standing(&from_anywhere("k@x.test"), &policy(), at(second)).await.unwrap();
                assert_eq!(other, Standing::Open);
            }
            assert_eq!(accounts.purge_expired(at(1502)).await.unwrap(), 0);
            assert!(accounts.purge_expired(at(3 * 86_400)).await.unwrap() > 0);
        })
        .await;
    }

    #[tokio::test]
    async fn r26_an_unknown_login_counts_like_a_known_one_and_each_helpdesk_for_itself() {
        Everywhere::run(async |accounts| {
            accounts.create(&new("known@x.test", Role::User), Some("h"), at(0)).await.unwrap();
            for n in 0..8 {
                let known = fail(&accounts, "known@x.test", n).await;
                assert_eq!(known, fail(&accounts, "Unknown@x.test", n).await);
                assert_eq!(matches!(known, Standing::Locked(_)), n >= 5);
            }
            let helpdesk = there();
            let elsewhere = Attempt { helpdesk: &helpdesk, ..attempt("known@x.test") };
            assert_eq!(accounts.sign_in_standing(&elsewhere, &policy(), at(9)).await.unwrap(), Standing::Open);
        })
        .await;
    }

    #[tokio::test]
    async fn r64_a_known_browser_stays_open_while_a_stranger_locks_the_account_and_locks_on_its_own() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Admin), Some("h"), at(0)).await.unwrap();
            let first = from_anywhere("j@x.test");
            let counted = accounts.begin_attempt(&first, &policy(), at(0)).await.unwrap();
            let cookie = accounts.attempt_succeeded(&first, &counted, &jane.id, at(0)).await.unwrap();
            for n in 0..6 {
                fail(&accounts, "j@x.test", n).await;
            }
            let standing = async |browser, login| {
                let attempt = Attempt { browser, ..from_anywhere(login) };
                accounts.sign_in_standing(&attempt, &policy(), at(7)).await.unwrap()
            };
            assert!(matches!(standing(None, "j@x.test").await, Standing::Locked(_)));
            assert!(matches!(standing(Some("made up"), "j@x.test").await, Standing::Locked(_)));
            assert_eq!(standing(Some(cookie.expose()), "J@x.test").await, Standing::Open);

            let known = Attempt { browser: Some(cookie.expose()), ..from_anywhere("j@x.test") };
            let counted = accounts.begin_attempt(&known, &policy(), at(8)).await.unwrap();
            let again = accounts.attempt_succeeded(&known, &counted, &jane.id, at(8)).await.unwrap();
            assert_eq!(again.expose(), cookie.expose());
            assert!(matches!(standing(None, "j@x.test").await, Standing::Locked(_)), "the stranger's lock stays");
            for _ in 0..5 {
                let known = Attempt { browser: Some(cookie.expose()), ..from_anywhere("j@x.test") };
                assert_eq!(accounts.begin_attempt(&known, &policy(), at(9)).await.unwrap().standing, Standing::Open);
            }
            assert!(matches!(accounts.sign_in_standing(&known, &policy(), at(9)).await.unwrap(), Standing::Locked(_)));

            let planted = Attempt { browser: Some("made up"), ..from_anywhere("k@x.test") };
            let counted = accounts.begin_attempt(&planted, &policy(), at(9)).await.unwrap();
            let fresh = accounts.attempt_succeeded(&planted, &counted, &jane.id, at(9)).await.unwrap();
            assert_ne!(fresh.expose(), "made up");
        })
        .await;
    }

    #[tokio::test]
    async fn r64_success_clears_the_account_and_a_withdrawn_attempt_never_was() {
        Everywhere::run(async |accounts| {
            let attempt = from_anywhere("j@x.test");
            let begin =
                async |second| accounts.begin_attempt(&from_anywhere("j@x.test"), &policy(), at(second)).await.unwrap();
            let standing = async || accounts.sign_in_standing(&attempt, &policy(), at(50)).await.unwrap();
            for n in 0..4 {
                begin(n).await;
            }
            let fifth = begin(5).await;
            assert_eq!(standing().await, Standing::Locked(at(605)));
            accounts.attempt_withdrawn(&attempt, &fifth, &policy()).await.unwrap();
            assert_eq!(standing().await, Standing::Open);
            let fifth = begin(6).await;
            assert!(matches!(standing().await, Standing::Locked(_)));
            accounts.attempt_succeeded(&attempt, &fifth, &"acc_1".into(), at(6)).await.unwrap();
            assert_eq!(standing().await, Standing::Open);
            for n in 7..11 {
                begin(n).await;
            }
            assert_eq!(standing().await, Standing::Open);
        })
        .await;
    }

    #[tokio::test]
    async fn r64_an_address_that_tries_everybody_is_slowed_more_and_more_and_success_does_not_help_it() {
        Everywhere::run(async |accounts| {
            let mut delays = Vec::new();
            for n in 0..40 {
                let login = format!("p{n}@x.test");
                let standing = accounts.begin_attempt(&attempt(&login), &policy(), at(n)).await.unwrap().standing;
                delays.push(if let Standing::Slowed(delay) = standing { delay.as_secs() } else { 0 });
            }
            assert_eq!(delays[..6], [0; 6]);
            assert_eq!([delays[6], delays[10], delays[11], delays[16], delays[21], delays[39]], [1, 1, 2, 4, 8, 8]);
            let own = attempt("own@x.test");
            let counted = accounts.begin_attempt(&own, &policy(), at(41)).await.unwrap();
            accounts.attempt_succeeded(&own, &counted, &"acc_1".into(), at(41)).await.unwrap();
            let still = accounts.sign_in_standing(&own, &policy(), at(42)).await.unwrap();
            assert_eq!(still, Standing::Slowed(Duration::from_secs(8)));
            assert_eq!(accounts.sign_in_standing(&own, &policy(), at(42 + 900)).await.unwrap(), Standing::Open);
        })
        .await;
    }
}
