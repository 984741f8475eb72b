//! What a verified assertion says.
//!
//! Spec: SAML Core 2.3 to 2.7, SAML Profiles 4.1.4.2 and 4.1.4.3.
//! Stops: an assertion for another use than this sign-in (holder of key, more than one confirmation, not valid yet, about
//! attributes alone).
//! Times, audience, recipient and the request that is answered are judged by the verifier, on the same bytes.

use super::document::{ASSERTION, Node, Unusable};
use super::name_id::NameId;
use domain::Timestamp;
use serde_json::{Map, Value};

/// How far clocks may differ, in seconds.
pub(super) const SKEW: i64 = 60;
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// An assertion whose signature, times and audience were found to hold.
pub(super) struct Assertion {
    /// Its name, which may be used once.
    pub id: String,
    /// Who says so.
    pub issuer: String,
    /// Whom it is about.
    pub name_id: NameId,
    /// Until when it would be accepted.
    pub accepted_until: Timestamp,
    /// When the person proved themselves: the earliest moment, if several are told.
    pub authenticated_at: Timestamp,
    /// The provider's name of the session.
    pub session: Option<String>,
    /// What is said of the person.
    pub attributes: Vec<Attribute>,
}

/// One attribute of a person.
pub(super) struct Attribute {
    /// Its name.
    pub name: String,
    /// What people call it, if the provider says so.
    pub friendly_name: Option<String>,
    /// Its values, in order.
    pub values: Vec<String>,
}

impl Assertion {
    /// Reads the assertion element.
    pub(super) fn read(assertion: &Node<'_>, now: Timestamp) -> Result<Self, Unusable> {
        let subject = assertion.only(ASSERTION, "Subject")?;
        let name_id = subject.optional(ASSERTION, "NameID")?;
        let name_id =
            name_id.ok_or_else(|| Unusable::new("the assertion names nobody; let the provider send a name id"))?;
        let mut authenticated_at: Option<Timestamp> = None;
        let mut session = None;
        for statement in assertion.all(ASSERTION, "AuthnStatement") {
            let at = statement.moment("AuthnInstant")?;
            authenticated_at = authenticated_at.into_iter().chain(at).min();
            session = session.or_else(|| statement.attribute("SessionIndex").map(str::to_owned));
        }
        let unproven = || Unusable::new("the assertion does not say that and when anybody proved themselves");
        let authenticated_at = authenticated_at.ok_or_else(unproven)?;
        Ok(Self {
            id: assertion.needed("ID")?.to_owned(),
            issuer: assertion.only(ASSERTION, "Issuer")?.text()?,
            name_id: NameId::read(&name_id)?,
            accepted_until: confirmed_until(&subject, now)?,
            authenticated_at,
            session,
            attributes: attributes(assertion)?,
        })
    }

    /// The attributes for filters (R32): by name, and by friendly name where no attribute has that as its name. What
    /// has one value is a text, what has several is a list.
    pub(super) fn claims(&self) -> Map<String, Value> {
        let by_friendly_name = self.attributes.iter().filter_map(|a| Some((a.friendly_name.as_ref()?, a)));
        let by_name = self.attributes.iter().map(|a| (&a.name, a));
        by_friendly_name.chain(by_name).map(|(name, attribute)| (name.clone(), attribute.claim())).collect()
    }
}

impl Attribute {
    fn claim(&self) -> Value {
        match self.values.as_slice() {
            [only] => Value::from(only.as_str()),
            several => Value::from(several),
        }
    }
}

/// The one confirmation, which must be that of the bearer.
fn confirmed_until(subject: &Node<'_>, now: Timestamp) -> Result<Timestamp, Unusable> {
    let confirmation = subject.only(ASSERTION, "SubjectConfirmation")?;
    if confirmation.needed("Method")? != BEARER {
        return Err(Unusable::new("the subject's confirmation is not that of the bearer"));
    }
    let data = confirmation.only(ASSERTION, "SubjectConfirmationData")?;
    if data.moment("NotBefore")?.is_some_and(|from| from > now.plus_seconds(SKEW)) {
        return Err(Unusable::new("the subject's confirmation is not valid yet"));
    }
    let until = data.moment("NotOnOrAfter")?;
    until.map(|until| until.plus_seconds(SKEW)).ok_or_else(|| Unusable::new("the subject's confirmation has no end"))
}

/// All attributes; one that comes in several pieces has the values of all.
fn attributes(assertion: &Node<'_>) -> Result<Vec<Attribute>, Unusable> {
    let mut found: Vec<Attribute> = Vec::new();
    let statements = assertion.all(ASSERTION, "AttributeStatement");
    for element in statements.flat_map(|statement| statement.all(ASSERTION, "Attribute")) {
        let name = element.needed("Name")?;
        let values = element.all(ASSERTION, "AttributeValue").map(|value| value_of(&value));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        match found.iter_mut().find(|attribute| attribute.name == name) {
            Some(attribute) => attribute.values.extend(values),
            None => found.push(Attribute {
                name: name.to_owned(),
                friendly_name: element.attribute("FriendlyName").map(str::to_owned),
                values,
            }),
        }
    }
    Ok(found)
}

/// A value is text; a few providers put a name id into it.
fn value_of(value: &Node<'_>) -> Result<String, Unusable> {
    let inner: Vec<_> = value.elements().collect();
    match inner.as_slice() {
        [] => value.text(),
        [name_id] if name_id.is(ASSERTION, "NameID") => name_id.text(),
        _ => Ok(value.deep_text()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::parse;
    use super::*;

    const NOW: i64 = 1_000_000_000_000;
    const PROOF: &str = "<AuthnStatement AuthnInstant='2026-01-02T00:00:00Z' SessionIndex='s1'/>";

    fn read(confirmation: &str, more: &str) -> Result<Assertion, Unusable> {
        let xml = format!(
            "<Assertion xmlns='{ASSERTION}' ID='_a'><Issuer>urn:idp</Issuer><Subject><NameID>jane</NameID>{confirmation}\
             </Subject>{more}</Assertion>"
        );
        let document = parse(&xml)?;
        Assertion::read(&Node::root(&document)?, Timestamp::from_millis(NOW))
    }

    fn bearer(data: &str) -> String {
        format!("<SubjectConfirmation Method='{BEARER}'><SubjectConfirmationData {data}/></SubjectConfirmation>")
    }

    fn until(millis: i64) -> String {
        format!("NotOnOrAfter='{}'", Timestamp::from_millis(NOW + millis))
    }

    #[test]
    fn one_confirmation_and_that_of_the_bearer() {
        let good = bearer(&until(300_000));
        let read_well = read(&good, PROOF).unwrap();
        assert_eq!(read_well.accepted_until, Timestamp::from_millis(NOW + 360_000), "kept as long as it is accepted");
        let soon = format!("{} NotBefore='{}'", until(300_000), Timestamp::from_millis(NOW + 61_000));
        let other = good.replace(BEARER, "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key");
        for wrong in [String::new(), format!("{good}{good}"), bearer(""), bearer(&soon), other] {
            assert!(read(&wrong, PROOF).is_err(), "{wrong}");
        }
    }

    #[test]
    fn attributes_are_told_by_name_and_by_friendly_name() {
        let more = "<AttributeStatement>\
            <Attribute Name='urn:oid:1' FriendlyName='mail'><AttributeValue>a@x</AttributeValue></Attribute>\
            <Attribute Name='groups'><AttributeValue>one</AttributeValue></Attribute>\
            <Attribute Name='none'/></AttributeStatement><AttributeStatement>\
            <Attribute Name='groups' FriendlyName='none'><AttributeValue><NameID>two</NameID></AttributeValue></Attribute>\
            </AttributeStatement>";
        let claims = Value::Object(read(&bearer(&until(1)), &format!("{PROOF}{more}")).unwrap().claims());
        let expected = serde_json::json!({"urn:oid:1": "a@x", "mail": "a@x", "groups": ["one", "two"], "none": []});
        assert_eq!(claims, expected);
    }

    #[test]
    fn the_earliest_proof_counts_and_without_one_nobody_came() {
        let earlier = "<AuthnStatement AuthnInstant='2026-01-01T00:00:00Z' SessionIndex='s2'/>";
        let assertion = read(&bearer(&until(1)), &format!("{PROOF}{earlier}")).unwrap();
        assert_eq!(Some(assertion.authenticated_at), Timestamp::parse("2026-01-01T00:00:00Z"));
        assert_eq!(assertion.session.as_deref(), Some("s1"));
        for unproven in ["", "<AuthnStatement SessionIndex='s1'/>", "<AuthnStatement AuthnInstant='yesterday'/>"] {
            assert!(read(&bearer(&until(1)), unproven).is_err(), "{unproven}");
        }
    }
}
