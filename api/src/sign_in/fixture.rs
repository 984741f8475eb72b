//! A usersource for the tests of kinds: configured as a request would configure it, with secrets sealed.

use super::Source;
use crate::authenticators::{self, SignIn};
use crate::key_ring::KeyRing;
use crate::outbound::{AddressPolicy, Outbound};
use crate::vault::Vault;
use domain::values::Usersource;
use domain::{Audience, Fields, HelpdeskId, SsoMode, Timestamp};
use serde_json::{Value, json};

/// Our own URL in these tests.
pub(crate) const BASE_URL: &str = "https://help.example";

/// One usersource and all that a kind may ask for.
pub(crate) struct Fixture {
    pub(crate) helpdesk: HelpdeskId,
    pub(crate) usersource: Usersource,
    pub(crate) vault: Vault,
    pub(crate) outbound: Outbound,
    pub(crate) now: Timestamp,
}

impl Fixture {
    /// An enabled usersource `us_1` of `kind` with these settings and no others.
    pub(crate) fn new(kind: &str, audience: Audience, settings: Value) -> Self {
        Self::named("us_1", kind, audience, settings)
    }

    /// The same with another id, for a provider that knows several of us.
    pub(crate) fn named(id: &str, kind: &str, audience: Audience, settings: Value) -> Self {
        let vault = Vault::new(&KeyRing::fresh().unwrap()).unwrap();
        let authenticator = authenticators::kind(kind).unwrap();
        let Value::Object(members) = json!({"title": "Test", "settings": settings}) else { unreachable!() };
        let mut input = authenticators::read_input(authenticator, audience, &members, &Fields::default()).unwrap();
        let made = authenticator.made_at_install().unwrap();
        for (field, value) in made {
            input.entry(field).or_insert(Some(value));
        }
        let helpdesk = HelpdeskId::new("default");
        let sealed = authenticators::seal_input(&vault, &helpdesk, &id.into(), input).unwrap();
        let usersource = Usersource {
            id: id.into(),
            kind: kind.to_owned(),
            audience,
            capabilities: authenticator.capabilities(),
            fields: sealed.into_iter().filter_map(|(field, value)| Some((field, value?))).collect(),
            enabled: true,
            sso: SsoMode::Off,
            sessions_valid_from: None,
            revision: 1,
        };
        let outbound = Outbound::new(AddressPolicy::PrivateToo).unwrap();
        let now = time::OffsetDateTime::now_utc().unix_timestamp() * 1000;
        Self { helpdesk, usersource, vault, outbound, now: Timestamp::from_millis(now) }
    }

    /// As its kind sees it.
    pub(crate) fn source(&self) -> Source<'_> {
        Source {
            helpdesk: &self.helpdesk,
            usersource: &self.usersource,
            base_url: BASE_URL,
            now: self.now,
            vault: &self.vault,
            outbound: &self.outbound,
        }
    }

    /// How its kind signs people in.
    pub(crate) fn sign_in(&self) -> SignIn {
        authenticators::kind(&self.usersource.kind).unwrap().sign_in()
    }
}
