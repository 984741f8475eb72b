//! Testing a usersource over HTTP (R42): with a login and a password, or by a round trip of the admin's own browser.

use super::auth::{At, Leaving, depart, surface_of};
use super::headers::Headers;
use super::members::Members;
use super::problem::Problem;
use crate::app::App;
use crate::caller::Credential;
use crate::read_models::LoginFront;
use crate::sign_in::redirecting::Start;
use crate::sign_in::testing::Typed;
use crate::sign_in::{Purpose, Stopped};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use domain::{Audience, UsersourceId};
use zeroize::Zeroizing;

/// `{login, password}`: what the usersource says of them, step by step. Nothing is made but, for an admin, a proof.
#[post("/usersources/{id}/test")]
async fn test_usersource(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let headers = Headers::read_without_query(&app, &request, &helpdesk).await?;
    let mut members = Members::parse(&body)?;
    let (login, password) = (members.required_text("login"), Zeroizing::new(members.required_text("password")));
    members.finish()?;
    let helpdesk = &headers.caller.helpdesk;
    let head = app.ledger.refresh(helpdesk).await?;
    let usersource = head.state.usersource(&UsersourceId::new(id))?;
    let typed = Typed { login: &login, password: &password, ip: app.peer(&request).ip() };
    match app.test_form(helpdesk, usersource, &typed, headers.hand(&app)?).await {
        Ok(Some(tested)) => Ok(HttpResponse::Ok().json(tested)),
        Ok(None) => Err(not_testable("this kind is tested in a browser, by GET of …/test/start")),
        Err(_) => {
            Err(Problem::unavailable("unavailable", "the store does not answer at the moment; try again shortly", 2))
        }
    }
}

/// Begins a round trip of this browser, whose end shows what happened. It takes an admin's session: the answer comes
/// back to the browser, not to a token.
#[get("/usersources/{id}/test/start")]
async fn start_test(
    app: web::Data<App>,
    front: web::Data<LoginFront>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let headers = Headers::read_without_query(&app, &request, &helpdesk).await?;
    let Credential::Session(_) = headers.caller.credential else {
        return Err(Problem::forbidden("a test by redirect takes the session of a browser, not a token".to_owned()));
    };
    let head = app.ledger.refresh(&headers.caller.helpdesk).await?;
    head.state.usersource(&UsersourceId::new(&*id))?;
    let at = match At::of(&app, &front, &request, &id).await {
        Ok(at) if *at.visit.helpdesk() == headers.caller.helpdesk => at,
        Ok(_) => return Err(Problem::not_found()),
        Err(page) if page.status() == StatusCode::SERVICE_UNAVAILABLE => {
            return Err(Problem::unavailable("unavailable", "the store does not answer at the moment", 2));
        }
        Err(_) => return Err(not_testable("this kind is tested with a login and a password, by POST of …/test")),
    };
    let surface = match at.audience {
        Audience::Users => surface_of(Audience::Users, None),
        Audience::Agents => domain::Surface::Admin,
    };
    let start = Start {
        helpdesk: headers.caller.helpdesk.clone(),
        usersource: at.id.clone(),
        surface,
        return_to: None,
        silent: false,
        ask_again: false,
        purpose: Purpose::Test { account: headers.caller.account.id.clone() },
    };
    match app.begin_attempt(start).await {
        Ok(begun) => Ok(depart(&request, &at, begun, Leaving { silent: false, after_post: false })),
        Err(Stopped::Denied(reason)) => {
            let detail = format!("the attempt could not begin: {}", reason.as_str());
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "test_failed", detail))
        }
        Err(_) => Err(Problem::unavailable("unavailable", "the store does not answer at the moment", 2)),
    }
}

fn not_testable(detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_testable", detail)
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(test_usersource).service(start_test);
}
