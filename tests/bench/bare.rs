//! The limit of everything that is answered from memory: actix-web with one handler that returns the same bytes under
//! the same headers, and looks at nothing.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Clone)]
struct Fixed {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: web::Bytes,
}

async fn answer(fixed: web::Data<Fixed>) -> HttpResponse {
    let mut response = HttpResponse::build(fixed.status);
    for (name, value) in &fixed.headers {
        response.insert_header((name.clone(), value.clone()));
    }
    if fixed.status == StatusCode::NOT_MODIFIED { response.finish() } else { response.body(fixed.body.clone()) }
}

/// The process itself: `orders` names a file with what is answered at which path.
pub async fn serve(orders: &str) -> std::io::Result<()> {
    let orders: Value = serde_json::from_str(&std::fs::read_to_string(orders)?)?;
    let pages: Vec<(String, Fixed)> = orders.as_array().into_iter().flatten().map(page).collect();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?.to_string();
    let server = HttpServer::new(move || {
        pages.iter().cloned().fold(App::new(), |app, (path, fixed)| {
            let resource = web::resource(path).app_data(web::Data::new(fixed)).route(web::get().to(answer));
            app.service(resource)
        })
    });
    let server = server.client_request_timeout(Duration::from_secs(10)).listen(listener)?.run();
    crate::tell(&json!({ "authority": address }));
    server.await
}

fn page(order: &Value) -> (String, Fixed) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let headers = order["headers"].as_array().into_iter().flatten().filter_map(|pair| {
        Some((text(&pair[0]).parse::<HeaderName>().ok()?, text(&pair[1]).parse::<HeaderValue>().ok()?))
    });
    let status = order["status"].as_u64().and_then(|s| StatusCode::from_u16(u16::try_from(s).ok()?).ok());
    let fixed = Fixed {
        status: status.unwrap_or(StatusCode::OK),
        headers: headers.collect(),
        body: web::Bytes::from(text(&order["body"])),
    };
    (text(&order["path"]), fixed)
}
