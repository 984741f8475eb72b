//! The real servers on the other side of a sign-in, as `tests/run` starts them: what an admin tells them of us, what
//! they tell us, and how a person signs in on their pages.

use crate::client::http;
use crate::{Page, Wanderer};
use serde_json::{Value, json};

/// A provider that a browser is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// The certified OpenID provider.
    OpenId,
    /// The same, as a look-alike of Google.
    Google,
    /// A look-alike of Facebook.
    Facebook,
    /// A look-alike of X.
    Twitter,
    /// SimpleSAMLphp.
    SimpleSaml,
    /// The small provider on pysaml2.
    PySaml,
    /// The same, configured as OneLogin is.
    OneLogin,
}

/// The words of the variable that names a server of `tests/peers`.
pub fn peer(name: &str) -> String {
    let variable = format!("GATELEDGER_TEST_{}", name.to_uppercase());
    std::env::var(&variable)
        .unwrap_or_else(|_| panic!("{variable} names no server: tests/run starts it from tests/peers/{name}"))
}

impl Provider {
    /// The kind of usersource that goes with it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::OpenId => "oidc",
            Self::Google => "google",
            Self::Facebook => "facebook",
            Self::Twitter => "twitter",
            Self::SimpleSaml | Self::PySaml => "saml",
            Self::OneLogin => "onelogin",
        }
    }

    /// Tells the provider about this usersource, and gives the settings that it gives in return.
    pub async fn introduce(self, usersource: &Value) -> Value {
        let output = |name: &str| {
            let all = usersource["outputs"].as_array().into_iter().flatten();
            let found = all.filter(|output| output["name"] == name).find_map(|output| output["value"].as_str());
            found.unwrap_or_else(|| panic!("no output {name}: {usersource}")).to_owned()
        };
        match self {
            Self::OpenId | Self::Google => open_id(self, &output("callback_url")).await,
            Self::Facebook | Self::Twitter => social(self, &output("callback_url")).await,
            Self::SimpleSaml => {
                let certificate = usersource["settings"]["sp_certificate"].as_str().unwrap_or_default();
                let ours = json!({
                    "entityid": output("entity_id"), "AssertionConsumerService": output("acs_url"),
                    "SingleLogoutService": output("slo_url"), "certData": base64_of(certificate),
                    "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
                });
                sent(http().post(format!("{}/sps", peer("simplesamlphp"))).json(&ours)).await;
                saml_settings("simplesamlphp", "/saml2/idp/metadata.php").await
            }
            Self::PySaml => {
                meet_pysaml(&output("metadata_url")).await;
                saml_settings("pysaml2", "/metadata").await
            }
            Self::OneLogin => onelogin(&output("metadata_url")).await,
        }
    }

    /// Signs Alice in on the provider's `page`, and goes on to where that leads.
    pub async fn visit(self, browser: &mut Wanderer, page: &Page) -> Page {
        match self {
            Self::OpenId | Self::Google => browser.post(page, "", &[("as", "alice")]).await,
            Self::Facebook | Self::Twitter => {
                let mut url = page.url.clone();
                url.query_pairs_mut().append_pair("as", "alice");
                browser.open(url.as_str()).await
            }
            Self::SimpleSaml => {
                let form = page.form("").fill("username", "jane").fill("password", "jane-pass");
                let sent = browser.submit(page, &form).await;
                posted(browser, &sent).await
            }
            Self::PySaml | Self::OneLogin => {
                let sent = browser.submit(page, &page.form("/login").fill("user", "alice")).await;
                posted(browser, &sent).await
            }
        }
    }
}

/// Goes on where pages post a SAML response by themselves: the provider's, then ours.
pub async fn posted(browser: &mut Wanderer, page: &Page) -> Page {
    let mut page = page.clone();
    while page.text().contains("name=\"SAMLResponse\"") {
        page = browser.go_on(&page).await;
    }
    page
}

async fn sent(request: reqwest::RequestBuilder) -> String {
    let answer = request.send().await.unwrap_or_else(|e| panic!("a peer does not answer: {e}"));
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    assert!(status.is_success(), "a peer refuses: {status} {text}");
    text
}

async fn told(request: reqwest::RequestBuilder) -> Value {
    let text = sent(request).await;
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("a peer told no JSON ({e}): {text}"))
}

async fn open_id(provider: Provider, callback: &str) -> Value {
    let google = provider == Provider::Google;
    let realm = json!({"claims_in_id_token": google});
    let realm = told(http().post(format!("{}/realms", peer("oidc"))).json(&realm)).await;
    let issuer = realm["issuer"].as_str().unwrap_or_default();
    let base = callback.split("/auth/").next().unwrap_or_default();
    let client = json!({"redirect_uris": [callback], "post_logout_redirect_uris": [format!("{base}/signed-out")]});
    let client = told(http().post(format!("{issuer}/reg")).json(&client)).await;
    json!({"issuer": issuer, "client_id": client["client_id"], "client_secret": client["client_secret"],
           "allow_insecure": true})
}

async fn social(provider: Provider, callback: &str) -> Value {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let (name, api) = if provider == Provider::Facebook { ("facebook", "graph_host") } else { ("x", "api_host") };
    let form =
        [("provider", name), ("client_id", &id), ("client_secret", "planted-secret"), ("redirect_uri", callback)];
    let address = peer("social");
    sent(http().post(format!("{address}/register")).form(&form)).await;
    json!({"client_id": id, "client_secret": "planted-secret", "allow_insecure": true, "login_host": address, api: address})
}

/// What stands between the lines that begin and end a PEM block.
fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("--")).collect()
}

/// The provider reads our metadata.
async fn meet_pysaml(ours: &str) {
    let ours = sent(http().get(ours)).await;
    sent(http().post(format!("{}/sps", peer("pysaml2"))).body(ours)).await;
}

/// We read the provider's.
async fn saml_settings(name: &str, metadata: &str) -> Value {
    let theirs = sent(http().get(format!("{}{metadata}", peer(name)))).await;
    json!({"metadata": theirs, "allow_insecure": true})
}

async fn onelogin(ours: &str) -> Value {
    meet_pysaml(ours).await;
    let address = peer("pysaml2");
    let theirs = sent(http().get(format!("{address}/metadata"))).await;
    let certificate = theirs.split("X509Certificate>").nth(1).and_then(|rest| rest.split("</").next());
    let certificate = certificate.unwrap_or_default().split_whitespace().collect::<String>();
    json!({"issuer_url": format!("{address}/metadata"), "saml_endpoint": format!("{address}/sso"),
           "slo_endpoint": format!("{address}/slo"), "certificate": certificate, "allow_insecure": true})
}
