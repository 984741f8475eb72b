//! What visitors ask for millions of times a day: the login options and the plain login pages, from memory.
//!
//! On this path there is no lock, no database, no template and no middleware: a pointer is copied, and headers that
//! were made before are written in front of bytes that were made before.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, COOKIE,
    ETAG, HOST, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, VARY,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError as _, web};
use domain::Surface;

use super::conditional::{already_has, takes_gzip};
use super::problem::Problem;
use super::{html, security_headers};
use crate::pages::notices::Message;
use crate::pages::{Frame, Front, Language, Page, Site, Source, SourceError, Surfaces, Transport};

static VERSION: HeaderName = HeaderName::from_static("gateledger-version");
static JSON: HeaderValue = HeaderValue::from_static("application/json");
static REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
static VARIES: HeaderValue = HeaderValue::from_static("Accept-Language, Accept-Encoding");
static ANYBODY: HeaderValue = HeaderValue::from_static("*");
static EXPOSED: HeaderValue = HeaderValue::from_static("ETag, Gateledger-Version");
static GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// After how many seconds a visitor may find the source of the pages again.
const RETRY_SECONDS: u32 = 2;
/// No helpdesk has a longer id.
const MAX_ID: usize = 128;

/// `GET /api/helpdesks/{helpdesk}/login-options?surface=`: what that surface's visitor may choose. A request that
/// [asks the past](asks_the_past) is for admins, and belongs to another handler.
pub async fn login_options<S: Source + 'static>(request: HttpRequest, front: web::Data<Front<S>>) -> HttpResponse {
    match options(&request, &front).await {
        Ok((surfaces, surface)) => {
            let mut response = HttpResponse::Ok();
            for_everybody(&mut response);
            answer(&request, response, &surfaces.of(surface).options, &JSON)
        }
        Err(problem) => {
            let mut response = problem.error_response();
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY.clone());
            response
        }
    }
}

async fn options<S: Source>(request: &HttpRequest, front: &Front<S>) -> Result<(Arc<Surfaces>, Surface), Problem> {
    let surface = surface(request.query_string())?;
    let helpdesk = request.match_info().get("helpdesk").filter(|id| is_an_id(id)).unwrap_or_default();
    match front.surfaces(helpdesk).await {
        Ok(Some(surfaces)) => Ok((surfaces, surface)),
        Ok(None) => Err(Problem::not_found()),
        Err(fault) => {
            log(helpdesk, &fault);
            let detail = "The configuration cannot be read at the moment. Try again shortly.";
            Err(Problem::unavailable("unavailable", detail, RETRY_SECONDS))
        }
    }
}

/// Whether a helpdesk could have this id; what PostgreSQL would not even take is asked of nobody.
fn is_an_id(id: &str) -> bool {
    id.len() <= MAX_ID && !id.contains(char::is_control)
}

fn surface(query: &str) -> Result<Surface, Problem> {
    let which = || Problem::bad_request("invalid_query", "Say `surface=portal`, `surface=agent` or `surface=admin`.");
    let named = query.strip_prefix("surface=").ok_or_else(which)?;
    named.parse().map_err(|_| which())
}

/// Whether login options are asked for as of some version or moment (R53), which only admins and auditors may.
pub fn asks_the_past(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("version=") || pair.starts_with("at="))
}

/// Whether the plain page is the answer to this request for a login page: nothing about it tells this visitor from any
/// other. With a query or any cookie, the page is rendered for the visitor (`http::html`).
pub fn is_plain(request: &HttpRequest) -> bool {
    request.query_string().is_empty() && !request.headers().contains_key(COOKIE)
}

/// `GET /login`, `/agent/login` or `/admin/login` as every first visitor sees it: the page, or under single sign-on the
/// redirect (R21). Whatever comes back to a login page afterwards must carry a query, also from a browser that
/// keeps no cookies, or it would be sent round again.
pub async fn plain_login<S: Source>(request: &HttpRequest, front: &Front<S>, surface: Surface) -> HttpResponse {
    let Some(site) = site(request, front) else { return html::not_found(Transport::Plain) };
    let surfaces = match front.surfaces(site.helpdesk.as_str()).await {
        Ok(Some(surfaces)) => surfaces,
        Ok(None) => return html::not_found(site.transport),
        Err(fault) => {
            log(site.helpdesk.as_str(), &fault);
            return unavailable(site.transport);
        }
    };
    let answers = surfaces.of(surface);
    let mut response = HttpResponse::Ok();
    security_headers::add(&mut response, site.transport);
    if let Some(onward) = &answers.redirect {
        response.status(StatusCode::SEE_OTHER);
        response.insert_header((LOCATION, onward.clone())).insert_header((CACHE_CONTROL, html::NO_STORE.clone()));
        return response.finish();
    }
    answer(request, response, answers.login(Language::English), &html::CONTENT_TYPE)
}

/// The helpdesk that this request's host names (R0); a request with two hosts, or none, names nobody.
pub fn site<S: Source>(request: &HttpRequest, front: &Front<S>) -> Option<Arc<Site>> {
    let mut hosts = request.headers().get_all(HOST);
    let host = hosts.next().filter(|_| hosts.next().is_none())?;
    front.hosts.resolve(host.to_str().ok()?)
}

/// The page while the source does not answer.
pub fn unavailable(transport: Transport) -> HttpResponse {
    let texts = Language::English.texts();
    let message = Message::new(Frame::new(texts, "Gateledger"), texts.unavailable, texts.unavailable_help);
    let mut response = html::page(StatusCode::SERVICE_UNAVAILABLE, transport, &message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    response
}

fn for_everybody(response: &mut HttpResponseBuilder) {
    response
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY.clone()))
        .insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED.clone()));
}

/// The page in the form that the client takes, or 304 if it has it. The headers of both are the same (RFC 9110
/// §15.4.5).
fn answer(request: &HttpRequest, mut response: HttpResponseBuilder, page: &Page, kind: &HeaderValue) -> HttpResponse {
    let gzip = takes_gzip(request.headers()).then(|| page.gzip()).flatten();
    let form = gzip.unwrap_or(&page.plain);
    response
        .insert_header((ETAG, form.etag.clone()))
        .insert_header((CACHE_CONTROL, REVALIDATE.clone()))
        .insert_header((VARY, VARIES.clone()))
        .insert_header((VERSION.clone(), page.version.clone()));
    if already_has(request.headers(), &form.etag) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    if gzip.is_some() {
        response.insert_header((CONTENT_ENCODING, GZIP.clone()));
    }
    response.insert_header((CONTENT_TYPE, kind.clone())).body(form.body.clone())
}

fn log(helpdesk: &str, fault: &SourceError) {
    tracing::warn!(helpdesk, %fault, "login pages cannot be read");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::front::tests::{OneHelpdesk, front};
    use crate::pages::surfaces::tests::{automatic, entry, everything};
    use actix_web::body::to_bytes;
    use actix_web::http::header::{
        ACCEPT_ENCODING, CONTENT_SECURITY_POLICY, IF_NONE_MATCH, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
    };
    use actix_web::{App, test};
    use domain::Display;
    use std::sync::atomic::Ordering;

    const OPTIONS: &str = "/api/helpdesks/default/login-options?surface=portal";

    async fn agent_login(request: HttpRequest, front: web::Data<Front<OneHelpdesk>>) -> HttpResponse {
        plain_login(&request, &front, Surface::Agent).await
    }

    async fn portal_login(request: HttpRequest, front: web::Data<Front<OneHelpdesk>>) -> HttpResponse {
        plain_login(&request, &front, Surface::Portal).await
    }

    async fn get(front: &web::Data<Front<OneHelpdesk>>, path: &str, headers: &[(HeaderName, &str)]) -> HttpResponse {
        let mut request = test::TestRequest::get().uri(path).insert_header((HOST, "h.example"));
        for (name, value) in headers {
            request = request.append_header((name.clone(), *value));
        }
        let app = App::new()
            .app_data(front.clone())
            .route("/api/helpdesks/{helpdesk}/login-options", web::get().to(login_options::<OneHelpdesk>))
            .route("/login", web::get().to(portal_login))
            .route("/agent/login", web::get().to(agent_login));
        let app = test::init_service(app).await;
        test::call_service(&app, request.to_request()).await.into_parts().1.map_into_boxed_body()
    }

    fn header(answer: &HttpResponse, name: HeaderName) -> Option<String> {
        answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    async fn text(answer: HttpResponse) -> String {
        String::from_utf8(to_bytes(answer.into_body()).await.unwrap().to_vec()).unwrap()
    }

    fn data(public_url: &str, entries: Vec<domain::offer::Entry>) -> web::Data<Front<OneHelpdesk>> {
        web::Data::new(front(public_url, entries))
    }

    #[actix_web::test]
    async fn login_options_are_answered_with_all_their_headers_and_then_304() {
        let front = data("http://h.example", everything());
        let first = get(&front, OPTIONS, &[]).await;
        assert_eq!(first.status(), 200);
        let common = [ETAG, CACHE_CONTROL, VARY, VERSION.clone(), ACCESS_CONTROL_ALLOW_ORIGIN];
        let headers = common.clone().map(|name| header(&first, name));
        let etag = headers[0].clone().unwrap();
        let expected = ["no-cache", "Accept-Language, Accept-Encoding", "17", "*"].map(|v| Some(v.to_owned()));
        assert_eq!(headers[1..], expected);
        assert!(text(first).await.starts_with("{\"helpdesk\":\"default\""));

        let second = get(&front, OPTIONS, &[(IF_NONE_MATCH, &format!("\"x\", W/{etag}"))]).await;
        assert_eq!(second.status(), 304);
        assert_eq!(common.map(|name| header(&second, name)), headers, "304 says the same");
        assert!(header(&second, CONTENT_TYPE).is_none() && text(second).await.is_empty());
        assert_eq!(front.source().reads.load(Ordering::SeqCst), 1, "from memory");
    }

    #[actix_web::test]
    async fn the_etag_moves_with_the_version_and_the_old_one_is_answered_in_full() {
        let front = data("http://h.example", everything());
        let etag = header(&get(&front, OPTIONS, &[]).await, ETAG).unwrap();
        front.pages.swap(front.pages.moment(), &"default".into(), 18, "Help", &everything()).unwrap();
        let answer = get(&front, OPTIONS, &[(IF_NONE_MATCH, &etag)]).await;
        assert_eq!((answer.status().as_u16(), header(&answer, VERSION.clone()).as_deref()), (200, Some("18")));
    }

    #[actix_web::test]
    async fn a_compressed_answer_has_an_etag_of_its_own() {
        let front = data("http://h.example", vec![entry("deskpro", "Deskpro", Display::Form)]);
        let plain = header(&get(&front, "/login", &[]).await, ETAG).unwrap();
        let squeezed = get(&front, "/login", &[(ACCEPT_ENCODING, "gzip, br")]).await;
        assert_eq!(header(&squeezed, CONTENT_ENCODING).as_deref(), Some("gzip"));
        let etag = header(&squeezed, ETAG).unwrap();
        assert_ne!(etag, plain);
        let again = get(&front, "/login", &[(ACCEPT_ENCODING, "gzip"), (IF_NONE_MATCH, &etag)]).await;
        assert_eq!(again.status(), 304);
    }

    #[actix_web::test]
    async fn what_is_not_asked_rightly_is_a_problem_that_any_site_may_read() {
        let front = data("http://h.example", everything());
        let cases = [
            ("/api/helpdesks/default/login-options", 400),
            ("/api/helpdesks/default/login-options?surface=moon", 400),
            ("/api/helpdesks/default/login-options?surface=portal&version=3", 400),
            ("/api/helpdesks/other/login-options?surface=portal", 404),
            ("/api/helpdesks/%00/login-options?surface=portal", 404),
        ];
        for (path, status) in cases {
            let answer = get(&front, path, &[]).await;
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(header(&answer, CONTENT_TYPE).as_deref(), Some("application/problem+json"));
            assert_eq!(header(&answer, ACCESS_CONTROL_ALLOW_ORIGIN).as_deref(), Some("*"));
        }
        assert!(asks_the_past("surface=portal&version=3") && asks_the_past("at=x") && !asks_the_past("surface=portal"));
    }

    #[actix_web::test]
    async fn while_the_source_is_lost_the_answer_is_503_and_what_is_in_memory_is_served() {
        let front = data("http://h.example", vec![]);
        front.source().lost.store(true, Ordering::SeqCst);
        for path in [OPTIONS, "/login"] {
            let answer = get(&front, path, &[]).await;
            assert_eq!((answer.status().as_u16(), header(&answer, RETRY_AFTER).as_deref()), (503, Some("2")), "{path}");
        }
        front.pages.swap(front.pages.moment(), &"default".into(), 3, "Help", &[]).unwrap();
        assert_eq!(get(&front, "/login", &[]).await.status(), 200);
    }

    #[actix_web::test]
    async fn the_plain_page_holds_nothing_of_a_visitor_and_has_the_headers_of_a_page() {
        let front = data("https://h.example", everything());
        let answer = get(&front, "/agent/login", &[]).await;
        assert_eq!(answer.status(), 200);
        for name in [ETAG, CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY, VERSION.clone()] {
            assert!(answer.headers().contains_key(&name), "{name}");
        }
        assert!(!answer.headers().contains_key(SET_COOKIE));
        assert!(!answer.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "a page is not for other sites");
        assert!(text(answer).await.starts_with("<!doctype html>"));
        let plain = data("http://h.example", everything());
        assert!(header(&get(&plain, "/agent/login", &[]).await, STRICT_TRANSPORT_SECURITY).is_none());
    }

    #[actix_web::test]
    async fn r21_a_first_visitor_is_sent_to_the_provider_and_nobody_stores_that() {
        let answer = get(&data("http://h.example", automatic()), "/login", &[]).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, LOCATION).as_deref()),
            (303, Some("/auth/us_saml/start"))
        );
        assert_eq!(header(&answer, CACHE_CONTROL).as_deref(), Some("no-store"));
    }

    #[actix_web::test]
    async fn r0_an_unknown_host_is_not_found() {
        let front = data("http://h.example", everything());
        front.hosts.set(&"default".into(), Some(url::Url::parse("https://other.example").unwrap()));
        assert_eq!(get(&front, "/agent/login", &[]).await.status(), 404);
        front.hosts.set(&"default".into(), Some(url::Url::parse("http://h.example").unwrap()));
        assert_eq!(get(&front, "/agent/login", &[]).await.status(), 200);
        let twice = get(&front, "/agent/login", &[(HOST, "other.example")]).await;
        assert_eq!(twice.status(), 404, "two hosts name nobody");
    }

    #[actix_web::test]
    async fn with_a_query_or_a_cookie_the_plain_page_is_not_the_answer() {
        let plain = |uri: &str, cookie: bool| {
            let request = test::TestRequest::with_uri(uri);
            let request = if cookie { request.insert_header((COOKIE, "a=b")) } else { request };
            is_plain(&request.to_http_request())
        };
        assert!(plain("/login", false));
        assert!(!plain("/login?return_to=/a", false) && !plain("/login", true));
    }
}
