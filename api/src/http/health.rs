//! Whether the process lives, and whether login pages can be answered.

use crate::app::App;
use crate::read_models::LoginFront;
use actix_web::{HttpResponse, get, web};
use domain::HelpdeskId;
use serde_json::json;

/// The process answers.
#[get("/health/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"live": true}))
}

/// Ready: login pages can be answered, from memory if need be. A lost store is told in the body.
#[get("/health/ready")]
async fn ready(app: web::Data<App>, front: web::Data<LoginFront>) -> HttpResponse {
    let ledger = app.ledger.head(&HelpdeskId::new("default")).await.is_ok();
    let ready = ledger || !front.pages.is_empty();
    let body = json!({"ready": ready, "ledger": if ledger { "answers" } else { "does not answer" }});
    if ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}

/// Every call of this file.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(live).service(ready);
}
