//! Every word on the pages, in one place, so that languages can follow.

use crate::sign_in::{Refused, Tried};

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
    pub wrong_or_away: &'static str,
    pub link_expired: &'static str,
    pub too_many: &'static str,
    pub automatic_only: &'static str,
    pub busy: &'static str,
    pub password_saved: &'static str,
    pub password_saved_help: &'static str,
    pub password_changed_help: &'static str,
    pub onward: &'static str,
    pub onward_help: &'static str,
    pub signing_out_there: &'static str,
    pub onward_back: &'static str,
    pub go_on: &'static str,
    pub identities: &'static str,
    pub identities_none: &'static str,
    pub identities_fresh: &'static str,
    pub identities_last: &'static str,
    pub identities_ask_again: &'static str,
    pub confirm_yourself: &'static str,
    pub link: &'static str,
    pub unlink: &'static str,
    pub test_report: &'static str,
    pub test_admitted: &'static str,
    pub test_refused: &'static str,
    pub test_linked: &'static str,
    pub test_by_email: &'static str,
    pub test_new: &'static str,
    pub test_nobody: &'static str,
    pub test_proven: &'static str,
    pub test_steps: &'static str,
    pub test_claims: &'static str,
    pub tried_began: &'static str,
    pub tried_cancelled: &'static str,
    pub tried_unreachable: &'static str,
    pub tried_misconfigured: &'static str,
    pub tried_failed: &'static str,
    pub tried_expired: &'static str,
    pub tried_switched_off: &'static str,
    pub tried_changed: &'static str,
    pub tried_not_admitted: &'static str,
    pub tried_no_account: &'static str,
    pub tried_disabled: &'static str,
    pub tried_linked_elsewhere: &'static str,
}

impl Texts {
    /// What the visitor reads when the form did not let them in.
    pub fn refusal(&self, refused: &Refused) -> &'static str {
        match refused {
            Refused::Mismatch => self.wrong_credentials,
            Refused::MismatchOrAway => self.wrong_or_away,
            Refused::TooMany => self.too_many,
            Refused::NoForm => self.not_found_help,
            Refused::Automatic => self.automatic_only,
            Refused::Busy => self.busy,
            Refused::Unavailable => self.unavailable_help,
        }
    }

    /// What the visitor reads after an attempt through a provider; nothing where there is nothing to say.
    pub fn tried(&self, tried: Tried) -> Option<&'static str> {
        Some(match tried {
            Tried::Silently => return None,
            Tried::Began => self.tried_began,
            Tried::SignedOut => self.signed_out,
            Tried::Cancelled => self.tried_cancelled,
            Tried::Unreachable => self.tried_unreachable,
            Tried::Misconfigured => self.tried_misconfigured,
            Tried::Failed => self.tried_failed,
            Tried::Expired => self.tried_expired,
            Tried::SwitchedOff => self.tried_switched_off,
            Tried::Changed => self.tried_changed,
            Tried::NotAdmitted => self.tried_not_admitted,
            Tried::NoAccount => self.tried_no_account,
            Tried::Disabled => self.tried_disabled,
            Tried::LinkedElsewhere => self.tried_linked_elsewhere,
            Tried::Unavailable => self.unavailable_help,
        })
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
    wrong_or_away: "This login and password do not match, or the directory that would know them does not answer at the \
                    moment. Please try again shortly.",
    wrong_credentials: "This login and password do not match. Please try again.",
    too_many: "Too many failed attempts. Please try again in a few minutes.",
    automatic_only: "Signing in here happens at the provider alone.",
    busy: "Many people are signing in at this moment. Please try again in a few seconds.",
    password_saved: "Your password is saved",
    password_saved_help: "You can sign in with it now. Wherever you were signed in, you are signed out.",
    password_changed_help: "Wherever else you were signed in, you are signed out.",
    onward: "One moment",
    onward_help: "You are sent on to",
    signing_out_there: "You are signed out here. One moment: you are signed out too at",
    onward_back: "You are almost there.",
    go_on: "Go on",
    identities: "Your ways to sign in",
    identities_none: "No other way to sign in is linked to your account.",
    identities_fresh: "To change something here, sign out and in again; what you do within five minutes counts.",
    identities_last: "This is the last proven way in for administrators. Prove another one first, or enable Deskpro for \
                      agents.",
    identities_ask_again: "To change something here, show once more that it is you; what you do within five minutes \
                           counts.",
    confirm_yourself: "Confirm that it is you",
    link: "Link",
    unlink: "Unlink",
    test_report: "Test of a usersource",
    test_admitted: "This person would get in.",
    test_refused: "This person would not get in:",
    test_linked: "The identity is linked to the account",
    test_by_email: "The verified address would find the account",
    test_new: "A new account would be made",
    test_nobody: "Nobody here is meant by this answer, and no account would be made.",
    test_proven: "This usersource, as it is configured now, counts as a proven way in for admins.",
    test_steps: "What happened",
    test_claims: "What the source said of the person",
    tried_began: "You came back without having signed in.",
    tried_cancelled: "You did not finish signing in there. Please try again.",
    tried_unreachable: "The place where you sign in does not answer at the moment. Please try again shortly.",
    tried_misconfigured: "Signing in there is not set up correctly. Please tell the people who run this helpdesk.",
    tried_failed: "The answer from there could not be accepted. Please try again.",
    tried_expired: "Signing in took too long, was used before, or began in another browser. Please try again.",
    tried_switched_off: "This way to sign in was switched off. Please use one that is offered here.",
    tried_changed: "This way to sign in was changed while you were on your way. Please try again.",
    tried_not_admitted: "You are known there, but not admitted here. Please ask the people who run this helpdesk.",
    tried_no_account: "You are known there, but have no account here. Please ask the people who run this helpdesk.",
    tried_disabled: "Your account here is disabled. Please ask the people who run this helpdesk.",
    tried_linked_elsewhere: "This identity belongs to another account here.",
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
