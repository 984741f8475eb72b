//! Each call of the API is made once with success, and its answer has the shape that the document promises.

use super::calls::{self, Manner};
use super::scene::{Answer, PASSWORD, Scene, call, scene};
use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Makes calls as the admin, and notes which were answered with success.
struct Tour {
    scene: Scene,
    seen: RefCell<BTreeSet<(String, u16)>>,
    faults: RefCell<Vec<String>>,
}

impl Tour {
    /// Makes the call `name` with `ids` for what is in braces after the helpdesk.
    async fn make(&self, name: &str, ids: &[&str], query: &str, body: Value) -> Answer {
        let request = TestRequest::default().insert_header(("authorization", format!("Bearer {}", self.scene.admin)));
        self.send(name, ids, query, if body.is_null() { request } else { request.set_json(body) }).await
    }

    async fn send(&self, name: &str, ids: &[&str], query: &str, request: TestRequest) -> Answer {
        let call = call(name);
        let method: Method = super::agreement::method(&call.method).parse().unwrap();
        let mut path = call.path.replace("{helpdesk}", "default");
        for id in ids {
            let (from, to) = (path.find('{').unwrap(), path.find('}').unwrap());
            path.replace_range(from..=to, id);
        }
        let request = request.method(method).insert_header(("host", "localhost"));
        let answer = self.scene.ask(request.uri(&format!("{path}{query}"))).await;
        assert!(answer.status < 400, "{name}: {}", answer.beginning());
        if let Err(fault) = self.scene.promised(&call, &answer) {
            self.faults.borrow_mut().push(fault);
        }
        self.seen.borrow_mut().insert((name.to_owned(), answer.status));
        answer
    }
}

#[actix_web::test]
async fn every_call_answers_in_the_shape_that_the_document_promises() {
    let tour = Tour { scene: scene().await, seen: RefCell::default(), faults: RefCell::default() };
    let deskpro = configure(&tour).await;
    people(&tour).await;
    read(&tour, &deskpro).await;
    let (seen, faults) = (tour.seen.into_inner(), tour.faults.into_inner());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let promised = calls::all().into_iter().filter(|call| call.manner != Manner::Page).flat_map(|call| {
        let name = call.name.clone();
        call.gives.into_iter().map(move |(status, _)| (name.clone(), status)).filter(|(_, status)| *status < 500)
    });
    let missed: Vec<_> = promised.filter(|one| !seen.contains(one)).collect();
    assert!(missed.is_empty(), "never seen: {missed:?}");
}

/// Every command, rehearsed and carried out. Gives the id of a usersource that stays.
async fn configure(tour: &Tour) -> String {
    let install = json!({"kind": "jwt", "audience": "users", "title": "Shop",
        "settings": {"login_url": "https://shop.example/sso", "algorithm": "HS256", "secret": "0123456789abcdef0123456789abcdef"}});
    tour.make("install_usersource", &[], "?dry_run=true", install.clone()).await;
    let installed = tour.make("install_usersource", &[], "", install).await.json();
    let jwt = installed["changes"][0]["usersource"]["id"].as_str().unwrap().to_owned();
    let listed = tour.make("list_usersources", &[], "?audience=users", Value::Null).await.json();
    let deskpro = listed["usersources"][0]["id"].as_str().unwrap().to_owned();
    let directory = json!({"kind": "ldap", "audience": "users", "title": "Directory", "settings": {
        "servers": ["ldaps://127.0.0.1:1"], "security": "ldaps", "base_dn": "dc=example", "bind_dn": "cn=x,dc=example",
        "bind_password": "planted"}});
    let directory = tour.make("install_usersource", &[], "", directory).await.json();
    let directory = directory["changes"][0]["usersource"]["id"].as_str().unwrap();
    let typed = json!({"login": "jane", "password": "planted-too"});
    let tested = tour.make("test_usersource", &[directory], "", typed).await;
    assert!(!String::from_utf8_lossy(&tested.body).contains("planted"), "{}", tested.beginning());
    tour.make("uninstall_usersource", &[directory], "", Value::Null).await;
    let commands = [
        ("change_usersource", vec![jwt.as_str()], json!({"button_text": "Shop"})),
        ("enable_usersource", vec![&jwt], Value::Null),
        ("set_sso", vec![&jwt], json!({"mode": "background"})),
        ("set_order", vec!["users"], json!({"usersources": [jwt, deskpro]})),
        ("change_policies", vec![], json!({"helpdesk": {"name": "Shop"}, "users": {"lockout_failures": 7}})),
        ("disable_usersource", vec![&jwt], json!({"end_sessions": true})),
        ("uninstall_usersource", vec![&jwt], Value::Null),
        (
            "make_changes",
            vec![],
            json!({"commands": [
            {"command": "install_usersource", "kind": "google", "audience": "users", "title": "Google"},
            {"command": "set_order", "audience": "users", "usersources": ["$0", deskpro]}]}),
        ),
    ];
    for (name, ids, body) in commands {
        tour.make(name, &ids, "?dry_run=true", body.clone()).await;
        tour.make(name, &ids, "", body).await;
    }
    deskpro
}

/// People come, sign in and go.
async fn people(tour: &Tour) {
    let account = tour.scene.account.clone();
    let login = [("login", "jane@example.com"), ("password", PASSWORD)];
    let entered = tour.send("login_agent", &[], "", TestRequest::default().set_form(login)).await;
    let cookie = entered.cookies.iter().find(|cookie| cookie.starts_with("gateledger=")).unwrap();
    tour.send("read_session", &[], "", TestRequest::default().insert_header(("cookie", cookie.as_str()))).await;
    tour.make("list_sessions", &[&account], "", Value::Null).await;
    tour.make("list_sign_ins", &[], "?limit=1&outcome=admitted", Value::Null).await;
    tour.make("end_sessions", &[&account], "", Value::Null).await;
    let identities = tour.make("list_identities", &[&account], "", Value::Null).await.json();
    let identity = identities["identities"][0]["id"].as_str().unwrap();
    tour.make("unlink_identity", &[&account, identity], "", Value::Null).await;
    let new = json!({"email": "john@example.com", "name": "John", "role": "agent"});
    let john = tour.make("create_account", &[], "", new).await.json()["id"].as_str().unwrap().to_owned();
    tour.make("update_account", &[&john], "", json!({"active": false})).await;
    tour.make("list_accounts", &[], "?limit=1", Value::Null).await;
    tour.make("erase_account", &[&john], "", Value::Null).await;
    let token = tour.make("create_token", &[], "", json!({"role": "auditor", "label": "x"})).await.json();
    tour.make("list_tokens", &[], "", Value::Null).await;
    tour.make("revoke_token", &[token["id"].as_str().unwrap()], "", Value::Null).await;
}

/// What is only looked at.
async fn read(tour: &Tour, usersource: &str) {
    for name in ["describe_api", "live", "ready", "list_kinds", "list_usersources", "read_policies"] {
        tour.make(name, &[], "", Value::Null).await;
    }
    tour.make("read_usersource", &[usersource], "", Value::Null).await;
    tour.make("search_audit_trail", &[], "?limit=2", Value::Null).await;
    tour.make("search_audit_trail", &[], "", Value::Null).await;
    tour.make("read_change", &["2"], "", Value::Null).await;
    for kind in ["application/x-ndjson", "text/csv"] {
        let token = format!("Bearer {}", tour.scene.admin);
        let request = TestRequest::default().insert_header(("authorization", token)).insert_header(("accept", kind));
        tour.send("search_audit_trail", &[], "", request).await;
    }
    for surface in ["portal", "agent", "admin"] {
        tour.make("login_options", &[], &format!("?surface={surface}"), Value::Null).await;
    }
    let known = TestRequest::default().insert_header(("if-none-match", "*"));
    tour.send("login_options", &[], "?surface=portal", known).await;
}

#[actix_web::test]
async fn a_method_that_an_address_does_not_take_is_refused_with_a_problem() {
    let scene = scene().await;
    for call in calls::all().into_iter().filter(|call| call.path.starts_with("/api")) {
        let request = TestRequest::default().method(Method::TRACE).uri(&call.path.replace(['{', '}'], ""));
        let answer = scene.ask(request.insert_header(("host", "localhost"))).await;
        assert!(matches!(answer.status, 404 | 405), "{}: {}", call.path, answer.status);
        assert_eq!(answer.kind, "application/problem+json", "{}: {}", call.path, answer.status);
    }
}
