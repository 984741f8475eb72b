//! Installing, changing, enabling, disabling, ordering and uninstalling over HTTP.

use super::instruction::Instruction;
use super::members::Members;
use super::problem::Problem;
use super::wishes;
use crate::app::App;
use crate::store::Loaded;
use actix_web::{HttpRequest, HttpResponse, delete, patch, post, put, web};
use domain::{Audience, Command, HelpdeskId, UsersourceId};
use std::sync::Arc;

/// Installs a usersource, disabled (R3). 201.
#[post("/usersources")]
async fn install_usersource(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let instruction = Instruction::read(&app, &request, &helpdesk, &body).await?;
    let id = wishes::new_usersource_id();
    let command = wishes::install(&app, &instruction.caller.helpdesk, id, Members::parse(&body)?)?;
    instruction.give(&app, vec![command]).await
}

/// Sets and clears fields by a merge patch (RFC 7396). An absent secret stays.
#[patch("/usersources/{id}")]
async fn change_usersource(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let instruction = Instruction::read(&app, &request, &helpdesk, &body).await?;
    if let Some(answer) = instruction.answered_before(&app).await? {
        return Ok(answer);
    }
    let helpdesk = HelpdeskId::new(helpdesk);
    let id = UsersourceId::new(id);
    let read = |state: Arc<Loaded>, members| wishes::change(&app, &helpdesk, &state.state, id.clone(), members);
    // Secrets are judged beside the settings that are there, so they need the newest state. The rest needs to know the
    // usersource's kind and audience, which never change; only a refusal must come from the newest state.
    let members = Members::parse(&body)?;
    let from_memory =
        if members.has("settings") { None } else { read(app.ledger.load(&helpdesk).await?, members).ok() };
    let command = match from_memory {
        Some(command) => command,
        None => read(app.ledger.refresh(&helpdesk).await?, Members::parse(&body)?)?,
    };
    instruction.give(&app, vec![command]).await
}

/// Lets visitors sign in through it (R4).
#[post("/usersources/{id}/enable")]
async fn enable_usersource(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let instruction = Instruction::read(&app, &request, &helpdesk, &body).await?;
    Members::parse(&body)?.finish()?;
    instruction.give(&app, vec![Command::EnableUsersource { id: UsersourceId::new(id) }]).await
}

/// Lets nobody sign in through it any more (R13); `end_sessions` ends those who did (R28).
#[post("/usersources/{id}/disable")]
async fn disable_usersource(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let instruction = Instruction::read(&app, &request, &helpdesk, &body).await?;
    let command = wishes::disable(UsersourceId::new(id), Members::parse(&body)?)?;
    instruction.give(&app, vec![command]).await
}

/// Switches single sign-on (R10–R13); the answer names the displaced one too (R11).
#[put("/usersources/{id}/sso")]
async fn set_sso(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let instruction = Instruction::read(&app, &request, &helpdesk, &body).await?;
    let command = wishes::set_sso(UsersourceId::new(id), Members::parse(&body)?)?;
    instruction.give(&app, vec![command]).await
}

/// Puts an audience's usersources in order (R23, R26).
#[put("/audiences/{audience}/order")]
async fn set_order(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, audience) = path.into_inner();
    let instruction = Instruction::read(&app, &request, &helpdesk, &body).await?;
    let audience: Audience = audience.parse().map_err(|_| Problem::not_found())?;
    let command = wishes::set_order(audience, Members::parse(&body)?)?;
    instruction.give(&app, vec![command]).await
}

/// Uninstalls it, disabling it first if need be (R5).
#[delete("/usersources/{id}")]
async fn uninstall_usersource(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let instruction = Instruction::read(&app, &request, &helpdesk, &body).await?;
    Members::parse(&body)?.finish()?;
    instruction.give(&app, vec![Command::UninstallUsersource { id: UsersourceId::new(id) }]).await
}

/// Several commands as one atomic change.
#[post("/changes")]
async fn make_changes(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let instruction = Instruction::read(&app, &request, &helpdesk, &body).await?;
    if let Some(answer) = instruction.answered_before(&app).await? {
        return Ok(answer);
    }
    let helpdesk = &instruction.caller.helpdesk;
    let state = app.ledger.refresh(helpdesk).await?;
    let commands = wishes::batch(&app, helpdesk, &state.state, Members::parse(&body)?)?;
    instruction.give(&app, commands).await
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(install_usersource)
        .service(change_usersource)
        .service(enable_usersource)
        .service(disable_usersource)
        .service(set_sso)
        .service(set_order)
        .service(uninstall_usersource)
        .service(make_changes);
}
