//! Erasing a person (R50): everything personal goes, with the key of what is personal in the ledger.
//!
//! Spec: GDPR, article 17. The row stays with its id, so that the id is never given again and the ledger's references
//! still mean one thing.
//! Stops: a name, an address or an IP that outlives the person's wish, in any table of the accounts.

use super::counters::login_key;
use super::people::{carry_out, delete_of, find};
use super::rows::optional_text;
use super::{Accounts, AccountsError, Weakening};
use domain::{AccountId, HelpdeskId, Timestamp};

/// What is left of the account.
const TOMBSTONE: &str = "UPDATE accounts SET email = NULL, email_key = NULL, email_verified = 0, name = NULL, \
     password_hash = NULL, personal_key = NULL, last_sign_in_at = NULL, user_group = NULL, active = 0, erased_at = $3 \
     WHERE helpdesk = $1 AND id = $2";

impl Accounts {
    /// Erases the person, as was announced. Their sessions, links and tokens end; sign-ins keep the id and lose the
    /// address.
    pub async fn erase(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
        weakening: &Weakening,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let mut transaction = self.db.begin("accounts").await?;
        carry_out(&mut transaction, helpdesk, id, weakening).await?;
        sqlx::query("UPDATE accounts SET active = 0 WHERE helpdesk = $1 AND id = $2 AND erased_at IS NULL")
            .bind(helpdesk.as_str())
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        let account = find(&mut transaction, helpdesk, id).await?.ok_or(AccountsError::Unknown)?;
        sqlx::query(TOMBSTONE)
            .bind(helpdesk.as_str())
            .bind(id.as_str())
            .bind(now.millis())
            .execute(&mut *transaction)
            .await?;
        delete_of(&mut transaction, &["links", "sessions", "known_browsers", "identities"], helpdesk, id).await?;
        for statement in [
            "DELETE FROM tokens WHERE helpdesk = $1 AND owner = $2",
            "UPDATE sign_ins SET ip = NULL WHERE helpdesk = $1 AND account = $2",
        ] {
            sqlx::query(statement).bind(helpdesk.as_str()).bind(id.as_str()).execute(&mut *transaction).await?;
        }
        let counter = account.email.as_deref().map(login_key);
        for statement in [
            "DELETE FROM attempt_counters WHERE helpdesk = $1 AND key = $2",
            "DELETE FROM attempts WHERE helpdesk = $1 AND key = $2",
        ] {
            sqlx::query(statement).bind(helpdesk.as_str()).bind(&counter).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The wrapped key of what is personal in the ledger; `None` once the person was erased, or never was.
    pub async fn personal_key(&self, helpdesk: &HelpdeskId, id: &AccountId) -> Result<Option<String>, AccountsError> {
        let row = sqlx::query("SELECT personal_key FROM accounts WHERE helpdesk = $1 AND id = $2")
            .bind(helpdesk.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.db.read)
            .await?;
        row.map_or(Ok(None), |row| optional_text(&row, "personal_key"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, attempt, dump, here, new, session, sign_in, there};
    use super::super::{IdentityKey, Means, NewLink, NewToken, Purpose, Role};
    use super::*;
    use domain::Policy;

    #[tokio::test]
    async fn r50_after_an_erasure_no_table_knows_anything_personal_and_nothing_lets_them_in() {
        Everywhere::run(async |accounts| {
            let policy = Policy::default();
            let jane = accounts.create(&new("planted@x.test", Role::Admin), Some("plantedhash"), at(0)).await.unwrap();
            let cookie =
                accounts.open_session(&here(), &session(&jane, Means::Password), &policy, at(0)).await.unwrap();
            let token = NewToken { role: Role::Admin, owner: jane.id.clone(), label: "ci".into(), expires_at: at(999) };
            let (_, bearer) = accounts.create_token(&here(), &token, at(0)).await.unwrap();
            let link = NewLink { account: Some(jane.id.clone()), ..NewLink::lasting(Purpose::ResetPassword, at(900)) };
            let link = accounts.issue_link(&here(), &link, at(0)).await.unwrap();
            let counted = accounts.begin_attempt(&attempt("planted@x.test"), &policy, at(0)).await.unwrap();
            accounts.attempt_succeeded(&attempt("planted@x.test"), &counted, &jane.id, at(0)).await.unwrap();
            accounts.begin_attempt(&attempt("Planted@x.test"), &policy, at(1)).await.unwrap();
            accounts.record_sign_in(&here(), &sign_in(Some(&jane.id)), at(0)).await.unwrap();
            let key = IdentityKey { usersource: "us_1".into(), issuer: "idp".into(), subject: "planted".into() };
            accounts.link_identity(&here(), &jane.id, &key, at(0)).await.unwrap();

            let weakening = accounts.announce_weakening(&here(), &jane.id, at(0)).await.unwrap();
            assert!(accounts.erase(&there(), &jane.id, &weakening, at(1)).await.is_err());
            assert!(accounts.personal_key(&here(), &jane.id).await.unwrap().is_some());
            accounts.erase(&here(), &jane.id, &weakening, at(1)).await.unwrap();

            let rows = dump(&accounts).await;
            assert!(rows.contains(jane.id.as_str()));
            for personal in ["planted", "Jane Planted", "192.0.2.7", "wrapped-key", &login_key("planted@x.test")] {
                assert!(!rows.contains(personal), "{personal} in {rows}");
            }
            assert!(accounts.personal_key(&here(), &jane.id).await.unwrap().is_none());
            assert!(accounts.by_id(&here(), &jane.id).await.unwrap().is_none());
            assert!(accounts.find_session(&here(), cookie.expose(), at(2)).await.unwrap().is_none());
            assert!(accounts.find_token(bearer.expose(), at(2)).await.unwrap().is_none());
            assert!(accounts.peek_link(&here(), link.expose(), at(2)).await.unwrap().is_none());
            assert!(accounts.announce_weakening(&here(), &jane.id, at(3)).await.is_err(), "twice is once");
            accounts.create(&new("planted@x.test", Role::User), None, at(4)).await.unwrap();
        })
        .await;
    }
}
