//! Errors as JSON for programs: RFC 9457, with a stable `code` and a `detail` that says what to do.

use std::borrow::Cow;
use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};

/// The media type.
pub static CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Which field.
    pub field: String,
    /// A stable code.
    pub code: String,
    /// What to do about it.
    pub detail: String,
}

impl From<domain::Fault> for FieldProblem {
    fn from(fault: domain::Fault) -> Self {
        Self { field: fault.field.as_str().to_owned(), code: fault.code, detail: fault.detail }
    }
}

/// An error that a program can act upon. Small to hand around: its members are on the heap.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Members>);

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Members {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    detail: Cow<'static, str>,
    code: Cow<'static, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    #[serde(flatten)]
    extra: Map<String, Value>,
    #[serde(skip)]
    retry_after: Option<u32>,
}

impl Problem {
    /// Any error. The title is what HTTP calls the status; `code` is for programs and `detail` for people.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Members {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            code: code.into(),
            errors: Vec::new(),
            extra: Map::new(),
            retry_after: None,
        }))
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: nobody is named, or not rightly.
    pub fn unauthorized() -> Self {
        let detail = "Send an API token as `Authorization: Bearer …`, or sign in.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 403: who it is may not do this.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404: it is not there, or not for this caller.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address for you. Check it.")
    }

    /// 422: understood, and refused.
    pub fn refused(code: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429: too often; come back after so many seconds.
    pub fn rate_limited(seconds: u32) -> Self {
        let detail = "Too many requests. Wait as long as `Retry-After` says.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail).retry_after(seconds)
    }

    /// 500: a fault of ours. The cause is in the log, never in the answer.
    pub fn internal() -> Self {
        let detail = "Something went wrong on our side. It was logged. Try again, and tell the people who run this.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// 501: this program does not do that.
    pub fn not_implemented(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "not_implemented", detail)
    }

    /// 503: not now; come back after so many seconds.
    pub fn unavailable(code: &'static str, detail: impl Into<Cow<'static, str>>, seconds: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(seconds)
    }

    /// The same with the fields at fault.
    pub fn with_errors(mut self, errors: impl IntoIterator<Item = impl Into<FieldProblem>>) -> Self {
        self.0.errors.extend(errors.into_iter().map(Into::into));
        self
    }

    /// The same with one more member. The standard's own names are not taken.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !matches!(name, "type" | "title" | "status" | "detail" | "code" | "errors") {
            self.0.extra.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The same with a time to come back, in seconds.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The same, saying which part of a larger request is meant.
    pub fn at(mut self, place: &str) -> Self {
        self.0.detail = format!("{place}: {}", self.0.detail).into();
        self
    }

    /// Its stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status.as_u16(), self.0.code, self.0.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        response.insert_header((CACHE_CONTROL, "no-store")).content_type(CONTENT_TYPE.clone());
        if let Some(seconds) = self.0.retry_after {
            response.insert_header((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        response.body(serde_json::to_vec(self).unwrap_or_default())
    }
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use actix_web::http::header;
    use serde_json::json;

    #[actix_web::test]
    async fn a_problem_has_the_standards_shape_and_its_own_members() {
        let fault = domain::Fault::new(&domain::Field::setting("sso_url"), "required", "Give the address.");
        let problem = Problem::refused("settings_incomplete", "Fill in what is missing.")
            .with_errors([fault])
            .with("version", 3)
            .with("status", 200);
        let response = problem.error_response();
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
        assert_eq!(response.headers().get(CACHE_CONTROL).unwrap(), "no-store");
        let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"type": "about:blank", "title": "Unprocessable Entity", "status": 422, "code": "settings_incomplete",
                   "detail": "Fill in what is missing.", "version": 3,
                   "errors": [{"field": "settings.sso_url", "code": "required", "detail": "Give the address."}]})
        );
    }

    #[test]
    fn a_problem_that_passes_says_when_to_come_back() {
        let seconds = |problem: Problem| problem.error_response().headers().get(RETRY_AFTER).cloned().unwrap();
        assert_eq!(seconds(Problem::unavailable("lagging", "Wait.", 5)), "5");
        assert_eq!(seconds(Problem::rate_limited(9)), "9");
        assert!(Problem::not_found().error_response().headers().get(RETRY_AFTER).is_none());
        assert!(Problem::unauthorized().error_response().headers().contains_key(WWW_AUTHENTICATE));
    }
}
