//! Pages that are rendered for one visitor: never stored, with the headers of a page.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, ResponseError as _};
use askama::Template;

use super::problem::Problem;
use super::security_headers;
use crate::pages::notices::Message;
use crate::pages::{Frame, Language, Transport};

/// The media type of a page.
pub static CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// What is for one visitor is kept by nobody.
pub static NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// `page` for one visitor.
pub fn page(status: StatusCode, transport: Transport, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => {
            let mut response = HttpResponse::build(status);
            security_headers::add(&mut response, transport);
            response.insert_header((CACHE_CONTROL, NO_STORE.clone())).content_type(CONTENT_TYPE.clone()).body(html)
        }
        Err(fault) => {
            tracing::error!(%fault, "a page could not be rendered");
            Problem::internal().error_response()
        }
    }
}

/// The page of an address that is not there, of a host that nobody has included.
pub fn not_found(transport: Transport) -> HttpResponse {
    let texts = Language::English.texts();
    let message = Message::new(Frame::new(texts, "Gateledger"), texts.not_found, texts.not_found_help);
    page(StatusCode::NOT_FOUND, transport, &message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header;

    #[test]
    fn a_page_for_one_visitor_is_kept_by_nobody() {
        let response = not_found(Transport::Plain);
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers().get(CACHE_CONTROL).unwrap(), "no-store");
        assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "text/html; charset=utf-8");
    }
}
