//! From the table of calls to an OpenAPI document.

use super::calls::{self, Call, Manner};
use super::problems::REFUSALS;
use super::shape::{any_of, anything, named, text};
use super::{bodies, kinds, parameters, problems, shapes};
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ComponentsBuilder, Content, HeaderBuilder, InfoBuilder, OpenApiBuilder, Paths, Ref, Required, Response,
    ResponseBuilder, SecurityRequirement,
};

/// What a call that cannot be read, is not allowed or comes at a bad time is answered with, whatever it is.
const READS: &[u16] = &[400, 401, 403, 404, 503];
const CHANGES: &[u16] = &[400, 401, 403, 404, 409, 413, 422, 503];
const COMMANDS: &[u16] = &[400, 401, 403, 404, 409, 412, 413, 422, 503];

/// The document as JSON.
pub fn document() -> String {
    serde_json::to_string_pretty(&build()).unwrap_or_default() + "\n"
}

fn build() -> utoipa::openapi::OpenApi {
    let mut paths = Paths::new();
    for call in calls::all() {
        paths.add_path_operation(&call.path, vec![call.method.clone()], operation(&call));
    }
    let info = InfoBuilder::new()
        .title("Gateledger")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Who may sign in to a helpdesk and how, and the ledger of every change to that decision."));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components())).build()
}

fn components() -> Components {
    let named_shapes = [problems::shapes(), shapes::shapes(), bodies::shapes()].into_iter().flatten();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(named_shapes)
        .schemas_from_iter(kinds::shapes())
        .schema("Description", anything("An OpenAPI document."))
        .responses_from_iter(REFUSALS.iter().map(|refusal| (refusal.name, refusal.answer())))
        .security_scheme("token", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()))
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-gateledger"))));
    parameters::all().into_iter().fold(components, |all, (key, one)| all.parameter(key, one)).build()
}

fn operation(call: &Call) -> OperationBuilder {
    let (tag, refusals) = match call.manner {
        Manner::Page => ("Pages", &[][..]),
        Manner::Public => ("Public", &[][..]),
        Manner::Read => ("Reading", READS),
        Manner::Change => ("People", CHANGES),
        Manner::Command => ("Configuration", COMMANDS),
    };
    let mut operation = OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(&call.name))
        .summary(Some(call.summary))
        .request_body(call.takes.map(|shape| body(shape, call.manner)));
    for name in in_braces(&call.path) {
        operation = operation.parameter(parameters::in_path(name));
    }
    for key in &call.parameters {
        operation = operation.parameter_ref(Ref::new(format!("#/components/parameters/{key}")));
    }
    if matches!(call.manner, Manner::Read | Manner::Change | Manner::Command) {
        for scheme in ["token", "session"] {
            operation = operation.security(SecurityRequirement::new(scheme, [""; 0]));
        }
    }
    for (status, response) in answers(call) {
        operation = operation.response(status.to_string(), response);
    }
    for refusal in REFUSALS.iter().filter(|r| refusals.contains(&r.status) || call.refuses.contains(&r.status)) {
        operation = operation.response(refusal.status.to_string(), Ref::from_response_name(refusal.name));
    }
    operation
}

fn body(shape: &str, manner: Manner) -> RequestBody {
    let media = if manner == Manner::Page { "application/x-www-form-urlencoded" } else { "application/json" };
    let needed = if shape == "Nothing" || shape == "Disabling" { Required::False } else { Required::True };
    RequestBodyBuilder::new().content(media, Content::new(Some(named(shape)))).required(Some(needed)).build()
}

/// The answers when all is well, one for each status; a status with several shapes has any of them.
fn answers(call: &Call) -> Vec<(u16, Response)> {
    let mut statuses: Vec<u16> = call.gives.iter().map(|(status, _)| *status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses.into_iter().map(|status| (status, answer(call, status))).collect()
}

fn answer(call: &Call, status: u16) -> Response {
    let shapes: Vec<_> =
        call.gives.iter().filter(|(s, _)| *s == status).filter_map(|(_, shape)| *shape).map(named).collect();
    let mut response = ResponseBuilder::new().description(meaning(status));
    match <[_; 1]>::try_from(shapes) {
        Ok([only]) => response = response.content("application/json", Content::new(Some(only))),
        Err(none) if none.is_empty() => {
            if call.manner == Manner::Page && status == 200 {
                response = response.content("text/html", Content::new(Some(text("A page."))));
            }
        }
        Err(several) => response = response.content("application/json", Content::new(Some(any_of(several)))),
    }
    if call.name == "search_audit_trail" {
        response = response
            .content("application/x-ndjson", Content::new(Some(text("One AuditEntry a line."))))
            .content("text/csv", Content::new(Some(text("One entry a line, with a header line."))));
    }
    let header = |told: &str| HeaderBuilder::new().schema(Some(text(told))).build();
    if call.tagged {
        response = response.header("ETag", header("The version that the answer is at."));
    }
    if status == 201 && call.manner == Manner::Command {
        response = response.header("Location", header("The path of what was made."));
    }
    response.build()
}

fn meaning(status: u16) -> &'static str {
    match status {
        201 => "Made.",
        204 => "Done.",
        303 => "Go on there.",
        304 => "What one has is what there is.",
        503 => "Not now.",
        _ => "Here it is.",
    }
}

/// The names in braces of a path.
fn in_braces(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn docs_openapi_json_is_what_the_program_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let written = document();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &written).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == written, "docs/openapi.json is stale: UPDATE_DOCS=1 cargo test -p gateledger docs");
    }

    #[test]
    fn every_name_is_defined_and_every_definition_is_used() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let mut used = BTreeSet::new();
        references(&document, &mut used);
        let mut defined = BTreeSet::new();
        for kind in ["schemas", "responses", "parameters"] {
            let names = document["components"][kind].as_object().unwrap().keys();
            defined.extend(names.map(|name| format!("#/components/{kind}/{name}")));
        }
        let unused: Vec<_> = defined.difference(&used).collect();
        assert!(unused.is_empty(), "not used: {unused:?}");
        let undefined: Vec<_> = used.difference(&defined).collect();
        assert!(undefined.is_empty(), "not defined: {undefined:?}");
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn no_two_calls_share_a_name_or_an_address() {
        let calls = calls::all();
        let names: BTreeSet<_> = calls.iter().map(|call| &call.name).collect();
        let document: Value = serde_json::from_str(&document()).unwrap();
        let methods = document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len());
        assert_eq!((names.len(), methods.sum()), (calls.len(), calls.len()));
    }
}
