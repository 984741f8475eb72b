//! A visitor with a browser: cookies, forms, and the headers by which pages judge where a post comes from.

use crate::Answer;
use crate::client::http;
use crate::html::Form;
use reqwest::{Method, RequestBuilder};
use std::collections::BTreeMap;

/// One person's browser. Redirects are shown, not followed.
#[derive(Debug, Clone)]
pub struct Browser {
    http: reqwest::Client,
    address: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// One without cookies.
    pub fn new(address: &str) -> Self {
        Self { http: http(), address: address.to_owned(), cookies: BTreeMap::new() }
    }

    /// The same browser, cookies and all, at another node of the same service.
    pub fn at(mut self, address: &str) -> Self {
        address.clone_into(&mut self.address);
        self
    }

    /// The cookies that it holds.
    pub fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    /// Opens a page. `path` may be a whole URL of the same place.
    pub async fn open(&mut self, path: &str) -> Answer {
        self.open_with(path, &[]).await
    }

    /// Asks for `path` as a script on a page of the same place would.
    pub async fn fetch(&mut self, path: &str) -> Answer {
        self.open_with(path, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Opens a page with more headers.
    pub async fn open_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.request(Method::GET, path).header("accept", "text/html");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(format!("GET {path}"), request).await
    }

    /// Sends a form as a page of the same place would.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = self.address.clone();
        self.post_from(&[("origin", &origin), ("sec-fetch-site", "same-origin")], path, fields).await
    }

    /// Sends a form with the headers that say where it comes from.
    pub async fn post_from(&mut self, from: &[(&str, &str)], path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut request = self.request(Method::POST, path).form(fields);
        for (name, value) in from {
            request = request.header(*name, *value);
        }
        self.send(format!("POST {path}"), request).await
    }

    /// Sends a form that was read from a page.
    pub async fn submit(&mut self, form: &Form) -> Answer {
        let fields: Vec<(&str, &str)> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        self.post(&form.action, &fields).await
    }

    /// Fills in the form of the login page at `path`.
    pub async fn sign_in(&mut self, path: &str, login: &str, password: &str) -> Answer {
        self.post(path, &[("login", login), ("password", password)]).await
    }

    /// Whether the service knows who this is: 200 or 401.
    pub async fn session(&mut self) -> Answer {
        self.open("/session").await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = path.strip_prefix(self.address.as_str()).unwrap_or(path);
        assert!(path.starts_with('/'), "{path} is not a page of {}", self.address);
        let request = self.http.request(method, format!("{}{path}", self.address));
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    async fn send(&mut self, asked: String, request: RequestBuilder) -> Answer {
        let answer = Answer::read(asked, request.send().await).await;
        for cookie in answer.headers.get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap_or_default());
        }
        answer
    }

    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        if value.is_empty() || parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_kept_replaced_and_taken_away() {
        let mut browser = Browser::new("http://127.0.0.1:1");
        browser.keep("a=1; Path=/; HttpOnly");
        browser.keep("b=2; SameSite=Lax");
        browser.keep("a=3; Path=/");
        assert_eq!(browser.cookies()["a"], "3");
        browser.keep("a=; Path=/; Max-Age=0");
        browser.keep("b=2; Max-Age=0");
        assert!(browser.cookies().is_empty());
    }
}
