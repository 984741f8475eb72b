//! The cookies of attempts through a provider: the attempt itself, how the last one ended, and that a silent one was made.
//!
//! Spec: RFC 6265bis (SameSite=Lax: sent along when a provider sends the browser back by GET, not with a cross-site
//! post). R22 (no redirect loop), R25 (once per browser session).

use super::session_cookie::{self, prefixed};
use crate::pages::Transport;
use crate::sign_in::Tried;
use crate::sign_in::attempt::LIFE;
use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use actix_web::cookie::time::Duration;

/// The longest sealed attempt that is read, in bytes: what a browser keeps of one cookie.
const LONGEST: usize = 4_000;
/// How many letters of an attempt's name its cookie bears: enough to tell a browser's attempts apart.
const LABEL: usize = 10;
/// So many attempts may be under way in one browser, and so many bytes of them, which proxies still take; who begins more
/// has given the older ones up.
const MOST: usize = 5;
const MOST_BYTES: usize = 4_000;
/// How long the end of the last attempt is remembered (R22), in seconds.
const TRIED: i64 = 300;

const ATTEMPT: &str = "gateledger-attempt-";

fn attempt_name(transport: Transport, id: &str) -> String {
    format!("{}{}", prefixed(transport, ATTEMPT), id.get(..LABEL).unwrap_or(id))
}

/// The sealed attempt of this name, if this browser began it.
pub fn read_attempt(request: &HttpRequest, transport: Transport, id: &str) -> Option<String> {
    let cookie = request.cookie(&attempt_name(transport, id))?;
    Some(cookie.value().to_owned()).filter(|value| !value.is_empty() && value.len() <= LONGEST)
}

/// The cookie of a new attempt.
pub fn attempt(transport: Transport, id: &str, sealed: String) -> Cookie<'static> {
    let mut cookie = session_cookie::cookie(attempt_name(transport, id), sealed, transport);
    cookie.set_max_age(Duration::seconds(LIFE));
    cookie
}

/// Takes the attempt's cookie away.
pub fn no_attempt(transport: Transport, id: &str) -> Cookie<'static> {
    gone(attempt_name(transport, id), transport)
}

/// Takes away attempts that were given up, so that cookies do not pile up.
pub fn no_old_attempts(request: &HttpRequest, transport: Transport) -> Vec<Cookie<'static>> {
    let start = prefixed(transport, ATTEMPT);
    let cookies = request.cookies().map(|all| all.clone()).unwrap_or_default();
    let under_way: Vec<_> = cookies.iter().filter(|cookie| cookie.name().starts_with(&start)).collect();
    let bytes: usize = under_way.iter().map(|cookie| cookie.value().len()).sum();
    if under_way.len() < MOST && bytes < MOST_BYTES {
        return Vec::new();
    }
    under_way.into_iter().map(|cookie| gone(cookie.name().to_owned(), transport)).collect()
}

/// How the last attempt ended, if that was a moment ago.
pub fn read_tried(request: &HttpRequest, transport: Transport) -> Option<Tried> {
    request.cookie(&prefixed(transport, "gateledger-tried"))?.value().parse().ok()
}

/// Remembers how an attempt ended, so that nobody is sent round and round.
pub fn tried(transport: Transport, how: Tried) -> Cookie<'static> {
    let name = prefixed(transport, "gateledger-tried");
    let mut cookie = session_cookie::cookie(name, how.as_str().to_owned(), transport);
    cookie.set_max_age(Duration::seconds(TRIED));
    cookie
}

/// Forgets it: somebody is in.
pub fn not_tried(transport: Transport) -> Cookie<'static> {
    gone(prefixed(transport, "gateledger-tried"), transport)
}

/// Whether a silent attempt was made in this browser session.
pub fn was_silent(request: &HttpRequest, transport: Transport) -> bool {
    request.cookie(&prefixed(transport, "gateledger-silent")).is_some()
}

/// Remembers that a silent attempt was made, as long as the browser's session lasts.
pub fn silent(transport: Transport) -> Cookie<'static> {
    session_cookie::cookie(prefixed(transport, "gateledger-silent"), "1".to_owned(), transport)
}

fn gone(name: String, transport: Transport) -> Cookie<'static> {
    let mut gone = session_cookie::cookie(name, String::new(), transport);
    gone.make_removal();
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::COOKIE;
    use actix_web::test::TestRequest;

    fn request(cookies: &str) -> HttpRequest {
        TestRequest::default().insert_header((COOKIE, cookies)).to_http_request()
    }

    #[test]
    fn an_attempt_is_found_by_its_name_and_is_bound_to_the_host_over_https() {
        let id = "abcdefghijklmnop";
        let cookie = attempt(Transport::Tls, id, "sealed".into()).to_string();
        assert!(cookie.starts_with("__Host-gateledger-attempt-abcdefghij=sealed"), "{cookie}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=600"] {
            assert!(cookie.contains(part), "{part} is missing in {cookie}");
        }
        let request = request("gateledger-attempt-abcdefghij=sealed");
        assert_eq!(read_attempt(&request, Transport::Plain, id).as_deref(), Some("sealed"));
        assert_eq!(read_attempt(&request, Transport::Plain, "another-one"), None);
        assert_eq!(read_attempt(&request, Transport::Tls, id), None);
    }

    #[test]
    fn many_attempts_make_way_for_a_new_one() {
        let cookies = |n| (0..n).map(|i| format!("gateledger-attempt-{i}=x")).collect::<Vec<_>>().join("; ");
        assert!(no_old_attempts(&request(&cookies(4)), Transport::Plain).is_empty());
        assert_eq!(no_old_attempts(&request(&cookies(5)), Transport::Plain).len(), 5);
        let long = format!("gateledger-attempt-1={0}; gateledger-attempt-2={0}", "x".repeat(2_000));
        assert_eq!(no_old_attempts(&request(&long), Transport::Plain).len(), 2, "proxies take some kilobytes");
    }

    #[test]
    fn r22_how_it_ended_is_a_word_that_we_know_or_nothing() {
        let read = |cookies: &str| read_tried(&request(cookies), Transport::Plain);
        assert_eq!(read("gateledger-tried=switched_off"), Some(Tried::SwitchedOff));
        assert_eq!(read("gateledger-tried=<script>"), None);
        assert_eq!(read("other=1"), None);
    }
}
