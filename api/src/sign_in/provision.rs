//! Which account a person is, and the account that an unknown person is given (R30, R31).

use super::gate::identity_key;
use super::{ClaimedEmail, Person, Stopped};
use crate::accounts::{Account, Match, NewAccount, Role};
use crate::app::App;
use domain::values::{Usersource, unseen};
use domain::{Audience, Field, HelpdeskId, Setting};

/// What came of looking for a person's account.
pub enum Made {
    /// There is one.
    Found(Account),
    /// It was made.
    New(Account),
    /// There is none, and the usersource gives none.
    Nobody,
}

/// The most characters of a name.
const LONGEST_NAME: usize = 200;

impl App {
    /// The person's account. An unknown person is given one where the usersource says so.
    pub async fn match_or_make(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &Usersource,
        person: &Person,
    ) -> Result<Made, Stopped> {
        let key = identity_key(&usersource.id, person)?;
        let verified = person.email.as_ref().and_then(ClaimedEmail::verified);
        let new = role_of_the_unknown(usersource).map(|role| self.draw_up_for(helpdesk, usersource, person, role));
        let new = new.transpose()?;
        let place = (helpdesk, usersource.audience);
        let found = self.accounts.match_or_make(place, &key, verified, new.as_ref(), self.now()).await?;
        Ok(match found {
            None => Made::Nobody,
            Some((account, true)) => Made::New(account),
            Some((account, false)) => Made::Found(account),
        })
    }

    /// The same for a test (R42): nothing is made or linked.
    pub async fn would_match(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &Usersource,
        person: &Person,
    ) -> Result<Option<Match>, Stopped> {
        let key = identity_key(&usersource.id, person)?;
        let verified = person.email.as_ref().and_then(ClaimedEmail::verified);
        Ok(self.accounts.match_person(helpdesk, &key, verified).await?)
    }

    fn draw_up_for(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &Usersource,
        person: &Person,
        role: Role,
    ) -> Result<NewAccount, Stopped> {
        // An address that nobody verified is not kept: it would keep its real owner from having it here.
        let email = person.email.as_ref().and_then(ClaimedEmail::verified).map(|email| email.as_str());
        let mut new = self.draw_up(helpdesk, email, &name_of(person, usersource), role)?;
        new.group = group_of(usersource);
        Ok(new)
    }
}

/// What an unknown person becomes here; `None` where they get no account. Users do unless it is turned off, agents only
/// where auto agent is on.
pub fn role_of_the_unknown(usersource: &Usersource) -> Option<Role> {
    match usersource.audience {
        Audience::Users => {
            let off = usersource.fields.get("provisioning.create_accounts") == Some(&Setting::flag(false));
            (!off).then_some(Role::User)
        }
        Audience::Agents => usersource.fields.flag(Field::AUTO_AGENT).then_some(Role::Agent),
    }
}

fn group_of(usersource: &Usersource) -> Option<String> {
    let field = match usersource.audience {
        Audience::Users => "provisioning.grant_group",
        Audience::Agents => "provisioning.permission_group",
    };
    usersource.fields.text(field).map(str::to_owned)
}

/// What the person is called, made to fit: sources send empty names, control characters and whole paragraphs.
fn name_of(person: &Person, usersource: &Usersource) -> String {
    let fitting = |text: &str| {
        let shown: String = text.chars().filter(|c| unseen(&c.to_string()).is_none()).take(LONGEST_NAME).collect();
        let trimmed = shown.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    };
    let claimed = person.name.as_deref().and_then(fitting);
    let local_part = || person.email.as_ref().and_then(|email| fitting(email.email().as_str().split('@').next()?));
    claimed.or_else(local_part).or_else(|| fitting(usersource.title())).unwrap_or_else(|| usersource.kind.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::fixture::Fixture;
    use domain::Plain;
    use serde_json::{Map, json};

    fn usersource(audience: Audience) -> Usersource {
        Fixture::new("saml", audience, json!({})).usersource
    }

    fn person(name: Option<&str>, email: Option<ClaimedEmail>) -> Person {
        Person { issuer: "i".into(), subject: "s".into(), email, name: name.map(str::to_owned), claims: Map::new() }
    }

    #[test]
    fn r31_unknown_users_get_an_account_unless_that_is_off_and_agents_only_by_auto_agent() {
        let with = |audience, field: &str, on| {
            let mut usersource = usersource(audience);
            usersource.fields.set(Field::new(field), Some(Setting::flag(on)));
            role_of_the_unknown(&usersource)
        };
        assert_eq!(role_of_the_unknown(&usersource(Audience::Users)), Some(Role::User));
        assert_eq!(with(Audience::Users, "provisioning.create_accounts", false), None);
        assert_eq!(with(Audience::Users, "provisioning.create_accounts", true), Some(Role::User));
        assert_eq!(role_of_the_unknown(&usersource(Audience::Agents)), None);
        assert_eq!(with(Audience::Agents, "provisioning.auto_agent", true), Some(Role::Agent));
        assert_eq!(with(Audience::Agents, "provisioning.auto_agent", false), None);
    }

    #[test]
    fn r31_a_group_is_the_audiences_own() {
        let mut users = usersource(Audience::Users);
        users.fields.set(Field::new("provisioning.grant_group"), Some(Setting::Plain(Plain::from("VIP"))));
        users.fields.set(Field::new("provisioning.permission_group"), Some(Setting::Plain(Plain::from("Root"))));
        assert_eq!(group_of(&users).as_deref(), Some("VIP"));
    }

    #[test]
    fn names_are_made_to_fit() {
        let source = usersource(Audience::Users);
        assert_eq!(name_of(&person(Some("  Jane\u{202e}\0 Doe "), None), &source), "Jane Doe");
        assert_eq!(name_of(&person(Some(&"x".repeat(500)), None), &source).len(), 200);
        let email = ClaimedEmail::by_claim("jane.doe@x.test", false);
        assert_eq!(name_of(&person(Some("\n"), email), &source), "jane.doe");
        assert_eq!(name_of(&person(None, None), &source), "Test");
    }
}
