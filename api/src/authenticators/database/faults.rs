//! Signing in at a table in each sort of database, and each fault that an admin, a visitor or the database can make.

use super::ground::{Ground, RIGHT, ask, mariadb};
use crate::authenticators::sample_keys::CERTIFICATE;
use crate::outbound::{AddressPolicy, Outbound};
use crate::sign_in::{ClaimedEmail, Reason};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

async fn reason(ground: &Ground, changes: Value) -> Reason {
    let denied = ground.ask(changes.clone(), "Jane", RIGHT).await.unwrap_err();
    println!("{} {changes}: {denied}", ground.engine);
    denied.reason
}

async fn name(ground: &Ground, changes: Value, login: &str) -> Option<String> {
    ground.ask(changes, login, RIGHT).await.unwrap().map(|person| person.name.unwrap())
}

#[tokio::test]
async fn r30_people_sign_in_by_address_or_user_name_and_are_known_by_their_id() {
    Ground::each(async |ground| {
        for login in ["Jane", " Jane ", "jane@example.test", "JANE@EXAMPLE.TEST"] {
            assert_eq!(name(ground, json!({}), login).await.unwrap(), "Jane Doe", "{} {login}", ground.engine);
        }
        assert_eq!(name(ground, json!({}), "jörg").await.unwrap(), "Jörg Müller", "with a salt");
        let trusted = json!({"trust_email": true, "email_domains": ["example.test"]});
        let jane = ground.ask(trusted, "Jane", RIGHT).await.unwrap().unwrap();
        assert_eq!((jane.issuer.as_str(), jane.subject.as_str()), ("us_1", "1"));
        assert!(matches!(&jane.email, Some(ClaimedEmail::Verified(email)) if email.as_str() == "Jane@Example.test"));
        let claims = json!({"id": "1", "email": "Jane@Example.test", "login": "Jane", "name": "Jane Doe"});
        assert_eq!(Value::Object(jane.claims), claims);
        let untrusted = ground.ask(json!({}), "Jane", RIGHT).await.unwrap().unwrap();
        assert!(untrusted.email.unwrap().verified().is_none());
    })
    .await;
}

#[tokio::test]
async fn r26_an_unknown_login_a_wrong_password_and_none_at_all_are_the_same_answer() {
    Ground::each(async |ground| {
        let long = "j".repeat(10_000);
        for (login, password) in [
            ("Jane", "wrong"),
            ("nobody", RIGHT),
            ("Jane", ""),
            ("", RIGHT),
            ("none@example.test", RIGHT),
            ("Jane\0", RIGHT),
            (&long, RIGHT),
        ] {
            let answer = ground.ask(json!({}), login, password).await;
            assert_eq!(answer, Ok(None), "{} {login:.20} {password}", ground.engine);
        }
        assert_eq!(ground.ask(json!({}), "plain", "plain-secret").await, Ok(None), "plain text is no hash");
        assert_eq!(name(ground, json!({"username_column": null}), "Jane").await, None);
    })
    .await;
}

#[tokio::test]
async fn a_login_is_never_a_part_of_a_statement_and_has_one_spelling() {
    Ground::each(async |ground| {
        for login in [
            "' OR '1'='1",
            "Jane' --",
            "Jane\" OR \"1\"=\"1",
            "` OR 1=1 #",
            "\\' OR 1=1 -- ",
            "$1",
            "?",
            "%",
            "J%",
            "jane@example.test' UNION SELECT 1,2,3,4,5,6 -- ",
            "jane",
            "Jan\u{e9}",
            "jan\u{e9}@example.test",
            "\u{ff4a}ane@example.test",
        ] {
            assert_eq!(ground.ask(json!({}), login, RIGHT).await, Ok(None), "{} {login}", ground.engine);
        }
        assert_eq!(ground.count("people").await, 8);
    })
    .await;
}

#[tokio::test]
async fn who_is_found_twice_does_not_sign_in() {
    Ground::each(async |ground| {
        for login in ["twins@example.test", "mallory@example.test"] {
            let denied = ground.ask(json!({}), login, RIGHT).await.unwrap_err();
            assert_eq!(denied.reason, Reason::Ambiguous, "{} {login}", ground.engine);
        }
        assert_eq!(name(ground, json!({}), "twin1").await.unwrap(), "Twin One");
    })
    .await;
}

#[tokio::test]
async fn a_hash_that_would_take_gigabytes_is_refused_and_another_sort_fits_nobody() {
    let ground = Ground::sqlite().await;
    let huge = "$argon2id$v=19$m=4194304,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$MgGXz48+HfivYjVlRkRc4CrqmeFFSaK8aY6H2LK/wFs";
    let right = "$argon2id$v=19$m=1024,t=2,p=1$czNPb3JTWUNrOGRSd0pTUg$TMqZdYVnxe9kgPXRLC4l4RtjBA/J8oKP7/CkiNoDvDU";
    let argon2 = || json!({"hash": "argon2", "salt_column": null});
    for (id, login, hash) in [(20, "huge", huge), (21, "right", right)] {
        ground
            .run(&format!("INSERT INTO people VALUES ({id}, '{login}@x.test', '{login}', '{login}', '{hash}', NULL)"))
            .await;
    }
    assert_eq!(ground.ask(argon2(), "huge", RIGHT).await.unwrap_err().reason, Reason::Misconfigured);
    assert_eq!(name(&ground, argon2(), "right").await.unwrap(), "right");
    assert_eq!(ground.ask(argon2(), "Jane", RIGHT).await, Ok(None), "md5 where argon2 was set");
    assert_eq!(ground.ask(json!({}), "right", RIGHT).await, Ok(None), "argon2 where md5 was set");
    ground.end().await;
}

#[tokio::test]
async fn what_an_admin_set_wrongly_is_misconfigured() {
    Ground::each(async |ground| {
        for changes in [
            json!({"table": "nobody"}),
            json!({"table": "nowhere.people"}),
            json!({"id_column": "absent"}),
            json!({"password_column": "absent"}),
            json!({"name_column": "absent"}),
        ] {
            assert_eq!(reason(ground, changes.clone()).await, Reason::Misconfigured, "{} {changes}", ground.engine);
        }
    })
    .await;
    let (postgresql, mysql) = (Ground::postgresql().await, Ground::mysql().await);
    for (ground, changes) in [
        (&postgresql, json!({"user": "nobody_of_that_name"})),
        (&postgresql, json!({"database": "no_such_database"})),
        (&postgresql, json!({"tls": "verify", "host": "localhost"})),
        (&postgresql, json!({"tls": "unverified"})),
        (&mysql, json!({"user": "nobody"})),
        (&mysql, json!({"password": "wrong"})),
        (&mysql, json!({"database": "no_such_database"})),
    ] {
        assert_eq!(reason(ground, changes.clone()).await, Reason::Misconfigured, "{changes}");
    }
    postgresql.end().await;
    mysql.end().await;
}

#[tokio::test]
async fn a_server_that_proves_itself_is_asked_and_no_other() {
    let ground = Ground::mysql().await;
    let authority = mariadb().1;
    for right in [
        json!({"tls": "verify", "host": "localhost", "ca_certificates": authority}),
        json!({"tls": "unverified"}),
        json!({"tls": "off", "host": "localhost"}),
    ] {
        assert_eq!(name(&ground, right.clone(), "Jane").await.unwrap(), "Jane Doe", "{right}");
    }
    for wrong in [
        json!({"tls": "verify", "host": "127.0.0.1", "ca_certificates": authority}),
        json!({"tls": "verify", "host": "localhost", "ca_certificates": CERTIFICATE}),
        json!({"tls": "verify", "host": "localhost"}),
    ] {
        assert_eq!(reason(&ground, wrong.clone()).await, Reason::Misconfigured, "{wrong}");
    }
    ground.end().await;
}

#[tokio::test]
async fn a_server_that_is_down_silent_or_unknown_is_unreachable_in_time() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for ground in [Ground::postgresql().await, Ground::mysql().await] {
        for changes in [json!({"port": closed}), json!({"port": port}), json!({"host": "no-such-host.invalid"})] {
            let begun = Instant::now();
            assert_eq!(reason(&ground, changes.clone()).await, Reason::Unreachable, "{} {changes}", ground.engine);
            assert!(begun.elapsed() < Duration::from_secs(5), "{changes}: {:?}", begun.elapsed());
        }
        ground.end().await;
    }
}

/// A view of the people whose names are made by `name`.
async fn view(ground: &Ground, view: &str, name: &str) {
    ground.run(&format!("CREATE VIEW {view} AS SELECT id, email, login, {name} AS name, hash, salt FROM people")).await;
}

#[tokio::test]
async fn a_question_that_takes_too_long_ends_here_and_at_the_database() {
    let endless = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n)";
    Ground::each(async |ground| {
        let slow = match ground.engine {
            "postgresql" => "pg_sleep(60)::text",
            "mysql" => "SLEEP(60)",
            _ => endless,
        };
        view(ground, "slow", slow).await;
        let begun = Instant::now();
        assert_eq!(reason(ground, json!({"table": "slow", "timeout_seconds": 1})).await, Reason::Unreachable);
        assert!(begun.elapsed() < Duration::from_secs(3), "{} {:?}", ground.engine, begun.elapsed());
        let running = match ground.engine {
            "postgresql" => {
                "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'"
            }
            "mysql" => {
                "information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND command <> 'Sleep'"
            }
            _ => return,
        };
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(ground.count(running).await, 0, "{}", ground.engine);
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_cannot_write_whatever_the_table_does() {
    for ground in [Ground::postgresql().await, Ground::mysql().await] {
        ground.run("CREATE TABLE seen (id INTEGER)").await;
        let function = match ground.engine {
            "postgresql" => {
                "CREATE FUNCTION note() RETURNS text VOLATILE LANGUAGE sql AS 'INSERT INTO seen VALUES (1); SELECT ''x'''"
            }
            _ => {
                "CREATE FUNCTION note() RETURNS TEXT MODIFIES SQL DATA BEGIN INSERT INTO seen VALUES (1); RETURN 'x'; END"
            }
        };
        ground.run(function).await;
        view(&ground, "writing", "note()").await;
        assert_eq!(reason(&ground, json!({"table": "writing"})).await, Reason::Misconfigured, "{}", ground.engine);
        assert_eq!(ground.count("seen").await, 0);
        ground.run("SELECT COUNT(name) FROM writing").await;
        assert_eq!(ground.count("seen").await, 8, "the view does write where it may");
        ground.end().await;
    }
}

#[tokio::test]
async fn an_id_may_be_of_any_type_and_not_empty() {
    let ground = Ground::postgresql().await;
    ground.run("ALTER TABLE people ADD COLUMN key uuid").await;
    ground.run("UPDATE people SET key = '11111111-2222-4333-8444-555555555555' WHERE id = 1").await;
    let by_key = || json!({"id_column": "key"});
    let jane = ground.ask(by_key(), "Jane", RIGHT).await.unwrap().unwrap();
    assert_eq!(jane.subject, "11111111-2222-4333-8444-555555555555");
    assert_eq!(ground.ask(by_key(), "twin1", RIGHT).await.unwrap_err().reason, Reason::Misconfigured);
    ground.end().await;
}

#[tokio::test]
async fn a_database_in_the_own_network_is_out_of_reach_unless_the_operator_allows_it() {
    Ground::each(async |ground| {
        for hosts in [json!({}), json!({"host": "localhost", "tls": "verify"})] {
            let changes = if ground.engine == "sqlite" { json!({}) } else { hosts };
            let mut fixture = ground.fixture(changes);
            fixture.outbound = Outbound::new(AddressPolicy::PublicOnly).unwrap();
            let denied = ask(&fixture, "Jane", RIGHT).await.0.unwrap_err();
            assert_eq!(denied.reason, Reason::Misconfigured, "{} {denied}", ground.engine);
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_is_one_in_the_operators_folder_and_a_database() {
    let ground = Ground::sqlite().await;
    assert_eq!(reason(&ground, json!({"database": "absent.db"})).await, Reason::Misconfigured);
    let fixture = ground.fixture(json!({}));
    let folder = fixture.source().outbound.file(fixture.source().text("database").unwrap()).unwrap();
    std::fs::write(folder.with_file_name("text.db"), "no database, but long enough to be looked at as one".repeat(20))
        .unwrap();
    assert_eq!(reason(&ground, json!({"database": "text.db"})).await, Reason::Misconfigured);
    assert!(!folder.with_file_name("absent.db").exists(), "nothing is made by asking");
    ground.end().await;
}
