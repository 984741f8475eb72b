//! Signing in at a real directory, and each fault that an admin or a visitor can make.

use crate::authenticators::SignIn;
use crate::authenticators::sample_keys::CERTIFICATE;
use crate::outbound::{AddressPolicy, Outbound};
use crate::sign_in::fixture::Fixture;
use crate::sign_in::{ClaimedEmail, Denied, Person, Reason, Trace};
use domain::Audience;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use zeroize::Zeroizing;

/// What becomes of login and password at a usersource with these settings.
pub(super) async fn ask(settings: Value, login: &str, password: &str) -> Result<Option<Person>, Denied> {
    ask_at(settings, login, password).await.0
}

/// The same, with the trace as text.
pub(super) async fn ask_at(settings: Value, login: &str, password: &str) -> (Result<Option<Person>, Denied>, String) {
    asked(&Fixture::new("ldap", Audience::Agents, settings), login, password).await
}

async fn asked(fixture: &Fixture, login: &str, password: &str) -> (Result<Option<Person>, Denied>, String) {
    let SignIn::Form(kind) = fixture.sign_in() else { panic!("a form kind") };
    let mut trace = Trace::on();
    let answer = kind.ask(&fixture.source(), login, &Zeroizing::new(password.to_owned()), &mut trace).await;
    let trace = serde_json::to_string(&trace.into_steps()).unwrap();
    if let Err(denied) = &answer {
        assert!(!denied.cause.contains(login) && !denied.cause.contains("secret"), "{denied}");
    }
    assert!(!trace.contains("-secret"), "{trace}");
    (answer, trace)
}

struct Peer {
    plain: String,
    secure: String,
    authority: String,
}

fn peer() -> Peer {
    let address = std::env::var("GATELEDGER_TEST_SLAPD")
        .expect("GATELEDGER_TEST_SLAPD must hold what tests/peers/slapd/start leaves in ROOM/address");
    let [plain, secure, authority] = address.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("GATELEDGER_TEST_SLAPD is an ldap URL, an ldaps URL and the path of a certificate")
    };
    let authority = std::fs::read_to_string(authority).unwrap();
    Peer { plain: plain.to_owned(), secure: secure.to_owned(), authority }
}

fn usual() -> Value {
    let peer = peer();
    json!({"servers": [peer.secure], "security": "ldaps", "ca_certificates": peer.authority,
        "base_dn": "dc=example,dc=test", "bind_dn": "cn=helpdesk,dc=example,dc=test",
        "bind_password": "helpdesk-secret"})
}

/// The usual settings with these instead.
fn with(changes: Value) -> Value {
    let mut settings = usual();
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
        if value.is_null() {
            settings.as_object_mut().unwrap().remove(name);
        }
    }
    settings
}

async fn reason(changes: Value) -> Reason {
    let denied = ask(with(changes), "jane", "jane-secret").await.unwrap_err();
    println!("{denied}");
    denied.reason
}

async fn name(settings: Value, login: &str, password: &str) -> Option<String> {
    ask(settings, login, password).await.unwrap().map(|person| person.name.unwrap())
}

/// A port where nobody listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("ldap://127.0.0.1:{}", listener.local_addr().unwrap().port())
}

#[tokio::test]
async fn people_sign_in_over_every_sort_of_connection() {
    let plain = peer().plain;
    for changes in [
        json!({}),
        json!({"servers": [plain], "security": "starttls"}),
        json!({"servers": [plain], "security": "none", "ca_certificates": null}),
        json!({"ca_certificates": null, "skip_certificate_check": true}),
    ] {
        assert_eq!(name(with(changes.clone()), "jane", "jane-secret").await.unwrap(), "Jane Doe, Support", "{changes}");
    }
}

#[tokio::test]
async fn r30_who_came_is_told_with_all_that_a_filter_may_ask() {
    let settings = with(json!({"trust_email": true, "email_domains": ["example.test"]}));
    let person = ask(settings, "jane", "jane-secret").await.unwrap().unwrap();
    assert_eq!((person.issuer.as_str(), person.subject.as_str()), ("us_1", "11111111-2222-4333-8444-555555555555"));
    assert!(matches!(&person.email, Some(ClaimedEmail::Verified(email)) if email.as_str() == "jane@example.test"));
    assert_eq!(person.claims["memberOf"], json!(["cn=agents,dc=example,dc=test"]));
    assert_eq!(person.claims["telephoneNumber"], json!(["+49 30 1", "+49 30 2"]));
    assert_eq!(person.claims["sn"], json!("Doe"));
}

#[tokio::test]
async fn r32_no_password_is_read_even_where_the_service_account_may() {
    let settings = with(json!({"bind_dn": "cn=curious,dc=example,dc=test", "bind_password": "curious-secret"}));
    let person = ask(settings, "jane", "jane-secret").await.unwrap().unwrap();
    assert!(person.claims.contains_key("mail") && !person.claims.contains_key("userPassword"));
}

#[tokio::test]
async fn r26_an_unknown_login_a_wrong_password_and_none_at_all_are_the_same_answer() {
    let wrong = [
        ("jane", "wrong"),
        ("jane", "JANE-SECRET"),
        ("nobody", "jane-secret"),
        ("jane", ""),
        ("", "jane-secret"),
        ("keyless", "anything"),
        ("jane\0", "jane-secret"),
        (&"j".repeat(10_000), "jane-secret"),
    ];
    for (login, password) in wrong {
        assert_eq!(ask(usual(), login, password).await, Ok(None), "{login:.20} {password}");
    }
}

#[tokio::test]
async fn a_login_is_never_a_part_of_the_filter() {
    for login in ["*", "j*", "jane)(uid=*", "*)(objectClass=*", "jane)(|(uid=*", "\\6aane", "j\\61ne", "(uid=jane)"] {
        assert_eq!(ask(usual(), login, "jane-secret").await, Ok(None), "{login}");
    }
    assert_eq!(name(usual(), "odd*()\\", "odd-secret").await.unwrap(), "Odd *()\\, Jr.");
    assert_eq!(name(usual(), "jörg", "jörg-geheim").await.unwrap(), "Jörg Müller");
    assert_eq!(name(usual(), "joerg@example.test", "jörg-geheim").await.unwrap(), "Jörg Müller");
}

#[tokio::test]
async fn names_of_active_directory_are_taken() {
    let guid = || with(json!({"subject_attribute": "objectGUID"}));
    for login in ["ada", "ADA", "EXAMPLE\\ada", "ada@corp.example.test", "ada.admin@example.test"] {
        let ada = ask(guid(), login, "ada-secret").await.unwrap().unwrap();
        assert_eq!(ada.subject, "03020100-0504-0706-0809-0a0b0c0d0e0f", "{login}");
    }
    assert_eq!(ask(guid(), "ELSEWHERE\\ada", "ada-secret").await, Ok(None));
}

#[tokio::test]
async fn one_login_has_one_spelling() {
    for login in ["\u{ff4a}\u{ff41}\u{ff4e}\u{ff45}", "uid  jane", "j\u{ad}ane"] {
        assert_eq!(ask(usual(), login, "jane-secret").await, Ok(None), "{login}");
    }
}

#[tokio::test]
async fn who_is_found_twice_does_not_sign_in() {
    let denied = ask(usual(), "twins@example.test", "twin-secret").await.unwrap_err();
    assert_eq!(denied.reason, Reason::Ambiguous);
    assert_eq!(name(usual(), "twin1", "twin-secret").await.unwrap(), "Twin One");
}

#[tokio::test]
async fn without_a_subject_nobody_signs_in() {
    assert_eq!(reason(json!({"subject_attribute": "employeeNumber"})).await, Reason::Misconfigured);
    assert_eq!(reason(json!({"subject_attribute": "telephoneNumber"})).await, Reason::Misconfigured);
}

#[tokio::test]
async fn what_an_admin_set_wrongly_is_misconfigured() {
    assert_eq!(reason(json!({"bind_password": "wrong"})).await, Reason::Misconfigured);
    assert_eq!(reason(json!({"bind_dn": "cn=nobody,dc=example,dc=test"})).await, Reason::Misconfigured);
    assert_eq!(reason(json!({"bind_dn": "no name at all"})).await, Reason::Misconfigured);
    assert_eq!(reason(json!({"base_dn": "ou=nowhere,dc=example,dc=test"})).await, Reason::Misconfigured);
    assert_eq!(reason(json!({"ca_certificates": CERTIFICATE})).await, Reason::Misconfigured);
    assert_eq!(reason(json!({"ca_certificates": null})).await, Reason::Misconfigured);
    let by_address = peer().secure.replace("localhost", "127.0.0.1");
    assert_eq!(
        reason(json!({"servers": [by_address]})).await,
        Reason::Misconfigured,
        "the certificate names localhost"
    );
}

#[tokio::test]
async fn a_first_server_that_is_down_costs_little_and_is_asked_last_afterwards() {
    let dead = nowhere().await;
    let fixture =
        Fixture::new("ldap", Audience::Agents, with(json!({"servers": [dead, peer().plain], "security": "starttls"})));
    for failures in [1, 0] {
        let begun = Instant::now();
        let (answer, trace) = asked(&fixture, "jane", "jane-secret").await;
        assert!(answer.unwrap().is_some());
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert_eq!(trace.matches("A server cannot be used").count(), failures, "{trace}");
    }
}

/// A port that lets connections wait for ever: its queue is full and nobody takes one out.
async fn blocked() -> (String, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(queued)) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        waiting.push(queued);
    }
    (format!("ldap://{address}"), listener, waiting)
}

#[tokio::test]
async fn a_first_server_that_takes_no_connection_costs_two_seconds() {
    let (dead, _listener, _waiting) = blocked().await;
    let settings = with(json!({"servers": [dead, peer().plain], "security": "starttls"}));
    let begun = Instant::now();
    assert_eq!(name(settings, "jane", "jane-secret").await.unwrap(), "Jane Doe, Support");
    let took = begun.elapsed();
    assert!((Duration::from_millis(1900)..Duration::from_secs(4)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn with_all_servers_down_it_is_unreachable_unless_one_needs_an_admin() {
    let (one, another) = (nowhere().await, nowhere().await);
    assert_eq!(reason(json!({"servers": [one, another], "security": "starttls"})).await, Reason::Unreachable);
    assert_eq!(reason(json!({"servers": ["ldaps://no-such-host.invalid"]})).await, Reason::Unreachable);
    let untrusted = json!({"servers": [one, peer().plain], "security": "starttls", "ca_certificates": CERTIFICATE});
    assert_eq!(reason(untrusted).await, Reason::Misconfigured);
}

#[tokio::test]
async fn a_service_account_that_is_not_let_in_is_tried_at_one_server_alone() {
    let secure = peer().secure;
    let twice = with(json!({"servers": [secure, format!("{secure}/")], "bind_password": "wrong"}));
    let (answer, trace) = ask_at(twice, "jane", "jane-secret").await;
    assert_eq!(answer.unwrap_err().reason, Reason::Misconfigured);
    assert_eq!(trace.matches("The service account is not let in").count(), 1, "{trace}");
}

#[tokio::test]
async fn a_directory_in_the_own_network_is_out_of_reach_unless_the_operator_allows_it() {
    let mut fixture = Fixture::new("ldap", Audience::Agents, usual());
    fixture.outbound = Outbound::new(AddressPolicy::PublicOnly).unwrap();
    let denied = asked(&fixture, "jane", "jane-secret").await.0.unwrap_err();
    assert!(denied.reason == Reason::Misconfigured && denied.cause.contains("not a public address"), "{denied}");
}
