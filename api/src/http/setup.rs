//! The first admin: made through a single-use link that the program printed where it was started (R65).
//!
//! Opening the link consumes nothing; the link goes with the account that it makes, in one transaction.

use super::passwords::hand;
use super::session_cookie;
use super::visit::Visit;
use crate::accounts::passwords::check_new;
use crate::accounts::{AccountsError, Means, NewSession, Purpose, Role};
use crate::app::App;
use crate::pages::Notice;
use crate::pages::first_admin::FirstAdmin;
use crate::people::PeopleError;
use crate::read_models::LoginFront;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use domain::{Audience, Surface};
use zeroize::Zeroizing;

const SETUP: &str = "/setup";

#[derive(serde::Deserialize)]
struct Token {
    token: String,
}

async fn check(app: &App, visit: &Visit, token: &str) -> Result<u32, HttpResponse> {
    let link = app.accounts.peek_link(visit.helpdesk(), token, app.now()).await;
    match link {
        Ok(Some(link)) if link.purpose == Purpose::FirstAdmin => {}
        Ok(_) => return Err(dead(visit)),
        Err(error) => return Err(visit.unavailable(&error)),
    }
    // However the first admin came about, the link is for nobody any more.
    let admins = app.accounts.count_active_admins(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
    if admins > 0 {
        return Err(dead(visit));
    }
    let head = app.ledger.refresh(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
    Ok(u32::try_from(head.state.policy(Audience::Agents).password_min_length).unwrap_or(12))
}

fn dead(visit: &Visit) -> HttpResponse {
    visit.message(StatusCode::NOT_FOUND, visit.texts().link_expired, visit.texts().not_found_help)
}

#[get("/setup")]
async fn ask(
    app: web::Data<App>,
    front: web::Data<LoginFront>,
    request: HttpRequest,
    query: web::Query<Token>,
) -> HttpResponse {
    let page = async {
        let visit = Visit::of(&front, &request).await?;
        let least = check(&app, &visit, &query.token).await?;
        Ok(visit.page(StatusCode::OK, &FirstAdmin::new(visit.frame(), SETUP, &query.token, least)))
    };
    page.await.unwrap_or_else(|refused: HttpResponse| refused)
}

#[derive(serde::Deserialize)]
struct Typed {
    token: String,
    email: String,
    name: String,
    password: Zeroizing<String>,
}

#[post("/setup")]
async fn create(
    app: web::Data<App>,
    front: web::Data<LoginFront>,
    request: HttpRequest,
    typed: web::Form<Typed>,
) -> HttpResponse {
    make(&app, &front, &request, typed.into_inner()).await.unwrap_or_else(|refused| refused)
}

async fn make(
    app: &App,
    front: &LoginFront,
    request: &HttpRequest,
    typed: Typed,
) -> Result<HttpResponse, HttpResponse> {
    let visit = Visit::of_post(front, request).await?;
    let least = check(app, &visit, &typed.token).await?;
    let again = |sentence: &str| {
        let frame = visit.frame().with_notice(Notice::Problem(sentence));
        let page = FirstAdmin::new(frame, SETUP, &typed.token, least).with_typed(&typed.email, &typed.name);
        visit.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
    };
    let head = app.ledger.refresh(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
    let policy = head.state.policy(Audience::Agents);
    if let Err(fault) = check_new(&typed.password, &policy, &typed.email, &typed.name) {
        return Ok(again(&fault.to_string()));
    }
    let hash = app.passwords.hash(typed.password.clone()).await.map_err(|error| visit.unavailable(&error))?;
    let new = app
        .draw_up(visit.helpdesk(), Some(&typed.email), &typed.name, Role::Admin)
        .map_err(|error| visit.unavailable(&error))?;
    let account = match app.accounts.create_first_admin(&typed.token, &new, &hash, app.now()).await {
        Ok(account) => account,
        Err(AccountsError::LinkUsed) => return Err(dead(&visit)),
        Err(fault @ (AccountsError::InvalidEmail | AccountsError::InvalidName | AccountsError::EmailTaken)) => {
            return Ok(again(&fault.to_string()));
        }
        Err(error) => return Err(visit.unavailable(&error)),
    };
    let outcome = async {
        app.settle_standing(visit.helpdesk(), &account.id, &hand(app, &account, request)?).await?;
        let head = app.ledger.refresh(visit.helpdesk()).await.map_err(crate::commands::CommandError::from)?;
        let now = app.now();
        let session = NewSession {
            account: account.id.clone(),
            audience: Audience::Agents,
            surface: Surface::Admin,
            usersource: head.state.of(Audience::Agents).find(|u| u.capabilities.built_in).map(|u| u.id.clone()),
            version: head.state.version,
            means: Means::Password,
            authenticated_at: now,
            at_provider: None,
        };
        Ok::<_, PeopleError>(app.accounts.open_session(visit.helpdesk(), &session, &policy, now).await?)
    };
    let session = outcome.await.map_err(|error| visit.unavailable(&error))?;
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, Surface::Admin.home_path()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .cookie(session_cookie::session(&session, visit.site.transport))
        .finish())
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(ask).service(create);
}
