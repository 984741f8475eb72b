//! Whether a form post comes from our own pages.
//!
//! Spec: Fetch Metadata (`Sec-Fetch-Site`), RFC 6454 §7 and Fetch §3.2 (`Origin`).
//! Stops: cross-site request forgery, login forgery (signing a victim in as somebody else) included.
//!
//! No page can set either header. In this order:
//! 1. `Origin: null` is refused whatever else is said: a sandboxed frame or a page that hides where it comes from.
//! 2. `Sec-Fetch-Site: same-origin` is the browser's own judgement, and is accepted. `same-site` (another helpdesk
//!    under the same domain) and `cross-site` are refused, and so is any word that is not known.
//! 3. `Sec-Fetch-Site: none` means that no page caused it, and absent means an older browser or plain http: then
//!    `Origin` must be ours.
//! 4. Neither header: every browser since 2020 sends `Origin` with a post, so this is a program. It is accepted if it
//!    carries no cookie, for then there is nothing of anybody's to misuse; with one it is refused.

use actix_web::http::header::{COOKIE, HOST, HeaderMap, HeaderName, ORIGIN};
use url::Url;

use crate::pages::{Site, hosts::normalised};

static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The post does not come from our own pages. Tell the visitor to open the page again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the form was sent from another site, or the browser did not say from where")]
pub struct CrossSite;

/// Judges a post to `site` by its headers.
pub fn judge(headers: &HeaderMap, site: &Site) -> Result<(), CrossSite> {
    let origin = single(headers, &ORIGIN)?;
    if origin == Some("null") {
        return Err(CrossSite);
    }
    match (single(headers, &FETCH_SITE)?, origin) {
        (Some("same-origin"), _) => Ok(()),
        (None | Some("none"), Some(origin)) if is_own(headers, site, origin) => Ok(()),
        (None, None) if !headers.contains_key(COOKIE) => Ok(()),
        (Some(_) | None, _) => Err(CrossSite),
    }
}

/// The header's value; one that is there twice or is no text says nothing that could be trusted.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, CrossSite> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| CrossSite),
        (Some(_), Some(_)) => Err(CrossSite),
    }
}

/// The configured origin; for a helpdesk that answers to every host, also the host that was asked for.
fn is_own(headers: &HeaderMap, site: &Site, origin: &str) -> bool {
    if origin == site.origin {
        return true;
    }
    let named = || -> Option<bool> {
        let url = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let (_, authority) = origin.split_once("://")?;
        let host = headers.get(HOST)?.to_str().ok()?;
        Some(url.path() == "/" && normalised(authority) == normalised(host))
    };
    site.any_host && named() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Hosts;
    use actix_web::test::TestRequest;

    fn accepted(url: Option<&str>, headers: &[(&str, &str)]) -> bool {
        let hosts = Hosts::new(Url::parse("http://127.0.0.1:8080").unwrap());
        hosts.set(&"default".into(), url.map(|url| Url::parse(url).unwrap()));
        let site = hosts.site_of(&"default".into()).unwrap();
        let mut request = TestRequest::post();
        for header in headers {
            request = request.append_header(*header);
        }
        judge(request.to_http_request().headers(), &site).is_ok()
    }

    const OURS: Option<&str> = Some("https://help.example/");

    #[test]
    fn our_own_pages_may_post() {
        assert!(accepted(
            OURS,
            &[("sec-fetch-site", "same-origin"), ("origin", "https://help.example"), ("cookie", "a=b")]
        ));
        assert!(accepted(OURS, &[("origin", "https://help.example"), ("cookie", "a=b")]), "an older browser");
        assert!(accepted(OURS, &[("sec-fetch-site", "none"), ("origin", "https://help.example")]), "sent once more");
    }

    #[test]
    fn nobody_else_may() {
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://help.example")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "something-new"), ("origin", "https://help.example")],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "http://help.example")],
            &[("origin", "https://help.example.evil.example")],
            &[("origin", "https://help.example:8443")],
            &[("origin", "https://help.example"), ("origin", "https://evil.example")],
            &[("origin", "https://evil.example"), ("host", "evil.example")],
            &[("cookie", "session=1")],
        ] {
            assert!(!accepted(OURS, headers), "{headers:?}");
        }
    }

    #[test]
    fn a_program_without_cookies_may_since_it_has_nothing_to_misuse() {
        assert!(accepted(OURS, &[]));
        assert!(!accepted(OURS, &[("cookie", "")]));
    }

    #[test]
    fn r0_where_every_host_is_ours_the_origin_must_be_the_host_that_was_asked_for() {
        assert!(accepted(None, &[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")]));
        assert!(accepted(None, &[("origin", "http://192.0.2.7:8080"), ("host", "192.0.2.7:8080"), ("cookie", "a=b")]));
        assert!(accepted(None, &[("origin", "https://help.example"), ("host", "help.example:443")]), "behind a proxy");
        assert!(!accepted(None, &[("origin", "http://evil.example"), ("host", "192.0.2.7:8080")]));
        assert!(!accepted(None, &[("origin", "http://192.0.2.7"), ("host", "192.0.2.7:8080")]), "another port");
        assert!(!accepted(None, &[("origin", "file://"), ("host", "")]));
    }
}
