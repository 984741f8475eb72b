//! The audit trail: filters, keyset pages newest first, and export of exactly the filtered set (R52).

use super::entries::{self, AuditEntry};
use super::instruction::etag;
use super::problem::Problem;
use super::reading::Reader;
use crate::app::App;
use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, get, web};
use domain::{HelpdeskId, UsersourceId};
use projections::audit_search::{self, Filter, Page};
use projections::audit_trail;
use serde_json::json;
use std::collections::VecDeque;

/// Entries of a page, unless another number is asked for.
const PAGE_SIZE: u32 = 50;

/// The most entries of a page.
const LARGEST_PAGE: u32 = 200;

/// Entries read at once for an export.
const EXPORT_PAGE: u32 = 500;

/// Changes, newest first: `actor` `usersource` `action` `audience` `since` `until` `q` `before` `limit`.
/// `Accept: application/x-ndjson` or `text/csv` exports the whole filtered set.
#[get("/audit-trail")]
async fn search_audit_trail(
    app: web::Data<App>,
    request: HttpRequest,
    helpdesk: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    let mut query = reader.query(&request)?;
    let filter = Filter {
        actor: query.take("actor"),
        usersource: query.take("usersource").map(UsersourceId::new),
        action: query.take("action"),
        audience: query.parsed("audience", "users or agents")?,
        since: query.time("since")?,
        until: query.time("until")?,
        words: query.take("q"),
    };
    let before: Option<u64> = query.parsed("before", "a version")?;
    let limit: u32 = query.parsed("limit", "a number")?.unwrap_or(PAGE_SIZE).clamp(1, LARGEST_PAGE);
    query.finish()?;
    let format = Format::wanted(&request);
    if let Some(format) = format {
        return Ok(export(app, reader.caller.helpdesk, filter, before, format));
    }
    let Page { entries, next, version } =
        audit_search::search(&app.projector, &reader.caller.helpdesk, &filter, before, limit).await?;
    let entries = entries::of_rows(&app, &reader.caller.helpdesk, entries).await?;
    Ok(HttpResponse::Ok()
        .insert_header(etag(version))
        .json(json!({"version": version, "entries": entries, "next": next})))
}

/// One change in full: every event of the append to which this version belongs.
#[get("/audit-trail/{version}")]
async fn read_change(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (helpdesk, version) = path.into_inner();
    let reader = Reader::read(&app, &request, &helpdesk).await?;
    reader.query(&request)?.finish()?;
    let helpdesk = &reader.caller.helpdesk;
    let version: u64 = version.parse().map_err(|_| Problem::not_found())?;
    let entry = audit_trail::by_version(&app.projector, helpdesk, version).await?.ok_or_else(Problem::not_found)?;
    let rows = audit_trail::by_change(&app.projector, helpdesk, entry.first..=entry.last).await?;
    let entries = entries::of_rows(&app, helpdesk, rows).await?;
    Ok(HttpResponse::Ok().insert_header(etag(reader.version)).json(json!({
        "version": entry.last,
        "change": {"first": entry.first, "last": entry.last},
        "entries": entries,
    })))
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// One JSON object a line.
    Ndjson,
    /// RFC 4180, with a header line.
    Csv,
}

impl Format {
    fn wanted(request: &HttpRequest) -> Option<Self> {
        match request.headers().get(ACCEPT)?.to_str().ok()?.split(';').next()?.trim() {
            "application/x-ndjson" => Some(Self::Ndjson),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }

    fn line(self, entry: &AuditEntry) -> String {
        match self {
            Self::Ndjson => serde_json::to_string(entry).unwrap_or_default() + "\n",
            Self::Csv => csv(entry),
        }
    }
}

const CSV_HEADER: &str = "version,at,actor_id,actor_name,actor_role,actor_type,via,ip,request_id,reason,action,audience,usersource,sentence,changes,hash\r\n";

fn csv(entry: &AuditEntry) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let cells = [
        entry.version.to_string(),
        entry.at.to_string(),
        entry.actor.id.clone(),
        text(&entry.actor.name),
        text(&entry.actor.role),
        word(json!(entry.actor.kind)),
        word(json!(entry.via)),
        text(&entry.ip),
        text(&entry.request_id),
        text(&entry.reason),
        entry.action.clone(),
        entry.audience.map(|a| a.to_string()).unwrap_or_default(),
        entry.usersource.as_ref().map(|u| u.id.to_string()).unwrap_or_default(),
        entry.sentence.clone(),
        serde_json::to_string(&entry.changes).unwrap_or_default(),
        entry.hash.clone(),
    ];
    cells.iter().map(|c| cell(c)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// A quoted cell (RFC 4180). Stops: a spreadsheet taking what an admin typed for a formula.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

/// Streams the filtered set page by page, so that memory does not grow with it.
fn export(
    app: web::Data<App>,
    helpdesk: HelpdeskId,
    filter: Filter,
    before: Option<u64>,
    format: Format,
) -> HttpResponse {
    let (kind, name) = match format {
        Format::Ndjson => ("application/x-ndjson", "audit-trail.ndjson"),
        Format::Csv => ("text/csv; charset=utf-8", "audit-trail.csv"),
    };
    let head = (format == Format::Csv).then(|| web::Bytes::from_static(CSV_HEADER.as_bytes()));
    let start = (Some(before), VecDeque::from_iter(head));
    let lines = futures::stream::try_unfold(start, move |(next, mut ready)| {
        let (app, helpdesk, filter) = (app.clone(), helpdesk.clone(), filter.clone());
        async move {
            if let Some(bytes) = ready.pop_front() {
                return Ok(Some((bytes, (next, ready))));
            }
            let Some(before) = next else { return Ok::<_, Problem>(None) };
            let page = audit_search::search(&app.projector, &helpdesk, &filter, before, EXPORT_PAGE).await?;
            let entries = entries::of_rows(&app, &helpdesk, page.entries).await?;
            let text: String = entries.iter().map(|entry| format.line(entry)).collect();
            Ok(Some((web::Bytes::from(text), (page.next.map(Some), ready))))
        }
    });
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(lines)
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(search_audit_trail).service(read_change);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_quotes_are_doubled() {
        assert_eq!(cell("a \"b\",\r\nc"), "\"a \"\"b\"\",\r\nc\"");
        for typed in ["=1+1", "+1", "-1", "@x", "\tx"] {
            assert_eq!(cell(typed), format!("\"'{typed}\""));
        }
    }
}
