//! The cookies: the session's, and the one by which a browser is known that signed in before.
//!
//! Spec: RFC 6265bis §4.1.3 (`__Host-`), §5.6 (SameSite).
//! Stops: cookies set by a sibling domain (`__Host-` over https), read by a script (HttpOnly), sent over plain http
//! (Secure) or along with another site's post (SameSite=Lax).

use crate::accounts::Secret;
use crate::pages::Transport;
use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

/// A known browser is remembered for so many days.
const KNOWN_FOR_DAYS: i64 = 180;

/// A cookie's name: bound to the host where browsers keep such names to https.
pub(super) fn prefixed(transport: Transport, name: &str) -> String {
    match transport {
        Transport::Tls => format!("__Host-{name}"),
        Transport::Plain => name.to_owned(),
    }
}

fn session_name(transport: Transport) -> String {
    prefixed(transport, "gateledger")
}

fn browser_name(transport: Transport) -> String {
    prefixed(transport, "gateledger-browser")
}

/// A cookie of ours.
pub(super) fn cookie(name: String, value: String, transport: Transport) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(transport == Transport::Tls)
        .finish()
}

fn value(request: &HttpRequest, name: &str) -> Option<String> {
    request.cookie(name).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty() && value.len() <= 128)
}

/// The session's secret, if the request carries one.
pub fn read(request: &HttpRequest, transport: Transport) -> Option<String> {
    value(request, &session_name(transport))
}

/// The cookie of a new session. It ends with the browser's session; the server ends it earlier if it is idle.
pub fn session(secret: &Secret, transport: Transport) -> Cookie<'static> {
    cookie(session_name(transport), secret.expose().to_owned(), transport)
}

/// Takes the session's cookie away.
pub fn no_session(transport: Transport) -> Cookie<'static> {
    let mut gone = cookie(session_name(transport), String::new(), transport);
    gone.make_removal();
    gone
}

/// The secret by which this browser is known, if it is.
pub fn read_browser(request: &HttpRequest, transport: Transport) -> Option<String> {
    value(request, &browser_name(transport))
}

/// The cookie by which this browser is known from now on (R64).
pub fn browser(secret: &Secret, transport: Transport) -> Cookie<'static> {
    let mut known = cookie(browser_name(transport), secret.expose().to_owned(), transport);
    known.set_max_age(Duration::days(KNOWN_FOR_DAYS));
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_cookies_are_host_bound_and_secure_and_never_for_scripts() {
        let sent = cookie(session_name(Transport::Tls), "s".into(), Transport::Tls).to_string();
        for part in ["__Host-gateledger=s", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(sent.contains(part), "{part} is missing in {sent}");
        }
        assert!(!sent.contains("Domain"), "__Host- forbids it");
        let plain = cookie(session_name(Transport::Plain), "s".into(), Transport::Plain).to_string();
        assert!(!plain.contains("Secure") && plain.contains("HttpOnly"), "{plain}");
    }
}
