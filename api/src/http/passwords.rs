//! Lost and changed passwords (R24): they exist while `deskpro` is enabled for the person's audience and nobody is
//! `automatic` there, and stop working the moment that ends, also for links that were mailed before.
//!
//! Stops: learning from the page, its words or its time who has an account (the same answer always; looking up and
//! mailing happen after it); a stolen session that outlives a new password (all sessions end); flooding a mailbox; asking oftener than mails can be written, until memory is full.

use super::login::see_other;
use super::visit::Visit;
use super::{public, session_cookie};
use crate::accounts::passwords::check_new;
use crate::accounts::{Account, AccountsError, NewLink, Purpose, Role, Session};
use crate::app::App;
use crate::pages::Notice;
use crate::pages::notices::Message;
use crate::pages::options::{change_password_path, lost_password_path};
use crate::pages::passwords::{ChangePassword, LostPassword, LostPasswordSent, ResetPassword};
use crate::people::Hand;
use crate::read_models::LoginFront;
use crate::sign_in::Refused;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use domain::offer::offer;
use domain::{Actor, ActorType, Audience, AuthConfig, HelpdeskId, Surface, Via};
use std::sync::Arc;
use zeroize::Zeroizing;

/// How long a mailed link works, in seconds.
const LINK_LIFE: i64 = 3_600;

/// A person is mailed no oftener than once in so many seconds.
const MAIL_PAUSE: i64 = 60;

/// Where a mailed link leads.
const RESET: &str = "/reset-password";

type Page = Result<HttpResponse, HttpResponse>;

/// By whose rules an account's password lives, wherever its person stands.
fn audience_of(role: Role) -> Audience {
    match role {
        Role::User => Audience::Users,
        Role::Admin | Role::Auditor | Role::Agent => Audience::Agents,
    }
}

/// R24, judged on the state itself: a page in memory may be a moment behind another node.
fn allowed(state: &AuthConfig, audience: Audience) -> bool {
    let surface = match audience {
        Audience::Users => Surface::Portal,
        Audience::Agents => Surface::Agent,
    };
    offer(surface, &state.entries()).form.is_some_and(|form| form.own_passwords)
}

async fn ask_lost(front: &LoginFront, request: &HttpRequest, surface: Surface) -> Page {
    let visit = Visit::of(front, request).await?;
    if !visit.own_passwords(surface.audience()) {
        return Err(visit.not_found());
    }
    Ok(visit.page(StatusCode::OK, &LostPassword::new(visit.frame(), surface)))
}

/// What is typed on the page of a lost password.
#[derive(serde::Deserialize)]
struct Lost {
    email: String,
}

async fn send_link(
    app: web::Data<App>,
    front: &LoginFront,
    request: &HttpRequest,
    surface: Surface,
    lost: Lost,
) -> Page {
    let visit = Visit::of_post(front, request).await?;
    if !visit.own_passwords(surface.audience()) {
        return Err(visit.not_found());
    }
    let helpdesk = visit.helpdesk().clone();
    let (base, name) = (visit.site.origin.clone(), visit.surfaces.name.clone());
    // Refused alike for whoever is asked for.
    let turn = Arc::clone(&app.mailing).try_acquire_owned().map_err(|_| public::unavailable(visit.site.transport))?;
    // After the answer: nobody can tell by its time whether there is such an account.
    tokio::spawn(async move {
        if let Err(error) = mail_link(&app, &helpdesk, &lost.email, &base, &name).await {
            tracing::error!(error = %error, "a password link could not be sent");
        }
        drop(turn);
    });
    Ok(visit.page(StatusCode::OK, &LostPasswordSent::new(visit.frame(), surface.login_path())))
}

async fn mail_link(app: &App, helpdesk: &HelpdeskId, email: &str, base: &str, name: &str) -> anyhow::Result<()> {
    let now = app.now();
    let Some(account) = app.accounts.by_email(helpdesk, email).await? else { return Ok(()) };
    let head = app.ledger.refresh(helpdesk).await?;
    if !account.active || !allowed(&head.state, audience_of(account.role)) {
        return Ok(());
    }
    let usersource = head.state.of(audience_of(account.role)).find(|u| u.capabilities.built_in).map(|u| u.id.clone());
    let link = NewLink {
        usersource,
        version: Some(head.state.version),
        ..NewLink::lasting(Purpose::ResetPassword, now.plus_seconds(LINK_LIFE))
    };
    let since = now.plus_seconds(-MAIL_PAUSE);
    let issued = app.accounts.issue_link_unless_since(helpdesk, &account.id, &link, since, now).await?;
    let Some(secret) = issued else { return Ok(()) };
    let text = format!(
        "Somebody, most likely you, asked for a new password at {name}.\n\n\
         Open this link within an hour to choose one:\n{base}{RESET}?token={}\n\n\
         If it was not you, do nothing: the password stays as it is.\n",
        secret.expose()
    );
    let Some(address) = &account.email else { return Ok(()) };
    app.mailer.send(address, &format!("Your password at {name}"), &text).await?;
    Ok(())
}

/// What a mailed link brings along.
#[derive(serde::Deserialize)]
struct Token {
    token: String,
}

/// The account whose password the link may set now, or the page that says that it does not work.
async fn linked(app: &App, visit: &Visit, token: &str) -> Result<Account, HttpResponse> {
    let dead = || visit.message(StatusCode::NOT_FOUND, visit.texts().link_expired, visit.texts().not_found_help);
    let failed = |error: AccountsError| visit.unavailable(&error);
    let link = app
        .accounts
        .peek_link(visit.helpdesk(), token, app.now())
        .await
        .map_err(failed)?
        .filter(|link| link.purpose == Purpose::ResetPassword)
        .ok_or_else(dead)?;
    let id = link.account.ok_or_else(dead)?;
    let account = app.accounts.by_id(visit.helpdesk(), &id).await.map_err(failed)?.ok_or_else(dead)?;
    let head = app.ledger.refresh(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
    if account.active && allowed(&head.state, audience_of(account.role)) { Ok(account) } else { Err(dead()) }
}

async fn ask_reset(app: &App, front: &LoginFront, request: &HttpRequest, token: Token) -> Page {
    let visit = Visit::of(front, request).await?;
    let account = linked(app, &visit, &token.token).await?;
    let least = least(app, &visit, account.role).await?;
    Ok(visit.page(StatusCode::OK, &ResetPassword::new(visit.frame(), RESET, &token.token, least)))
}

/// What is typed on the page of a mailed link.
#[derive(serde::Deserialize)]
struct Reset {
    token: String,
    password: Zeroizing<String>,
}

async fn reset(app: &App, front: &LoginFront, request: &HttpRequest, typed: Reset) -> Page {
    let visit = Visit::of_post(front, request).await?;
    let account = linked(app, &visit, &typed.token).await?;
    let hash = match new_hash(app, &visit, &account, typed.password).await? {
        Ok(hash) => hash,
        Err(sentence) => {
            let least = least(app, &visit, account.role).await?;
            let frame = visit.frame().with_notice(Notice::Problem(&sentence));
            let page = ResetPassword::new(frame, RESET, &typed.token, least);
            return Ok(visit.page(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let outcome = async {
        app.accounts.mark_standing_due(visit.helpdesk(), &account.id, app.now()).await?;
        app.accounts.reset_password(visit.helpdesk(), &typed.token, &hash, app.now()).await?;
        app.settle_standing(visit.helpdesk(), &account.id, &hand(app, &account, request)?).await
    };
    match outcome.await {
        Ok(()) => {
            let texts = visit.texts();
            let login = if account.role == Role::User { Surface::Portal } else { Surface::Agent }.login_path();
            let page = Message::new(visit.frame(), texts.password_saved, texts.password_saved_help);
            Ok(visit.page(StatusCode::OK, &page.with_link(login, texts.sign_in)))
        }
        Err(crate::people::PeopleError::Accounts(AccountsError::LinkUsed)) => {
            Err(visit.message(StatusCode::NOT_FOUND, visit.texts().link_expired, visit.texts().not_found_help))
        }
        Err(error) => Err(visit.unavailable(&error)),
    }
}

/// Who is signed in and has a password of ours that may be changed here.
async fn changer(app: &App, visit: &Visit, request: &HttpRequest) -> Result<Session, HttpResponse> {
    let session = visit.session(app, request).await?.ok_or_else(|| see_other(Surface::Portal.login_path()))?;
    let head = app.ledger.refresh(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
    let may = session.account.has_password && allowed(&head.state, audience_of(session.account.role));
    if may { Ok(session) } else { Err(visit.not_found()) }
}

async fn ask_change(app: &App, front: &LoginFront, request: &HttpRequest, surface: Surface) -> Page {
    let visit = Visit::of(front, request).await?;
    if !visit.own_passwords(surface.audience()) {
        return Err(visit.not_found());
    }
    let session = changer(app, &visit, request).await?;
    let least = least(app, &visit, session.account.role).await?;
    Ok(visit.page(StatusCode::OK, &ChangePassword::new(visit.frame(), surface, session.account.login(), least)))
}

/// What is typed on the page that changes a password.
#[derive(serde::Deserialize)]
struct Changed {
    current_password: Zeroizing<String>,
    password: Zeroizing<String>,
}

async fn change(app: &App, front: &LoginFront, request: &HttpRequest, surface: Surface, typed: Changed) -> Page {
    let visit = Visit::of_post(front, request).await?;
    if !visit.own_passwords(surface.audience()) {
        return Err(visit.not_found());
    }
    let session = changer(app, &visit, request).await?;
    let account = &session.account;
    let least = least(app, &visit, account.role).await?;
    let refuse = |sentence: &str| {
        let frame = visit.frame().with_notice(Notice::Problem(sentence));
        visit.page(StatusCode::UNPROCESSABLE_ENTITY, &ChangePassword::new(frame, surface, account.login(), least))
    };
    let browser = session_cookie::read_browser(request, visit.site.transport);
    let ip = app.peer(request).ip();
    match app.confirm_password(account, typed.current_password, surface, ip, browser.as_deref()).await {
        Ok(()) => {}
        Err(Refused::Unavailable | Refused::Busy) => return Err(visit.unavailable(&Refused::Unavailable)),
        Err(refused) => return Ok(refuse(visit.texts().refusal(&refused))),
    }
    let hash = match new_hash(app, &visit, account, typed.password).await? {
        Ok(hash) => hash,
        Err(sentence) => return Ok(refuse(&sentence)),
    };
    let kept = session_cookie::read(request, visit.site.transport).unwrap_or_default();
    let outcome = async {
        app.accounts.set_password_hash(visit.helpdesk(), &account.id, &hash).await?;
        app.accounts.end_other_sessions(visit.helpdesk(), &account.id, &kept).await
    };
    outcome.await.map_err(|error| visit.unavailable(&error))?;
    let texts = visit.texts();
    Ok(visit.message(StatusCode::OK, texts.password_saved, texts.password_changed_help))
}

/// The hash of a new password, or the sentence that says what is wrong with it.
async fn new_hash(
    app: &App,
    visit: &Visit,
    account: &Account,
    password: Zeroizing<String>,
) -> Result<Result<String, String>, HttpResponse> {
    let head = app.ledger.refresh(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
    let policy = head.state.policy(audience_of(account.role));
    if let Err(fault) = check_new(&password, &policy, account.login(), &account.name) {
        return Ok(Err(fault.to_string()));
    }
    app.passwords.hash(password).await.map(Ok).map_err(|error| visit.unavailable(&error))
}

async fn least(app: &App, visit: &Visit, role: Role) -> Result<u32, HttpResponse> {
    let head = app.ledger.refresh(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
    Ok(u32::try_from(head.state.policy(audience_of(role)).password_min_length).unwrap_or(12))
}

/// The person themselves, as the ledger names them.
pub fn hand(app: &App, account: &Account, request: &HttpRequest) -> Result<Hand, crate::people::PeopleError> {
    let actor = Actor {
        id: account.id.to_string(),
        kind: ActorType::Person,
        role: Some(account.role.as_str().to_owned()),
        personal: app.seal_personal(account, Some(&app.peer(request).address()))?,
        acting_for: None,
    };
    let request = Some(super::request::request_id(request));
    Ok(Hand { actor, via: Via::Console, request, reason: None, accept_lockout: false })
}

fn either(page: Page) -> HttpResponse {
    page.unwrap_or_else(|refused| refused)
}

/// The pages of passwords: one pair for the portal, one for the agents' and the admins' pages.
pub fn configure(config: &mut web::ServiceConfig) {
    type Shared = (web::Data<App>, web::Data<LoginFront>);
    for surface in [Surface::Portal, Surface::Agent] {
        config
            .service(
                web::resource(lost_password_path(surface))
                    .route(web::get().to(move |r: HttpRequest, f: web::Data<LoginFront>| async move {
                        either(ask_lost(&f, &r, surface).await)
                    }))
                    .route(web::post().to(move |r: HttpRequest, (a, f): Shared, t: web::Form<Lost>| async move {
                        either(send_link(a, &f, &r, surface, t.into_inner()).await)
                    })),
            )
            .service(
                web::resource(change_password_path(surface))
                    .route(web::get().to(move |r: HttpRequest, (a, f): Shared| async move {
                        either(ask_change(&a, &f, &r, surface).await)
                    }))
                    .route(web::post().to(move |r: HttpRequest, (a, f): Shared, t: web::Form<Changed>| async move {
                        either(change(&a, &f, &r, surface, t.into_inner()).await)
                    })),
            );
    }
    config.service(
        web::resource(RESET)
            .route(web::get().to(|r: HttpRequest, (a, f): Shared, t: web::Query<Token>| async move {
                either(ask_reset(&a, &f, &r, t.into_inner()).await)
            }))
            .route(web::post().to(|r: HttpRequest, (a, f): Shared, t: web::Form<Reset>| async move {
                either(reset(&a, &f, &r, t.into_inner()).await)
            })),
    );
}
