//! Who is signed in: `/session` for a proxy, the small pages at home, and signing out (R20, R27).

use super::attempt_cookies as cookies;
use super::login::see_other;
use super::problem::Problem;
use super::session_cookie;
use super::visit::{Visit, opens};
use crate::app::App;
use crate::pages::notices::{Home, SignedOut};
use crate::pages::options::change_password_path;
use crate::pages::redirects::Onward;
use crate::read_models::LoginFront;
use crate::sign_in::Tried;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, get, post, web};
use domain::Surface;
use serde_json::json;

/// 200 with who it is, in JSON and in headers for a proxy's `auth_request`; 401 otherwise.
#[get("/session")]
async fn read_session(app: web::Data<App>, front: web::Data<LoginFront>, request: HttpRequest) -> HttpResponse {
    let found = async {
        let visit = Visit::of(&front, &request).await?;
        visit.session(&app, &request).await
    };
    match found.await {
        Ok(Some(session)) => {
            let account = &session.account;
            let usersource = session.usersource.as_ref().map(ToString::to_string);
            let mut response = HttpResponse::Ok();
            response
                .insert_header((CACHE_CONTROL, "no-store"))
                .insert_header(("X-Gateledger-Account", account.id.as_str()))
                .insert_header(("X-Gateledger-Audience", session.audience.as_str()))
                .insert_header(("X-Gateledger-Role", account.role.as_str()));
            if let Some(group) = account.group.as_deref().and_then(|group| HeaderValue::from_str(group).ok()) {
                response.insert_header(("X-Gateledger-Group", group));
            }
            if let Some(usersource) = &usersource {
                response.insert_header(("X-Gateledger-Usersource", usersource.as_str()));
            }
            response.json(json!({
                "account": {"id": account.id, "email": account.email, "name": account.name},
                "audience": session.audience,
                "roles": [account.role.as_str()],
                "group": account.group,
                "usersource": usersource,
                "authenticated_at": session.authenticated_at,
            }))
        }
        Ok(None) => Problem::unauthorized().error_response(),
        Err(page) if page.status() == StatusCode::SERVICE_UNAVAILABLE => {
            Problem::unavailable("unavailable", "Sessions cannot be read at the moment. Try again shortly.", 2)
                .error_response()
        }
        Err(_) => Problem::not_found().error_response(),
    }
}

/// Who one is, and the button to sign out. Guests see the portal's login page.
async fn home(
    app: &App,
    front: &LoginFront,
    request: &HttpRequest,
    surface: Surface,
) -> Result<HttpResponse, HttpResponse> {
    let visit = Visit::of(front, request).await?;
    let session = visit.session(app, request).await?.filter(|session| opens(session, surface));
    let Some(session) = session else { return Ok(see_other(surface.login_path())) };
    let head = app.ledger.refresh(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
    let usersource = session.usersource.as_ref().and_then(|id| head.state.usersource(id).ok());
    let through = usersource.map_or("", |u| u.title());
    let mut page =
        Home::new(visit.frame().at(surface), &session.account.name, session.account.email.as_deref(), through);
    if session.account.has_password && visit.own_passwords(session.audience) {
        let from = if session.audience == domain::Audience::Users { Surface::Portal } else { Surface::Agent };
        page = page.with_own_password(change_password_path(from));
    }
    Ok(visit.page(StatusCode::OK, &page))
}

/// Ends the session, here at once and for good.
#[post("/logout")]
async fn log_out(app: web::Data<App>, front: web::Data<LoginFront>, request: HttpRequest) -> HttpResponse {
    let ended = async {
        let visit = Visit::of_post(&front, &request).await?;
        let transport = visit.site.transport;
        let mut onward = None;
        if let Some(secret) = session_cookie::read(&request, transport) {
            let session = app.accounts.find_session(visit.helpdesk(), &secret, app.now()).await.ok().flatten();
            app.accounts.end_session(visit.helpdesk(), &secret).await.map_err(|error| visit.unavailable(&error))?;
            if let Some(session) = session {
                onward = app.provider_sign_out(&session).await;
            }
        }
        let mut response = match onward {
            Some(provider) => visit.page(StatusCode::OK, &Onward::sign_out(visit.frame(), &provider)),
            None => see_other("/signed-out"),
        };
        // Neither `automatic` nor a silent attempt signs them in again at once (R22, R25).
        for cookie in [
            session_cookie::no_session(transport),
            cookies::tried(transport, Tried::SignedOut),
            cookies::silent(transport),
        ] {
            let _ = response.add_cookie(&cookie);
        }
        Ok(response)
    };
    ended.await.unwrap_or_else(|page: HttpResponse| page)
}

/// Says that one is signed out, and does not redirect by itself (R27).
#[get("/signed-out")]
async fn signed_out(front: web::Data<LoginFront>, request: HttpRequest) -> HttpResponse {
    match Visit::of(&front, &request).await {
        Ok(visit) => visit.page(StatusCode::OK, &SignedOut::new(visit.frame(), Surface::Portal.login_path())),
        Err(page) => page,
    }
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(read_session).service(log_out).service(signed_out);
    for surface in Surface::ALL {
        config.service(web::resource(surface.home_path()).route(web::get().to(
            move |request: HttpRequest, app: web::Data<App>, front: web::Data<LoginFront>| async move {
                home(&app, &front, &request, surface).await.unwrap_or_else(|page| page)
            },
        )));
    }
}
