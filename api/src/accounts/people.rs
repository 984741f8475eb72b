//! Accounts: who the people of a helpdesk are, what they may do, and whether they may come in (R33, R63).

use super::rows::{flag, number, optional_text, text, time, word};
use super::{Accounts, AccountsError, Email, Role, Weakening};
use domain::values::unseen;
use domain::{AccountId, HelpdeskId, Timestamp};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use std::fmt;
use uuid::Uuid;

/// One person's account. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, which never changes.
    pub id: AccountId,
    /// Whose person it is.
    pub helpdesk: HelpdeskId,
    /// The address as it was written. Mail goes here and nowhere else. One whom a source vouches for without an
    /// address that it verified has none.
    pub email: Option<String>,
    /// Whether the address was shown to be theirs (R30).
    pub email_verified: bool,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Disabled accounts stay out, whatever a source says (R33).
    pub active: bool,
    /// Whether they can sign in with a password of ours.
    pub has_password: bool,
    /// The wrapped key of what is personal in the ledger (R50). Opaque here.
    pub personal_key: Option<String>,
    /// The usergroup or permission group that its first sign-in put it in (R31).
    pub group: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Account {
    /// What is typed into the form for it: its address, or nothing where it has none.
    pub fn login(&self) -> &str {
        self.email.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("helpdesk", &self.helpdesk.as_str())
            .field("id", &self.id.as_str())
            .field("role", &self.role)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// An account to be made.
#[derive(Clone)]
pub struct NewAccount {
    /// From [`new_account_id`], so that the personal key can be bound to it beforehand.
    pub id: AccountId,
    /// Whose person it is.
    pub helpdesk: HelpdeskId,
    /// The address, if there is one; refused if it is not one, or another account has it.
    pub email: Option<String>,
    /// Whether the address was shown to be theirs.
    pub email_verified: bool,
    /// What they are called: 1 to 200 characters.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The wrapped key of what is personal in the ledger.
    pub personal_key: Option<String>,
    /// The usergroup or permission group.
    pub group: Option<String>,
}

/// What changes in an account; `None` stays as it is.
#[derive(Clone, Default)]
pub struct AccountUpdate {
    /// The new name.
    pub name: Option<String>,
    /// The new role. Sessions and tokens that it no longer covers stop resolving at once.
    pub role: Option<Role>,
    /// `false` disables: sessions and links end, tokens do not resolve until it is active again.
    pub active: Option<bool>,
}

/// A new id, later in order than those before it.
pub fn new_account_id() -> AccountId {
    AccountId::new(format!("acc_{}", Uuid::now_v7().simple()))
}

/// The columns that [`account`] reads; `a` is the account.
pub(super) const ACCOUNT: &str = "a.id AS account_id, a.helpdesk AS account_helpdesk, a.email AS email, a.email_verified AS email_verified, \
     a.name AS name, a.role AS account_role, a.active AS active, a.personal_key AS personal_key, a.user_group AS user_group, \
     a.created_at AS account_created_at, CAST(CASE WHEN a.password_hash IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_password";

/// Reads an account that was not erased.
pub(super) fn account(row: &AnyRow) -> Result<Account, AccountsError> {
    Ok(Account {
        id: AccountId::new(text(row, "account_id")?),
        helpdesk: HelpdeskId::new(text(row, "account_helpdesk")?),
        email: optional_text(row, "email")?,
        email_verified: flag(row, "email_verified")?,
        name: text(row, "name")?,
        role: word(row, "account_role")?,
        active: flag(row, "active")?,
        has_password: flag(row, "has_password")?,
        personal_key: optional_text(row, "personal_key")?,
        group: optional_text(row, "user_group")?,
        created_at: time(row, "account_created_at")?,
    })
}

/// A name or label: 1 to 200 characters, none of them a control character.
pub(super) fn name(name: &str) -> Result<&str, AccountsError> {
    let name = name.trim();
    let fits = (1..=200).contains(&name.chars().count()) && unseen(name).is_none();
    if fits { Ok(name) } else { Err(AccountsError::InvalidName) }
}

/// Takes the account's row for the rest of the transaction, so that whatever ends or disables it comes before or
/// after, never between. An account that is disabled or erased is unknown.
pub(super) async fn claim(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    id: &AccountId,
) -> Result<Account, AccountsError> {
    sqlx::query("UPDATE accounts SET id = id WHERE helpdesk = $1 AND id = $2 AND active = 1 AND erased_at IS NULL")
        .bind(helpdesk.as_str())
        .bind(id.as_str())
        .execute(&mut *connection)
        .await?;
    let account = find(connection, helpdesk, id).await?.ok_or(AccountsError::Unknown)?;
    if account.active { Ok(account) } else { Err(AccountsError::Unknown) }
}

pub(super) async fn find(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    id: &AccountId,
) -> Result<Option<Account>, AccountsError> {
    let sql = format!("SELECT {ACCOUNT} FROM accounts a WHERE a.helpdesk = $1 AND a.id = $2 AND a.erased_at IS NULL");
    let row = sqlx::query(&sql).bind(helpdesk.as_str()).bind(id.as_str()).fetch_optional(connection).await?;
    row.as_ref().map(account).transpose()
}

pub(super) async fn insert(
    connection: &mut AnyConnection,
    new: &NewAccount,
    password_hash: Option<&str>,
    now: Timestamp,
) -> Result<Account, AccountsError> {
    let email = new.email.as_deref().map(Email::parse).transpose()?;
    sqlx::query(
        "INSERT INTO accounts (helpdesk, id, email, email_key, email_verified, name, role, active, password_hash, \
         personal_key, created_at, standing_due, user_group) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10, $10, $11)",
    )
    .bind(new.helpdesk.as_str())
    .bind(new.id.as_str())
    .bind(email.as_ref().map(Email::as_str))
    .bind(email.as_ref().map(Email::key))
    .bind(i64::from(new.email_verified))
    .bind(name(&new.name)?)
    .bind(new.role.as_str())
    .bind(password_hash)
    .bind(new.personal_key.as_deref())
    .bind(now.millis())
    .bind(new.group.as_deref())
    .execute(&mut *connection)
    .await
    .map_err(|error| match error.as_database_error() {
        Some(e) if e.is_unique_violation() => AccountsError::EmailTaken,
        _ => error.into(),
    })?;
    find(connection, &new.helpdesk, &new.id).await?.ok_or(AccountsError::Unknown)
}

/// Deletes what lets somebody in as this account, in `tables` whose column `account` names it.
pub(super) async fn delete_of(
    connection: &mut AnyConnection,
    tables: &[&str],
    helpdesk: &HelpdeskId,
    id: &AccountId,
) -> Result<(), AccountsError> {
    for table in tables {
        sqlx::query(&format!("DELETE FROM {table} WHERE helpdesk = $1 AND account = $2"))
            .bind(helpdesk.as_str())
            .bind(id.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl Accounts {
    /// Makes an account, active at once.
    pub async fn create(
        &self,
        new: &NewAccount,
        password_hash: Option<&str>,
        now: Timestamp,
    ) -> Result<Account, AccountsError> {
        let mut transaction = self.db.begin("accounts").await?;
        let account = insert(&mut transaction, new, password_hash, now).await?;
        transaction.commit().await?;
        Ok(account)
    }

    /// The account with this id, unless it was erased.
    pub async fn by_id(&self, helpdesk: &HelpdeskId, id: &AccountId) -> Result<Option<Account>, AccountsError> {
        find(&mut *self.db.read.acquire().await?, helpdesk, id).await
    }

    /// The account with this address, however it is spelt. What is no address finds nobody.
    pub async fn by_email(&self, helpdesk: &HelpdeskId, email: &str) -> Result<Option<Account>, AccountsError> {
        Ok(self.credentials(helpdesk, email).await?.map(|credentials| credentials.account))
    }

    /// At most `limit` (and 200) accounts after `after`, oldest first.
    pub async fn list(
        &self,
        helpdesk: &HelpdeskId,
        after: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<Account>, AccountsError> {
        let sql = format!(
            "SELECT {ACCOUNT} FROM accounts a WHERE a.helpdesk = $1 AND a.id > $2 AND a.erased_at IS NULL \
             ORDER BY a.id LIMIT $3"
        );
        let rows = sqlx::query(&sql)
            .bind(helpdesk.as_str())
            .bind(after.map_or("", AccountId::as_str))
            .bind(i64::from(limit.clamp(1, 200)))
            .fetch_all(&self.db.read)
            .await?;
        rows.iter().map(account).collect()
    }

    /// Changes an account. Disabling ends its sessions and links in the same transaction. What takes worth from an
    /// admin comes with its announcement, and is refused as busy once that was given up.
    pub async fn update(
        &self,
        helpdesk: &HelpdeskId,
        id: &AccountId,
        update: &AccountUpdate,
        weakening: Option<&Weakening>,
    ) -> Result<Account, AccountsError> {
        let new_name = update.name.as_deref().map(name).transpose()?;
        let mut transaction = self.db.begin("accounts").await?;
        if let Some(weakening) = weakening {
            carry_out(&mut transaction, helpdesk, id, weakening).await?;
        }
        sqlx::query(
            "UPDATE accounts SET name = COALESCE($3, name), role = COALESCE($4, role), active = COALESCE($5, active) \
             WHERE helpdesk = $1 AND id = $2 AND erased_at IS NULL",
        )
        .bind(helpdesk.as_str())
        .bind(id.as_str())
        .bind(new_name)
        .bind(update.role.map(Role::as_str))
        .bind(update.active.map(i64::from))
        .execute(&mut *transaction)
        .await?;
        let account = find(&mut transaction, helpdesk, id).await?.ok_or(AccountsError::Unknown)?;
        if update.active == Some(false) {
            delete_of(&mut transaction, &["links", "sessions"], helpdesk, id).await?;
        }
        transaction.commit().await?;
        Ok(account)
    }

    /// How many admins of this helpdesk are not disabled.
    pub async fn count_active_admins(&self, helpdesk: &HelpdeskId) -> Result<i64, AccountsError> {
        count_active_admins(&mut *self.db.read.acquire().await?, helpdesk).await
    }
}

/// The announced write is made now, in this transaction, if its announcement still stands.
pub(super) async fn carry_out(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
    id: &AccountId,
    weakening: &Weakening,
) -> Result<(), AccountsError> {
    let done = sqlx::query(
        "UPDATE accounts SET weakening = NULL, weakening_since = NULL \
         WHERE helpdesk = $1 AND id = $2 AND weakening = $3",
    )
    .bind(helpdesk.as_str())
    .bind(id.as_str())
    .bind(weakening.as_str())
    .execute(connection)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(AccountsError::Busy) }
}

pub(super) async fn count_active_admins(
    connection: &mut AnyConnection,
    helpdesk: &HelpdeskId,
) -> Result<i64, AccountsError> {
    let row = sqlx::query(
        "SELECT CAST(count(*) AS BIGINT) AS admins FROM accounts \
         WHERE helpdesk = $1 AND role = 'admin' AND active = 1 AND erased_at IS NULL",
    )
    .bind(helpdesk.as_str())
    .fetch_one(connection)
    .await?;
    number(&row, "admins")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, new, there};
    use super::*;

    #[tokio::test]
    async fn an_address_finds_its_account_however_it_is_spelt_and_only_in_its_helpdesk() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("Jane.Öhm@Example.test", Role::Admin), None, at(0)).await.unwrap();
            assert_eq!(accounts.by_email(&here(), " jane.öHM@example.TEST ").await.unwrap().unwrap(), jane);
            assert_eq!(
                accounts.by_id(&here(), &jane.id).await.unwrap().unwrap().email.unwrap(),
                "Jane.Öhm@Example.test"
            );
            assert!(accounts.by_email(&there(), "Jane.Öhm@Example.test").await.unwrap().is_none());
            assert!(accounts.by_id(&there(), &jane.id).await.unwrap().is_none());
            assert!(accounts.by_email(&here(), "jane\0").await.unwrap().is_none());
            let twin = accounts.create(&new("JANE.ÖHM@example.test", Role::User), None, at(0)).await;
            assert!(matches!(twin, Err(AccountsError::EmailTaken)));
            let elsewhere = NewAccount { helpdesk: there(), ..new("jane.öhm@example.test", Role::User) };
            accounts.create(&elsewhere, None, at(0)).await.unwrap();
            let change = AccountUpdate { role: Some(Role::User), ..AccountUpdate::default() };
            assert!(matches!(accounts.update(&there(), &jane.id, &change, None).await, Err(AccountsError::Unknown)));
            assert!(matches!(accounts.set_password_hash(&there(), &jane.id, "h").await, Err(AccountsError::Unknown)));
            assert_eq!(accounts.list(&there(), None, 9).await.unwrap().len(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn a_list_goes_on_where_it_stopped_and_admins_are_counted_while_they_are_active() {
        Everywhere::run(async |accounts| {
            let mut made = Vec::new();
            for n in 0..5 {
                let new = new(&format!("p{n}@x.test"), Role::Admin);
                made.push(accounts.create(&new, Some("h"), at(n)).await.unwrap());
            }
            let first = accounts.list(&here(), None, 3).await.unwrap();
            let rest = accounts.list(&here(), first.last().map(|a| &a.id), 3).await.unwrap();
            assert_eq!([first, rest].concat(), made);
            let off = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
            let lower = AccountUpdate { role: Some(Role::Agent), name: Some("New".into()), active: None };
            assert!(!accounts.update(&here(), &made[0].id, &off, None).await.unwrap().active);
            let lowered = accounts.update(&here(), &made[1].id, &lower, None).await.unwrap();
            assert_eq!((lowered.role, lowered.name.as_str(), lowered.active), (Role::Agent, "New", true));
            assert_eq!(accounts.count_active_admins(&here()).await.unwrap(), 3);
            assert_eq!(accounts.count_active_admins(&there()).await.unwrap(), 0);
        })
        .await;
    }
}
