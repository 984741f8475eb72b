//! Counters of failed attempts, exact for any window and under any concurrency (R64).
//!
//! Spec: a counter is a row that numbers its attempts, and a row for each attempt that may still matter. The counter's
//! row is taken first, so that concurrent attempts count one after another.
//! Stops: twice the allowed guesses around the edge of a fixed window; two attempts that count as one.

use super::AccountsError;
use super::emails::normalised;
use super::rows::{number, optional_number};
use super::secrets::digest;
use domain::{HelpdeskId, Policy, Timestamp};
use sqlx::AnyConnection;
use std::net::IpAddr;

/// The delay of an address doubles after so many failures beyond the limit; those beyond all delays are not kept.
pub(super) const FAILURES_PER_DELAY: i64 = 5;
const KEPT_BEYOND_LIMIT: i64 = 4 * FAILURES_PER_DELAY;

/// The counter of a login, known or not.
pub(super) fn login_key(login: &str) -> String {
    digest(&format!("login {}", normalised(login)))
}

/// The counter of an address; IPv6 by /64, which is what one customer has.
pub(super) fn address_key(ip: IpAddr) -> String {
    let text = match ip.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("{:x}/64", v6.to_bits() >> 64),
    };
    digest(&format!("address {text}"))
}

/// One counter, for the length of one transaction.
pub(super) struct Counter<'a> {
    pub(super) helpdesk: &'a HelpdeskId,
    pub(super) key: &'a str,
    pub(super) policy: &'a Policy,
    /// Whether it locks, or only counts.
    pub(super) locks: bool,
}

impl Counter<'_> {
    /// Counts a failure. The upsert holds the counter's row until the transaction ends, so that concurrent failures
    /// count one after another and each sees those before it. Says the failure's number, until when the counter was
    /// locked *before* it, and how many failures there are now.
    pub(super) async fn count(
        &self,
        connection: &mut AnyConnection,
        now: Timestamp,
    ) -> Result<(i64, Option<Timestamp>, i64), AccountsError> {
        let row = sqlx::query(
            "INSERT INTO attempt_counters (helpdesk, key, total, seen_at) VALUES ($1, $2, 1, $3) \
             ON CONFLICT (helpdesk, key) DO UPDATE SET total = attempt_counters.total + 1, seen_at = $3 \
             RETURNING total, locked_until",
        )
        .bind(self.helpdesk.as_str())
        .bind(self.key)
        .bind(now.millis())
        .fetch_one(&mut *connection)
        .await?;
        let (total, locked_until) = (number(&row, "total")?, optional_number(&row, "locked_until")?);
        if let Some(until) = locked_until.filter(|until| *until > now.millis()) {
            return Ok((total, Some(Timestamp::from_millis(until)), 0));
        }
        let since = now.plus_seconds(-self.policy.lockout_window_seconds);
        // After a lock that is over, counting begins anew.
        let oldest = if locked_until.is_some() { now } else { since };
        let kept = self.policy.lockout_failures.saturating_add(KEPT_BEYOND_LIMIT);
        sqlx::query("DELETE FROM attempts WHERE helpdesk = $1 AND key = $2 AND (at <= $3 OR number <= $4)")
            .bind(self.helpdesk.as_str())
            .bind(self.key)
            .bind(oldest.millis())
            .bind(total.saturating_sub(kept))
            .execute(&mut *connection)
            .await?;
        sqlx::query("INSERT INTO attempts (helpdesk, key, number, at) VALUES ($1, $2, $3, $4)")
            .bind(self.helpdesk.as_str())
            .bind(self.key)
            .bind(total)
            .bind(now.millis())
            .execute(&mut *connection)
            .await?;
        let failures = failures(connection, self.helpdesk, self.key, since).await?;
        let full = self.locks && failures >= self.policy.lockout_failures;
        if full || locked_until.is_some() {
            sqlx::query("UPDATE attempt_counters SET locked_until = $3 WHERE helpdesk = $1 AND key = $2")
                .bind(self.helpdesk.as_str())
                .bind(self.key)
                .bind(full.then(|| now.plus_seconds(self.policy.lockout_seconds).millis()))
                .execute(connection)
                .await?;
        }
        Ok((total, None, failures))
    }
}

pub(super) async fn failures(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    key: &str,
    since: Timestamp,
) -> Result<i64, AccountsError> {
    let row = sqlx::query(
        "SELECT CAST(count(*) AS BIGINT) AS failures FROM attempts WHERE helpdesk = $1 AND key = $2 AND at > $3",
    )
    .bind(helpdesk.as_str())
    .bind(key)
    .bind(since.millis())
    .fetch_one(connection)
    .await?;
    number(&row, "failures")
}

pub(super) async fn take_back(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    key: &str,
    number: i64,
) -> Result<(), AccountsError> {
    sqlx::query("DELETE FROM attempts WHERE helpdesk = $1 AND key = $2 AND number = $3")
        .bind(helpdesk.as_str())
        .bind(key)
        .bind(number)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_has_one_address_counter_and_a_login_has_one_however_it_is_spelt() {
        let key = |ip: &str| address_key(ip.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
        assert_ne!(key("192.0.2.8"), key("192.0.2.7"));
        assert_eq!(login_key(" Jane@X.test"), login_key("jane@x.test "));
    }
}
