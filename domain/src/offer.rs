//! What a surface offers its visitors (R20–R25): a pure function of an audience's usersources.
//!
//! The state of the aggregate and the rows of the read model both give entries, and this one function makes the
//! answer of both, so a login page from memory and one from the database cannot differ.

use crate::catalogue::Display;
use crate::values::{Audience, SsoMode, Surface, UsersourceId};

/// What the answer depends on, of one usersource. Entries come in the admins' order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: UsersourceId,
    /// Its kind's slug.
    pub kind: String,
    /// Whom it serves.
    pub audience: Audience,
    /// Where it appears.
    pub display: Display,
    /// Whether its kind is built in: `deskpro`, which has passwords of its own.
    pub built_in: bool,
    /// What it is called.
    pub title: String,
    /// What its button says.
    pub button_text: Option<String>,
    /// Whether anybody may use it.
    pub enabled: bool,
    /// Its single sign-on mode.
    pub sso: SsoMode,
    /// Whether it can try silently.
    pub silent: bool,
}

/// The e-mail-and-password form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Who is asked, in this order (R26).
    pub usersources: Vec<UsersourceId>,
    /// Whether passwords can be recovered and changed here (R24).
    pub own_passwords: bool,
}

/// A button or an icon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which usersource.
    pub id: UsersourceId,
    /// Its kind's slug.
    pub kind: String,
    /// What the visitor reads.
    pub text: String,
}

/// What a surface offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Where.
    pub surface: Surface,
    /// Whether content may be seen without signing in (R21).
    pub guests_allowed: bool,
    /// To whom everybody is sent at once (R21).
    pub automatic: Option<Choice>,
    /// Who may try silently, once per browser session (R25).
    pub silent: Option<UsersourceId>,
    /// The one form, if at least one form kind is enabled (R23).
    pub form: Option<Form>,
    /// One for each enabled usersource with a button (R23).
    pub buttons: Vec<Choice>,
    /// One for each enabled social usersource (R23).
    pub icons: Vec<Choice>,
}

/// What `surface` offers, given its helpdesk's usersources (those of the other audience are passed over).
pub fn offer(surface: Surface, entries: &[Entry]) -> Offer {
    let enabled = || entries.iter().filter(|e| e.audience == surface.audience() && e.enabled);
    let mut offer = Offer {
        surface,
        guests_allowed: true,
        automatic: None,
        silent: None,
        form: None,
        buttons: Vec::new(),
        icons: Vec::new(),
    };
    if let Some(holder) = enabled().find(|e| e.sso == SsoMode::Automatic) {
        offer.guests_allowed = surface != Surface::Portal;
        offer.automatic = Some(choice(holder, holder.title.clone()));
        return offer;
    }
    offer.silent = enabled().find(|e| e.sso == SsoMode::Background && e.silent).map(|e| e.id.clone());
    for entry in enabled() {
        match entry.display {
            Display::Form => {
                let form = offer.form.get_or_insert(Form { usersources: Vec::new(), own_passwords: false });
                form.usersources.push(entry.id.clone());
                form.own_passwords |= entry.built_in;
            }
            Display::Button => offer.buttons.extend(button_text(entry).map(|text| choice(entry, text))),
            Display::Icon => offer.icons.push(choice(entry, entry.title.clone())),
        }
    }
    offer
}

fn choice(entry: &Entry, text: String) -> Choice {
    Choice { id: entry.id.clone(), kind: entry.kind.clone(), text }
}

fn button_text(entry: &Entry) -> Option<String> {
    let fallback = || (entry.sso == SsoMode::Background).then(|| format!("Sign in with {}", entry.title));
    entry.button_text.clone().or_else(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, display: Display) -> Entry {
        Entry {
            id: id.into(),
            kind: id.into(),
            audience: Audience::Users,
            display,
            built_in: id == "deskpro",
            title: id.to_uppercase(),
            button_text: None,
            enabled: true,
            sso: SsoMode::Off,
            silent: false,
        }
    }

    fn ids(choices: &[Choice]) -> Vec<&str> {
        choices.iter().map(|c| c.id.as_str()).collect()
    }

    #[test]
    fn r23_one_form_buttons_and_icons_in_the_admins_order() {
        let mut entries = vec![
            entry("ldap", Display::Form),
            entry("google", Display::Icon),
            Entry { button_text: Some("Staff".into()), ..entry("saml", Display::Button) },
            entry("deskpro", Display::Form),
            entry("jwt", Display::Button),
            entry("twitter", Display::Icon),
            Entry { enabled: false, ..entry("facebook", Display::Icon) },
            Entry { audience: Audience::Agents, ..entry("database", Display::Form) },
        ];
        let seen = offer(Surface::Portal, &entries);
        assert_eq!(seen.form, Some(Form { usersources: vec!["ldap".into(), "deskpro".into()], own_passwords: true }));
        assert_eq!(ids(&seen.buttons), ["saml"], "a button without a text is not shown");
        assert_eq!(ids(&seen.icons), ["google", "twitter"]);
        assert!(seen.guests_allowed);

        entries[3].enabled = false;
        let without = offer(Surface::Portal, &entries).form.unwrap();
        assert!(!without.own_passwords, "R24: no lost password without deskpro");
        entries[0].enabled = false;
        assert_eq!(offer(Surface::Portal, &entries).form, None);
    }

    #[test]
    fn r23_r25_background_always_has_a_button_and_is_silent_if_its_protocol_can() {
        let mut oidc = Entry { sso: SsoMode::Background, ..entry("oidc", Display::Button) };
        assert_eq!(offer(Surface::Portal, std::slice::from_ref(&oidc)).silent, None);
        oidc.silent = true;
        let seen = offer(Surface::Portal, std::slice::from_ref(&oidc));
        assert_eq!(seen.silent, Some("oidc".into()));
        assert_eq!(seen.buttons[0].text, "Sign in with OIDC");
        oidc.button_text = Some("Enter".into());
        assert_eq!(offer(Surface::Portal, &[oidc]).buttons[0].text, "Enter");
    }

    #[test]
    fn r21_automatic_leaves_nothing_else_and_closes_the_portal_to_guests() {
        let entries = [
            entry("deskpro", Display::Form),
            Entry { sso: SsoMode::Automatic, ..entry("saml", Display::Button) },
            entry("google", Display::Icon),
        ];
        let seen = offer(Surface::Portal, &entries);
        assert_eq!(seen.automatic.map(|c| c.id), Some("saml".into()));
        assert!(!seen.guests_allowed);
        assert_eq!((seen.form, seen.buttons, seen.icons, seen.silent), (None, vec![], vec![], None));
        let agents = entries.map(|e| Entry { audience: Audience::Agents, ..e });
        let seen = offer(Surface::Agent, &agents);
        assert!(seen.automatic.is_some() && seen.guests_allowed, "guests are a matter of the portal alone");
    }
}
