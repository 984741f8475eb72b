//! People over HTTP: accounts, their sessions, API tokens, and the log of sign-ins (R56, R63).

use super::headers::Headers;
use super::instruction::etag;
use super::members::Members;
use super::problem::Problem;
use super::reading::Reader;
use crate::accounts::sign_ins::{SignIn, SignInFilter};
use crate::accounts::{Account, AccountUpdate, NewToken, Role, Session, Token};
use crate::app::App;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use domain::{AccountId, UsersourceId};
use serde_json::{Value, json};

/// Rows of a page, unless another number is asked for.
const PAGE: u32 = 50;

/// The most rows of a page.
const LARGEST_PAGE: u32 = 200;

/// Seconds of a day.
const DAY: i64 = 86_400;

fn account(account: &Account) -> Value {
    json!({
        "id": account.id,
        "email": account.email,
        "email_verified": account.email_verified,
        "name": account.name,
        "role": account.role.as_str(),
        "active": account.active,
        "has_password": account.has_password,
        "group": account.group,
        "created_at": account.created_at,
    })
}

/// Accounts by id: `after` `limit`.
#[get("/accounts")]
async fn list_accounts(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    let mut query = reader.query(&request)?;
    let after = query.take("after").map(AccountId::new);
    let limit: u32 = query.parsed("limit", "a number")?.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    query.finish()?;
    let found = app.accounts.list(&reader.caller.helpdesk, after.as_ref(), limit).await?;
    let next = (found.len() == limit as usize).then(|| found.last().map(|a| a.id.clone())).flatten();
    Ok(HttpResponse::Ok()
        .insert_header(etag(reader.version))
        .json(json!({"accounts": found.iter().map(account).collect::<Vec<_>>(), "next": next})))
}

/// `{email, name, role}`: an account without a password; its person sets one by "lost password".
#[post("/accounts")]
async fn create_account(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let headers = Headers::read_without_query(&app, &request, &helpdesk).await?;
    let mut members = Members::parse(&body)?;
    let (email, name) = (members.required_text("email"), members.required_text("name"));
    let role = members.word::<Role>("role", "admin, auditor, agent, user").unwrap_or(Role::User);
    members.finish()?;
    let new = app.draw_up(&headers.caller.helpdesk, Some(&email), &name, role)?;
    let created = app.create_account(&new, None, &headers.hand(&app)?).await?;
    Ok(HttpResponse::Created().json(account(&created)))
}

/// `{name?, role?, active?}`. What would take the last way in for admins is refused (R40).
#[patch("/accounts/{id}")]
async fn update_account(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let headers = Headers::read_without_query(&app, &request, &helpdesk).await?;
    let mut members = Members::parse(&body)?;
    let name = members.text("name");
    let role = if members.has("role") { members.word::<Role>("role", "admin, auditor, agent, user") } else { None };
    let update = AccountUpdate { name, role, active: members.flag("active") };
    members.finish()?;
    let id = AccountId::new(id);
    let updated = app.update_account(&headers.caller.helpdesk, &id, &update, &headers.hand(&app)?).await?;
    Ok(HttpResponse::Ok().json(account(&updated)))
}

/// Erases a person. The ledger keeps what was done, and no longer says by whom.
#[delete("/accounts/{id}")]
async fn erase_account(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let headers = Headers::read_without_query(&app, &request, &helpdesk).await?;
    app.erase_account(&headers.caller.helpdesk, &AccountId::new(id), &headers.hand(&app)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn session(session: &Session) -> Value {
    json!({
        "id": session.id,
        "audience": session.audience,
        "surface": session.surface,
        "usersource": session.usersource,
        "version": session.version,
        "means": session.means.as_str(),
        "authenticated_at": session.authenticated_at,
        "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
    })
}

/// An account's live sessions, newest first.
#[get("/accounts/{id}/sessions")]
async fn list_sessions(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    reader.query(&request)?.finish()?;
    let sessions = app.accounts.sessions_of(&reader.caller.helpdesk, &AccountId::new(id), app.now()).await?;
    Ok(HttpResponse::Ok()
        .insert_header(etag(reader.version))
        .json(json!({"sessions": sessions.iter().map(session).collect::<Vec<_>>()})))
}

/// Ends all sessions of an account.
#[delete("/accounts/{id}/sessions")]
async fn end_sessions(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let headers = Headers::read_without_query(&app, &request, &helpdesk).await?;
    let ended = app.accounts.end_all_sessions(&headers.caller.helpdesk, &AccountId::new(id)).await?;
    Ok(HttpResponse::Ok().json(json!({"ended": ended})))
}

fn token(token: &Token) -> Value {
    json!({
        "id": token.id,
        "role": token.role.as_str(),
        "label": token.label,
        "owner": token.owner,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    })
}

/// The helpdesk's API tokens, without their secrets.
#[get("/tokens")]
async fn list_tokens(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    reader.query(&request)?.finish()?;
    let tokens = app.accounts.list_tokens(&reader.caller.helpdesk).await?;
    Ok(HttpResponse::Ok()
        .insert_header(etag(reader.version))
        .json(json!({"tokens": tokens.iter().map(token).collect::<Vec<_>>()})))
}

/// `{role, label, expires_in_days?}`: a token of the caller's. The answer is the only place where its secret is.
#[post("/tokens")]
async fn create_token(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let headers = Headers::read_without_query(&app, &request, &helpdesk).await?;
    let mut members = Members::parse(&body)?;
    let role = members.word::<Role>("role", "admin, auditor").unwrap_or(Role::Auditor);
    let label = members.required_text("label");
    let days = members.number("expires_in_days").unwrap_or(365);
    members.finish()?;
    if !(1..=3650).contains(&days) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", "expires_in_days is 1 to 3650"));
    }
    let now = app.now();
    let owner = headers.caller.account.id.clone();
    let new = NewToken { owner, role, label, expires_at: now.plus_seconds(DAY * days) };
    let (made, secret) = app.accounts.create_token(&headers.caller.helpdesk, &new, now).await?;
    let mut shown = token(&made);
    if let Some(members) = shown.as_object_mut() {
        members.insert("token".to_owned(), json!(secret.expose()));
    }
    Ok(HttpResponse::Created().insert_header(("Cache-Control", "no-store")).json(shown))
}

/// Makes a token worthless at once.
#[delete("/tokens/{id}")]
async fn revoke_token(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let headers = Headers::read_without_query(&app, &request, &helpdesk).await?;
    app.accounts.revoke_token(&headers.caller.helpdesk, &id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Attempts to sign in, newest first (R56): `account` `usersource` `outcome` `surface` `since` `until` `before` `limit`.
#[get("/sign-ins")]
async fn list_sign_ins(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    let mut query = reader.query(&request)?;
    let filter = SignInFilter {
        account: query.take("account").map(AccountId::new),
        usersource: query.take("usersource").map(UsersourceId::new),
        outcome: query.parsed("outcome", "admitted, refused or failed")?,
        surface: query.parsed("surface", "portal, agent or admin")?,
        since: query.time("since")?,
        until: query.time("until")?,
        before: query.parsed("before", "a place, as `next` says it")?,
    };
    let limit: u32 = query.parsed("limit", "a number")?.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    query.finish()?;
    let found = app.accounts.sign_ins(&reader.caller.helpdesk, &filter, limit).await?;
    let next = (found.len() == limit as usize).then(|| found.last().map(|s| s.place.to_string())).flatten();
    Ok(HttpResponse::Ok()
        .insert_header(etag(reader.version))
        .json(json!({"sign_ins": found.iter().map(sign_in).collect::<Vec<_>>(), "next": next})))
}

fn sign_in(attempt: &SignIn) -> Value {
    json!({
        "at": attempt.place.at,
        "surface": attempt.surface,
        "usersource": attempt.usersource,
        "outcome": attempt.outcome.as_str(),
        "reason": attempt.reason,
        "account": attempt.account,
        "ip": attempt.ip,
    })
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(list_accounts)
        .service(create_account)
        .service(update_account)
        .service(erase_account)
        .service(list_sessions)
        .service(end_sessions)
        .service(list_tokens)
        .service(create_token)
        .service(revoke_token)
        .service(list_sign_ins);
}
