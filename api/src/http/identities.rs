//! A person's own ways to sign in: linking and unlinking identities, after a fresh sign-in (R30).
//!
//! Stops: somebody at an unattended screen, or with a stolen session, who links an identity of their own to the account
//! and keeps it for good; another site that leads somebody into linking (it begins by a post from our own page).

use super::auth::{self, required_session};
use super::login::see_other;
use super::problem::Problem;
use super::reading::Reader;
use super::visit::Visit;
use super::{headers::Headers, instruction::etag};
use crate::accounts::{AccountsError, Identity, Session};
use crate::app::App;
use crate::commands::CommandError;
use crate::pages::options::start_url;
use crate::pages::redirects::{Freshness, Identities, LinkedIdentity};
use crate::people::PeopleError;
use crate::read_models::LoginFront;
use crate::sign_in::redirecting::redirect_kind;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, get, web};
use domain::AccountId;
use serde_json::{Value, json};

/// Where a person sees their identities.
pub const PATH: &str = "/identities";

async fn show(app: &App, front: &LoginFront, request: &HttpRequest) -> Result<HttpResponse, HttpResponse> {
    let visit = Visit::of(front, request).await?;
    let session = required_session(app, &visit, request).await?;
    let head = app.ledger.refresh(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
    let found = app.accounts.identities_of(visit.helpdesk(), &session.account.id).await;
    let found = found.map_err(|error| visit.unavailable(&error))?;
    let linked: Vec<_> = found
        .into_iter()
        .map(|identity| {
            let usersource = head.state.usersource(&identity.key.usersource).ok();
            let title = usersource.map_or_else(|| identity.key.usersource.to_string(), |u| u.title().to_owned());
            LinkedIdentity { id: identity.id, title, subject: identity.key.subject }
        })
        .collect();
    let linkable: Vec<_> = head
        .state
        .of(session.audience)
        .filter(|usersource| usersource.enabled && redirect_kind(&usersource.kind).is_some())
        .map(|usersource| (usersource.id.to_string(), usersource.title().to_owned()))
        .collect();
    let through = session.usersource.as_ref().and_then(|id| head.state.usersource(id).ok());
    let again = through.filter(|usersource| redirect_kind(&usersource.kind).is_some());
    let again = again.map(|usersource| format!("{}?again=1&return_to={PATH}", start_url(&usersource.id)));
    let standing = match &again {
        _ if session.is_fresh(app.now()) => Freshness::Fresh,
        Some(path) => Freshness::AskAgain(path),
        None => Freshness::Stale,
    };
    let page = Identities::new(visit.frame(), &linked, &linkable, standing);
    Ok(visit.page(StatusCode::OK, &page))
}

/// What a person wants of their identities: one of the two.
#[derive(serde::Deserialize)]
struct Wish {
    link: Option<String>,
    unlink: Option<String>,
}

async fn change(
    app: &App,
    front: &LoginFront,
    request: &HttpRequest,
    wish: Wish,
) -> Result<HttpResponse, HttpResponse> {
    let visit = Visit::of_post(front, request).await?;
    let session: Session = required_session(app, &visit, request).await?;
    let texts = visit.texts();
    if !session.is_fresh(app.now()) {
        return Err(visit.message(StatusCode::FORBIDDEN, texts.refused, texts.identities_fresh));
    }
    match (wish.link, wish.unlink) {
        (Some(usersource), None) => auth::begin_link(app, front, request, &session, &usersource).await,
        (None, Some(id)) => unlink(app, &visit, request, &session, &id).await,
        (Some(_), Some(_)) | (None, None) => Err(visit.not_found()),
    }
}

async fn unlink(
    app: &App,
    visit: &Visit,
    request: &HttpRequest,
    session: &Session,
    id: &str,
) -> Result<HttpResponse, HttpResponse> {
    let (helpdesk, account) = (visit.helpdesk(), &session.account);
    let head = app.ledger.refresh(helpdesk).await.map_err(|error| visit.unavailable(&error))?;
    let all = app.accounts.identities_of(helpdesk, &account.id).await.map_err(|error| visit.unavailable(&error))?;
    // The portal's session is the weaker one: it takes nothing away from the agents' side.
    let of_this_audience = all.iter().find(|identity| identity.id == id).is_some_and(|identity| {
        head.state.usersource(&identity.key.usersource).map_or(true, |u| u.audience == session.audience)
    });
    if !of_this_audience {
        return Err(visit.not_found());
    }
    let hand = app.own_hand(account, Some(&app.peer(request).address()), "unlinked by its owner");
    let hand = hand.map_err(|error| visit.unavailable(&error))?;
    match app.unlink_identity(helpdesk, &account.id, id, hand).await {
        Ok(()) => Ok(see_other(PATH)),
        Err(PeopleError::Accounts(AccountsError::Unknown)) => Err(visit.not_found()),
        Err(PeopleError::Command(CommandError::Rejected(_))) => {
            let texts = visit.texts();
            Err(visit.message(StatusCode::CONFLICT, texts.refused, texts.identities_last))
        }
        Err(error) => Err(visit.unavailable(&error)),
    }
}

fn identity(identity: &Identity) -> Value {
    json!({
        "id": identity.id,
        "usersource": identity.key.usersource,
        "issuer": identity.key.issuer,
        "subject": identity.key.subject,
        "linked_at": identity.linked_at,
        "last_used_at": identity.last_used_at,
    })
}

/// An account's identities, oldest first.
#[get("/accounts/{id}/identities")]
async fn list_identities(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    reader.query(&request)?.finish()?;
    let found = app.accounts.identities_of(&reader.caller.helpdesk, &AccountId::new(id)).await?;
    Ok(HttpResponse::Ok()
        .insert_header(etag(reader.version))
        .json(json!({"identities": found.iter().map(identity).collect::<Vec<_>>()})))
}

/// Takes an identity away from its account, with the sessions that it made.
#[delete("/accounts/{id}/identities/{identity}")]
async fn unlink_identity(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id, identity) = path.into_inner();
    let headers = Headers::read_without_query(&app, &request, &helpdesk).await?;
    let hand = headers.hand(&app)?;
    app.unlink_identity(&headers.caller.helpdesk, &AccountId::new(id), &identity, hand).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The pages of this file.
pub fn configure_pages(config: &mut web::ServiceConfig) {
    config.service(
        web::resource(PATH)
            .route(web::get().to(
                |app: web::Data<App>, front: web::Data<LoginFront>, request: HttpRequest| async move {
                    show(&app, &front, &request).await.unwrap_or_else(|page| page)
                },
            ))
            .route(
                web::post().to(
                    |app: web::Data<App>,
                     front: web::Data<LoginFront>,
                     request: HttpRequest,
                     wish: web::Form<Wish>| async move {
                        change(&app, &front, &request, wish.into_inner()).await.unwrap_or_else(|page| page)
                    },
                ),
            ),
    );
}

/// The calls of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(list_identities).service(unlink_identity);
}
