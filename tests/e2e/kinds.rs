//! Every kind signs people in for real, on both audiences, through the whole program: installed, told to the provider,
//! enabled, used, signed out, switched off.

use black_box::providers::{Provider, peer};
use black_box::{JANE, PASSWORD, Stage, Store, Wanderer};
use serde_json::{Value, json};

/// Providers that stand on this machine are at private addresses.
const FLAGS: &[&str] = &["--allow-private-addresses"];

/// Installs a usersource of the provider's kind for `audience`, and introduces both sides to each other.
async fn introduced(stage: &Stage, provider: Provider, audience: &str) -> String {
    let mut body = json!({"kind": provider.kind(), "audience": audience, "title": "Peer"});
    if !["google", "facebook", "twitter"].contains(&provider.kind()) {
        body["button_text"] = json!("Sign in at the peer");
    }
    let id = stage.admin.install(&body).await;
    let settings = provider.introduce(&stage.admin.usersource(&id).await).await;
    stage.admin.patch(&format!("/usersources/{id}"), &json!({"settings": settings})).send().await.done();
    id
}

async fn session(stage: &Stage, browser: &mut Wanderer) -> Value {
    let page = browser.open(&format!("{}/session", stage.server.address())).await;
    assert_eq!(page.answer.status, 200, "nobody is signed in: {}", page.answer);
    page.answer.json()
}

/// A user is given an account; an agent links the identity to the account that there is, and signs in with it.
async fn signs_in(provider: Provider) {
    let stage = Stage::set_with(Store::Sqlite, FLAGS).await;
    let address = stage.server.address().to_owned();

    let users = introduced(&stage, provider, "users").await;
    stage.admin.enable(&users).await.done();
    let mut alice = Wanderer::default();
    let page = alice.open(&format!("{address}/login")).await;
    assert!(page.text().contains(&format!("/auth/{users}/start")), "{}", page.answer);
    let there = alice.open(&format!("{address}/auth/{users}/start?return_to=/tickets/7")).await;
    let landed = provider.visit(&mut alice, &there).await;
    assert_eq!(landed.url.as_str(), format!("{address}/tickets/7"), "{}", landed.answer);
    let who = session(&stage, &mut alice).await;
    assert_eq!((&who["audience"], &who["usersource"]), (&json!("users"), &json!(users)));
    let account = who["account"]["id"].clone();
    let mut again = Wanderer::default();
    let there = again.open(&format!("{address}/auth/{users}/start")).await;
    provider.visit(&mut again, &there).await;
    assert_eq!(session(&stage, &mut again).await["account"]["id"], account, "the same person is the same account");

    let agents = introduced(&stage, provider, "agents").await;
    stage.admin.enable(&agents).await.done();
    let mut stranger = Wanderer::default();
    let there = stranger.open(&format!("{address}/auth/{agents}/start")).await;
    let refused = provider.visit(&mut stranger, &there).await;
    // Alice's address, where it is verified, finds the account that she has as a user, which does not enter here.
    let told = refused.text();
    assert!(
        told.contains("have no account here") || told.contains("not admitted here"),
        "R20, R31: {}",
        refused.answer
    );
    let mut jane = Wanderer::default();
    let page = jane.open(&format!("{address}/admin/login")).await;
    jane.post(&page, "/admin/login", &[("login", JANE), ("password", PASSWORD)]).await;
    let own = jane.open(&format!("{address}/identities")).await;
    let onward = jane.post(&own, "/identities", &[("link", &agents)]).await;
    let there = jane.open(&black_box::html::links(&onward.text()).remove(0)).await;
    let linked = provider.visit(&mut jane, &there).await;
    assert_eq!(linked.url.path(), "/identities", "{}", linked.answer);
    let mut elsewhere = Wanderer::default();
    let there = elsewhere.open(&format!("{address}/auth/{agents}/start?return_to=/admin/")).await;
    let landed = provider.visit(&mut elsewhere, &there).await;
    assert_eq!((landed.url.path(), landed.answer.status), ("/admin/", 200), "{}", landed.answer);
    let who = session(&stage, &mut elsewhere).await;
    assert_eq!((&who["audience"], &who["account"]["email"]), (&json!("agents"), &json!(JANE)));
    assert_eq!(stage.admin.audit_trail().await[0]["action"], "proof_recorded", "R40");

    // Disabled while somebody is on the way.
    let mut late = Wanderer::default();
    let there = late.open(&format!("{address}/auth/{users}/start")).await;
    stage.admin.disable(&users).await.done();
    let refused = provider.visit(&mut late, &there).await;
    assert!(refused.text().contains("was switched off"), "R28: {}", refused.answer);
    assert_eq!(late.open(&format!("{address}/session")).await.answer.status, 401);
}

#[tokio::test]
async fn oidc_signs_users_and_agents_in() {
    signs_in(Provider::OpenId).await;
}

#[tokio::test]
async fn google_signs_users_and_agents_in() {
    signs_in(Provider::Google).await;
}

#[tokio::test]
async fn facebook_signs_users_and_agents_in() {
    signs_in(Provider::Facebook).await;
}

#[tokio::test]
async fn twitter_signs_users_and_agents_in() {
    signs_in(Provider::Twitter).await;
}

#[tokio::test]
async fn saml_signs_users_and_agents_in_at_simplesamlphp() {
    signs_in(Provider::SimpleSaml).await;
}

#[tokio::test]
async fn saml_signs_users_and_agents_in_at_pysaml2() {
    signs_in(Provider::PySaml).await;
}

#[tokio::test]
async fn onelogin_signs_users_and_agents_in() {
    signs_in(Provider::OneLogin).await;
}

/// R27: signing out leads to the provider, ends the session there too, and back to a page that stays.
#[tokio::test]
async fn r27_signing_out_ends_the_providers_session_too() {
    for provider in [Provider::OpenId, Provider::SimpleSaml] {
        let stage = Stage::set_with(Store::Sqlite, FLAGS).await;
        let address = stage.server.address().to_owned();
        let id = introduced(&stage, provider, "users").await;
        stage.admin.enable(&id).await.done();
        let mut alice = Wanderer::default();
        let start = format!("{address}/auth/{id}/start");
        let there = alice.open(&start).await;
        provider.visit(&mut alice, &there).await;
        let home = alice.open(&format!("{address}/")).await;
        let onward = alice.post(&home, "/logout", &[]).await;
        assert!(onward.text().contains("http-equiv=\"refresh\""), "{}", onward.answer);
        let to = black_box::html::links(&onward.text()).remove(0);
        let mut out = alice.open(&to).await;
        if let Some(form) = black_box::html::forms(&out.text()).into_iter().find(|form| form.action.contains("confirm"))
        {
            out = alice.submit(&out, &form.with("logout", "yes")).await;
        }
        assert_eq!(out.url.as_str(), format!("{address}/signed-out"), "{}", out.answer);
        assert_eq!(alice.open(&format!("{address}/session")).await.answer.status, 401);
        let asked = alice.open(&start).await;
        assert_ne!(asked.url.origin().ascii_serialization(), address, "the provider asks again: {}", asked.answer);
        assert_eq!(asked.answer.status, 200);
    }
}

/// R25: one silent attempt per browser session, and its failure shows the page.
#[tokio::test]
async fn r25_in_the_background_one_silent_attempt_is_made() {
    for provider in [Provider::OpenId, Provider::SimpleSaml] {
        let stage = Stage::set_with(Store::Sqlite, FLAGS).await;
        let address = stage.server.address().to_owned();
        let id = introduced(&stage, provider, "users").await;
        if provider == Provider::SimpleSaml {
            let passive = json!({"settings": {"passive": true}});
            stage.admin.patch(&format!("/usersources/{id}"), &passive).send().await.done();
        }
        stage.admin.enable(&id).await.done();
        stage.admin.set_sso(&id, "background").await.done();
        let login = format!("{address}/login");
        let mut alice = Wanderer::default();
        let page = come_back(&mut alice, &login).await;
        assert_eq!((page.url.path(), page.answer.status), ("/login", 200), "{}", page.answer);
        assert!(!page.text().contains("role=\"alert\""), "nobody needs to hear of it: {}", page.answer);
        let asked = alice.history.len();
        alice.open(&login).await;
        assert_eq!(alice.history.len(), asked + 1, "once per browser session");
        let there = alice.open(&format!("{address}/auth/{id}/start")).await;
        provider.visit(&mut alice, &there).await;
        let first = session(&stage, &mut alice).await["account"]["id"].clone();

        // Another day: our session and cookies are gone, the provider still knows them.
        alice.forget(&address);
        let landed = come_back(&mut alice, &login).await;
        assert_eq!(landed.url.path(), "/", "signed in without a word: {}", landed.answer);
        assert_eq!(session(&stage, &mut alice).await["account"]["id"], first);
    }
}

/// Opens a page, and goes on where a provider posts its answer by itself.
async fn come_back(browser: &mut Wanderer, url: &str) -> black_box::Page {
    let page = browser.open(url).await;
    black_box::providers::posted(browser, &page).await
}

async fn form_signs_in(kind: &str, settings: Value, login: &str, password: &str) {
    let stage = Stage::set_with(Store::Sqlite, FLAGS).await;
    for (audience, path, more) in
        [("users", "/login", json!({})), ("agents", "/agent/login", json!({"auto_agent": true}))]
    {
        let body =
            json!({"kind": kind, "audience": audience, "title": "Peer", "settings": settings, "provisioning": more});
        let id = stage.admin.install(&body).await;
        let test = stage.admin.post(&format!("/usersources/{id}/test"), &json!({"login": login, "password": password}));
        let tested = test.send().await.done();
        assert_eq!((&tested["admitted"], &tested["account"]["is"]), (&json!(true), &json!("new")), "R42: {tested}");
        assert!(!tested.to_string().contains(password), "{tested}");
        let wrong = stage.admin.post(&format!("/usersources/{id}/test"), &json!({"login": login, "password": "wrong"}));
        assert_eq!(wrong.send().await.done()["reason"], "mismatch");
        stage.admin.enable(&id).await.done();
        let mut browser = stage.visitor();
        browser.sign_in(path, login, "wrong").await.expect(401);
        browser.sign_in(path, login, "").await.expect(401);
        browser.sign_in(path, login, password).await.location();
        let who = browser.session().await.done();
        assert_eq!((&who["audience"], &who["usersource"]), (&json!(audience), &json!(id)));
        let mut jane = stage.visitor();
        jane.sign_in("/agent/login", JANE, PASSWORD).await.location();
        stage.admin.disable(&id).await.done();
        browser.sign_in(path, login, password).await.expect(401);
    }
}

#[tokio::test]
async fn ldap_signs_users_and_agents_in() {
    let address = peer("slapd");
    let [plain, _, authority] = address.split(' ').collect::<Vec<_>>()[..] else { panic!("{address}") };
    let authority = std::fs::read_to_string(authority).unwrap();
    let settings = json!({"servers": [plain], "security": "starttls", "ca_certificates": authority,
        "base_dn": "ou=people,dc=example,dc=test", "bind_dn": "cn=helpdesk,dc=example,dc=test",
        "bind_password": "helpdesk-secret"});
    form_signs_in("ldap", settings, "jane", "jane-secret").await;
}

/// A table of customers as old systems have it: the hash of a salt and the password.
async fn customers<DB: sqlx::Database>(url: &str, hash: &str)
where
    for<'c> &'c mut DB::Connection: sqlx::Executor<'c, Database = DB>,
{
    use sqlx::{Connection as _, Executor as _};
    let mut database = DB::Connection::connect(url).await.unwrap();
    let columns = "id VARCHAR(40), mail VARCHAR(200), pass VARCHAR(200), salt VARCHAR(40), label VARCHAR(200)";
    let table = format!("CREATE TABLE customers ({columns})");
    database.execute(table.as_str()).await.unwrap();
    let row = format!("INSERT INTO customers VALUES ('17', 'carl@example.test', {hash}, 'winter', 'Carl Customer')");
    database.execute(row.as_str()).await.unwrap();
}

/// The settings that read it on the server of `url`.
fn reading(engine: &str, url: &str) -> Value {
    let url = reqwest::Url::parse(url).unwrap();
    json!({"engine": engine, "host": url.host_str(), "port": url.port(), "database": url.path().trim_start_matches('/'),
           "user": url.username(), "password": url.password().unwrap_or("none is asked for"), "tls": "off",
           "table": "customers", "id_column": "id", "email_column": "mail", "password_column": "pass",
           "salt_column": "salt", "name_column": "label", "hash": "sha256"})
}

#[tokio::test]
async fn database_signs_users_and_agents_in_from_postgresql() {
    let database = black_box::database::Database::fresh().await;
    let hash = "encode(sha256(('winter' || 'carl-secret')::bytea), 'hex')";
    customers::<sqlx::Postgres>(&database.url(), hash).await;
    form_signs_in("database", reading("postgresql", &database.url()), "carl@example.test", "carl-secret").await;
}

#[tokio::test]
async fn database_signs_users_and_agents_in_from_mariadb() {
    use sqlx::{Connection as _, Executor as _};
    let address = peer("mariadb");
    let server = address.split(' ').next().unwrap();
    let name = format!("shop_{}", uuid::Uuid::new_v4().simple());
    let mut admin = sqlx::mysql::MySqlConnection::connect(server).await.unwrap();
    admin.execute(format!("CREATE DATABASE {name}").as_str()).await.unwrap();
    let url = format!("{server}/{name}");
    customers::<sqlx::MySql>(&url, "SHA2(CONCAT('winter', 'carl-secret'), 256)").await;
    form_signs_in("database", reading("mysql", &url), "carl@example.test", "carl-secret").await;
    admin.execute(format!("DROP DATABASE {name}").as_str()).await.unwrap();
}

/// R26: the form asks its usersources in order; what one accepts and the gate refuses is not asked of the next.
#[tokio::test]
async fn r26_the_form_asks_in_order_and_a_refusal_at_the_gate_ends_the_attempt() {
    let database = black_box::database::Database::fresh().await;
    let hash = "encode(sha256(('winter' || 'carl-secret-words')::bytea), 'hex')";
    customers::<sqlx::Postgres>(&database.url(), hash).await;
    let stage = Stage::set_with(Store::Sqlite, FLAGS).await;
    let account = ["account", "create", "--email", "carl@example.test", "--name", "Carl", "--role", "user"];
    let words = account.into_iter().chain(["--password-stdin"]).collect::<Vec<_>>();
    stage.installation.run_with(&words, "carl-secret-words\n").text();
    let body = json!({"kind": "database", "audience": "users", "title": "Shop", "settings": reading("postgresql", &database.url())});
    let shop = stage.admin.install(&body).await;
    stage.admin.enable(&shop).await.done();
    let deskpro = stage.admin.deskpro("users").await;
    let order = async |ids: [&str; 2]| {
        stage.admin.put("/audiences/users/order", &json!({"usersources": ids})).send().await.done();
    };
    let enter = async || {
        let mut browser = stage.visitor();
        let answer = browser.sign_in("/login", "carl@example.test", "carl-secret-words").await;
        let session = browser.session().await;
        (answer.status, if session.status == 200 { session.json()["usersource"].clone() } else { Value::Null })
    };
    order([&shop, &deskpro]).await;
    assert_eq!(enter().await, (303, json!(shop)));
    order([&deskpro, &shop]).await;
    assert_eq!(enter().await, (303, json!(deskpro)));
    order([&shop, &deskpro]).await;
    let path = format!("/usersources/{shop}");
    stage.admin.patch(&path, &json!({"filter": "claims.label == 'Somebody else'"})).send().await.done();
    assert_eq!(enter().await, (401, Value::Null), "deskpro knows this password too, and is not asked");
    stage.admin.patch(&path, &json!({"filter": null})).send().await.done();

    // A usersource that does not answer is passed over; the others may know the person.
    let closed = json!({"settings": {"port": 1, "password": "none is asked for"}});
    stage.admin.patch(&path, &closed).send().await.done();
    assert_eq!(enter().await, (303, json!(deskpro)));
    let refused = stage.visitor().sign_in("/login", "carl@example.test", "wrong").await.expect(401);
    assert!(refused.text().contains("does not answer at the"), "{refused}");
    stage.admin.disable(&deskpro).await.done();
    stage.visitor().sign_in("/login", "carl@example.test", "wrong").await.expect(503);
}
