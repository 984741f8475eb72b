//! What the tests of people share: a fresh database of each sort, some people, and a look into every table.

use super::lockout::Attempt;
use super::sign_ins::{NewSignIn, Outcome};
use super::{Account, Accounts, Means, NewAccount, NewSession, Role, new_account_id};
use domain::{AccountId, Audience, HelpdeskId, Surface, Timestamp};
use futures::FutureExt as _;
use projections::{Database, Durability};
use sqlx::{Column as _, Row as _};
use std::panic::{AssertUnwindSafe, resume_unwind};
use uuid::Uuid;

/// Runs a test on SQLite and on PostgreSQL.
pub(super) struct Everywhere;

impl Everywhere {
    pub(super) async fn run(test: impl AsyncFn(Accounts)) {
        let folder = std::env::temp_dir().join(format!("gateledger-{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let db = Database::sqlite(&folder.join("accounts.db"), Durability::Full).await.unwrap();
        let sqlite = AssertUnwindSafe(test(Accounts::open(db.clone()).await.unwrap())).catch_unwind().await;
        db.read.close().await;
        db.write.close().await;
        std::fs::remove_dir_all(&folder).unwrap();
        sqlite.unwrap_or_else(|panic| resume_unwind(panic));

        let server = std::env::var("GATELEDGER_TEST_POSTGRES")
            .expect("GATELEDGER_TEST_POSTGRES must name a PostgreSQL database whose user may create databases");
        let (host, _) = server.rsplit_once('/').unwrap();
        let name = format!("gateledger_{}", Uuid::new_v4().simple());
        let admin = Database::postgres(&server, 1).await.unwrap();
        sqlx::query(&format!("CREATE DATABASE {name}")).execute(&admin.write).await.unwrap();
        let db = Database::postgres(&format!("{host}/{name}"), 8).await.unwrap();
        let postgres = AssertUnwindSafe(test(Accounts::open(db.clone()).await.unwrap())).catch_unwind().await;
        db.write.close().await;
        sqlx::query(&format!("DROP DATABASE {name} WITH (FORCE)")).execute(&admin.write).await.unwrap();
        postgres.unwrap_or_else(|panic| resume_unwind(panic));
    }
}

pub(super) fn here() -> HelpdeskId {
    HelpdeskId::new("default")
}

pub(super) fn there() -> HelpdeskId {
    HelpdeskId::new("other")
}

/// So many seconds after the tests began.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000).plus_seconds(second)
}

pub(super) fn new(email: &str, role: Role) -> NewAccount {
    NewAccount {
        id: new_account_id(),
        helpdesk: here(),
        email: Some(email.to_owned()),
        email_verified: false,
        name: "Jane Planted".to_owned(),
        role,
        personal_key: Some("wrapped-key".to_owned()),
        group: None,
    }
}

pub(super) fn session(account: &Account, means: Means) -> NewSession {
    NewSession {
        account: account.id.clone(),
        audience: Audience::Agents,
        surface: Surface::Agent,
        usersource: Some("us_1".into()),
        version: 4,
        means,
        authenticated_at: at(0),
        at_provider: None,
    }
}

pub(super) fn attempt(login: &str) -> Attempt<'_> {
    static HERE: std::sync::LazyLock<HelpdeskId> = std::sync::LazyLock::new(here);
    Attempt { helpdesk: &HERE, login, ip: [192, 0, 2, 7].into(), browser: None }
}

pub(super) fn sign_in(account: Option<&AccountId>) -> NewSignIn {
    NewSignIn {
        surface: Surface::Agent,
        usersource: Some("us_1".into()),
        outcome: Outcome::Admitted,
        reason: "password".to_owned(),
        account: account.cloned(),
        ip: Some([192, 0, 2, 7].into()),
    }
}

/// Every text in every table.
pub(super) async fn dump(accounts: &Accounts) -> String {
    let tables =
        ["accounts", "sessions", "tokens", "links", "attempt_counters", "attempts", "known_browsers", "sign_ins"];
    let mut all = String::new();
    for table in tables {
        for row in sqlx::query(&format!("SELECT * FROM {table}")).fetch_all(&accounts.db.read).await.unwrap() {
            for column in row.columns() {
                let text = row.try_get::<Option<String>, _>(column.ordinal()).ok().flatten().unwrap_or_default();
                all.push_str(&format!("{table}.{}={text}\n", column.name()));
            }
        }
    }
    all
}

#[tokio::test]
async fn secrets_are_stored_as_hashes_alone() {
    use super::{NewLink, NewToken, Purpose};
    Everywhere::run(async |accounts| {
        let policy = domain::Policy::default();
        let jane = accounts.create(&new("j@x.test", Role::Admin), Some("h"), at(0)).await.unwrap();
        let token = NewToken { owner: jane.id.clone(), role: Role::Admin, label: "ci".into(), expires_at: at(9) };
        let link = NewLink { account: Some(jane.id.clone()), ..NewLink::lasting(Purpose::Recovery, at(9)) };
        let tried = attempt("secret-login@x.test");
        let counted = accounts.begin_attempt(&tried, &policy, at(0)).await.unwrap();
        let secrets = [
            accounts.open_session(&here(), &session(&jane, Means::Password), &policy, at(0)).await.unwrap(),
            accounts.create_token(&here(), &token, at(0)).await.unwrap().1,
            accounts.issue_link(&here(), &link, at(0)).await.unwrap(),
            accounts.attempt_succeeded(&tried, &counted, &jane.id, at(0)).await.unwrap(),
        ];
        let rows = dump(&accounts).await;
        for secret in &secrets {
            let bare = secret.expose().trim_start_matches("glt_");
            assert!(!rows.contains(bare) && rows.contains(&secret.digest()));
        }
        assert!(!rows.contains("secret-login"));
    })
    .await;
}
