//! The browser and the admin in front of the certified provider (`tests/peers/oidc`).

use crate::authenticators::SignIn;
use crate::sign_in::fixture::{BASE_URL, Fixture};
use crate::sign_in::{Answer, Arrival, Begin, Denied, Departure, Trace};
use domain::Audience;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use url::Url;

/// The attempt's name in these tests.
pub(crate) const ATTEMPT: &str = "attempt-4hFq0V9mZpXr3tYbK1sWcJ8dLeN6gTuA2iOoPRE";

/// A provider of the test's own, with keys of its own.
pub(crate) struct Realm {
    /// Its name.
    pub(crate) issuer: String,
}

impl Realm {
    /// Makes one; `wishes` as the peer's header tells.
    pub(crate) async fn new(wishes: Value) -> Self {
        let address = std::env::var("GATELEDGER_TEST_OIDC")
            .expect("GATELEDGER_TEST_OIDC names no server: tests/run starts it from tests/peers/oidc");
        let made = post(&format!("{address}/realms"), &wishes).await;
        Self { issuer: made["issuer"].as_str().unwrap().to_owned() }
    }

    /// Registers a client; what is not among `members` is as it suits the fixture.
    pub(crate) async fn register(&self, members: Value) -> Value {
        let mut client = json!({
            "redirect_uris": [format!("{BASE_URL}/auth/us_1/callback")],
            "post_logout_redirect_uris": [format!("{BASE_URL}/signed-out")],
        });
        client.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        post(&format!("{}/reg", self.issuer), &client).await
    }

    /// New keys, and the old ones gone.
    pub(crate) async fn rotate(&self) {
        http().post(format!("{}/rotate", self.issuer)).send().await.unwrap().error_for_status().unwrap();
    }

    /// A usersource of the kind `oidc` that is registered here as `client` says; `settings` are added.
    pub(crate) async fn usersource(&self, client: Value, settings: Value) -> Fixture {
        let client = self.register(client).await;
        let mut all = json!({"issuer": self.issuer, "client_id": client["client_id"], "allow_insecure": true});
        if let Some(secret) = client.get("client_secret") {
            all["client_secret"] = secret.clone();
        }
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        Fixture::new("oidc", Audience::Users, all)
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn post(url: &str, body: &Value) -> Value {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let answer = http().post(url).json(body).send().await.unwrap();
    let (status, told) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{status} {told}");
    serde_json::from_str(&told).unwrap()
}

/// A browser that keeps cookies, and goes where it is sent until that is ours.
#[derive(Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Opens a page and fills in the form that comes; gives the page of ours where that leads.
    pub(crate) async fn visit(&mut self, page: &Url, form: &[(&str, &str)]) -> Url {
        let mut at = page.clone();
        let mut posted: Option<String> = None;
        for _ in 0..12 {
            if at.as_str().starts_with(BASE_URL) {
                return at;
            }
            let request = match posted.take() {
                Some(body) => {
                    http().post(at.clone()).header("content-type", "application/x-www-form-urlencoded").body(body)
                }
                None => http().get(at.clone()),
            };
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = request.header("cookie", cookies.join("; ")).send().await.unwrap();
            self.keep(&answer);
            let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
            match location {
                Some(to) => at = at.join(&to).unwrap(),
                None => {
                    let (status, text) = (answer.status(), answer.text().await.unwrap());
                    assert!(status.is_success() && text.contains("<form"), "{at}: {status} {text}");
                    at = attribute(&text, "action").map_or(at.clone(), |action| at.join(&action).unwrap());
                    posted = Some(filled(&text, form));
                }
            }
        }
        panic!("the provider sends the browser round in circles: {at}");
    }

    fn keep(&mut self, answer: &reqwest::Response) {
        for cookie in answer.headers().get_all("set-cookie") {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The form's hidden fields, and ours.
fn filled(page: &str, form: &[(&str, &str)]) -> String {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    for input in page.split("<input").skip(1).filter(|input| input.contains("hidden")) {
        if let (Some(name), Some(value)) = (attribute(input, "name"), attribute(input, "value")) {
            body.append_pair(&name, &value);
        }
    }
    body.extend_pairs(form).finish()
}

fn attribute(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("{name}=\""))?;
    rest.split('"').next().map(|value| value.replace("&amp;", "&"))
}

/// What the browser brings to the callback.
pub(crate) fn answer(at: &Url) -> Answer {
    Answer { query: at.query_pairs().into_owned().collect(), form: Vec::new(), ..Answer::default() }
}

/// The beginning of an attempt.
pub(crate) async fn begin(fixture: &Fixture, silent: bool, ask_again: bool) -> Result<Departure, Denied> {
    let SignIn::Redirect(kind) = fixture.sign_in() else { panic!("the kind does not redirect") };
    let wish = Begin { attempt: ATTEMPT.to_owned(), silent, ask_again };
    kind.begin(&fixture.source(), &wish, &mut Trace::off()).await
}

/// The end of an attempt, and its trace as text.
pub(crate) async fn finish(
    fixture: &Fixture,
    memory: Option<&Value>,
    answer: &Answer,
) -> (Result<Arrival, Denied>, String) {
    let SignIn::Redirect(kind) = fixture.sign_in() else { panic!("the kind does not redirect") };
    let mut trace = Trace::on();
    let arrival = kind.finish(&fixture.source(), memory, answer, &mut trace).await;
    (arrival, serde_json::to_string(&trace.into_steps()).unwrap())
}

/// A whole attempt: there, the form filled in, and back.
pub(crate) async fn sign_in(
    fixture: &Fixture,
    browser: &mut Browser,
    form: &[(&str, &str)],
) -> Result<Arrival, Denied> {
    let departure = begin(fixture, false, false).await?;
    let at = browser.visit(&departure.to, form).await;
    finish(fixture, Some(&departure.memory), &answer(&at)).await.0
}
