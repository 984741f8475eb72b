//! What the API answers with when all is well.

use super::kinds;
use super::parameters::roles;
use super::shape::{
    Shape, any_of, anything, flag, list, map, named, number, object, object_with, or_null, text, text_or_null, time,
    word,
};
use domain::{Audience, Event, Policy, Surface};
use strum::VariantNames as _;

/// What a shape is called, with the shape.
type Named = (&'static str, Shape);

/// The answers of all calls, and their parts, by name.
pub fn shapes() -> Vec<Named> {
    [login_options(), configuration(), changes(), people(), health()].into_iter().flatten().collect()
}

fn surface() -> Shape {
    word(Surface::ALL.map(Surface::as_str), "Which login page.")
}

fn audience() -> Shape {
    word(Audience::ALL.map(Audience::as_str), "Whom it serves.")
}

fn role() -> Shape {
    word(roles(), "What they may do.")
}

fn id(of: &str) -> Shape {
    text(&format!("The id of {of}."))
}

fn id_or_null(of: &str) -> Shape {
    text_or_null(&format!("The id of {of}."))
}

fn version() -> Shape {
    number("The version that the answer is at.")
}

fn next() -> Shape {
    text_or_null("Where the next page begins; null on the last.")
}

fn login_options() -> Vec<Named> {
    let path = || text_or_null("A path; null without Deskpro accounts.");
    let choice = |called: &'static str| {
        let kind = word(kinds::slugs(), "Its kind.");
        object([("usersource", id("the usersource")), ("kind", kind), (called, text("What to show.")), ("url", url())])
    };
    fn url() -> Shape {
        text("Where its sign-in begins: a path.")
    }
    vec![
        (
            "LoginOptions",
            object([
                ("helpdesk", id("the helpdesk")),
                ("surface", surface()),
                ("audience", audience()),
                ("version", version()),
                ("guests_allowed", flag("Whether one may look around without signing in.")),
                ("automatic", or_null(named("LoginStart"))),
                ("silent", or_null(named("LoginStart"))),
                ("form", or_null(named("LoginOptionsForm"))),
                ("buttons", list(choice("text"))),
                ("icons", list(choice("title"))),
            ]),
        ),
        ("LoginStart", object([("usersource", id("the usersource")), ("url", url())])),
        (
            "LoginOptionsForm",
            object([
                ("action", text("Where to post: a path.")),
                ("usersources", list(id("a usersource that checks what is typed"))),
                ("lost_password", path()),
                ("change_password", path()),
            ]),
        ),
    ]
}

fn configuration() -> Vec<Named> {
    let fields =
        || map(anything("Its value; of a secret, that it is set and its fingerprint."), "Fields that are set.");
    let output = || {
        object([
            ("name", text("Its name.")),
            ("label", text("What people call it.")),
            ("value", text("What to copy to the other side.")),
        ])
    };
    let by = || object([("by", named("UsersourceRef")), ("at", time("When."))]);
    vec![
        ("Kinds", object([("kinds", list(named("Kind")))])),
        (
            "Kind",
            object([
                ("slug", text("Its name.")),
                ("label", text("What people call it.")),
                ("summary", text("What it is for.")),
                ("display", word(["form", "button", "icon"], "Where it is on the login page.")),
                ("sso", flag("Whether it can do single sign-on.")),
                ("silent", silent()),
                ("built_in", flag("Whether it is always there.")),
                ("fields", list(named("KindField"))),
            ]),
        ),
        ("KindField", kind_field()),
        ("Usersources", object([("version", version()), ("usersources", list(named("Usersource")))])),
        (
            "Usersource",
            object([
                ("id", id("the usersource")),
                ("kind", word(kinds::slugs(), "Its kind.")),
                ("audience", audience()),
                ("title", text("What it is called.")),
                ("button_text", text_or_null("What its button says.")),
                ("filter", text_or_null("Who does not fulfil it does not get in.")),
                ("provisioning", fields()),
                ("settings", fields()),
                ("enabled", flag("Whether visitors may sign in through it.")),
                ("sso", object([("mode", sso_mode()), ("displaced", or_null(by()))])),
                ("installed_at", time("When.")),
                ("revision", number("How often it changed.")),
                (
                    "proof",
                    object([
                        ("digest", text("Of what a sign-in depends on.")),
                        ("proven", flag("Whether it was proved by a real sign-in.")),
                    ]),
                ),
                ("sessions_valid_from", or_null(time("Sessions from before are over."))),
                ("outputs", list(output())),
                ("certificate_expires_at", or_null(time("When its first certificate ends."))),
                ("warnings", list(named("Warning"))),
            ]),
        ),
        (
            "Warning",
            object_with(
                [("code", text("Stable, for programs.")), ("detail", text("What may happen."))],
                [("field", text("Which field earns it.")), ("usersource", id("the usersource"))],
            ),
        ),
        (
            "Policies",
            object([
                ("version", version()),
                ("helpdesk", object([("name", text("What it is called.")), ("url", text_or_null("Its own URL."))])),
                ("users", policy()),
                ("agents", policy()),
            ]),
        ),
    ]
}

/// When it can try without anything to see (R25).
fn silent() -> Shape {
    let if_set = object([("if_set", text("The field on which it depends."))]);
    any_of([word(["never", "always"], "Whether it can try without anything to see (R25)."), if_set])
}

fn sso_mode() -> Shape {
    word(["off", "background", "automatic"], "What single sign-on does (R10).")
}

fn policy() -> Shape {
    object(Policy::RANGES.map(|(name, ..)| (name, number(""))))
}

fn kind_field() -> Shape {
    let number_or_null = |told| or_null(number(told));
    object([
        ("name", text("Its full name, such as `settings.sso_url`.")),
        ("label", text("What the form calls it.")),
        ("type", text("What it takes.")),
        ("items", text_or_null("Of a list: what each item is.")),
        ("choices", or_null(list(text("One of the words that it takes.")))),
        ("minimum", number_or_null("The least: of a number, or a secret's characters.")),
        ("maximum", number_or_null("The most: of a number, a text's characters, a list's items.")),
        ("required", flag("Whether it is needed to be enabled.")),
        ("required_if", text_or_null("When it is needed, in words.")),
        ("secret", flag("Whether it is sealed and never told again.")),
        ("default", anything("What holds where it is not set.")),
        ("help", text("What it is for.")),
        ("audiences", list(audience())),
    ])
}

fn changes() -> Vec<Named> {
    let span = || object([("first", number("Its first version.")), ("last", number("Its last."))]);
    let pages = || object(Surface::ALL.map(|s| (s.as_str(), object([("before", page()), ("after", page())]))));
    fn page() -> Shape {
        named("LoginOptions")
    }
    let told = || {
        [
            ("action", word(Event::VARIANTS.iter().copied(), "What happened.")),
            ("audience", or_null(audience())),
            ("usersource", or_null(named("UsersourceRef"))),
            ("sentence", text("The same in words.")),
            ("changes", list(named("FieldChange"))),
        ]
    };
    let when = || [("version", number("The event's version.")), ("at", time("When."))];
    let circumstances = [
        ("change", span()),
        ("actor", named("Actor")),
        ("acting_for", id_or_null("the account on whose behalf")),
        ("via", word(["console", "api", "cli", "service"], "How it came in.")),
        ("ip", text_or_null("From which address; null once the account was erased.")),
        ("request_id", text_or_null("The request's id.")),
        ("reason", text_or_null("Why, in the actor's words.")),
        ("hash", text("The event's hash in the chain (R55).")),
    ];
    let way_in = || flag("Whether an admin could sign in.");
    vec![
        ("AuditEntry", object(when().into_iter().chain(told()).chain(circumstances))),
        (
            "Actor",
            object([
                ("id", text("The account's id, `cli:USER` or `service`.")),
                ("name", text_or_null("The name; null once the account was erased.")),
                ("role", or_null(role())),
                ("type", word(["person", "token", "command_line", "service"], "What it is.")),
            ]),
        ),
        (
            "UsersourceRef",
            object([
                ("id", id("the usersource")),
                ("kind", text("Its kind.")),
                ("audience", audience()),
                ("title", text("What it was called then.")),
            ]),
        ),
        (
            "FieldChange",
            object([
                ("field", text("Which field.")),
                ("before", anything("What it was; null is not set.")),
                ("after", anything("What it is; null is not set.")),
            ]),
        ),
        ("PlannedEvent", object(told())),
        ("PastEvent", object(when().into_iter().chain(told()))),
        ("Applied", object([("version", version()), ("changes", list(named("AuditEntry")))])),
        (
            "Rehearsal",
            object([
                ("version", version()),
                ("events", list(named("PlannedEvent"))),
                ("login_options", pages()),
                ("lockout", object([("way_in_before", way_in()), ("way_in_after", way_in())])),
                ("warnings", list(named("Warning"))),
            ]),
        ),
        (
            "AuditTrail",
            object([
                ("version", version()),
                ("entries", list(named("AuditEntry"))),
                ("next", or_null(number("`before` of the next page."))),
            ]),
        ),
        ("Change", object([("version", version()), ("change", span()), ("entries", list(named("AuditEntry")))])),
    ]
}

fn token_members() -> [Named; 7] {
    [
        ("id", id("the token")),
        ("role", role()),
        ("label", text("What it is for.")),
        ("owner", id("its account")),
        ("created_at", time("When it was made.")),
        ("expires_at", time("When it ends.")),
        ("last_used_at", or_null(time("When it was last used."))),
    ]
}

fn people() -> Vec<Named> {
    let means = || word(["password", "provider", "provider_asked_again", "recovery_link"], "How they proved it.");
    vec![
        ("Accounts", object([("accounts", list(named("Account"))), ("next", next())])),
        (
            "Account",
            object([
                ("id", id("the account")),
                ("email", text_or_null("Where they sign in; null for one whose source verified none.")),
                ("email_verified", flag("Whether the address was proved.")),
                ("name", text("What they are called.")),
                ("role", role()),
                ("active", flag("Whether they may sign in.")),
                ("has_password", flag("Whether they have a password here.")),
                ("group", text_or_null("The group that their first sign-in put them in (R31).")),
                ("created_at", time("When.")),
            ]),
        ),
        ("Sessions", object([("sessions", list(named("Session")))])),
        (
            "Session",
            object([
                ("id", id("the session; it opens nothing")),
                ("audience", audience()),
                ("surface", surface()),
                ("usersource", id_or_null("the usersource")),
                ("version", number("The version at which it was made.")),
                ("means", means()),
                ("authenticated_at", time("When they proved it.")),
                ("last_seen_at", time("When it was last used.")),
                ("expires_at", time("When it ends.")),
            ]),
        ),
        ("Identities", object([("identities", list(named("Identity")))])),
        (
            "Identity",
            object([
                ("id", id("the identity")),
                ("usersource", id("the usersource")),
                ("issuer", text("Who says so.")),
                ("subject", text("Whom they mean.")),
                ("linked_at", time("When it was linked.")),
                ("last_used_at", time("When somebody last signed in with it.")),
            ]),
        ),
        ("Tested", tested()),
        ("Ended", object([("ended", number("How many sessions."))])),
        ("Tokens", object([("tokens", list(named("Token")))])),
        ("Token", object(token_members())),
        ("CreatedToken", object(token_members().into_iter().chain([("token", text("Its secret, told only here."))]))),
        ("SignIns", object([("sign_ins", list(named("SignIn"))), ("next", next())])),
        (
            "SignIn",
            object([
                ("at", time("When.")),
                ("surface", surface()),
                ("usersource", id_or_null("the usersource")),
                ("outcome", word(["admitted", "refused", "failed"], "How it ended.")),
                ("reason", text("Why, as a stable word.")),
                ("account", id_or_null("the account")),
                ("ip", text_or_null("From which address.")),
            ]),
        ),
    ]
}

fn tested() -> Shape {
    let step = object([
        ("what", text("What was done.")),
        ("ok", flag("Whether it went well.")),
        ("detail", anything("What was sent or came back.")),
    ]);
    let would_be = any_of([
        object([
            ("is", word(["linked", "by_email"], "How it was found.")),
            ("id", id("the account")),
            ("role", role()),
        ]),
        object([("is", word(["new"], "It would be made.")), ("role", role())]),
        object([("is", word(["nobody"], "There is none, and none would be made."))]),
    ]);
    object([
        ("admitted", flag("Whether this person would have got in.")),
        ("reason", text_or_null("Why not, as a stable word.")),
        ("steps", list(step)),
        ("claims", map(anything("One claim."), "What the source said of the person.")),
        ("account", would_be),
        ("proven", flag("Whether the usersource counts as proven now (R40).")),
    ])
}

fn health() -> Vec<Named> {
    let email = text_or_null("Its address.");
    let account = object([("id", id("the account")), ("email", email), ("name", text("Its name."))]);
    vec![
        (
            "WhoIs",
            object([
                ("account", account),
                ("audience", audience()),
                ("roles", list(role())),
                ("group", text_or_null("The group that their first sign-in put them in.")),
                ("usersource", id_or_null("the usersource")),
                ("authenticated_at", time("When they proved it.")),
            ]),
        ),
        ("Live", object([("live", flag("Always."))])),
        (
            "Ready",
            object([("ready", flag("Whether login pages can be answered.")), ("ledger", text("How the ledger is."))]),
        ),
    ]
}
