//! What the API says when it does not do as it was asked (RFC 9457): one shape, one answer for each status.

use super::shape::{Shape, list, named, number, object, object_with, text, word};
use utoipa::openapi::{Content, HeaderBuilder, Response, ResponseBuilder};

/// An answer that is a problem: its status, its name among the components, what it means, and its codes.
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The name of the answer.
    pub name: &'static str,
    meaning: &'static str,
    /// The codes that it may carry.
    pub codes: &'static [&'static str],
}

/// Every problem that the API answers with.
pub const REFUSALS: &[Refusal] = &[
    Refusal {
        status: 400,
        name: "Malformed",
        meaning: "The request cannot be read.",
        codes: &[
            "malformed_request",
            "malformed_json",
            "malformed_header",
            "malformed_query",
            "malformed_form",
            "invalid_query",
        ],
    },
    Refusal {
        status: 401,
        name: "Unauthorized",
        meaning: "No credential, or none that is alive.",
        codes: &["unauthorized"],
    },
    Refusal {
        status: 403,
        name: "Forbidden",
        meaning: "The credential is good and may not do this.",
        codes: &["forbidden", "fresh_sign_in_required"],
    },
    Refusal {
        status: 404,
        name: "NotFound",
        meaning: "It is not there, or not for this caller.",
        codes: &["not_found", "unknown_usersource", "unknown_helpdesk"],
    },
    Refusal {
        status: 405,
        name: "MethodNotAllowed",
        meaning: "The address is right, and takes another method.",
        codes: &["method_not_allowed"],
    },
    Refusal {
        status: 409,
        name: "Conflict",
        meaning: "What is there stands against it.",
        codes: &["would_lock_out_admins", "conflict", "email_taken", "url_taken", "helpdesk_exists", "id_taken"],
    },
    Refusal {
        status: 412,
        name: "VersionMismatch",
        meaning: "What `If-Match` names is no longer what is there; `since` says what happened.",
        codes: &["version_mismatch"],
    },
    Refusal { status: 413, name: "TooLarge", meaning: "The body is too large.", codes: &["too_large"] },
    Refusal {
        status: 422,
        name: "Refused",
        meaning: "Understood, and refused; `errors` names the members at fault.",
        codes: &[
            "invalid_body",
            "unknown_kind",
            "settings_incomplete",
            "invalid_setting",
            "sso_not_supported",
            "usersource_disabled",
            "already_enabled",
            "already_disabled",
            "nothing_to_change",
            "deskpro_is_built_in",
            "not_an_order",
            "open_source_admits_anyone",
            "proves_nothing",
            "not_testable",
            "test_failed",
            "idempotency_mismatch",
            "reason_required",
            "invalid_email",
            "invalid_name",
            "role_too_high",
        ],
    },
    Refusal {
        status: 503,
        name: "Unavailable",
        meaning: "Not now; wait as long as `Retry-After` says.",
        codes: &["unavailable", "lagging"],
    },
];

impl Refusal {
    /// The answer.
    pub fn answer(&self) -> Response {
        let content = || Content::new(Some(named("Problem")));
        let codes = self.codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
        let answer = ResponseBuilder::new()
            .description(format!("{} Codes: {codes}.", self.meaning))
            .content("application/problem+json", content());
        let answer = match self.status {
            503 => {
                let seconds = HeaderBuilder::new().schema(Some(number("Seconds to wait.")));
                answer.header("Retry-After", seconds.build())
            }
            401 => answer.header("WWW-Authenticate", HeaderBuilder::new().schema(Some(text("Bearer."))).build()),
            _ => answer,
        };
        answer.build()
    }
}

/// The shapes of a problem and of its parts.
pub fn shapes() -> Vec<(&'static str, Shape)> {
    let codes = REFUSALS.iter().flat_map(|refusal| refusal.codes).copied();
    let problem = object_with(
        [
            ("type", text("`about:blank`: `code` says more.")),
            ("title", text("What HTTP calls the status.")),
            ("status", number("The status.")),
            ("detail", text("What to do, for people.")),
            ("code", word(codes, "Stable, for programs.")),
        ],
        [
            ("errors", list(named("FieldProblem"))),
            ("version", number("With `version_mismatch`: the version that there is.")),
            ("since", list(named("PastEvent"))),
        ],
    );
    let field = object([
        ("field", text("Which member.")),
        ("code", text("Stable, for programs.")),
        ("detail", text("What to do about it.")),
    ]);
    vec![("Problem", problem), ("FieldProblem", field)]
}
