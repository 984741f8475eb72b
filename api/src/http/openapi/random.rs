//! Nonsense of every sort, thrown at the real service: it never fails, and it says what is wrong in the promised way.

use super::calls::{self, Call, Manner};
use super::problems::REFUSALS;
use super::scene::{Scene, scene};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};

/// How many requests; each run has others. Failed sign-ins are answered ever more slowly, so that many would take long.
const REQUESTS: u32 = 600;

/// What stands where an id, a word or a number is meant.
const ODD: &[&str] = &[
    "default",
    "users",
    "portal",
    "1",
    "other",
    "-1",
    "18446744073709551616",
    "a%00b",
    "%FF",
    "%2e%2e",
    "%C3%A9",
    "'--",
    "$0",
    "x=y",
    "%2F",
    "us_0",
    "nope",
    "%20",
    "*",
    "%7B%7D",
];

/// Odd values of headers.
const ODD_VALUES: &[&[u8]] =
    &[b"\"1\"", b"1", b"true", b"", b"x", b"\xff\xfe", b"W/\"0\"", b"caf\xc3\xa9", b"\"99999\"", b"false", b"a\tb"];

/// Random bytes as a source of choices; when they are used up, the first choice is taken. Fewer bytes are a simpler
/// request, so that what fails is shrunk.
struct Choices(std::vec::IntoIter<u8>);

impl Choices {
    fn up_to(&mut self, count: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % count.max(1)
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.up_to(of.len())]
    }

    fn once_in(&mut self, count: usize) -> bool {
        self.up_to(count) == count - 1
    }
}

/// A request, and the call that it means if it means one.
struct Throw {
    call: Option<Call>,
    method: Method,
    address: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

impl Throw {
    fn of(scene: &Scene, ids: &[String], choices: &mut Choices) -> Self {
        let mut calls = calls::all();
        let call = calls.swap_remove(choices.up_to(calls.len()));
        let mut method: Method = super::agreement::method(&call.method).parse().unwrap();
        let mut own = true;
        if choices.once_in(6) {
            method = choices
                .one(&["HEAD", "OPTIONS", "DELETE", "PUT", "PATCH", "POST", "GET", "TRACE", "BREW"])
                .parse()
                .unwrap();
            own = false;
        }
        let mut address = String::new();
        for part in call.path.split('/').skip(1) {
            address += "/";
            let usual = if part == "{helpdesk}" { "default" } else { ids[choices.up_to(ids.len())].as_str() };
            address += match part.starts_with('{') {
                true if choices.once_in(6) => choices.one(ODD),
                true if part == "{audience}" => choices.one(&["agents", "users"]),
                true => usual,
                false => part,
            };
        }
        if choices.once_in(15) {
            address += choices.one(&["/", "//", "/x", "%2F", ";x", "/.."]);
            own = false;
        }
        address += &query(&call, choices);
        let headers = headers(scene, choices);
        let body = body(scene, &call, ids, choices);
        Self { call: own.then_some(call), method, address, headers, body }
    }
}

fn query(call: &Call, choices: &mut Choices) -> String {
    let mut query = String::new();
    let known = call.parameters.iter().filter(|key| key.starts_with(|c: char| c.is_ascii_lowercase()));
    for key in known {
        let needed = key.strip_prefix("needed_");
        if needed.is_some() != choices.once_in(4) {
            let mark = if query.is_empty() { '?' } else { '&' };
            let value = if *key == "dry_run" { "true" } else { choices.one(ODD) };
            query += &format!("{mark}{}={value}", needed.unwrap_or(key));
        }
    }
    if choices.once_in(12) {
        query += choices.one(&["?", "?x=1", "?limit=1&limit=2", "?%FF", "?surface=portal", "?version=1"]);
    }
    query
}

fn headers(scene: &Scene, choices: &mut Choices) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = vec![(HeaderName::from_static("host"), "localhost".to_owned())];
    let credential = match choices.up_to(12) {
        0..=8 => Some(format!("Bearer {}", scene.admin)),
        9 => Some(format!("Bearer {}", scene.auditor)),
        10 => Some("Bearer glt_0000".to_owned()),
        _ => None,
    };
    headers.extend(credential.map(|value| (HeaderName::from_static("authorization"), value)));
    let mut headers: Vec<_> = headers.into_iter().map(|(name, v)| (name, HeaderValue::try_from(v).unwrap())).collect();
    let names = [
        "if-match",
        "idempotency-key",
        "gateledger-reason",
        "gateledger-accept-lockout",
        "gateledger-at-least",
        "accept",
        "cookie",
        "content-type",
        "origin",
        "if-none-match",
        "accept-encoding",
        "x-request-id",
        "x-forwarded-for",
    ];
    for name in names {
        if choices.once_in(14) {
            // A read that waits for what will not come is another test's.
            let values = if name == "gateledger-at-least" { &ODD_VALUES[..3] } else { ODD_VALUES };
            let value = HeaderValue::from_bytes(choices.one(values)).unwrap();
            headers.push((HeaderName::from_static(name), value));
        }
    }
    headers
}

fn body(scene: &Scene, call: &Call, ids: &[String], choices: &mut Choices) -> Vec<u8> {
    if choices.once_in(12) {
        return choices
            .one(&[&b"{"[..], b"", b"[]", b"null", b"\xff", b"{\"a\":{\"a\":{}}}", b"\"x\"", b"1e999"])
            .to_vec();
    }
    let Some(shape) = call.takes else { return Vec::new() };
    let body = imagine(&scene.document, &json!({"$ref": format!("#/components/schemas/{shape}")}), ids, choices);
    match (call.manner, body) {
        (Manner::Page, Value::Object(members)) => {
            let pairs = members.iter().map(|(name, value)| (name, value.as_str().unwrap_or("7")));
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
        }
        (_, body) => body.to_string().into_bytes(),
    }
}

/// A value of this shape, more or less.
fn imagine(document: &Value, schema: &Value, ids: &[String], choices: &mut Choices) -> Value {
    if choices.once_in(25) {
        let nested = json!({"a": [null, {"b": 1e300}], "é": "\u{0}"});
        return [json!(null), json!(-1), json!(true), json!([[]]), json!("\u{0}"), nested][choices.up_to(6)].clone();
    }
    if let Some(name) = schema["$ref"].as_str() {
        return imagine(document, document.pointer(name.trim_start_matches('#')).unwrap(), ids, choices);
    }
    for words in [&schema["anyOf"], &schema["enum"]] {
        if let Some(words) = words.as_array() {
            let word = &words[choices.up_to(words.len())];
            return if schema["enum"].is_array() { word.clone() } else { imagine(document, word, ids, choices) };
        }
    }
    match schema["type"].as_str() {
        Some("object") => {
            let mut members = Map::new();
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                if choices.up_to(8) < 5 {
                    members.insert(name.clone(), imagine(document, schema, ids, choices));
                }
            }
            if choices.once_in(20) {
                members.insert("unknown".to_owned(), json!(1));
            }
            Value::Object(members)
        }
        Some("array") => (0..choices.up_to(4)).map(|_| imagine(document, &schema["items"], ids, choices)).collect(),
        Some("integer") => json!([300, 8, 0, -1, i64::MAX][choices.up_to(5)]),
        Some("boolean") => json!(choices.up_to(2) == 1),
        Some("null") => Value::Null,
        _ => match choices.up_to(8) {
            0 | 1 => json!(ids[choices.up_to(ids.len())]),
            2 => json!("https://example.com/path"),
            3 => json!("jane@example.com"),
            4 => json!("é\u{202e}\u{1f600}".repeat(choices.up_to(200))),
            5 => json!("x".repeat(100 * choices.up_to(200))),
            6 => json!(""),
            _ => json!("Plain words"),
        },
    }
}

#[test]
fn nothing_that_is_sent_makes_the_service_fail_and_every_refusal_is_a_problem_with_a_code() {
    let system = actix_web::rt::System::new();
    let scene = system.block_on(scene());
    let bearer = ("authorization", format!("Bearer {}", scene.admin));
    let listed = TestRequest::get().uri("/api/helpdesks/default/usersources").insert_header(bearer);
    let listed = system.block_on(scene.ask(listed)).json();
    let mut ids: Vec<_> =
        listed["usersources"].as_array().unwrap().iter().map(|u| u["id"].as_str().unwrap().to_owned()).collect();
    ids.push(scene.account.clone());
    let config = Config {
        cases: REQUESTS,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    };
    let thrown = TestRunner::new(config).run(&vec(any::<u8>(), 0..300), |bytes| {
        let throw = Throw::of(&scene, &ids, &mut Choices(bytes.into_iter()));
        let told = format!("{} {}", throw.method, throw.address);
        system.block_on(judge(&scene, throw)).map_err(|fault| TestCaseError::fail(format!("{told}: {fault}")))
    });
    if let Err(fault) = thrown {
        panic!("{fault}");
    }
}

async fn judge(scene: &Scene, throw: Throw) -> Result<(), String> {
    let mut request = TestRequest::default().method(throw.method.clone()).uri(&throw.address);
    for header in throw.headers {
        request = request.append_header(header);
    }
    if !request_has_kind(&throw.call) {
        request = request.insert_header(("content-type", "application/x-www-form-urlencoded"));
    }
    let answer = scene.ask(request.set_payload(throw.body)).await;
    let told = || format!("{} with {}", answer.status, answer.beginning());
    // Signing in through a provider is not in this version, and says so.
    let not_yet = answer.status == 501 && throw.address.starts_with("/auth/");
    if answer.status >= 500 && !not_yet {
        return Err(format!("the service failed: {}", told()));
    }
    if throw.address.starts_with("/api") && (400..500).contains(&answer.status) {
        let body = answer.json();
        let code = body["code"].as_str().unwrap_or_default();
        let known = REFUSALS.iter().any(|refusal| refusal.status == answer.status && refusal.codes.contains(&code));
        if answer.kind != "application/problem+json" || !known {
            return Err(format!("no problem that the document knows ({}): {}", answer.kind, told()));
        }
    }
    match &throw.call {
        Some(call) if call.manner != Manner::Page => scene.promised(call, &answer),
        Some(_) | None => Ok(()),
    }
}

/// Whether the call takes no form, so that what the body is called does not matter.
fn request_has_kind(call: &Option<Call>) -> bool {
    call.as_ref().is_none_or(|call| call.manner != Manner::Page)
}
