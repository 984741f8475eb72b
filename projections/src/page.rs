//! The public answer to "how can I sign in here?", as JSON.

use domain::offer::{Choice, Offer};
use domain::{Audience, HelpdeskId, Surface, UsersourceId};
use serde::{Deserialize, Serialize};

/// What a surface's visitor may choose. Every field is always present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginOptions {
    /// Whose page.
    pub helpdesk: HelpdeskId,
    /// Which page.
    pub surface: Surface,
    /// Whose usersources are offered.
    pub audience: Audience,
    /// The helpdesk's version at which it is so.
    pub version: u64,
    /// Whether content may be seen without signing in (R21).
    pub guests_allowed: bool,
    /// Where everybody is sent at once (R21).
    pub automatic: Option<Link>,
    /// Where one silent attempt is made per browser session (R25).
    pub silent: Option<Link>,
    /// The one form (R23).
    pub form: Option<Form>,
    /// One for each usersource with a button (R23).
    pub buttons: Vec<Button>,
    /// One for each social usersource (R23).
    pub icons: Vec<Icon>,
}

/// A usersource and where a sign-in through it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Which.
    pub usersource: UsersourceId,
    /// Where.
    pub url: String,
}

/// The e-mail-and-password form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Where it is posted.
    pub action: String,
    /// Who is asked, in this order (R26).
    pub usersources: Vec<UsersourceId>,
    /// Where a lost password is replaced; null without `deskpro` (R24).
    pub lost_password: Option<String>,
    /// Where a password is changed; null without `deskpro` (R24).
    pub change_password: Option<String>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// Which usersource.
    pub usersource: UsersourceId,
    /// Its kind's slug.
    pub kind: String,
    /// What it says.
    pub text: String,
    /// Where it leads.
    pub url: String,
}

/// An icon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icon {
    /// Which usersource.
    pub usersource: UsersourceId,
    /// Its kind's slug.
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// Where it leads.
    pub url: String,
}

/// Where a sign-in through `usersource` begins.
pub fn start_url(usersource: &UsersourceId) -> String {
    format!("/auth/{usersource}/start")
}

/// The answer that `offer` makes.
pub fn login_options(helpdesk: &HelpdeskId, version: u64, offer: &Offer) -> LoginOptions {
    LoginOptions {
        helpdesk: helpdesk.clone(),
        surface: offer.surface,
        audience: offer.surface.audience(),
        version,
        guests_allowed: offer.guests_allowed,
        automatic: offer.automatic.as_ref().map(|c| Link { usersource: c.id.clone(), url: start_url(&c.id) }),
        silent: offer
            .silent
            .as_ref()
            .map(|id| Link { usersource: id.clone(), url: format!("{}?silent=1", start_url(id)) }),
        form: offer.form.as_ref().map(|form| Form {
            action: offer.surface.login_path().to_owned(),
            usersources: form.usersources.clone(),
            lost_password: form.own_passwords.then(|| "/lost-password".to_owned()),
            change_password: form.own_passwords.then(|| "/change-password".to_owned()),
        }),
        buttons: offer.buttons.iter().map(button).collect(),
        icons: offer.icons.iter().map(icon).collect(),
    }
}

fn button(choice: &Choice) -> Button {
    let Choice { id, kind, text } = choice;
    Button { usersource: id.clone(), kind: kind.clone(), text: text.clone(), url: start_url(id) }
}

fn icon(choice: &Choice) -> Icon {
    let Choice { id, kind, text } = choice;
    Icon { usersource: id.clone(), kind: kind.clone(), title: text.clone(), url: start_url(id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn choice(id: &str, kind: &str, text: &str) -> Choice {
        Choice { id: id.into(), kind: kind.into(), text: text.into() }
    }

    fn nothing(surface: Surface) -> Offer {
        Offer {
            surface,
            guests_allowed: true,
            automatic: None,
            silent: None,
            form: None,
            buttons: Vec::new(),
            icons: Vec::new(),
        }
    }

    #[test]
    fn r23_the_json_is_the_contracts() {
        let offer = Offer {
            silent: Some("us_5f".into()),
            form: Some(domain::offer::Form { usersources: vec!["us_01".into(), "us_7c".into()], own_passwords: true }),
            buttons: vec![choice("us_5f", "saml", "Staff intranet")],
            icons: vec![choice("us_9d", "google", "Google")],
            ..nothing(Surface::Portal)
        };
        assert_eq!(
            serde_json::to_value(login_options(&"default".into(), 17, &offer)).unwrap(),
            json!({
                "helpdesk": "default", "surface": "portal", "audience": "users", "version": 17,
                "guests_allowed": true,
                "automatic": null,
                "silent": {"usersource": "us_5f", "url": "/auth/us_5f/start?silent=1"},
                "form": {"action": "/login", "usersources": ["us_01", "us_7c"],
                         "lost_password": "/lost-password", "change_password": "/change-password"},
                "buttons": [{"usersource": "us_5f", "kind": "saml", "text": "Staff intranet",
                             "url": "/auth/us_5f/start"}],
                "icons": [{"usersource": "us_9d", "kind": "google", "title": "Google", "url": "/auth/us_9d/start"}]
            })
        );
    }

    #[test]
    fn r21_r24_fields_without_a_value_are_null() {
        let offer =
            Offer { automatic: Some(choice("us_1", "saml", "S")), guests_allowed: false, ..nothing(Surface::Portal) };
        let seen = serde_json::to_value(login_options(&"h".into(), 1, &offer)).unwrap();
        assert_eq!(seen["automatic"], json!({"usersource": "us_1", "url": "/auth/us_1/start"}));
        assert_eq!((&seen["form"], &seen["silent"], &seen["buttons"]), (&json!(null), &json!(null), &json!([])));
        let form = Some(domain::offer::Form { usersources: vec!["us_2".into()], own_passwords: false });
        let seen =
            serde_json::to_value(login_options(&"h".into(), 1, &Offer { form, ..nothing(Surface::Admin) })).unwrap();
        assert_eq!(
            seen["form"],
            json!({"action": "/admin/login", "usersources": ["us_2"], "lost_password": null, "change_password": null})
        );
    }
}
