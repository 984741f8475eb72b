//! What callers send: JSON to the API, forms to the pages.

use super::kinds;
use super::parameters::roles;
use super::shape::{
    Shape, any_of, body, flag, list, named, number_within, object, object_with, or_null, secret, text, word,
};
use domain::{Audience, Policy};

/// What a form's or a body's shape is called, with the shape.
type Named = (&'static str, Shape);

/// The bodies of all calls by name.
pub fn shapes() -> Vec<Named> {
    let mut all = commands();
    all.extend(people());
    all.extend(forms());
    all
}

fn audience() -> Shape {
    word(Audience::ALL.map(Audience::as_str), "Whom it serves.")
}

/// Whole numbers, each within the bounds that the rules set.
fn policy() -> Shape {
    body([], Policy::RANGES.map(|(name, least, most)| (name, number_within(least, most, ""))))
}

fn helpdesk() -> Shape {
    body([], [("name", text("What it is called.")), ("url", or_null(text("Its own URL; null clears it.")))])
}

fn commands() -> Vec<Named> {
    let sso = || word(["off", "background", "automatic"], "What it does (R10).");
    let order = || list(text("An id; all of the audience's, each once."));
    let install = || [("kind", word(kinds::slugs(), "Which kind.")), ("audience", audience())];
    let end_sessions = || flag("Ends the sessions of those who came through it (R28).");
    vec![
        ("NewUsersource", body(install(), kinds::members())),
        ("UsersourceChange", body([], kinds::members())),
        ("Disabling", body([], [("end_sessions", end_sessions())])),
        ("SsoSwitch", body([("mode", sso())], [])),
        ("Order", body([("usersources", order())], [])),
        ("PolicyValues", policy()),
        ("HelpdeskChange", helpdesk()),
        (
            "PolicyChange",
            body(
                [],
                [
                    ("helpdesk", named("HelpdeskChange")),
                    ("users", named("PolicyValues")),
                    ("agents", named("PolicyValues")),
                ],
            ),
        ),
        ("Changes", body([("commands", list(named("Command")))], [])),
        ("Command", command(install().into(), sso(), order(), end_sessions())),
        ("Nothing", body([], [])),
    ]
}

/// One of several commands: its name beside the members of the call that does the same.
fn command(install: Vec<Named>, sso: Shape, order: Shape, end_sessions: Shape) -> Shape {
    let called = |name: &'static str| ("command", word([name], "Which command."));
    let of = || ("usersource", text("Its id; `$0` stands for the one that the first command installs."));
    let installing = std::iter::once(called("install_usersource")).chain(install);
    any_of([
        body(installing, kinds::members()),
        body([called("change_usersource"), of()], kinds::members()),
        body([called("enable_usersource"), of()], []),
        body([called("disable_usersource"), of()], [("end_sessions", end_sessions)]),
        body([called("uninstall_usersource"), of()], []),
        body([called("set_sso"), of(), ("mode", sso)], []),
        body([called("set_order"), ("audience", audience()), ("usersources", order)], []),
        body(
            [called("change_policy"), ("audience", audience())],
            Policy::RANGES.map(|(name, least, most)| (name, number_within(least, most, ""))),
        ),
        body(
            [called("change_helpdesk")],
            [("name", text("What it is called.")), ("url", or_null(text("Its own URL; null clears it.")))],
        ),
    ])
}

fn people() -> Vec<Named> {
    let role = || word(roles(), "What they may do (R63).");
    let name = || text("What they are called.");
    vec![
        ("NewAccount", body([("email", text("Where they sign in.")), ("name", name()), ("role", role())], [])),
        ("AccountChange", body([], [("name", name()), ("role", role()), ("active", flag("May they sign in?"))])),
        (
            "NewToken",
            body(
                [("role", word(["admin", "auditor"], "What it may.")), ("label", text("What it is for."))],
                [("expires_in_days", number_within(1, 3_650, "Otherwise 365."))],
            ),
        ),
    ]
}

fn forms() -> Vec<Named> {
    let password = || secret("The password.");
    let new = || secret("The new password.");
    let link = || secret("The link's secret.");
    let email = || text("The e-mail address.");
    vec![
        (
            "LoginForm",
            object_with(
                [("login", text("The e-mail address or name.")), ("password", password())],
                [("return_to", text("Where to go afterwards: a path on the same host."))],
            ),
        ),
        ("TestForm", body([("login", text("The login at the source.")), ("password", password())], [])),
        (
            "IdentitiesForm",
            object_with(
                [],
                [("link", text("The usersource to link.")), ("unlink", text("The id of the identity to unlink."))],
            ),
        ),
        ("LostPasswordForm", object([("email", email())])),
        ("ChangePasswordForm", object([("current_password", password()), ("password", new())])),
        ("ResetPasswordForm", object([("token", link()), ("password", new())])),
        (
            "SetupForm",
            object([("token", link()), ("email", email()), ("name", text("Their name.")), ("password", new())]),
        ),
    ]
}
