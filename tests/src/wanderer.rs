//! A person's browser that goes wherever it is sent: to the service, to a provider, and back, with cookies for each
//! place, as strictly as browsers are with those that are `SameSite=Lax`.

use crate::Answer;
use crate::client::http;
use crate::html::Form;
use reqwest::{Method, Url};
use std::collections::BTreeMap;

/// So many redirects in a row are a circle.
const MOST_REDIRECTS: usize = 20;

/// One person's browser. Redirects are followed.
#[derive(Debug, Clone)]
pub struct Wanderer {
    http: reqwest::Client,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Every address that was opened, oldest first.
    pub history: Vec<Url>,
}

/// A page, where one ended up.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address.
    pub url: Url,
    /// What stands there.
    pub answer: Answer,
}

impl Page {
    /// The form on it whose action begins with `action`, which may be relative.
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        Form::on(&self.answer.text(), action)
    }

    /// The page's text.
    pub fn text(&self) -> String {
        self.answer.text()
    }
}

impl Default for Wanderer {
    fn default() -> Self {
        Self { http: http(), cookies: BTreeMap::new(), history: Vec::new() }
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl Wanderer {
    /// The cookies of the place of `url`.
    pub fn cookies(&self, url: &str) -> BTreeMap<String, String> {
        let url = Url::parse(url).unwrap_or_else(|e| panic!("{url} is no address: {e}"));
        self.cookies.get(&origin(&url)).cloned().unwrap_or_default()
    }

    /// Forgets the cookies of the place of `url`, as after closing the browser and clearing what it knew.
    pub fn forget(&mut self, url: &str) {
        let url = Url::parse(url).unwrap_or_else(|e| panic!("{url} is no address: {e}"));
        self.cookies.remove(&origin(&url));
    }

    /// Opens an address and follows wherever it leads.
    pub async fn open(&mut self, url: &str) -> Page {
        let url = Url::parse(url).unwrap_or_else(|e| panic!("{url} is no address: {e}"));
        self.go(Method::GET, url, Vec::new(), None).await
    }

    /// Sends a form that stands on `page`.
    pub async fn submit(&mut self, page: &Page, form: &Form) -> Page {
        let to = page.url.join(&form.action).unwrap_or_else(|e| panic!("{} is no address: {e}", form.action));
        self.go(Method::POST, to, form.fields.clone(), Some(origin(&page.url))).await
    }

    /// Sends these fields from `page` to `action`, which may be relative or empty.
    pub async fn post(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let to = page.url.join(action).unwrap_or_else(|e| panic!("{action} is no address: {e}"));
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.go(Method::POST, to, fields, Some(origin(&page.url))).await
    }

    /// Follows what a page does by itself: a form that a script sends, or a refresh.
    pub async fn go_on(&mut self, page: &Page) -> Page {
        let form = crate::html::forms(&page.text()).into_iter().next();
        let form = form.unwrap_or_else(|| panic!("the page has no form that could be sent:\n{}", page.text()));
        self.submit(page, &form).await
    }

    /// A post from a page of another origin carries no cookie that is `SameSite=Lax`: all of ours are, and those of
    /// providers are taken to be.
    async fn go(&mut self, method: Method, url: Url, form: Vec<(String, String)>, from: Option<String>) -> Page {
        let (mut method, mut url, mut form, mut from) = (method, url, form, from);
        for _ in 0..MOST_REDIRECTS {
            let place = origin(&url);
            let foreign_post = method == Method::POST && from.as_ref().is_some_and(|from| *from != place);
            let mut request = self.http.request(method.clone(), url.clone()).header("accept", "text/html");
            if let Some(from) = &from {
                let site = if *from == place { "same-origin" } else { "cross-site" };
                request = request.header("origin", from.as_str()).header("sec-fetch-site", site);
            }
            if method == Method::POST {
                request = request.form(&form);
            }
            let cookies = self.cookies.get(&place).filter(|cookies| !cookies.is_empty() && !foreign_post);
            if let Some(cookies) = cookies {
                let all: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header("cookie", all.join("; "));
            }
            self.history.push(url.clone());
            let answer = Answer::read(format!("{method} {url}"), request.send().await).await;
            for cookie in answer.headers.get_all("set-cookie") {
                self.keep(&place, cookie.to_str().unwrap_or_default());
            }
            if !matches!(answer.status, 301 | 302 | 303 | 307) {
                return Page { url, answer };
            }
            let to = url.join(answer.header("location")).unwrap_or_else(|e| panic!("{answer} leads nowhere: {e}"));
            if answer.status != 307 {
                (method, form, from) = (Method::GET, Vec::new(), None);
            }
            url = to;
        }
        panic!("round and round: {:?}", self.history);
    }

    fn keep(&mut self, place: &str, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let over = |part: &str| {
            let part = part.to_ascii_lowercase();
            part == "max-age=0"
                || part.starts_with("expires=thu, 01 jan 1970")
                || part.starts_with("expires=thu, 01-jan-1970")
        };
        let cookies = self.cookies.entry(place.to_owned()).or_default();
        if value.is_empty() || parts.any(over) {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
