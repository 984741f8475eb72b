//! The answer to "what may this visitor choose?" as JSON, and the URLs that it names.

use crate::sign_in::Tried;
use domain::offer::{Choice, Offer};
use domain::{Audience, HelpdeskId, Surface, UsersourceId};
use serde::Serialize;
use url::form_urlencoded::byte_serialize;

/// Where a lost password is recovered (R24): one address for each audience, since each has rules of its own.
pub fn lost_password_path(surface: Surface) -> &'static str {
    match surface.audience() {
        Audience::Users => "/lost-password",
        Audience::Agents => "/agent/lost-password",
    }
}

/// Where a password is changed (R24).
pub fn change_password_path(surface: Surface) -> &'static str {
    match surface.audience() {
        Audience::Users => "/change-password",
        Audience::Agents => "/agent/change-password",
    }
}

/// What a surface's visitor may choose. All members are always present.
#[derive(Debug, Serialize)]
pub struct LoginOptions<'a> {
    helpdesk: &'a HelpdeskId,
    surface: Surface,
    audience: Audience,
    version: u64,
    guests_allowed: bool,
    automatic: Option<Start<'a>>,
    silent: Option<Start<'a>>,
    form: Option<Form<'a>>,
    buttons: Vec<Button<'a>>,
    icons: Vec<Icon<'a>>,
}

#[derive(Debug, Serialize)]
struct Start<'a> {
    usersource: &'a UsersourceId,
    url: String,
}

#[derive(Debug, Serialize)]
struct Form<'a> {
    action: &'static str,
    usersources: &'a [UsersourceId],
    lost_password: Option<&'static str>,
    change_password: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Button<'a> {
    usersource: &'a UsersourceId,
    kind: &'a str,
    text: &'a str,
    url: String,
}

#[derive(Debug, Serialize)]
struct Icon<'a> {
    usersource: &'a UsersourceId,
    kind: &'a str,
    title: &'a str,
    url: String,
}

impl<'a> LoginOptions<'a> {
    /// The JSON form of `offer`, as `helpdesk` made it at `version`.
    pub fn new(helpdesk: &'a HelpdeskId, version: u64, offer: &'a Offer) -> Self {
        let surface = offer.surface;
        Self {
            helpdesk,
            surface,
            audience: surface.audience(),
            version,
            guests_allowed: offer.guests_allowed,
            automatic: offer.automatic.as_ref().map(|c| Start { usersource: &c.id, url: start_url(&c.id) }),
            silent: offer.silent.as_ref().map(|id| Start { usersource: id, url: silent_url(id) }),
            form: offer.form.as_ref().map(|form| Form {
                action: surface.login_path(),
                usersources: &form.usersources,
                lost_password: form.own_passwords.then(|| lost_password_path(surface)),
                change_password: form.own_passwords.then(|| change_password_path(surface)),
            }),
            buttons: offer.buttons.iter().map(button).collect(),
            icons: offer.icons.iter().map(icon).collect(),
        }
    }
}

fn button(choice: &Choice) -> Button<'_> {
    Button { usersource: &choice.id, kind: &choice.kind, text: &choice.text, url: start_url(&choice.id) }
}

fn icon(choice: &Choice) -> Icon<'_> {
    Icon { usersource: &choice.id, kind: &choice.kind, title: &choice.text, url: start_url(&choice.id) }
}

/// Where a sign-in through `usersource` begins.
pub fn start_url(usersource: &UsersourceId) -> String {
    format!("/auth/{usersource}/start")
}

/// Where a silent attempt through `usersource` begins (R25).
pub fn silent_url(usersource: &UsersourceId) -> String {
    format!("/auth/{usersource}/start?silent=1")
}

/// `url` with the place to go to afterwards. A usersource does not know on which of its audience's surfaces the visitor
/// stands, so the page of the admins says so; the portal's and the agents' home are where one lands anyhow.
pub fn with_return_to(url: String, surface: Surface, return_to: Option<&str>) -> String {
    let home = (surface == Surface::Admin).then(|| surface.home_path());
    let Some(target) = return_to.or(home) else { return url };
    let mark = if url.contains('?') { '&' } else { '?' };
    let target: String = byte_serialize(target.as_bytes()).collect();
    format!("{url}{mark}return_to={target}")
}

/// The login page that tells how the last attempt ended, and redirects nowhere by itself (R22).
pub fn tried_path(surface: Surface, return_to: Option<&str>, tried: Tried) -> String {
    with_return_to(format!("{}?tried={}", surface.login_path(), tried.as_str()), surface, return_to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::surfaces::tests::{automatic, everything};
    use domain::offer::offer;
    use serde_json::json;

    #[test]
    fn r23_the_json_has_the_documented_shape() {
        let offer = offer(Surface::Portal, &everything());
        let seen = serde_json::to_value(LoginOptions::new(&"default".into(), 17, &offer)).unwrap();
        assert_eq!(
            seen,
            json!({
                "helpdesk": "default", "surface": "portal", "audience": "users", "version": 17,
                "guests_allowed": true, "automatic": null,
                "silent": {"usersource": "us_oidc", "url": "/auth/us_oidc/start?silent=1"},
                "form": {"action": "/login", "usersources": ["us_deskpro"],
                         "lost_password": "/lost-password", "change_password": "/change-password"},
                "buttons": [
                    {"usersource": "us_saml", "kind": "saml", "text": "Staff intranet", "url": "/auth/us_saml/start"},
                    {"usersource": "us_oidc", "kind": "oidc", "text": "Sign in with Okta", "url": "/auth/us_oidc/start"}],
                "icons": [{"usersource": "us_google", "kind": "google", "title": "Google", "url": "/auth/us_google/start"}],
            })
        );
    }

    #[test]
    fn r21_automatic_leaves_one_url_and_closes_the_portal() {
        let offer = offer(Surface::Portal, &automatic());
        let seen = serde_json::to_value(LoginOptions::new(&"default".into(), 2, &offer)).unwrap();
        assert_eq!(seen["automatic"], json!({"usersource": "us_saml", "url": "/auth/us_saml/start"}));
        assert_eq!((&seen["form"], &seen["buttons"], &seen["icons"]), (&json!(null), &json!([]), &json!([])));
        assert_eq!(seen["guests_allowed"], false);
    }

    #[test]
    fn where_to_go_afterwards_is_encoded_and_the_admins_page_always_says_it() {
        let url = |surface, to| with_return_to("/s?silent=1".into(), surface, to);
        assert_eq!(url(Surface::Portal, Some("/a?b=c&d")), "/s?silent=1&return_to=%2Fa%3Fb%3Dc%26d");
        assert_eq!(url(Surface::Agent, None), "/s?silent=1");
        assert_eq!(with_return_to("/s".into(), Surface::Admin, None), "/s?return_to=%2Fadmin%2F");
    }
}
