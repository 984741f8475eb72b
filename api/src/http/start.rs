//! Where a sign-in through a provider begins. This version configures the redirect kinds and does not sign in through
//! them yet: it says so, rather than send anybody anywhere.

use super::visit::Visit;
use crate::app::App;
use crate::read_models::LoginFront;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use domain::UsersourceId;

/// The beginning of an attempt, judged by the head of the stream (R28): what is disabled or unknown is not there.
#[get("/auth/{usersource}/start")]
async fn start(
    app: web::Data<App>,
    front: web::Data<LoginFront>,
    request: HttpRequest,
    usersource: web::Path<String>,
) -> HttpResponse {
    let page = async {
        let visit = Visit::of(&front, &request).await?;
        let head = app.ledger.refresh(visit.helpdesk()).await.map_err(|error| visit.unavailable(&error))?;
        let id = UsersourceId::new(usersource.into_inner());
        let found = head.state.usersource(&id).ok().filter(|u| u.enabled && !u.capabilities.built_in);
        let found = found.ok_or_else(|| visit.not_found())?;
        let texts = visit.texts();
        Ok(visit.message(StatusCode::NOT_IMPLEMENTED, found.title(), texts.not_in_this_version))
    };
    page.await.unwrap_or_else(|refused: HttpResponse| refused)
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(start);
}
