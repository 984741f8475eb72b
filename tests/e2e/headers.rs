//! Requests that are too big, too many-headed or not HTTP: refused early, and the service lives on.

use black_box::{Stage, Store, raw};
use serde_json::json;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
const TEN_MEGABYTES: usize = 10 * 1024 * 1024;

#[tokio::test]
async fn a_body_of_ten_megabytes_is_refused_by_its_announced_length() {
    let stage = Stage::set(Store::Sqlite).await;
    let before = stage.admin.version().await;
    let head = format!(
        "POST /api/helpdesks/default/usersources HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {TEN_MEGABYTES}\r\nConnection: close\r\n\r\n{{\"title\": \"",
        stage.server.authority(),
        stage.admin.authorization(),
    );
    let heard = raw::exchange(stage.server.authority(), head.as_bytes(), PATIENCE);
    assert_eq!(raw::status(&heard), Some(413), "{heard}");
    assert!(heard.contains("\"too_large\""), "{heard}");
    assert_eq!(stage.admin.version().await, before);
}

#[tokio::test]
async fn a_body_of_ten_megabytes_whose_length_nobody_announced_is_cut_off() {
    let stage = Stage::set(Store::Sqlite).await;
    let before = stage.admin.version().await;
    let head = format!(
        "POST /api/helpdesks/default/usersources HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        stage.server.authority(),
        stage.admin.authorization(),
    );
    let title =
        format!("{{\"kind\": \"saml\", \"audience\": \"users\", \"title\": \"{}\"}}", "x".repeat(TEN_MEGABYTES));
    let sent = format!("{head}{:x}\r\n{title}\r\n0\r\n\r\n", title.len());
    let heard = raw::exchange(stage.server.authority(), sent.as_bytes(), PATIENCE);
    let status = raw::status(&heard);
    assert!(status.is_none_or(|status| status == 413), "refused, or cut off before an answer could be read: {heard}");
    assert_eq!(stage.admin.version().await, before);
}

#[tokio::test]
async fn floods_and_nonsense_get_no_success_and_do_no_harm() {
    let stage = Stage::set(Store::Sqlite).await;
    let before = stage.admin.version().await;
    let request = |headers: &str| {
        format!(
            "GET /api/helpdesks/default/usersources HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
            stage.server.authority()
        )
    };
    let many: String = (0..20_000).map(|n| format!("X-Flood-{n}: {n}\r\n")).collect();
    let floods = [
        request(&many),
        request(&format!("X-Flood: {}\r\n", "x".repeat(2_000_000))),
        request(&format!("Cookie: {}\r\n", "a=b; ".repeat(200_000))),
        request("X-Nul: a\0b\r\n"),
        request("Content-Length: 5\r\nContent-Length: 6\r\n"),
        request("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(1_000_000)),
        "\0\u{1}\u{2} nonsense\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n".to_owned(),
    ];
    for flood in floods {
        let beginning: String = flood.chars().take(60).collect();
        let heard = raw::exchange(stage.server.authority(), flood.as_bytes(), Duration::from_secs(2));
        let status = raw::status(&heard);
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{beginning:?}: {heard}");
    }
    stage.visitor().open("/health/live").await.expect(200);
    stage.admin.install(&json!({"kind": "saml", "audience": "users", "title": "Alive"})).await;
    assert_eq!(stage.admin.version().await, before + 1);
}

#[tokio::test]
async fn two_values_where_one_is_meant_are_a_mistake_worth_saying() {
    let stage = Stage::set(Store::Sqlite).await;
    let before = stage.admin.version().await;
    let body = json!({"kind": "saml", "audience": "users", "title": "Never"});
    for name in ["idempotency-key", "if-match", "gateledger-reason"] {
        let call = stage.admin.post("/usersources", &body).header(name, "\"1\"").header(name, "\"2\"");
        call.send().await.refused(400, "malformed_header");
    }
    assert_eq!(stage.admin.version().await, before);
}
