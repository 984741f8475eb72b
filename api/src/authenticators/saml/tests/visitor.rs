//! A browser as far as a sign-in needs one: it keeps cookies, follows redirects, fills in forms, and stops at our door.

use crate::sign_in::Answer;
use crate::sign_in::fixture::BASE_URL;
use std::collections::BTreeMap;
use url::Url;

/// A visitor without a history.
pub(super) struct Visitor {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

/// Where a visitor ended up.
pub(super) enum Place {
    /// At a page of the provider.
    Page(Page),
    /// Sent to us, at this URL, with what the browser brings.
    Ours(Url, Answer),
}

/// A page with a form.
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) html: String,
}

impl Place {
    pub(super) fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Ours(url, _) => panic!("the provider sent the visitor to us: {url}"),
        }
    }

    pub(super) fn ours(self) -> (Url, Answer) {
        match self {
            Self::Ours(url, answer) => (url, answer),
            Self::Page(page) => panic!("the visitor is still at {}: {}", page.url, page.html),
        }
    }
}

impl Page {
    /// The form's address and its fields with their values.
    pub(super) fn form(&self) -> (Url, Vec<(String, String)>) {
        let form = self.html.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {}", self.html));
        let form = form.split("</form>").next().unwrap();
        let action = attribute(form.split('>').next().unwrap(), "action").unwrap_or_default();
        let inputs = form.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap());
        let fields =
            inputs.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())));
        (self.url.join(&action).unwrap(), fields.collect())
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    let mut value = rest.split('"').next().unwrap().to_owned();
    for (entity, character) in
        [("&quot;", "\""), ("&#x3D;", "="), ("&#x2B;", "+"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    {
        value = value.replace(entity, character);
    }
    Some(value)
}

/// A client that takes redirects for answers.
pub(super) fn http() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl Visitor {
    pub(super) fn new() -> Self {
        Self { http: http(), cookies: BTreeMap::new() }
    }

    pub(super) async fn get(&mut self, url: &Url) -> Place {
        self.follow(url.clone(), None).await
    }

    /// Fills in and sends the page's form.
    pub(super) async fn send(&mut self, page: &Page, values: &[(&str, &str)]) -> Place {
        let (action, mut fields) = page.form();
        for (name, value) in values {
            fields.retain(|(field, _)| field != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.follow(action, Some(fields)).await
    }

    async fn follow(&mut self, mut url: Url, mut form: Option<Vec<(String, String)>>) -> Place {
        loop {
            if url.as_str().starts_with(BASE_URL) {
                let query = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
                let raw_query = url.query().unwrap_or_default().to_owned();
                return Place::Ours(url, Answer { query, form: form.unwrap_or_default(), raw_query });
            }
            let mut request = match &form {
                Some(form) => self.http.post(url.clone()).form(form),
                None => self.http.get(url.clone()),
            };
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
            let answer = request.send().await.unwrap();
            for cookie in answer.headers().get_all("set-cookie") {
                let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(next) = answer.headers().get("location") else {
                let page = Page { url, html: answer.text().await.unwrap() };
                // A page whose form leads to us sends itself.
                if page.html.contains("<form") && page.form().0.as_str().starts_with(BASE_URL) {
                    let (to, fields) = page.form();
                    (url, form) = (to, Some(fields));
                    continue;
                }
                return Place::Page(page);
            };
            (url, form) = (url.join(next.to_str().unwrap()).unwrap(), None);
        }
    }
}
