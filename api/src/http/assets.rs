//! `GET /assets/NAME-HASH`: a name stands for its content for good, so browsers need never ask again.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, HeaderValue, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};

use super::conditional::takes_gzip;
use super::problem::Problem;
use crate::pages::assets;

static FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The asset at the request's path.
pub async fn asset(request: HttpRequest) -> HttpResponse {
    let Some(asset) = assets::at(request.path()) else { return Problem::not_found().error_response() };
    let mut response = HttpResponse::Ok();
    response
        .content_type(asset.content_type.clone())
        .insert_header((CACHE_CONTROL, FOR_GOOD.clone()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "same-origin"))
        .insert_header((VARY, "Accept-Encoding"));
    match asset.gzip.as_ref().filter(|_| takes_gzip(request.headers())) {
        Some(gzip) => response.insert_header((CONTENT_ENCODING, "gzip")).body(gzip.clone()),
        None => response.body(asset.body.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::ACCEPT_ENCODING;
    use actix_web::test::TestRequest;

    #[actix_web::test]
    async fn an_asset_is_kept_for_good() {
        let css = assets::path("gateledger.css");
        let answer = asset(TestRequest::with_uri(css).to_http_request()).await;
        assert_eq!(answer.headers().get(CACHE_CONTROL).unwrap(), "public, max-age=31536000, immutable");
        assert!(!answer.headers().contains_key(CONTENT_ENCODING));
        let request = TestRequest::with_uri(css).insert_header((ACCEPT_ENCODING, "gzip"));
        assert_eq!(asset(request.to_http_request()).await.headers().get(CONTENT_ENCODING).unwrap(), "gzip");
    }

    #[actix_web::test]
    async fn what_is_not_an_asset_is_not_found() {
        assert_eq!(asset(TestRequest::with_uri("/assets/x.css").to_http_request()).await.status(), 404);
    }
}
