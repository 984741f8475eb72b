//! The headers and query parameters of the API, each described once.

use super::shape::{Shape, flag, number, text, time, word};
use crate::accounts::Role;
use domain::{Audience, Event, Surface};
use strum::VariantNames as _;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};

/// Headers of calls that change something: the ledger's reason, and the risk that is taken (R41).
pub const OF_CHANGES: &[&str] = &["Gateledger-Reason", "Gateledger-Accept-Lockout"];

/// Headers and parameters of configuration commands (R60).
pub const OF_COMMANDS: &[&str] = &["If-Match", "Idempotency-Key", "dry_run"];

/// Headers of reads (R61).
pub const OF_READS: &[&str] = &["Gateledger-At-Least"];

/// What the keys of parameters begin with that must be there.
const NEEDED: &str = "needed_";

/// Every header and query parameter by its key among the components.
pub fn all() -> Vec<(&'static str, Parameter)> {
    let headers = [
        (
            "If-Match",
            text(
                "The version that was seen, as in an ETag: `\"17\"`. 412 if what happened since touches the same things.",
            ),
        ),
        (
            "Idempotency-Key",
            text(
                "1 to 128 visible ASCII characters. The same request under the same key is carried out once and answered alike, for 24 hours.",
            ),
        ),
        ("Gateledger-Reason", text("Why, for the ledger: up to 1,000 characters in UTF-8, in one line.")),
        (
            "Gateledger-Accept-Lockout",
            flag(
                "Takes the risk that no admin can sign in afterwards. Takes a reason and a session whose sign-in was a moment ago, never a token.",
            ),
        ),
        ("Gateledger-At-Least", number("Waits until this version can be read: 5 seconds, then 503 `lagging`.")),
        ("If-None-Match", text("The ETag that one has: 304 if nothing changed.")),
    ];
    let queries = [
        ("dry_run", flag("`true`: says what would happen; nothing is changed.")),
        ("needed_surface", word(Surface::ALL.map(Surface::as_str), "Whose login page.")),
        ("surface", word(Surface::ALL.map(Surface::as_str), "Only this login page.")),
        ("audience", word(Audience::ALL.map(Audience::as_str), "Only what concerns this audience.")),
        ("actor", text("Only what this account did.")),
        ("account", text("Only this account.")),
        ("usersource", text("Only this usersource.")),
        ("action", word(Event::VARIANTS.iter().copied(), "Only this action.")),
        ("outcome", word(["admitted", "refused", "failed"], "Only attempts that ended so.")),
        ("since", time("From this moment on.")),
        ("until", time("Up to this moment.")),
        ("q", text("Only what has these words.")),
        ("before", text("What comes before this place: `next` of the page before.")),
        ("after", text("What comes after this id: `next` of the page before.")),
        ("limit", number("Rows of a page: 1 to 200, otherwise 50.")),
        ("needed_token", text("The link's secret.")),
        ("return_to", text("Where to go afterwards: a path on the same host.")),
        ("silent", word(["1"], "Without anything to see (R25).")),
        ("again", word(["1"], "The provider is to ask again, whatever it remembers (R41).")),
    ];
    let one =
        |place: ParameterIn| move |(name, shape): (&'static str, Shape)| (name, parameter(name, place.clone(), shape));
    let all = headers.into_iter().map(one(ParameterIn::Header));
    all.chain(queries.into_iter().map(one(ParameterIn::Query))).collect()
}

/// The parameter in a path that has this name.
pub fn in_path(name: &str) -> Parameter {
    let shape = match name {
        "helpdesk" => text("The helpdesk's id; `default` in a small install."),
        "audience" => word(Audience::ALL.map(Audience::as_str), "Whose."),
        "version" => number("Any version of the change."),
        other => text(&format!("The {}.", if other == "id" { "id" } else { other })),
    };
    parameter(name, ParameterIn::Path, shape)
}

/// The roles of people, as bodies name them.
pub fn roles() -> impl Iterator<Item = &'static str> {
    Role::ALL.into_iter().map(Role::as_str)
}

fn parameter(key: &str, place: ParameterIn, shape: Shape) -> Parameter {
    let needed = key.starts_with(NEEDED) || place == ParameterIn::Path;
    ParameterBuilder::new()
        .name(key.strip_prefix(NEEDED).unwrap_or(key))
        .parameter_in(place)
        .required(if needed { Required::True } else { Required::False })
        .schema(Some(shape))
        .build()
}
