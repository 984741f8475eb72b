//! The browser in front of the look-alikes of Facebook, X and a customer's login page (`tests/peers/social`).

use crate::authenticators::SignIn;
use crate::outbound::{AddressPolicy, Limits, Outbound};
use crate::sign_in::fixture::Fixture;
use crate::sign_in::{Answer, Arrival, Begin, Denied, Departure, Reason, Trace};
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// The attempt's name in these tests.
pub(crate) const ATTEMPT: &str = "attempt-4hFq0V9mZpXr3tYbK1sWcJ8dLeN6gTuA2iOoPRE";

/// Where the look-alikes are.
pub(crate) fn address() -> String {
    std::env::var("GATELEDGER_TEST_SOCIAL")
        .expect("GATELEDGER_TEST_SOCIAL names no server: tests/run starts it from tests/peers/social")
}

/// Tells the provider about an app, as one does on its own pages, and gives the app's id.
pub(crate) async fn register(provider: &str, secret: &str, redirect_uri: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let form = [("provider", provider), ("client_id", &id), ("client_secret", secret), ("redirect_uri", redirect_uri)];
    let sent = http().post(format!("{}/register", address())).body(encoded(&form)).send().await.unwrap();
    assert!(sent.status().is_success());
    id
}

/// Opens the provider's page and says who is there; `more` goes into its query. What comes back is what the browser
/// brings to `redirect_uri`.
pub(crate) async fn visit(page: &Url, redirect_uri: &str, more: &[(&str, &str)]) -> Answer {
    let mut page = page.clone();
    page.query_pairs_mut().extend_pairs(more);
    let answered = http().get(page).send().await.unwrap();
    let status = answered.status();
    let Some(to) = answered.headers().get("Location") else {
        panic!("the provider does not send the browser back: {status} {}", answered.text().await.unwrap());
    };
    let to = Url::parse(to.to_str().unwrap()).unwrap();
    assert!(to.as_str().starts_with(redirect_uri), "{to}");
    Answer { query: to.query_pairs().into_owned().collect(), form: Vec::new(), ..Answer::default() }
}

/// A usersource of a social kind at the look-alikes, registered there; `settings` beside id, secret and hosts win.
pub(crate) async fn social(kind: &str, provider: &str, api: &str, settings: Value) -> Fixture {
    let id = register(provider, "shared-secret", "https://help.example/auth/us_1/callback").await;
    let mut all = json!({"client_id": id, "client_secret": "shared-secret", "allow_insecure": true,
                         "login_host": address(), api: address()});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Fixture::new(kind, domain::Audience::Users, all)
}

/// The same usersource, where nobody is waited for long.
pub(crate) fn impatient(mut fixture: Fixture) -> Fixture {
    let limits = Limits { total: Duration::from_millis(500), ..Limits::SERVICE };
    fixture.outbound = Outbound::within(AddressPolicy::PrivateToo, limits).unwrap();
    fixture
}

/// The beginning of an attempt.
pub(crate) async fn begin(fixture: &Fixture) -> Departure {
    let SignIn::Redirect(kind) = fixture.sign_in() else { panic!("the kind does not redirect") };
    let wish = Begin { attempt: ATTEMPT.to_owned(), silent: false, ask_again: false };
    kind.begin(&fixture.source(), &wish, &mut Trace::off()).await.unwrap()
}

/// The end of an attempt, and the text of its trace.
pub(crate) async fn finish(
    fixture: &Fixture,
    memory: Option<&Value>,
    answer: &Answer,
) -> (Result<Arrival, Denied>, String) {
    let SignIn::Redirect(kind) = fixture.sign_in() else { panic!("the kind does not redirect") };
    let mut trace = Trace::on();
    let arrived = kind.finish(&fixture.source(), memory, answer, &mut trace).await;
    (arrived, serde_json::to_string(&trace.into_steps()).unwrap())
}

/// A whole sign-in of one of the look-alikes' people.
pub(crate) async fn sign_in(fixture: &Fixture, more: &[(&str, &str)]) -> Result<Arrival, Denied> {
    let departure = begin(fixture).await;
    let answer = visit(&departure.to, &fixture.source().callback_url(), more).await;
    finish(fixture, Some(&departure.memory), &answer).await.0
}

/// Why nobody came in.
pub(crate) async fn refused(fixture: &Fixture, more: &[(&str, &str)]) -> (Reason, String) {
    let denied = sign_in(fixture, more).await.err().expect("a sign-in that had to fail succeeded");
    (denied.reason, denied.cause)
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

fn encoded(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}
