//! Every word on the pages, in one place, so that languages can follow.

use crate::sign_in::Refused;

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::English];

    /// Its tag, as HTML and HTTP write it.
    pub fn code(self) -> &'static str {
        self.texts().lang
    }

    /// Its words.
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
        }
    }
}

/// The words of one language.
#[derive(Debug)]
#[expect(missing_docs, reason = "the English words beside each name say what it is")]
pub struct Texts {
    pub lang: &'static str,
    pub agents: &'static str,
    pub admins: &'static str,
    pub sign_in: &'static str,
    pub login: &'static str,
    pub password: &'static str,
    pub or: &'static str,
    pub try_again_with: &'static str,
    pub nothing_offered: &'static str,
    pub lost_password: &'static str,
    pub lost_password_help: &'static str,
    pub send_link: &'static str,
    pub check_your_mail: &'static str,
    pub check_your_mail_help: &'static str,
    pub back_to_sign_in: &'static str,
    pub new_password_heading: &'static str,
    pub new_password: &'static str,
    pub current_password: &'static str,
    pub at_least: &'static str,
    pub characters: &'static str,
    pub save_password: &'static str,
    pub change_password: &'static str,
    pub first_admin: &'static str,
    pub first_admin_help: &'static str,
    pub email: &'static str,
    pub name: &'static str,
    pub create_admin: &'static str,
    pub signed_out: &'static str,
    pub signed_out_help: &'static str,
    pub sign_in_again: &'static str,
    pub signed_in: &'static str,
    pub signed_in_through: &'static str,
    pub sign_out: &'static str,
    pub not_found: &'static str,
    pub not_found_help: &'static str,
    pub refused: &'static str,
    pub cross_site_help: &'static str,
    pub unavailable: &'static str,
    pub unavailable_help: &'static str,
    pub wrong_credentials: &'static str,
    pub link_expired: &'static str,
    pub too_many: &'static str,
    pub automatic_only: &'static str,
    pub busy: &'static str,
    pub password_saved: &'static str,
    pub password_saved_help: &'static str,
    pub password_changed_help: &'static str,
    pub not_in_this_version: &'static str,
}

impl Texts {
    /// What the visitor reads when the form did not let them in.
    pub fn refusal(&self, refused: &Refused) -> &'static str {
        match refused {
            Refused::Mismatch => self.wrong_credentials,
            Refused::TooMany => self.too_many,
            Refused::NoForm => self.not_found_help,
            Refused::Automatic => self.automatic_only,
            Refused::Busy => self.busy,
            Refused::Unavailable => self.unavailable_help,
        }
    }
}

static ENGLISH: Texts = Texts {
    lang: "en",
    agents: "Agents",
    admins: "Administrators",
    sign_in: "Sign in",
    login: "E-mail address or user name",
    password: "Password",
    or: "or",
    try_again_with: "Try again with",
    nothing_offered: "Nobody can sign in here at the moment. Please ask the people who run this helpdesk.",
    lost_password: "Lost password",
    lost_password_help: "Enter your e-mail address. If it belongs to an account with a password, we send a link to it.",
    send_link: "Send the link",
    check_your_mail: "Check your mail",
    check_your_mail_help: "If the address belongs to an account with a password, a link is on its way. It works once, \
                           and for a short time only.",
    back_to_sign_in: "Back to sign-in",
    new_password_heading: "Choose a new password",
    new_password: "New password",
    current_password: "Current password",
    at_least: "At least",
    characters: "characters. A few random words are easy to remember and hard to guess.",
    save_password: "Save password",
    change_password: "Change password",
    first_admin: "Create the first administrator",
    first_admin_help: "Nobody can sign in yet. The account that you make here can do everything. This page works once.",
    email: "E-mail address",
    name: "Name",
    create_admin: "Create administrator",
    signed_out: "You are signed out",
    signed_out_help: "You can close this page.",
    sign_in_again: "Sign in again",
    signed_in: "You are signed in",
    signed_in_through: "Signed in through",
    sign_out: "Sign out",
    not_found: "Not found",
    not_found_help: "There is no such page here. Please check the address.",
    refused: "Refused",
    cross_site_help: "This form was sent from another site, or the browser did not say from where. Please open the \
                      page again and repeat what you did.",
    unavailable: "Not available at the moment",
    unavailable_help: "The service cannot answer at the moment. Please try again shortly.",
    wrong_credentials: "This login and password do not match. Please try again.",
    too_many: "Too many failed attempts. Please try again in a few minutes.",
    automatic_only: "Signing in here happens at the provider alone.",
    busy: "Many people are signing in at this moment. Please try again in a few seconds.",
    password_saved: "Your password is saved",
    password_saved_help: "You can sign in with it now. Wherever you were signed in, you are signed out.",
    password_changed_help: "Wherever else you were signed in, you are signed out.",
    not_in_this_version: "This way to sign in is configured, but this version of the service cannot use it yet.",
    link_expired: "This link has expired or was used before. Please ask for a new one.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_code_of_its_own() {
        let codes: Vec<_> = Language::ALL.map(Language::code).to_vec();
        assert!(codes.iter().enumerate().all(|(at, code)| !codes[..at].contains(code)));
    }
}
