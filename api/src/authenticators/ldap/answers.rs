//! What a directory may answer, and what becomes of it: forged answers, one fault each.

use super::faults::{ask, ask_at};
use super::forged::{Forged, answer, bound, entry, result_with, searched, value};
use crate::sign_in::Reason;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;

fn open(url: &str) -> Value {
    json!({"servers": [url], "security": "none", "base_dn": "dc=example,dc=test", "bind_dn": "cn=helpdesk",
        "bind_password": "helpdesk-secret", "subject_attribute": "cn"})
}

fn jane(id: u8) -> Vec<u8> {
    answer(id, entry(b"cn=jane,dc=example,dc=test", &[b"jane"]))
}

/// The usual answers, with the person's bind ending like this.
fn until_bound(code: u8) -> [Vec<u8>; 3] {
    [bound(1, 0), [jane(2), searched(2, 0)].concat(), bound(3, code)]
}

#[tokio::test]
async fn only_result_0_of_the_persons_own_bind_lets_in() {
    for code in (0..=20).chain(32..=36).chain(48..=54).chain([80, 90, 118, 127]) {
        let forged = Forged::start(&until_bound(code)).await;
        let answer = ask(open(&forged.url), "jane", "secret").await;
        let expected = code == 0;
        assert_eq!(answer.is_ok_and(|person| person.is_some()), expected, "{code}");
    }
}

#[tokio::test]
async fn accounts_that_active_directory_lets_not_in_are_like_a_wrong_password_and_the_trace_says_why() {
    for (data, why) in
        [("532", "expired"), ("533", "disabled"), ("701", "expired"), ("773", "changed"), ("775", "locked")]
    {
        let text =
            format!("80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v4563");
        let mut answers = until_bound(0);
        answers[2] = answer(3, value(0x61, &result_with(49, &text)));
        let forged = Forged::start(&answers).await;
        let (answer, trace) = ask_at(open(&forged.url), "jane", "secret").await;
        assert_eq!(answer, Ok(None), "{data}");
        assert!(trace.contains(why) && trace.contains(data), "{trace}");
    }
}

#[tokio::test]
async fn r26_an_unknown_login_and_an_ambiguous_one_cost_what_a_wrong_password_costs() {
    let nobody = [bound(1, 0), searched(2, 0), bound(3, 49)];
    let twins = [bound(1, 0), [jane(2), jane(2), searched(2, 4)].concat(), bound(3, 49)];
    for answers in [until_bound(49), nobody, twins] {
        let forged = Forged::start(&answers).await;
        assert!(!ask(open(&forged.url), "jane", "secret").await.is_ok_and(|person| person.is_some()));
        assert_eq!(forged.asked(), [BIND, SEARCH, BIND]);
    }
}

#[tokio::test]
async fn neither_an_empty_login_nor_an_empty_password_reaches_a_server() {
    let forged = Forged::start(&until_bound(0)).await;
    for (login, password) in [("jane", ""), ("", "secret"), (" ", "secret"), ("", "")] {
        assert_eq!(ask(open(&forged.url), login, password).await, Ok(None));
    }
    assert!(forged.asked().is_empty());
}

#[tokio::test]
async fn an_entry_without_a_name_lets_nobody_in() {
    let nameless = [bound(1, 0), [answer(2, entry(b"", &[b"jane"])), searched(2, 0)].concat(), bound(3, 0)];
    let forged = Forged::start(&nameless).await;
    assert_eq!(ask(open(&forged.url), "jane", "secret").await.unwrap_err().reason, Reason::Misconfigured);
    assert_eq!(forged.asked(), [BIND, SEARCH]);
}

#[tokio::test]
async fn referrals_are_not_followed() {
    let elsewhere = answer(2, value(0x73, &value(0x04, b"ldap://127.0.0.1:1/")));
    let with_reference = [bound(1, 0), [elsewhere.clone(), jane(2), elsewhere, searched(2, 0)].concat(), bound(3, 0)];
    let forged = Forged::start(&with_reference).await;
    assert_eq!(ask(open(&forged.url), "jane", "secret").await.unwrap().unwrap().subject, "jane");
    for answers in [vec![bound(1, 10)], vec![bound(1, 0), searched(2, 10)]] {
        let forged = Forged::start(&answers).await;
        assert_eq!(ask(open(&forged.url), "jane", "secret").await.unwrap_err().reason, Reason::Misconfigured);
    }
}

#[tokio::test]
async fn a_hostile_answer_ends_its_own_sign_in_and_nothing_else() {
    let deep = (0..10_000).fold(Vec::new(), |inner, _| value(0x30, &inner));
    let flood: Vec<u8> = (0..5000).flat_map(|_| answer(9, value(0x65, &result_with(0, "")))).collect();
    let huge: Vec<u8> = (0..6).flat_map(|_| answer(2, entry(b"cn=x", &[&vec![b'x'; 1_000_000]]))).collect();
    for (what, first, second) in [
        ("deep", answer(1, value(0x61, &[result_with(0, ""), deep].concat())), vec![]),
        ("no LDAP", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), vec![]),
        ("another answer", searched(1, 0), vec![]),
        ("an entry as a bind's answer", jane(1), vec![]),
        ("a bind's answer as a search's", bound(1, 0), bound(2, 0)),
        ("too many", bound(1, 0), flood),
        ("too much", bound(1, 0), huge),
    ] {
        let forged = Forged::start(&[first, second]).await;
        let denied = ask(open(&forged.url), "jane", "secret").await.unwrap_err();
        // Two entries are ambiguous, however long the others would be.
        let expected = if what == "too much" { Reason::Ambiguous } else { Reason::Invalid };
        assert_eq!(denied.reason, expected, "{what}: {denied}");
    }
}

#[tokio::test]
async fn a_server_that_takes_the_connection_and_says_nothing_is_given_up_in_time() {
    let silent = Forged::start(&[]).await;
    for security in ["none", "starttls", "ldaps"] {
        let mut settings = open(&silent.url.replace("ldap:", if security == "ldaps" { "ldaps:" } else { "ldap:" }));
        settings["security"] = json!(security);
        let begun = Instant::now();
        assert_eq!(ask(settings, "jane", "secret").await.unwrap_err().reason, Reason::Unreachable, "{security}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{security}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_later_is_given_up_in_time_too() {
    let begun = Instant::now();
    let forged = Forged::start(&[bound(1, 0)]).await;
    assert_eq!(ask(open(&forged.url), "jane", "secret").await.unwrap_err().reason, Reason::Unreachable);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn starttls_that_is_refused_ends_it_before_anything_secret_is_sent() {
    let forged = Forged::start(&[answer(1, value(0x78, &result_with(2, "")))]).await;
    let mut settings = open(&forged.url);
    settings["security"] = json!("starttls");
    let denied = ask(settings.clone(), "jane", "secret").await.unwrap_err();
    assert_eq!((denied.reason, forged.asked()), (Reason::Misconfigured, vec![0x77]));
    let forged = Forged::start(&[bound(1, 0)]).await;
    settings["servers"] = json!([forged.url]);
    assert_eq!(ask(settings, "jane", "secret").await.unwrap_err().reason, Reason::Invalid);
}
