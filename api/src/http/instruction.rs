//! What every command over HTTP has in common: who, the headers of R60, a dry run or the real thing, and the answer.

use super::entries::{self, AuditEntry};
use super::headers::{Headers, text};
use super::problem::Problem;
use crate::app::App;
use crate::authenticators;
use crate::caller::Caller;
use crate::commands::{Done, Rehearsal, Wish};
use crate::idempotency::Ask;
use crate::pages::options::LoginOptions;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, IF_MATCH, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use domain::{AuthConfig, Command, Recorded, Surface};
use serde::Serialize;
use serde_json::{Value, json};

/// A command's circumstances, read from its request.
#[derive(Debug)]
pub struct Instruction {
    /// Who.
    pub caller: Caller,
    headers: Headers,
    if_match: Option<u64>,
    ask: Option<Ask>,
    dry_run: bool,
}

impl Instruction {
    /// Reads who asks and the headers; refuses whoever may not change things.
    pub async fn read(app: &App, request: &HttpRequest, helpdesk: &str, body: &[u8]) -> Result<Self, Problem> {
        let headers = Headers::read(app, request, helpdesk).await?;
        Ok(Self {
            caller: headers.caller.clone(),
            if_match: text(request, IF_MATCH.as_str())?.map(|v| version(&v)).transpose()?,
            ask: ask(app, request, body)?,
            dry_run: dry_run(request)?,
            headers,
        })
    }

    /// Carries the commands out, or says what they would do.
    pub async fn give(self, app: &App, commands: Vec<Command>) -> Result<HttpResponse, Problem> {
        app.refuse_taken_url(&self.caller.helpdesk, &commands).await?;
        let dry_run = self.dry_run;
        let caller = self.caller.clone();
        let wish = self.wish(app, commands)?;
        if dry_run {
            let rehearsal = app.commands.rehearse(&Wish { accept_lockout: true, ..wish.clone() }, app.now()).await?;
            return Ok(rehearsed(app, &wish, &rehearsal));
        }
        let done = app.commands.execute(&wish, app.now()).await?;
        app.after(&wish.helpdesk, &done);
        answer(app, &caller, &done).await
    }

    /// The answer, if this request was carried out before under the same key (R60). To be asked before its commands are
    /// read against the present state, in which what they name may be gone.
    pub async fn answered_before(&self, app: &App) -> Result<Option<HttpResponse>, Problem> {
        let Some(ask) = self.ask.as_ref().filter(|_| !self.dry_run) else { return Ok(None) };
        let Caller { helpdesk, account, .. } = &self.caller;
        match app.commands.done_before(helpdesk, account.id.as_str(), ask, app.now()).await? {
            Some(done) => answer(app, &self.caller, &done).await.map(Some),
            None => Ok(None),
        }
    }

    fn wish(self, app: &App, commands: Vec<Command>) -> Result<Wish, Problem> {
        let hand = self.headers.hand(app)?;
        Ok(Wish {
            helpdesk: self.caller.helpdesk,
            commands,
            actor: hand.actor,
            via: hand.via,
            request: hand.request,
            reason: hand.reason,
            if_match: self.if_match,
            ask: self.ask,
            accept_lockout: hand.accept_lockout,
        })
    }
}

/// 201 with the place of what was installed, if that is all, else 200.
async fn answer(app: &App, caller: &Caller, done: &Done) -> Result<HttpResponse, Problem> {
    let helpdesk = &caller.helpdesk;
    let changes: Vec<AuditEntry> = entries::of_recorded(app, caller, &done.events).await?;
    let installed = match done.events.as_slice() {
        [Recorded { event: domain::Event::UsersourceInstalled { usersource, .. }, .. }] => Some(&usersource.id),
        _ => None,
    };
    let mut response = match installed {
        Some(id) => {
            let mut created = HttpResponse::Created();
            created.insert_header((LOCATION, format!("/api/helpdesks/{helpdesk}/usersources/{id}")));
            created
        }
        None => HttpResponse::Ok(),
    };
    Ok(response.insert_header(etag(done.version)).json(Carried { version: done.version, changes }))
}

/// What was carried out.
#[derive(Serialize)]
struct Carried {
    version: u64,
    changes: Vec<AuditEntry>,
}

fn rehearsed(app: &App, wish: &Wish, rehearsal: &Rehearsal) -> HttpResponse {
    let Rehearsal { before, after, events } = rehearsal;
    let pages: serde_json::Map<String, Value> = Surface::ALL
        .into_iter()
        .map(|surface| {
            let page = |state: &AuthConfig| {
                json!(LoginOptions::new(
                    &wish.helpdesk,
                    state.version,
                    &domain::offer::offer(surface, &state.entries())
                ))
            };
            (surface.to_string(), json!({"before": page(before), "after": page(after)}))
        })
        .collect();
    let verdict = json!({"way_in_before": before.has_way_in(), "way_in_after": after.has_way_in()});
    let accepted =
        |event: &&domain::Event| wish.accept_lockout || !matches!(event, domain::Event::LockoutAccepted { .. });
    let shown: Vec<Value> = events.iter().filter(accepted).map(entries::of_event).collect();
    HttpResponse::Ok().insert_header(etag(before.version)).json(json!({
        "version": before.version,
        "events": shown,
        "login_options": pages,
        "lockout": verdict,
        "warnings": warnings(app, wish, before, after),
    }))
}

fn warnings(app: &App, wish: &Wish, before: &AuthConfig, after: &AuthConfig) -> Vec<Value> {
    let mut warnings = Vec::new();
    if before.has_way_in() && !after.has_way_in() && !wish.accept_lockout {
        let detail = domain::Rejection::WouldLockOutAdmins.to_string();
        warnings.push(json!({"code": "would_lock_out_admins", "detail": detail}));
    }
    let changed = after.usersources.iter().filter(|u| before.usersource(&u.id).ok() != Some(*u));
    for usersource in changed {
        let Some(kind) = authenticators::kind(&usersource.kind) else { continue };
        for warning in authenticators::warnings(kind, &usersource.fields, app.now()) {
            warnings.push(json!({"code": warning.code, "detail": warning.detail, "usersource": usersource.id, "field": warning.field}));
        }
    }
    warnings
}

/// The version as an entity tag.
pub fn etag(version: u64) -> (actix_web::http::header::HeaderName, String) {
    (ETAG, format!("\"{version}\""))
}

fn version(text: &str) -> Result<u64, Problem> {
    let wrong = || {
        Problem::new(StatusCode::BAD_REQUEST, "malformed_header", "If-Match takes the version as in an ETag: \"17\"")
    };
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).ok_or_else(wrong)?.parse().map_err(|_| wrong())
}

fn ask(app: &App, request: &HttpRequest, body: &[u8]) -> Result<Option<Ask>, Problem> {
    let Some(key) = text(request, "idempotency-key")? else { return Ok(None) };
    let wrong = || {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_header",
            "Idempotency-Key takes 1 to 128 visible ASCII characters",
        )
    };
    Ask::new(&app.vault, &key, request.method().as_str(), request.path(), body).map(Some).ok_or_else(wrong)
}

fn dry_run(request: &HttpRequest) -> Result<bool, Problem> {
    match request.query_string() {
        "" | "dry_run=false" => Ok(false),
        "dry_run=true" => Ok(true),
        _ => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_query", "commands take dry_run=true and nothing else"))
        }
    }
}
