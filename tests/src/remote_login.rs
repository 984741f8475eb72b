//! A customer's own login page on the other side of a `jwt` usersource: it signs for whomever a story names.

use crate::{Answer, Browser, Client};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The secret that both sides know.
pub const SECRET: &str = "0123456789abcdef-planted-jwt-secret-0123456789abcdef";

/// The page, and the usersource that sends people there.
#[derive(Debug, Clone)]
pub struct RemoteLogin {
    /// The usersource.
    pub id: String,
}

impl RemoteLogin {
    /// Installs a usersource with these members beside the settings, and leaves it disabled.
    pub async fn installed(admin: &Client, audience: &str, more: Value) -> Self {
        let settings =
            json!({"login_url": "https://shop.example/login?from=help", "algorithm": "HS256", "secret": SECRET});
        let mut body = json!({"kind": "jwt", "audience": audience, "title": "Shop", "button_text": "Shop",
                              "settings": settings});
        merge(&mut body, &more);
        Self { id: admin.install(&body).await }
    }

    /// The same, enabled.
    pub async fn enabled(admin: &Client, audience: &str, more: Value) -> Self {
        let page = Self::installed(admin, audience, more).await;
        admin.enable(&page.id).await.done();
        page
    }

    /// Where a sign-in begins.
    pub fn start(&self) -> String {
        format!("/auth/{}/start", self.id)
    }

    /// The address to which the page sends the browser back that came there by `departure`, as somebody with these
    /// claims.
    pub fn answer(departure: &Answer, claims: &Value) -> String {
        Self::answer_to(departure.location(), claims)
    }

    /// The same for whoever came by this address.
    pub fn answer_to(address: &str, claims: &Value) -> String {
        let url = reqwest::Url::parse(address).unwrap_or_else(|e| panic!("{address} is no address: {e}"));
        assert_eq!((url.host_str(), url.path()), (Some("shop.example"), "/login"), "{url}");
        let member = |name: &str| {
            let found = url.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned());
            found.unwrap_or_else(|| panic!("no {name} in {url}"))
        };
        let (callback, state) = (member("return"), member("state"));
        format!("{callback}?state={state}&jwt={}", token(&callback, claims))
    }

    /// Goes there and comes back as somebody with these claims.
    pub async fn sign_in(&self, browser: &mut Browser, claims: &Value) -> Answer {
        let departure = browser.open(&self.start()).await;
        browser.open(&Self::answer(&departure, claims)).await
    }
}

/// Alice, of whom the page says an address.
pub fn alice() -> Value {
    json!({"sub": "7", "email": "alice@example.com", "name": "Alice Archer"})
}

/// A token for `audience` that lives for a minute, with these claims.
pub fn token(audience: &str, claims: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut all = json!({"aud": audience, "iat": now, "exp": now + 60, "jti": uuid::Uuid::new_v4().to_string()});
    merge(&mut all, claims);
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &all, &key).unwrap_or_else(|e| panic!("no token: {e}"))
}

/// Sets the members of `more` in `value`, group by group.
fn merge(value: &mut Value, more: &Value) {
    for (name, new) in more.as_object().into_iter().flatten() {
        match &mut value[name] {
            group @ Value::Object(_) if new.is_object() => merge(group, new),
            other => *other = new.clone(),
        }
    }
}
