//! All routes, and what lies around them: limits, the answers to what cannot be read, and one log line for each
//! request that changes or reads something of an admin's. The hot path has nothing around it.

use super::problem::Problem;
use super::{
    assets, audit_trail, auth, configuration, health, identities, login, openapi, passwords, people, public, session,
    setup, source_tests, usersources,
};
use crate::app::App;
use crate::read_models::LoginFront;
use crate::read_models::ReadModels;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{InternalError, PathError, QueryPayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError as _, web};
use std::time::Instant;

/// The largest body of a command, in bytes. Certificates and metadata are the largest things that anybody sends.
const LARGEST_BODY: usize = 1_048_576;

/// The largest form, in bytes.
const LARGEST_FORM: usize = 16_384;

/// Everything under one address.
pub fn configure(app: web::Data<App>, front: web::Data<LoginFront>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(app)
            .app_data(front)
            .app_data(web::PayloadConfig::new(LARGEST_BODY))
            .app_data(web::FormConfig::default().limit(LARGEST_FORM).error_handler(unreadable_form))
            .app_data(web::QueryConfig::default().error_handler(unreadable_query))
            .app_data(web::PathConfig::default().error_handler(unreadable_path))
            .service(
                web::resource("/api/helpdesks/{helpdesk}/login-options")
                    .route(web::get().to(public::login_options::<ReadModels>))
                    .default_service(web::route().to(another_method)),
            )
            .configure(login::configure)
            .configure(passwords::configure)
            .configure(session::configure)
            .configure(setup::configure)
            .configure(auth::configure)
            .configure(identities::configure_pages)
            .configure(health::configure)
            .configure(openapi::configure)
            .route("/assets/{name}", web::get().to(assets::asset))
            .service(
                web::scope("/api/helpdesks/{helpdesk}")
                    .wrap(from_fn(watch))
                    .configure(usersources::configure)
                    .configure(configuration::configure)
                    .configure(audit_trail::configure)
                    .configure(people::configure)
                    .configure(identities::configure)
                    .configure(source_tests::configure)
                    .default_service(web::route().to(nothing_here)),
            )
            .default_service(web::route().to(nothing_here));
    }
}

async fn nothing_here() -> HttpResponse {
    Problem::not_found().error_response()
}

async fn another_method() -> HttpResponse {
    of_foreign(StatusCode::METHOD_NOT_ALLOWED).error_response()
}

/// One line a request: what, the outcome, how long; never a query, a header or a body, which may hold secrets. Errors
/// that are not ours yet, such as a body that is too large, are made ours.
async fn watch(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse, Error> {
    // No id here needs an escape; one that has some names nothing, and no store is asked about it.
    if request.path().contains('%') || request.path().bytes().any(|byte| byte.is_ascii_control()) {
        return Ok(request.into_response(Problem::not_found().error_response()));
    }
    let started = Instant::now();
    let id = super::request::request_id(request.request());
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let answered = next.call(request).await;
    let status = answered.as_ref().map_or_else(|e| e.as_response_error().status_code(), ServiceResponse::status);
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(request = id, %method, path, status = status.as_u16(), milliseconds, "answered");
    answered.map(|response| {
        let mut response = response.map_into_boxed_body();
        if response.response().error().is_some_and(|e| e.as_error::<Problem>().is_none()) {
            let problem = of_foreign(response.status()).error_response();
            response = response.into_response(problem);
        }
        let headers = response.headers_mut();
        if let Ok(id) = id.parse() {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        // What an admin reads is about people and secrets' fingerprints: nothing on the way keeps it.
        if !headers.contains_key(CACHE_CONTROL) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    })
}

/// What the framework refuses before a handler sees it.
fn of_foreign(status: StatusCode) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(status, "too_large", format!("a body here has at most {LARGEST_BODY} bytes"))
        }
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(status, "method_not_allowed", "this address takes another method")
        }
        other if other.is_client_error() => Problem::new(other, "malformed_request", "the request cannot be read"),
        other => {
            tracing::error!(status = other.as_u16(), "the framework failed");
            Problem::internal()
        }
    }
}

fn unreadable_form(error: UrlencodedError, _: &HttpRequest) -> Error {
    let problem = if let UrlencodedError::Overflow { .. } = error {
        let detail = format!("a form here has at most {LARGEST_FORM} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    } else {
        Problem::bad_request("malformed_form", "the form is not complete; open the page again")
    };
    InternalError::from_response(error, problem.error_response()).into()
}

fn unreadable_query(error: QueryPayloadError, _: &HttpRequest) -> Error {
    let problem = Problem::bad_request("malformed_query", "the address is not complete; follow the whole link");
    InternalError::from_response(error, problem.error_response()).into()
}

fn unreadable_path(error: PathError, _: &HttpRequest) -> Error {
    InternalError::from_response(error, Problem::not_found().error_response()).into()
}
