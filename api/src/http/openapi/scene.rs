//! The real service on a database of its own, for the tests of its description.

use super::calls::{self, Call};
use super::conforming::conforms;
use super::document::document;
use crate::accounts::{IdentityKey, NewToken, Role};
use crate::app::App;
use crate::http::routes;
use crate::people::Hand;
use crate::settings::Settings;
use actix_web::body::to_bytes;
use actix_web::dev::Service as _;
use actix_web::introspection::IntrospectionTree;
use actix_web::test::{TestRequest, init_service};
use actix_web::{HttpResponse, web};
use domain::HelpdeskId;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::Value;
use std::path::PathBuf;
use std::rc::Rc;
use zeroize::Zeroizing;

/// Where the test asks which routes there are.
pub const ROUTES: &str = "/routes-of-the-test";

/// The password of the admin.
pub const PASSWORD: &str = "a planted harbour of 7 ships";

/// The service, who may use it, and what it promises.
pub struct Scene {
    service: Box<dyn Fn(TestRequest) -> LocalBoxFuture<'static, HttpResponse>>,
    folder: PathBuf,
    /// The promises.
    pub document: Value,
    /// An admin's token.
    pub admin: String,
    /// An auditor's.
    pub auditor: String,
    /// The admin's id.
    pub account: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub cookies: Vec<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The beginning of the body, for people.
    pub fn beginning(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(400).collect()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A service with one helpdesk, `default`, and one admin.
pub async fn scene() -> Scene {
    let folder = std::env::temp_dir().join(format!("gateledger-{}", uuid::Uuid::new_v4().simple()));
    let app = App::open(Settings { data_dir: folder.clone(), ..Settings::default() }).await.unwrap();
    let helpdesk = HelpdeskId::new("default");
    let hand = Hand::service("a test");
    crate::tasks::create_helpdesk(&app, &helpdesk, "Helpdesk", None, &hand).await.unwrap();
    app.load_hosts().await.unwrap();
    let new = app.draw_up(&helpdesk, Some("jane@example.com"), "Jane Doe", Role::Admin).unwrap();
    let hash = app.passwords.hash(Zeroizing::new(PASSWORD.to_owned())).await.unwrap();
    let account = app.create_account(&new, Some(&hash), &hand).await.unwrap();
    let key = IdentityKey { usersource: "us_1".into(), issuer: "idp".into(), subject: "jane".into() };
    app.accounts.link_identity(&helpdesk, &account.id, &key, app.now()).await.unwrap();
    let mut secrets = Vec::new();
    for role in [Role::Admin, Role::Auditor] {
        let expires_at = app.now().plus_seconds(3_600);
        let token = NewToken { owner: account.id.clone(), role, label: "test".to_owned(), expires_at };
        let (_, secret) = app.accounts.create_token(&helpdesk, &token, app.now()).await.unwrap();
        secrets.push(secret.expose().to_owned());
    }
    let app = web::Data::new(app);
    let front = web::Data::from(std::sync::Arc::clone(&app.front));
    let listing = async |tree: web::Data<IntrospectionTree>| HttpResponse::Ok().body(tree.report_as_json());
    let service = init_service(
        actix_web::App::new().route(ROUTES, web::get().to(listing)).configure(routes::configure(app, front)),
    );
    let service = Rc::new(service.await);
    let service = Box::new(move |request: TestRequest| {
        let service = Rc::clone(&service);
        async move {
            match service.call(request.to_request()).await {
                Ok(response) => response.into_parts().1.map_into_boxed_body(),
                Err(error) => error.error_response(),
            }
        }
        .boxed_local()
    });
    let [admin, auditor] = <[String; 2]>::try_from(secrets).unwrap();
    let document = serde_json::from_str(&document()).unwrap();
    Scene { service, folder, document, admin, auditor, account: account.id.to_string() }
}

impl Scene {
    /// Asks.
    pub async fn ask(&self, request: TestRequest) -> Answer {
        let response = (self.service)(request.peer_addr(([127, 0, 0, 1], 9).into())).await;
        let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let kind = header("content-type");
        let cookies = response.cookies().map(|c| format!("{}={}", c.name(), c.value())).collect();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body()).await.map_err(|_| "a body broke off").unwrap().to_vec();
        Answer { status, kind, cookies, body }
    }

    /// Whether an answer to `call` is one that the document promises.
    pub fn promised(&self, call: &Call, answer: &Answer) -> Result<(), String> {
        let method = super::agreement::method(&call.method).to_lowercase();
        let responses = &self.document["paths"][&call.path][method]["responses"];
        let mut promised = &responses[answer.status.to_string()];
        if let Some(name) = promised["$ref"].as_str() {
            promised = self.document.pointer(name.trim_start_matches('#')).unwrap();
        }
        let told = || format!("{} answered {} with {}", call.name, answer.status, answer.beginning());
        if promised.is_null() {
            return Err(format!("no such status is promised: {}", told()));
        }
        let kind = answer.kind.split(';').next().unwrap_or_default();
        match (promised["content"].get(kind), promised.get("content")) {
            (Some(content), _) if kind.ends_with("json") && !kind.contains("nd") => {
                conforms(&self.document, &content["schema"], &answer.json(), "$")
                    .map_err(|e| format!("{e}: {}", told()))
            }
            (Some(_), _) => Ok(()),
            (None, None) if answer.body.is_empty() => Ok(()),
            (None, _) => Err(format!("no such content is promised ({kind:?}): {}", told())),
        }
    }
}

/// The call with this name.
pub fn call(name: &str) -> Call {
    calls::all().into_iter().find(|call| call.name == name).unwrap_or_else(|| panic!("there is no call {name}"))
}
