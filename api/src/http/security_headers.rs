//! The headers that every page carries, whoever made it.
//!
//! Spec: CSP Level 3, Referrer Policy, Fetch (nosniff), RFC 6797 (HSTS).
//! Stops: scripts and styles that were planted in a title, framing, forms that post elsewhere, sniffed types, paths
//! that leak in a Referer, and a downgrade to http.
//!
//! `form-action 'self'` also binds the redirects after a form post in Chromium: whoever must lead to a provider after
//! a post answers with a page that leads on, not with a redirect. `Referrer-Policy` is not `no-referrer`, under
//! which Chromium posts `Origin: null`.

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

use crate::pages::Transport;

static POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
static REFERRER: HeaderValue = HeaderValue::from_static("same-origin");
static NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// A year. Not for sub-domains: those are not ours.
static STAY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The policy of the page that posts to ourselves by a script of ours.
pub static POSTING_HOME: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// The policy of the one page that posts to a provider: its form may go there, and its script is ours.
pub fn posting_to(provider: &url::Url) -> Option<HeaderValue> {
    let origin = provider.origin();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action {}; base-uri 'none'; \
         frame-ancestors 'none'",
        origin.ascii_serialization()
    );
    origin.is_tuple().then(|| HeaderValue::from_str(&policy).ok()).flatten()
}

/// Adds the headers of a page. Over plain http nothing is said of https, as the standard asks.
pub fn add(response: &mut HttpResponseBuilder, transport: Transport) {
    response
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.clone()))
        .insert_header((REFERRER_POLICY, REFERRER.clone()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, NOSNIFF.clone()));
    if transport == Transport::Tls {
        response.insert_header((STRICT_TRANSPORT_SECURITY, STAY.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::HttpResponse;

    #[test]
    fn a_page_runs_no_script_and_is_framed_by_nobody() {
        let mut response = HttpResponse::Ok();
        add(&mut response, Transport::Plain);
        let headers = response.finish().headers().clone();
        let policy = headers.get(CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("script"));
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
        assert_eq!(headers.get(REFERRER_POLICY).unwrap(), "same-origin");
        assert_eq!(headers.get(X_CONTENT_TYPE_OPTIONS).unwrap(), "nosniff");
        assert!(headers.get(STRICT_TRANSPORT_SECURITY).is_none(), "not over http");
    }

    #[test]
    fn over_tls_browsers_are_told_to_stay() {
        let mut response = HttpResponse::Ok();
        add(&mut response, Transport::Tls);
        assert!(response.finish().headers().contains_key(STRICT_TRANSPORT_SECURITY));
    }
}
