//! API tokens: a role of their owner's, lent to a program (R0, R63).
//!
//! Spec: `glt_` and 256 bits, stored hashed, shown once. A token resolves only before its end, while its owner is active
//! and the owner's role still covers it.
//! Stops: a token that outlives its owner's job; a leaked database used as bearer tokens. The prefix lets secret
//! scanners find one that was committed.

use super::people::{Account, claim, name};
use super::rows::{optional_time, text, time, word};
use super::secrets::digest;
use super::sessions::TOUCH_MILLIS;
use super::{Accounts, AccountsError, Role, Secret};
use domain::{AccountId, HelpdeskId, Timestamp};
use sqlx::any::AnyRow;
use uuid::Uuid;

/// How every token begins.
pub const PREFIX: &str = "glt_";

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose it is and with whom it dies.
    pub owner: AccountId,
    /// Admin or auditor, and no more than its owner.
    pub role: Role,
    /// What it is for: 1 to 200 characters.
    pub label: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Names it to people. It opens nothing.
    pub id: String,
    /// The one helpdesk that it opens.
    pub helpdesk: HelpdeskId,
    /// Whose it is.
    pub owner: AccountId,
    /// What it may do.
    pub role: Role,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// The columns that [`token`] reads; `t` is the token.
pub(super) const TOKEN: &str = "t.id AS token_id, t.helpdesk AS helpdesk, t.owner AS owner, t.role AS role, t.label AS label, \
     t.created_at AS created_at, t.expires_at AS expires_at, t.last_used_at AS last_used_at";

pub(super) fn token(row: &AnyRow) -> Result<Token, AccountsError> {
    Ok(Token {
        id: text(row, "token_id")?,
        helpdesk: HelpdeskId::new(text(row, "helpdesk")?),
        owner: AccountId::new(text(row, "owner")?),
        role: word(row, "role")?,
        label: text(row, "label")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        last_used_at: optional_time(row, "last_used_at")?,
    })
}

impl Accounts {
    /// Makes a token. Its secret is in the answer and nowhere else.
    pub async fn create_token(
        &self,
        helpdesk: &HelpdeskId,
        new: &NewToken,
        now: Timestamp,
    ) -> Result<(Token, Secret), AccountsError> {
        let label = name(&new.label)?;
        let secret = Secret::random(PREFIX)?;
        let made = Token {
            id: format!("tok_{}", Uuid::now_v7().simple()),
            helpdesk: helpdesk.clone(),
            owner: new.owner.clone(),
            role: new.role,
            label: label.to_owned(),
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
        };
        let mut transaction = self.db.begin("accounts").await?;
        if !claim(&mut transaction, helpdesk, &new.owner).await?.role.may_hold_token(new.role) {
            return Err(AccountsError::RoleTooHigh);
        }
        sqlx::query(
            "INSERT INTO tokens (secret_hash, helpdesk, id, owner, role, label, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(secret.digest())
        .bind(helpdesk.as_str())
        .bind(&made.id)
        .bind(made.owner.as_str())
        .bind(made.role.as_str())
        .bind(label)
        .bind(now.millis())
        .bind(made.expires_at.millis())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok((made, secret))
    }

    /// The token and its owner, if it still works. It says itself which helpdesk it opens: the caller compares. That it
    /// was used is written at most once a minute; should that fail, the token still works.
    pub async fn find_token(&self, bearer: &str, now: Timestamp) -> Result<Option<(Token, Account)>, AccountsError> {
        if !bearer.starts_with(PREFIX) {
            return Ok(None);
        }
        let hash = digest(bearer);
        let found = self.bearers.ask(hash.clone()).await;
        let found = found.unwrap_or_else(|| Err(AccountsError::Unavailable("the look-up broke off".to_owned())))?;
        let Some((token, owner)) = found.filter(|(token, _)| token.expires_at > now) else { return Ok(None) };
        if !owner.role.may_hold_token(token.role) {
            return Ok(None);
        }
        let stale = now.millis().saturating_sub(TOUCH_MILLIS);
        if token.last_used_at.is_none_or(|used| used.millis() <= stale) {
            let sql = "UPDATE tokens SET last_used_at = $2 \
                       WHERE secret_hash = $1 AND (last_used_at IS NULL OR last_used_at <= $3)";
            let touched = sqlx::query(sql).bind(&hash).bind(now.millis()).bind(stale).execute(&self.db.write).await;
            if let Err(error) = touched {
                tracing::warn!(error = %AccountsError::from(error), "the use of a token could not be written");
            }
        }
        Ok(Some((token, owner)))
    }

    /// The tokens of a helpdesk, newest first, those that are over but not yet purged too; at most 1,000.
    pub async fn list_tokens(&self, helpdesk: &HelpdeskId) -> Result<Vec<Token>, AccountsError> {
        let sql = format!(
            "SELECT {TOKEN} FROM tokens t WHERE t.helpdesk = $1 ORDER BY t.created_at DESC, t.id DESC LIMIT 1000"
        );
        let rows = sqlx::query(&sql).bind(helpdesk.as_str()).fetch_all(&self.db.read).await?;
        rows.iter().map(token).collect()
    }

    /// Ends a token.
    pub async fn revoke_token(&self, helpdesk: &HelpdeskId, id: &str) -> Result<(), AccountsError> {
        let done = sqlx::query("DELETE FROM tokens WHERE helpdesk = $1 AND id = $2")
            .bind(helpdesk.as_str())
            .bind(id)
            .execute(&self.db.write)
            .await?;
        if done.rows_affected() == 0 { Err(AccountsError::Unknown) } else { Ok(()) }
    }

    /// Tokens stay in the list for 30 days after their end, so that people see why a program stopped.
    pub(super) async fn purge_tokens(&self, now: Timestamp) -> Result<u64, AccountsError> {
        let done = sqlx::query("DELETE FROM tokens WHERE expires_at < $1")
            .bind(now.plus_seconds(-30 * 86_400).millis())
            .execute(&self.db.write)
            .await?;
        Ok(done.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::super::AccountUpdate;
    use super::super::fixture::{Everywhere, at, here, new, there};
    use super::*;

    fn wanted(owner: &Account, role: Role) -> NewToken {
        NewToken { owner: owner.id.clone(), role, label: "ci".to_owned(), expires_at: at(3600) }
    }

    #[tokio::test]
    async fn r0_a_token_ends_with_its_time_its_owner_and_its_owners_role() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Admin), None, at(0)).await.unwrap();
            let (token, bearer) = accounts.create_token(&here(), &wanted(&jane, Role::Admin), at(0)).await.unwrap();
            let (_, reader) = accounts.create_token(&here(), &wanted(&jane, Role::Auditor), at(0)).await.unwrap();
            let works = async |bearer: &Secret, second| {
                accounts.find_token(bearer.expose(), at(second)).await.unwrap().is_some()
            };
            let change = async |role, active| {
                accounts.update(&here(), &jane.id, &AccountUpdate { role, active, name: None }, None).await.unwrap()
            };
            assert!(bearer.expose().starts_with("glt_") && works(&bearer, 0).await && works(&bearer, 3599).await);
            assert!(!works(&bearer, 3600).await);
            assert!(accounts.find_token(&bearer.expose()[4..], at(1)).await.unwrap().is_none());
            change(Some(Role::Auditor), None).await;
            assert!(!works(&bearer, 1).await && works(&reader, 1).await);
            change(Some(Role::Agent), None).await;
            assert!(!works(&reader, 1).await);
            change(Some(Role::Admin), Some(false)).await;
            assert!(!works(&bearer, 1).await && !works(&reader, 1).await);
            change(None, Some(true)).await;
            assert!(works(&bearer, 1).await);
            assert!(accounts.revoke_token(&there(), &token.id).await.is_err());
            accounts.revoke_token(&here(), &token.id).await.unwrap();
            assert!(!works(&bearer, 1).await);
        })
        .await;
    }

    #[tokio::test]
    async fn r63_a_token_is_never_more_than_its_owner_and_its_use_is_seen_to_the_minute() {
        Everywhere::run(async |accounts| {
            let auditor = accounts.create(&new("a@x.test", Role::Auditor), None, at(0)).await.unwrap();
            for role in [Role::Admin, Role::Agent, Role::User] {
                let refused = accounts.create_token(&here(), &wanted(&auditor, role), at(0)).await;
                assert!(matches!(refused, Err(AccountsError::RoleTooHigh)), "{role}");
            }
            let elsewhere = accounts.create_token(&there(), &wanted(&auditor, Role::Auditor), at(0)).await;
            assert!(matches!(elsewhere, Err(AccountsError::Unknown)));
            let (made, bearer) = accounts.create_token(&here(), &wanted(&auditor, Role::Auditor), at(0)).await.unwrap();
            assert_eq!(accounts.list_tokens(&here()).await.unwrap(), [made]);
            for (second, seen) in [(10, 10), (69, 10), (70, 70)] {
                let (token, owner) = accounts.find_token(bearer.expose(), at(second)).await.unwrap().unwrap();
                assert_eq!((token.helpdesk, owner.id), (here(), auditor.id.clone()));
                assert_eq!(accounts.list_tokens(&here()).await.unwrap()[0].last_used_at, Some(at(seen)));
            }
            assert!(accounts.list_tokens(&there()).await.unwrap().is_empty());
        })
        .await;
    }
}
