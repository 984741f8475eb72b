//! The table of calls and the routes of the real service are the same set.

use super::calls;
use super::scene::{ROUTES, scene};
use actix_web::test::TestRequest;
use std::collections::BTreeSet;
use utoipa::openapi::HttpMethod;

/// The method as HTTP writes it.
pub fn method(method: &HttpMethod) -> String {
    serde_json::to_value(method).unwrap().as_str().unwrap().to_uppercase()
}

#[actix_web::test]
async fn every_route_is_in_the_table_and_everything_in_the_table_is_a_route() {
    let scene = scene().await;
    let listed = scene.ask(TestRequest::get().uri(ROUTES)).await.json();
    let mut routes = BTreeSet::new();
    for route in listed.as_array().unwrap() {
        let path = route["full_path"].as_str().unwrap();
        let methods = route["methods"].as_array().unwrap();
        let fallback = methods.is_empty() && matches!(route["resource_type"].as_str(), Some("scope" | "app"));
        assert!(!methods.is_empty() || fallback, "a route for any method: {route}");
        routes.extend(methods.iter().map(|method| format!("{} {path}", method.as_str().unwrap())));
    }
    assert!(routes.remove(&format!("GET {ROUTES}")));
    let table: BTreeSet<_> =
        calls::all().iter().map(|call| format!("{} {}", method(&call.method), call.path)).collect();
    let missing: Vec<_> = routes.difference(&table).collect();
    assert!(missing.is_empty(), "these routes are not in http/openapi/calls.rs: {missing:?}");
    let invented: Vec<_> = table.difference(&routes).collect();
    assert!(invented.is_empty(), "these calls have no route: {invented:?}");
}
