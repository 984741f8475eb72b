//! The API's description, `GET /api/openapi.json` and `docs/openapi.json`: made from one table of calls.
//!
//! The handlers carry no description of their own. Tests keep the table true: every route is in it and everything in it
//! is a route (`agreement`), and what the service answers has the shapes that it promises (`answers`, `random`).

mod bodies;
mod calls;
mod document;
mod kinds;
mod parameters;
mod problems;
mod shape;
mod shapes;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod conforming;
#[cfg(test)]
mod random;
#[cfg(test)]
mod scene;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, get, web};
use std::sync::LazyLock;

/// The document, made once.
static DOCUMENT: LazyLock<web::Bytes> = LazyLock::new(|| web::Bytes::from(document::document()));

/// The API's description.
#[get("/api/openapi.json")]
async fn describe_api() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(DOCUMENT.clone())
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(describe_api);
}
