//! The addresses of usersources that redirect: where an attempt begins, and where the provider sends its answer.
//!
//! Spec: RFC 6265bis §5.6 (a cross-site post carries no Lax cookie). A posted answer is therefore posted once more, by a
//! page of ours, and then comes with the cookie of the browser that began.
//! Stops: an answer that is taken from a browser that did not begin the attempt; redirect loops (R22).

use super::attempt_cookies as cookies;
use super::login::see_other;
use super::reading::Query;
use super::return_to::ReturnTo;
use super::session_cookie;
use super::visit::Visit;
use crate::accounts::Session;
use crate::app::App;
use crate::pages::options::tried_path;
use crate::pages::redirects::{Onward, Report};
use crate::read_models::LoginFront;
use crate::sign_in::redirecting::{Begun, Callback, Landed, Start, redirect_kind};
use crate::sign_in::testing::Tested;
use crate::sign_in::{Answer, Purpose, RedirectAttempt, Stopped, Tried};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use domain::{Audience, Surface, UsersourceId};

/// The largest answer that is taken, in bytes: a SAML response with many groups.
const LARGEST_ANSWER: usize = 262_144;

/// The longest way back that an attempt remembers, in bytes.
const LONGEST_RETURN: usize = 500;

/// Where the visitors of `audience` stand who come from `return_to`.
pub fn surface_of(audience: Audience, return_to: Option<&str>) -> Surface {
    match audience {
        Audience::Users => Surface::Portal,
        Audience::Agents if return_to.is_some_and(|path| path.starts_with(Surface::Admin.home_path())) => {
            Surface::Admin
        }
        Audience::Agents => Surface::Agent,
    }
}

/// One usersource that redirects, at the address of this request.
pub(super) struct At {
    pub(super) visit: Visit,
    pub(super) id: UsersourceId,
    pub(super) audience: Audience,
    pub(super) kind: String,
    pub(super) title: String,
}

impl At {
    /// From memory: who begins or comes back is judged anew by the gate.
    pub(super) async fn of(
        app: &App,
        front: &LoginFront,
        request: &HttpRequest,
        id: &str,
    ) -> Result<Self, HttpResponse> {
        let visit = Visit::of(front, request).await?;
        if id.contains(char::is_control) {
            return Err(visit.not_found());
        }
        let head = app.ledger.load(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
        let id = UsersourceId::new(id);
        let found = head.state.usersource(&id).ok().filter(|found| redirect_kind(&found.kind).is_some());
        let Some(found) = found else { return Err(visit.not_found()) };
        let (audience, kind, title) = (found.audience, found.kind.clone(), found.title().to_owned());
        Ok(Self { visit, id, audience, kind, title })
    }

    /// Back to the login page, which says what happened and does not redirect by itself (R22).
    fn back(&self, surface: Surface, return_to: Option<&str>, told: Tried) -> HttpResponse {
        let mut response = see_other(&tried_path(surface, return_to, told));
        let transport = self.visit.site.transport;
        let _ = response.add_cookie(&cookies::tried(transport, told));
        response
    }
}

/// `GET /auth/ID/start`: `return_to`, `silent=1` (R25), `again=1` (the provider is to ask again).
async fn start(app: &App, front: &LoginFront, request: &HttpRequest, id: &str) -> Result<HttpResponse, HttpResponse> {
    let at = At::of(app, front, request, id).await?;
    let mut query = Query::parse(request.query_string()).map_err(|_| at.visit.not_found())?;
    let return_to = query.take("return_to").as_deref().and_then(ReturnTo::parse);
    // It travels in the attempt's cookie, which browsers keep only if it is short.
    let return_to = return_to.as_ref().map(ReturnTo::as_str).filter(|path| path.len() <= LONGEST_RETURN);
    let surface = surface_of(at.audience, return_to);
    let silent = query.take("silent").is_some();
    if silent && cookies::was_silent(request, at.visit.site.transport) {
        return Ok(at.back(surface, return_to, Tried::Silently));
    }
    let start = Start {
        helpdesk: at.visit.helpdesk().clone(),
        usersource: at.id.clone(),
        surface,
        return_to: return_to.map(str::to_owned),
        silent,
        ask_again: query.take("again").is_some(),
        purpose: Purpose::SignIn,
    };
    match app.begin_attempt(start).await {
        Ok(begun) => Ok(depart(request, &at, begun, Leaving { silent, after_post: false })),
        Err(Stopped::UsersourceDisabled) => Err(at.visit.not_found()),
        Err(stopped) => {
            let mut response = at.back(surface, return_to, stopped.told());
            if silent {
                let _ = response.add_cookie(&cookies::silent(at.visit.site.transport));
            }
            Ok(response)
        }
    }
}

/// Begins to link the identity that comes back to the account of this session, which is fresh.
pub(super) async fn begin_link(
    app: &App,
    front: &LoginFront,
    request: &HttpRequest,
    session: &Session,
    id: &str,
) -> Result<HttpResponse, HttpResponse> {
    let at = At::of(app, front, request, id).await?;
    if session.audience != at.audience {
        return Err(at.visit.not_found());
    }
    let surface = surface_of(at.audience, None);
    let start = Start {
        helpdesk: at.visit.helpdesk().clone(),
        usersource: at.id.clone(),
        surface,
        return_to: None,
        silent: false,
        ask_again: false,
        purpose: Purpose::Link { account: session.account.id.clone() },
    };
    match app.begin_attempt(start).await {
        Ok(begun) => Ok(depart(request, &at, begun, Leaving { silent: false, after_post: true })),
        Err(stopped) => Ok(at.back(surface, Some(super::identities::PATH), stopped.told())),
    }
}

/// How a browser leaves for the provider.
pub(super) struct Leaving {
    /// Without anything to see (R25).
    pub(super) silent: bool,
    /// After a form of ours was posted: then a page leads on, and no redirect.
    pub(super) after_post: bool,
}

/// The browser leaves, with what it needs to come back.
pub(super) fn depart(request: &HttpRequest, at: &At, begun: Begun, leaving: Leaving) -> HttpResponse {
    let transport = at.visit.site.transport;
    let silent = leaving.silent;
    let mut response = if begun.departure.post.is_empty() && leaving.after_post {
        at.visit.page(StatusCode::OK, &Onward::open(at.visit.frame(), &at.title, &begun.departure.to))
    } else if begun.departure.post.is_empty() {
        see_other(begun.departure.to.as_str())
    } else {
        let page = Onward::post(at.visit.frame(), &at.title, &begun.departure.to, &begun.departure.post);
        at.visit.page_that_posts_to(&begun.departure.to, &page)
    };
    let mut sent = cookies::no_old_attempts(request, transport);
    sent.push(cookies::attempt(transport, &begun.id, begun.sealed));
    sent.push(cookies::tried(transport, if silent { Tried::Silently } else { Tried::Began }));
    if silent {
        sent.push(cookies::silent(transport));
    }
    for cookie in &sent {
        let _ = response.add_cookie(cookie);
    }
    response
}

/// What our own page adds when it posts an answer once more.
const ONCE_MORE: &str = "gateledger_once_more";

/// `GET` and `POST /auth/ID/callback`: the provider's answer.
async fn callback(
    app: &App,
    front: &LoginFront,
    request: &HttpRequest,
    id: &str,
    body: &[u8],
) -> Result<HttpResponse, HttpResponse> {
    let at = At::of(app, front, request, id).await?;
    let answer = Answer::read(request.query_string(), body);
    let name =
        redirect_kind(&at.kind).and_then(|kind| kind.attempt(&answer)).filter(|id| RedirectAttempt::is_an_id(id));
    let known = name.as_deref().is_some_and(|id| cookies::read_attempt(request, at.visit.site.transport, id).is_some());
    if name.is_some() && !known && !answer.form.is_empty() && answer.form(ONCE_MORE).is_none() {
        return Ok(once_more(&at, answer));
    }
    land(app, request, &at, name, answer).await
}

/// A post from another site carries no cookie of ours. Our own page posts the same once more, and the cookie comes along:
/// nothing is kept for anybody meanwhile.
fn once_more(at: &At, answer: Answer) -> HttpResponse {
    let query = if answer.raw_query.is_empty() { String::new() } else { format!("?{}", answer.raw_query) };
    let callback = format!("/auth/{}/callback{query}", at.id);
    let mut fields = answer.form;
    fields.push((ONCE_MORE.to_owned(), "1".to_owned()));
    at.visit.page_that_posts_home(&Onward::once_more(at.visit.frame(), &callback, &fields))
}

/// The end of an attempt, however the answer came. `name` is the attempt that it answers; none is what a provider began.
async fn land(
    app: &App,
    request: &HttpRequest,
    at: &At,
    name: Option<String>,
    answer: Answer,
) -> Result<HttpResponse, HttpResponse> {
    let transport = at.visit.site.transport;
    let helpdesk = at.visit.helpdesk();
    let attempt = name.as_deref().and_then(|name| {
        let sealed = cookies::read_attempt(request, transport, name)?;
        RedirectAttempt::open(&app.vault, helpdesk, &at.id, name, &sealed)
    });
    let return_to = attempt.as_ref().and_then(|attempt| attempt.return_to.clone());
    let surface = attempt.as_ref().map_or(surface_of(at.audience, None), |attempt| attempt.surface);
    let session = match attempt.as_ref().map(|attempt| &attempt.purpose) {
        None | Some(Purpose::SignIn) => None,
        Some(Purpose::Link { .. } | Purpose::Test { .. }) => at.visit.session(app, request).await?,
    };
    let foreign = name.is_some() && attempt.is_none();
    let callback =
        Callback { helpdesk, usersource: &at.id, surface, attempt, session, answer, ip: app.peer(request).ip() };
    let landed = if foreign { Err(Stopped::OtherBrowser) } else { app.finish_attempt(callback).await };
    let mut response = match landed {
        Ok(landed) => arrived(app, request, at, landed, return_to.as_deref().unwrap_or(surface.home_path())).await,
        Err(stopped) => at.back(surface, return_to.as_deref(), stopped.told()),
    };
    if let Some(name) = &name {
        let _ = response.add_cookie(&cookies::no_attempt(transport, name));
    }
    Ok(response)
}

async fn arrived(app: &App, request: &HttpRequest, at: &At, landed: Landed, home: &str) -> HttpResponse {
    let transport = at.visit.site.transport;
    match landed {
        Landed::SignedIn(secret) => {
            end_former_session(app, &at.visit, request).await;
            let mut response = see_other(home);
            let _ = response.add_cookie(&session_cookie::session(&secret, transport));
            let _ = response.add_cookie(&cookies::not_tried(transport));
            response
        }
        Landed::Linked => see_other(super::identities::PATH),
        Landed::Tested(tested) => report(at, &tested),
    }
}

/// A new session id at each sign-in (R65); the old session does not live on beside it.
pub(super) async fn end_former_session(app: &App, visit: &Visit, request: &HttpRequest) {
    let Some(former) = session_cookie::read(request, visit.site.transport) else { return };
    if let Err(error) = app.accounts.end_session(visit.helpdesk(), &former).await {
        tracing::warn!(%error, "a former session could not be ended");
    }
}

fn report(at: &At, tested: &Tested) -> HttpResponse {
    at.visit.page(StatusCode::OK, &Report::new(at.visit.frame(), &at.title, tested))
}

/// The session that this browser has; whoever has none is sent to sign in.
pub(super) async fn required_session(app: &App, visit: &Visit, request: &HttpRequest) -> Result<Session, HttpResponse> {
    let session = visit.session(app, request).await?;
    session.ok_or_else(|| see_other(Surface::Portal.login_path()))
}

/// `GET /auth/ID/metadata`: what the provider reads to know us. It is there from the install on (R3).
async fn metadata(
    app: &App,
    front: &LoginFront,
    request: &HttpRequest,
    id: &str,
) -> Result<HttpResponse, HttpResponse> {
    let at = At::of(app, front, request, id).await?;
    let head = app.ledger.load(at.visit.helpdesk()).await.map_err(|error| at.visit.unavailable(&error))?;
    let usersource = head.state.usersource(&at.id).map_err(|_| at.visit.not_found())?;
    let base_url = app.base_url(at.visit.helpdesk());
    let source = app.source(at.visit.helpdesk(), usersource, &base_url);
    match redirect_kind(&at.kind).map(|kind| kind.metadata(&source)) {
        Some(Ok(Some(xml))) => Ok(HttpResponse::Ok()
            .insert_header(("X-Content-Type-Options", "nosniff"))
            .content_type("application/samlmetadata+xml; charset=utf-8")
            .body(xml)),
        Some(Ok(None)) | None => Err(at.visit.not_found()),
        Some(Err(denied)) => {
            tracing::warn!(usersource = %at.id, %denied, "metadata could not be made");
            Err(at.visit.not_found())
        }
    }
}

/// `GET` and `POST /auth/ID/logout`: a provider's log-out message (R27).
async fn provider_log_out(
    app: &App,
    front: &LoginFront,
    request: &HttpRequest,
    id: &str,
    body: &[u8],
) -> Result<HttpResponse, HttpResponse> {
    let at = At::of(app, front, request, id).await?;
    let answer = Answer::read(request.query_string(), body);
    match app.provider_logs_out(at.visit.helpdesk(), &at.id, &answer).await {
        Ok(None) => Ok(see_other("/signed-out")),
        Ok(Some(back)) => {
            let mut response = see_other(back.as_str());
            // Only if it was a session of this browser that ended: a link that somebody sent takes nobody's cookie.
            if at.visit.session(app, request).await?.is_none() {
                let _ = response.add_cookie(&session_cookie::no_session(at.visit.site.transport));
            }
            Ok(response)
        }
        Err(stopped) => {
            let texts = at.visit.texts();
            let sentence = texts.tried(stopped.told()).unwrap_or(texts.unavailable_help);
            Ok(at.visit.message(StatusCode::BAD_REQUEST, texts.refused, sentence))
        }
    }
}

fn whole(answer: Result<HttpResponse, HttpResponse>) -> HttpResponse {
    answer.unwrap_or_else(|page| page)
}

type Data = (web::Data<App>, web::Data<LoginFront>);

async fn get_start(data: Data, request: HttpRequest, id: web::Path<String>) -> HttpResponse {
    whole(start(&data.0, &data.1, &request, &id).await)
}

async fn any_callback(data: Data, request: HttpRequest, id: web::Path<String>, body: web::Bytes) -> HttpResponse {
    whole(callback(&data.0, &data.1, &request, &id, &body).await)
}

async fn get_metadata(data: Data, request: HttpRequest, id: web::Path<String>) -> HttpResponse {
    whole(metadata(&data.0, &data.1, &request, &id).await)
}

async fn any_log_out(data: Data, request: HttpRequest, id: web::Path<String>, body: web::Bytes) -> HttpResponse {
    whole(provider_log_out(&data.0, &data.1, &request, &id, &body).await)
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    let answers = |path: &str| web::resource(path).app_data(web::PayloadConfig::new(LARGEST_ANSWER));
    config
        .service(web::resource("/auth/{usersource}/start").route(web::get().to(get_start)))
        .service(
            answers("/auth/{usersource}/callback")
                .route(web::get().to(any_callback))
                .route(web::post().to(any_callback)),
        )
        .service(web::resource("/auth/{usersource}/metadata").route(web::get().to(get_metadata)))
        .service(
            answers("/auth/{usersource}/logout").route(web::get().to(any_log_out)).route(web::post().to(any_log_out)),
        );
}
