//! Reading the configuration: the catalogue of kinds, the usersources with their badges, the policies (R14).

use super::instruction::{Instruction, etag};
use super::members::Members;
use super::problem::Problem;
use super::reading::Reader;
use super::wishes;
use crate::app::App;
use crate::authenticators;
use actix_web::{HttpRequest, HttpResponse, get, patch, web};
use domain::{Audience, AuthConfig, UsersourceId};
use projections::usersources::{self, Listed};
use serde_json::{Map, Value, json};

/// Every kind with all its fields.
#[get("/kinds")]
async fn list_kinds(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    reader.query(&request)?.finish()?;
    Ok(HttpResponse::Ok().insert_header(etag(reader.version)).json(authenticators::catalogue_json()))
}

/// The usersources in the admins' order, of one audience or of both.
#[get("/usersources")]
async fn list_usersources(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    let mut query = reader.query(&request)?;
    let audience: Option<Audience> = query.parsed("audience", "users or agents")?;
    query.finish()?;
    let (rows, version) = usersources::list(&app.projector, &reader.caller.helpdesk, audience).await?;
    let loaded = app.ledger.refresh(&reader.caller.helpdesk).await?;
    let shown: Vec<Value> = rows.iter().map(|row| show(&app, &reader, &loaded.state, row)).collect();
    Ok(HttpResponse::Ok().insert_header(etag(version)).json(json!({"version": version, "usersources": shown})))
}

/// One usersource.
#[get("/usersources/{id}")]
async fn read_usersource(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, id) = path.into_inner();
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    reader.query(&request)?.finish()?;
    let id = UsersourceId::new(id);
    let (row, version) = usersources::by_id(&app.projector, &reader.caller.helpdesk, &id).await?;
    let row = row.ok_or(domain::Rejection::UnknownUsersource(id))?;
    let loaded = app.ledger.refresh(&reader.caller.helpdesk).await?;
    Ok(HttpResponse::Ok().insert_header(etag(version)).json(show(&app, &reader, &loaded.state, &row)))
}

/// A usersource as admins and auditors see it: secrets as fingerprints, outputs to copy, what to worry about.
fn show(app: &App, reader: &Reader, state: &AuthConfig, listed: &Listed) -> Value {
    let row = &listed.usersource;
    let mut settings = Map::new();
    let mut provisioning = Map::new();
    let mut own = Map::new();
    for (field, setting) in row.fields.iter() {
        let name = field.as_str();
        match (name.strip_prefix("settings."), name.strip_prefix("provisioning.")) {
            (Some(name), _) => settings.insert(name.to_owned(), setting.shown()),
            (_, Some(name)) => provisioning.insert(name.to_owned(), setting.shown()),
            (None, None) => own.insert(name.to_owned(), setting.shown()),
        };
    }
    let mut take = |name: &str| own.remove(name).unwrap_or_default();
    let kind = authenticators::kind(&row.kind);
    let base = app.base_url(&reader.caller.helpdesk);
    let displaced = listed.displaced.as_ref().map(|d| json!({"by": d.by, "at": d.at}));
    let digest = row.sign_in_digest();
    let proven = state.proofs.iter().any(|p| p.usersource == row.id && p.digest == digest);
    json!({
        "id": row.id,
        "kind": row.kind,
        "audience": row.audience,
        "title": take("title"),
        "button_text": take("button_text"),
        "filter": take("filter"),
        "provisioning": provisioning,
        "settings": settings,
        "enabled": row.enabled,
        "sso": {"mode": row.sso, "displaced": displaced},
        "installed_at": listed.installed_at,
        "revision": row.revision,
        "proof": {"digest": digest, "proven": proven},
        "sessions_valid_from": row.sessions_valid_from,
        "outputs": kind.map(|kind| authenticators::outputs(kind, &base, &row.id)),
        "certificate_expires_at": kind.and_then(|kind| authenticators::certificate_expiry(kind, &row.fields)),
        "warnings": kind.map(|kind| authenticators::warnings(kind, &row.fields, app.now())),
    })
}

/// Name, URL and both audiences' policies.
#[get("/policies")]
async fn read_policies(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    reader.query(&request)?.finish()?;
    let loaded = app.ledger.refresh(&reader.caller.helpdesk).await?;
    let state = &loaded.state;
    Ok(HttpResponse::Ok().insert_header(etag(state.version)).json(json!({
        "version": state.version,
        "helpdesk": {"name": state.name, "url": state.url},
        "users": state.policy(Audience::Users),
        "agents": state.policy(Audience::Agents),
    })))
}

/// `{helpdesk?: {name?, url?}, users?: {…}, agents?: {…}}`: what is named changes, as one change.
#[patch("/policies")]
async fn change_policies(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let instruction = Instruction::read(&app, &request, &helpdesk, &body).await?;
    let mut members = Members::parse(&body)?;
    let mut commands = Vec::new();
    if let Some(inner) = members.object("helpdesk") {
        commands.push(wishes::change_helpdesk(inner)?);
    }
    for audience in Audience::ALL {
        if let Some(inner) = members.object(audience.as_str()) {
            commands.push(wishes::change_policy(audience, inner)?);
        }
    }
    members.finish()?;
    instruction.give(&app, commands).await
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(list_kinds)
        .service(list_usersources)
        .service(read_usersource)
        .service(read_policies)
        .service(change_policies);
}
